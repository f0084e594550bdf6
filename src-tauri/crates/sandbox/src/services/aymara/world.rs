//! What the service keeps: files by UUID, removed ones included.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::blobs::{Blobs, Piece};
use crate::clock::wire_time;
use crate::disk::{read_json, write_json};
use crate::options::SandboxError;

/// One file, from when it was announced.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct File {
    /// Files are listed by it, the newest first.
    pub(crate) number: u64,
    pub(crate) organization: Uuid,
    pub(crate) uploaded_by: Uuid,
    pub(crate) workspace: Option<String>,
    /// The name, path or link it was announced with.
    pub(crate) original: String,
    /// Whether the service fetches it itself.
    pub(crate) is_remote: bool,
    pub(crate) content_type: String,
    /// Whether the client named the type.
    pub(crate) type_was_named: bool,
    /// The name in the storage.
    pub(crate) object: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// The content and its MD5, once it has arrived.
    pub(crate) content: Option<(Piece, String)>,
    /// Whether the service itself saw the bytes, and so knows the size.
    pub(crate) size_is_known: bool,
    /// How often the status was asked for since the content arrived.
    pub(crate) polls: u32,
    /// Why it failed.
    pub(crate) error: Option<String>,
    pub(crate) is_deleted: bool,
}

impl File {
    /// `image`, `video`, `text` or `document`.
    pub(crate) fn kind(&self) -> &'static str {
        match self.content_type.split('/').next() {
            Some("image") => "image",
            Some("video") => "video",
            Some("text") => "text",
            _ => "document",
        }
    }

    pub(crate) fn is_video(&self) -> bool {
        self.kind() == "video"
    }

    pub(crate) fn size(&self) -> Option<u64> {
        self.content.as_ref().map(|(piece, _)| piece.length)
    }

    /// The status now. Only what has to be fetched or cut into frames is ever anything but completed.
    pub(crate) fn status(&self, polls_needed: u32) -> &'static str {
        if self.error.is_some() {
            "failed"
        } else if !self.is_remote && !self.is_video() {
            // Also before a byte was sent.
            "completed"
        } else if self.content.is_none() || self.polls == 0 {
            "pending"
        } else if self.polls < polls_needed {
            "processing"
        } else {
            "completed"
        }
    }

    pub(crate) fn to_json(&self, uuid: &Uuid, link: Option<String>, frames: Option<u32>) -> Value {
        json!({
            "file_uuid": uuid,
            "file_type": self.kind(),
            "content_type": self.content_type,
            "created_at": wire_time(self.created),
            "updated_at": wire_time(self.updated),
            "organization_uuid": self.organization,
            "uploaded_by_uuid": self.uploaded_by,
            "workspace_uuid": self.workspace,
            "remote_file_path": self.object,
            "file_size_bytes": self.size().filter(|_| self.size_is_known),
            "file_url": link,
            "original_file_url": self.original,
            "video_metadata": frames.map(|count| json!({ "fps": 1.0, "duration": count, "frame_count": count })),
        })
    }
}

/// Everything.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct World {
    pub(crate) files: BTreeMap<Uuid, File>,
    numbers: u64,
    #[serde(skip)]
    path: PathBuf,
}

impl World {
    pub(crate) fn open(folder: &Path) -> Result<Self, SandboxError> {
        let path = folder.join("world.json");
        let world = read_json::<Self>(&path)?.unwrap_or_default();
        Ok(Self { path, ..world })
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Removes bytes that a kill left without a file.
    pub(crate) fn remove_unused(&self, blobs: &Blobs) -> io::Result<()> {
        let used = |blob: &str| {
            let mut pieces = self.files.values().filter_map(|file| file.content.as_ref());
            pieces.any(|(piece, _)| piece.blob.as_deref() == Some(blob))
        };
        blobs.remove_unused(used)
    }

    pub(crate) fn save(&self) -> io::Result<()> {
        write_json(&self.path, self)
    }

    pub(crate) fn clear(&mut self, blobs: &Blobs) -> io::Result<()> {
        self.files.clear();
        self.save()?;
        self.remove_unused(blobs)
    }

    /// A file that the organisation has and that is not removed.
    pub(crate) fn file(&self, uuid: &str, organization: &Uuid) -> Option<(Uuid, &File)> {
        let uuid: Uuid = uuid.parse().ok()?;
        let file = self.files.get(&uuid)?;
        (file.organization == *organization && !file.is_deleted).then_some((uuid, file))
    }

    /// The same, to change it.
    pub(crate) fn file_mut(&mut self, uuid: &str, organization: &Uuid) -> Option<(Uuid, &mut File)> {
        let (uuid, _) = self.file(uuid, organization)?;
        self.files.get_mut(&uuid).map(|file| (uuid, file))
    }
}
