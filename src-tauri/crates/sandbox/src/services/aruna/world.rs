//! Projects, collections and objects, in memory and on disk.
//!
//! On disk, below `aruna/`: `projects/ID.json`, `collections/ID.json` and `objects/ID.json`, each replaced whole;
//! `uploads/ID.jsonl` for the parts of each multipart upload, one line per part that arrived. A torn last line is a part
//! that did not arrive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::asked::KeyValue;
use crate::blobs::{Blobs, Digests, Piece};
use crate::disk::{make_folder, read_json, write_json};
use crate::options::SandboxError;

/// What somebody may do in a project, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Right {
    Read,
    Append,
    Modify,
    Admin,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// By user id.
    pub(crate) rights: BTreeMap<String, Right>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Collection {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) labels: Vec<KeyValue>,
    pub(crate) hooks: Vec<KeyValue>,
    pub(crate) required_labels: Vec<String>,
    pub(crate) is_public: bool,
    /// Set in a copy that cannot be changed.
    pub(crate) version: Option<[u32; 3]>,
    pub(crate) created: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Initializing,
    Finalizing,
    Available,
    Error,
    Trash,
}

/// One revision of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) id: String,
    /// The first revision's id, shared by all of them.
    pub(crate) origin: String,
    pub(crate) revision: i64,
    pub(crate) filename: String,
    /// Without slashes at its ends.
    pub(crate) sub_path: String,
    pub(crate) labels: Vec<KeyValue>,
    pub(crate) hooks: Vec<KeyValue>,
    pub(crate) created: Timestamp,
    /// As declared until the content is there.
    pub(crate) content_len: i64,
    pub(crate) status: Status,
    pub(crate) data_class: String,
    pub(crate) source: Option<Value>,
    /// The hash told beforehand: the algorithm's name and hex.
    pub(crate) declared: Option<(String, String)>,
    /// The collection it was begun in.
    pub(crate) home: String,
    /// The multipart upload, while and after it runs.
    pub(crate) upload: Option<String>,
    /// Where its bytes are sent to, when that is outside of the lab.
    #[serde(default)]
    pub(crate) outside: Option<Outside>,
    pub(crate) content: Option<Content>,
    pub(crate) references: Vec<Reference>,
}

/// Stored bytes, hashed once they are available.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) digests: Option<Digests>,
    /// Set instead of pieces when the bytes are kept outside of the lab.
    #[serde(default)]
    pub(crate) outside: Option<Outside>,
}

/// A place in an S3-compatible server outside of the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outside {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Bytes, once they were read back.
    pub(crate) size: u64,
}

impl Outside {
    pub(crate) fn is_at(&self, other: &Self) -> bool {
        self.bucket == other.bucket && self.key == other.key
    }
}

/// What nothing in the world refers to any more.
pub(crate) enum Gone {
    Object(Outside),
    /// An upload that was never finished.
    Upload(Outside, String),
}

impl Content {
    /// Bytes.
    pub(crate) fn length(&self) -> u64 {
        match &self.outside {
            Some(outside) => outside.size,
            None => crate::blobs::length(&self.pieces),
        }
    }
}

/// An object revision's place in a collection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) collection: String,
    pub(crate) writeable: bool,
    pub(crate) auto_update: bool,
}

/// A part that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) piece: Piece,
    pub(crate) md5: String,
    pub(crate) times_received: u32,
}

#[derive(Serialize, Deserialize)]
struct PartLine {
    part: u32,
    blob: String,
    size: u64,
    md5: String,
}

/// Everything.
pub(crate) struct World {
    folder: PathBuf,
    blobs: Blobs,
    pub(super) projects: BTreeMap<String, Project>,
    pub(super) collections: BTreeMap<String, Collection>,
    pub(super) objects: BTreeMap<String, Object>,
    uploads: HashMap<String, BTreeMap<u32, Part>>,
    /// Who clears away what is kept outside of the lab.
    pub(super) gone: Option<UnboundedSender<Gone>>,
}

impl Object {
    /// Whether it waits for bytes or for its end.
    pub(crate) fn is_staging(&self) -> bool {
        matches!(self.status, Status::Initializing | Status::Finalizing)
    }

    /// `sub/path/filename`
    pub(crate) fn key(&self) -> String {
        if self.sub_path.is_empty() {
            self.filename.clone()
        } else {
            format!("{}/{}", self.sub_path, self.filename)
        }
    }

    pub(crate) fn reference(&self, collection: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.collection == collection)
    }

    /// Whether it is in that collection, staged or referenced.
    pub(crate) fn is_in(&self, collection: &str) -> bool {
        let is_begun = self.is_staging() || self.status == Status::Error;
        self.reference(collection).is_some() || (is_begun && self.home == collection)
    }
}

impl World {
    pub(crate) fn open(folder: &Path, blobs: Blobs) -> Result<Self, SandboxError> {
        for part in ["projects", "collections", "objects", "uploads"] {
            make_folder(&folder.join(part))?;
        }
        let mut world = Self {
            folder: folder.to_owned(),
            blobs,
            projects: read_all(&folder.join("projects"), |project: &Project| project.id.clone())?,
            collections: read_all(&folder.join("collections"), |collection: &Collection| {
                collection.id.clone()
            })?,
            objects: read_all(&folder.join("objects"), |object: &Object| object.id.clone())?,
            uploads: HashMap::new(),
            gone: None,
        };
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| SandboxError::Folder { path, source }
        };
        for path in names(&folder.join("uploads"), "jsonl").map_err(at(folder))? {
            let text = fs::read_to_string(&path).map_err(at(&path))?;
            if !text.is_empty() && !text.ends_with('\n') {
                // The next line must not become part of the torn one.
                append(&path, b"\n").map_err(at(&path))?;
            }
            let mut parts = BTreeMap::new();
            for line in text.lines().filter_map(|line| serde_json::from_str::<PartLine>(line).ok()) {
                count(&mut parts, line);
            }
            let upload = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            world.uploads.insert(upload, parts);
        }
        let used: HashSet<_> = world.blobs_in_use().map(str::to_owned).collect();
        world.blobs.remove_unused(|blob| used.contains(blob)).map_err(at(folder))?;
        Ok(world)
    }

    pub(crate) fn put_project(&mut self, project: Project) -> io::Result<()> {
        write_json(&self.path("projects", &project.id), &project)?;
        self.projects.insert(project.id.clone(), project);
        Ok(())
    }

    pub(crate) fn put_collection(&mut self, collection: Collection) -> io::Result<()> {
        write_json(&self.path("collections", &collection.id), &collection)?;
        self.collections.insert(collection.id.clone(), collection);
        Ok(())
    }

    /// Puts a revision in place of the one with its id; bytes nobody refers to any more are removed.
    pub(crate) fn put(&mut self, object: Object) -> io::Result<()> {
        write_json(&self.path("objects", &object.id), &object)?;
        let before = self.objects.insert(object.id.clone(), object);
        self.forget(before)
    }

    pub(crate) fn remove_project(&mut self, id: &str) -> io::Result<()> {
        self.projects.remove(id);
        fs::remove_file(self.path("projects", id))
    }

    pub(crate) fn remove_collection(&mut self, id: &str) -> io::Result<()> {
        self.collections.remove(id);
        fs::remove_file(self.path("collections", id))
    }

    pub(crate) fn remove(&mut self, id: &str) -> io::Result<()> {
        fs::remove_file(self.path("objects", id))?;
        let before = self.objects.remove(id);
        self.forget(before)
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let (objects, collections, projects): (Vec<_>, Vec<_>, Vec<_>) = (
            self.objects.keys().cloned().collect(),
            self.collections.keys().cloned().collect(),
            self.projects.keys().cloned().collect(),
        );
        objects.iter().try_for_each(|id| self.remove(id))?;
        collections.iter().try_for_each(|id| self.remove_collection(id))?;
        projects.iter().try_for_each(|id| self.remove_project(id))
    }

    /// The revisions of one object, oldest first.
    pub(crate) fn revisions(&self, origin: &str) -> Vec<&Object> {
        let mut all: Vec<_> = self.objects.values().filter(|object| object.origin == origin).collect();
        all.sort_by_key(|object| object.revision);
        all
    }

    /// The newest revision that is neither staged nor deleted.
    pub(crate) fn latest(&self, origin: &str) -> Option<&Object> {
        self.revisions(origin).into_iter().rfind(|object| object.status == Status::Available)
    }

    /// `latest.collection.project`
    pub(crate) fn bucket(&self, collection: &str) -> Option<String> {
        let collection = self.collections.get(collection)?;
        let project = self.projects.get(&collection.project)?;
        let version = match collection.version {
            None => "latest".to_owned(),
            Some([major, minor, patch]) => format!("{major}.{minor}.{patch}"),
        };
        Some(format!("{version}.{}.{}", collection.name, project.name))
    }

    pub(crate) fn collection_of_bucket(&self, bucket: &str) -> Option<&Collection> {
        self.collections.values().find(|collection| self.bucket(&collection.id).as_deref() == Some(bucket))
    }

    /// The available object under a key of a collection.
    pub(crate) fn at_path(&self, collection: &str, key: &str) -> Option<&Object> {
        self.objects.values().find(|object| {
            object.status == Status::Available
                && object.reference(collection).is_some()
                && object.key() == key
        })
    }

    /// The parts of an upload that have arrived.
    pub(crate) fn parts(&self, upload: &str) -> BTreeMap<u32, Part> {
        self.uploads.get(upload).cloned().unwrap_or_default()
    }

    /// The object an upload belongs to.
    pub(crate) fn of_upload(&self, upload: &str) -> Option<&Object> {
        self.objects.values().find(|object| object.upload.as_deref() == Some(upload))
    }

    /// Notes a part that has arrived whole; it replaces an earlier one of its number.
    pub(crate) fn add_part(
        &mut self,
        upload: &str,
        number: u32,
        piece: Piece,
        md5: String,
    ) -> io::Result<()> {
        let line = PartLine { part: number, blob: piece.blob.unwrap_or_default(), size: piece.length, md5 };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        append(&self.folder.join("uploads").join(format!("{upload}.jsonl")), &text)?;
        let before = count(self.uploads.entry(upload.to_owned()).or_default(), line);
        if let Some(Piece { blob: Some(replaced), .. }) = before {
            self.blobs.remove(&replaced);
        }
        Ok(())
    }

    fn path(&self, kind: &str, id: &str) -> PathBuf {
        self.folder.join(kind).join(format!("{id}.json"))
    }

    /// Removes the upload and the bytes that only this former state referred to.
    fn forget(&mut self, before: Option<Object>) -> io::Result<()> {
        let Some(before) = before else { return Ok(()) };
        self.forget_outside(&before);
        let mut gone: HashSet<String> = blobs_of(&before).map(str::to_owned).collect();
        if let Some(upload) = before.upload.as_deref().filter(|upload| self.of_upload(upload).is_none()) {
            let parts = self.uploads.remove(upload).unwrap_or_default();
            gone.extend(parts.into_values().filter_map(|part| part.piece.blob));
            match fs::remove_file(self.folder.join("uploads").join(format!("{upload}.jsonl"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if !gone.is_empty() {
            self.blobs_in_use().for_each(|blob| _ = gone.remove(blob));
        }
        gone.iter().for_each(|blob| self.blobs.remove(blob));
        Ok(())
    }

    fn forget_outside(&self, before: &Object) {
        let Some(gone) = &self.gone else { return };
        // Nobody listens any more while the lab stops.
        if let (Some(at), Some(upload), Status::Initializing) =
            (&before.outside, &before.upload, before.status)
            && self.of_upload(upload).is_none()
        {
            let _ = gone.send(Gone::Upload(at.clone(), upload.clone()));
        }
        if let Some(at) = before.content.as_ref().and_then(|content| content.outside.as_ref())
            && !self.is_kept(at)
        {
            let _ = gone.send(Gone::Object(at.clone()));
        }
    }

    /// Whether some object's bytes are at that place outside, or on their way there.
    pub(crate) fn is_kept(&self, at: &Outside) -> bool {
        self.objects.values().any(|object| {
            let content = object.content.as_ref().and_then(|content| content.outside.as_ref());
            let sent_to = object.outside.as_ref().filter(|_| object.is_staging());
            content.into_iter().chain(sent_to).any(|other| other.is_at(at))
        })
    }

    fn blobs_in_use(&self) -> impl Iterator<Item = &str> {
        let parts = self.uploads.values().flat_map(BTreeMap::values);
        let parts = parts.filter_map(|part| part.piece.blob.as_deref());
        self.objects.values().flat_map(blobs_of).chain(parts)
    }
}

fn blobs_of(object: &Object) -> impl Iterator<Item = &str> {
    let pieces = object.content.iter().flat_map(|content| &content.pieces);
    pieces.filter_map(|piece| piece.blob.as_deref())
}

fn read_all<T: DeserializeOwned>(
    folder: &Path,
    id: impl Fn(&T) -> String,
) -> Result<BTreeMap<String, T>, SandboxError> {
    let paths =
        names(folder, "json").map_err(|source| SandboxError::Folder { path: folder.to_owned(), source })?;
    let mut all = BTreeMap::new();
    for path in paths {
        if let Some(value) = read_json::<T>(&path)? {
            all.insert(id(&value), value);
        }
    }
    Ok(all)
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
}

fn names(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ending));
    Ok(paths)
}

/// Adds a line's part and gives back the bytes it replaced.
fn count(parts: &mut BTreeMap<u32, Part>, line: PartLine) -> Option<Piece> {
    let before = parts.remove(&line.part);
    let times_received = before.as_ref().map_or(0, |part| part.times_received) + 1;
    let piece = Piece { blob: Some(line.blob), length: line.size };
    parts.insert(line.part, Part { piece, md5: line.md5, times_received });
    before.map(|part| part.piece)
}
