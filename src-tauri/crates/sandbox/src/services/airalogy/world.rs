//! What the service keeps: files by UUID, and records.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::blobs::{Blobs, Piece};
use crate::disk::{read_json, write_json};
use crate::options::SandboxError;

/// One stored file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) protocol: String,
    /// As the client sent it.
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) piece: Piece,
    /// MD5 of the content: the storage's ETag.
    pub(crate) md5: String,
}

impl File {
    /// Whatever follows the last dot of the name is the extension, and a name without one is it as a whole.
    pub(crate) fn id(&self, uuid: &Uuid) -> String {
        let extension = self.name.rsplit('.').next().unwrap_or_default();
        format!("airalogy.id.file.{uuid}.{extension}")
    }
}

/// Everything.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<Uuid, File>,
    /// Records by UUID: every version, the first one first.
    pub(crate) records: BTreeMap<Uuid, Vec<Value>>,
    #[serde(skip)]
    path: PathBuf,
}

impl World {
    pub(crate) fn open(folder: &Path) -> Result<Self, SandboxError> {
        let path = folder.join("world.json");
        let world = read_json::<Self>(&path)?.unwrap_or_default();
        Ok(Self { path, ..world })
    }

    /// Removes bytes that a kill left without a file.
    pub(crate) fn remove_unused(&self, blobs: &Blobs) -> io::Result<()> {
        blobs.remove_unused(|blob| self.files.values().any(|file| file.piece.blob.as_deref() == Some(blob)))
    }

    pub(crate) fn save(&self) -> io::Result<()> {
        write_json(&self.path, self)
    }

    pub(crate) fn clear(&mut self, blobs: &Blobs) -> io::Result<()> {
        self.files.clear();
        self.records.clear();
        self.save()?;
        self.remove_unused(blobs)
    }

    /// The file of an id: the last but one piece is the UUID; anything else is taken for a bare one.
    pub(crate) fn file(&self, id: &str) -> Option<&File> {
        self.files.get(&uuid_of(id)?)
    }
}

fn uuid_of(id: &str) -> Option<Uuid> {
    if !id.starts_with("airalogy.id.file") {
        return id.parse().ok();
    }
    // An extension may hold anything but a dot.
    let mut pieces = id.rsplit('.');
    pieces.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::uuid_of;

    #[test]
    fn ids_are_read_as_the_server_reads_them() {
        let uuid = "0190c7a1-1111-7222-8333-444455556666";
        let expected = uuid.parse().ok();
        assert_eq!(uuid_of(uuid), expected);
        assert_eq!(uuid_of(&format!("airalogy.id.file.{uuid}.png")), expected);
        assert_eq!(uuid_of(&format!("airalogy.id.file.{uuid}.")), expected);
        assert_eq!(uuid_of(&format!("airalogy.id.file.{uuid}")), None, "the word \"file\" is looked up");
    }
}
