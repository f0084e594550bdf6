//! The repository's records and files, in memory and on disk.
//!
//! On disk: `records/ID.json` for each record, replaced whole; `uploads/UPLOAD.jsonl` for the parts of each
//! multipart upload, one line per part that arrived, so that a part costs one short write however many there are. A torn
//! last line is a part that did not arrive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::switches::Storage;
use crate::blobs::{Blobs, Piece};
use crate::disk::{make_folder, read_json, write_json};
use crate::options::SandboxError;

/// One record id: a draft, a published record, or a published record that is being edited.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    /// Shared by all versions.
    pub(crate) parent: String,
    pub(crate) owner: u64,
    /// The version's number, from 1.
    pub(crate) index: u32,
    pub(crate) created: Timestamp,
    pub(crate) published: Option<Edition>,
    pub(crate) draft: Option<Edition>,
}

/// What a record holds, as published or as drafted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Edition {
    pub(crate) updated: Timestamp,
    pub(crate) revision: u64,
    pub(crate) record_access: String,
    pub(crate) files_access: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) files_enabled: bool,
    pub(crate) default_preview: Option<String>,
    pub(crate) bucket: String,
    /// Whether the files are those of a published record and must stay.
    pub(crate) is_locked: bool,
    pub(crate) files: BTreeMap<String, FileEntry>,
}

/// One file of an edition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) key: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) is_hidden: bool,
    pub(crate) file_id: String,
    pub(crate) version_id: String,
    /// As sent at init; believed by nobody.
    pub(crate) told_size: Option<u64>,
    pub(crate) told_checksum: Option<String>,
    pub(crate) told_storage_class: Option<String>,
    pub(crate) multipart: Option<Multipart>,
    /// The content of an `L` file that waits for its commit.
    pub(crate) waiting: Option<Waiting>,
    /// What was committed.
    pub(crate) content: Option<Content>,
}

/// The plan of an `M` transfer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Multipart {
    pub(crate) upload: String,
    pub(crate) parts: u32,
    pub(crate) part_size: Option<u64>,
    pub(crate) storage: Storage,
}

/// Bytes that arrived whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) piece: Piece,
    pub(crate) md5: String,
}

/// A committed content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) size: u64,
    pub(crate) checksum: Option<String>,
    /// Whether the server's job has still to compute the MD5.
    pub(crate) waits_for_job: bool,
    /// The storage's own tag of an object that came in parts: it stays when the checksum is replaced.
    #[serde(default)]
    pub(crate) storage_tag: Option<String>,
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
    records: BTreeMap<String, Record>,
    uploads: HashMap<String, BTreeMap<u32, Part>>,
}

impl World {
    pub(crate) fn open(folder: &Path, blobs: Blobs) -> Result<Self, SandboxError> {
        let folder = folder.to_owned();
        make_folder(&folder.join("records"))?;
        make_folder(&folder.join("uploads"))?;
        let mut world = Self { folder, blobs, records: BTreeMap::new(), uploads: HashMap::new() };
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| SandboxError::Folder { path, source }
        };
        for path in names(&world.folder.join("records"), "json").map_err(at(&world.folder))? {
            if let Some(record) = read_json::<Record>(&path)? {
                world.records.insert(record.id.clone(), record);
            }
        }
        for path in names(&world.folder.join("uploads"), "jsonl").map_err(at(&world.folder))? {
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
        world.blobs.remove_unused(|blob| used.contains(blob)).map_err(at(&world.folder))?;
        Ok(world)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    pub(crate) fn record(&self, id: &str) -> Option<&Record> {
        self.records.get(id)
    }

    /// The versions that share a parent, oldest first.
    pub(crate) fn versions(&self, parent: &str) -> Vec<&Record> {
        let mut versions: Vec<_> = self.records().filter(|record| record.parent == parent).collect();
        versions.sort_by_key(|record| record.index);
        versions
    }

    /// The newest published version.
    pub(crate) fn latest(&self, parent: &str) -> Option<&Record> {
        self.versions(parent).into_iter().rfind(|record| record.published.is_some())
    }

    /// Puts a record in place of the one with its id and keeps it on disk; bytes nobody refers to any more are removed.
    pub(crate) fn put(&mut self, record: Record) -> io::Result<()> {
        write_json(&self.path(&record.id), &record)?;
        let before = self.records.insert(record.id.clone(), record);
        self.forget(before)
    }

    /// Removes a record.
    pub(crate) fn remove(&mut self, id: &str) -> io::Result<()> {
        fs::remove_file(self.path(id))?;
        let before = self.records.remove(id);
        self.forget(before)
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        let ids: Vec<_> = self.records.keys().cloned().collect();
        ids.iter().try_for_each(|id| self.remove(id))
    }

    /// The parts of an upload that have arrived.
    pub(crate) fn parts(&self, upload: &str) -> BTreeMap<u32, Part> {
        self.uploads.get(upload).cloned().unwrap_or_default()
    }

    /// Where a running or finished upload belongs: record id and key.
    pub(crate) fn upload_place(&self, upload: &str) -> Option<(String, String)> {
        self.records().find_map(|record| {
            let file =
                record.draft.iter().flat_map(|edition| edition.files.values()).find(|file| {
                    file.multipart.as_ref().is_some_and(|multipart| multipart.upload == upload)
                })?;
            Some((record.id.clone(), file.key.clone()))
        })
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
        let path = self.folder.join("uploads").join(format!("{upload}.jsonl"));
        append(&path, &text)?;
        if let Some(Piece { blob: Some(replaced), .. }) =
            count(self.uploads.entry(upload.to_owned()).or_default(), line)
        {
            self.blobs.remove(&replaced);
        }
        Ok(())
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join("records").join(format!("{id}.json"))
    }

    /// Removes uploads and blobs that only this former state referred to.
    fn forget(&mut self, before: Option<Record>) -> io::Result<()> {
        let Some(before) = before else { return Ok(()) };
        let mut gone: HashSet<String> = blobs_of_record(&before).map(str::to_owned).collect();
        let running: HashSet<_> = self.records().flat_map(uploads_of_record).map(str::to_owned).collect();
        for upload in uploads_of_record(&before).filter(|upload| !running.contains(*upload)) {
            let parts = self.uploads.remove(upload).unwrap_or_default();
            gone.extend(parts.into_values().filter_map(|part| part.piece.blob));
            match fs::remove_file(self.folder.join("uploads").join(format!("{upload}.jsonl"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if let Some(now) = self.record(&before.id) {
            blobs_of_record(now).for_each(|blob| _ = gone.remove(blob));
        }
        if !gone.is_empty() {
            self.blobs_in_use().for_each(|blob| _ = gone.remove(blob));
        }
        gone.iter().for_each(|blob| self.blobs.remove(blob));
        Ok(())
    }

    fn blobs_in_use(&self) -> impl Iterator<Item = &str> {
        let parts = self.uploads.values().flat_map(BTreeMap::values);
        let parts = parts.filter_map(|part| part.piece.blob.as_deref());
        self.records.values().flat_map(blobs_of_record).chain(parts)
    }
}

impl Record {
    /// What lists and other people see first.
    pub(crate) fn is_published(&self) -> bool {
        self.published.is_some()
    }
}

impl Edition {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            updated: now,
            revision: 5,
            record_access: "public".to_owned(),
            files_access: "public".to_owned(),
            metadata: Map::new(),
            files_enabled: true,
            default_preview: None,
            bucket: Uuid::new_v4().to_string(),
            is_locked: false,
            files: BTreeMap::new(),
        }
    }

    /// Notes a change.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.updated = now;
        self.revision += 1;
    }
}

impl FileEntry {
    pub(crate) fn new(key: &str, now: Timestamp) -> Self {
        Self {
            key: key.to_owned(),
            created: now,
            updated: now,
            metadata: None,
            is_hidden: false,
            file_id: Uuid::new_v4().to_string(),
            version_id: Uuid::new_v4().to_string(),
            told_size: None,
            told_checksum: None,
            told_storage_class: None,
            multipart: None,
            waiting: None,
            content: None,
        }
    }
}

/// A new record id: ten characters of Crockford's base 32 and a hyphen.
pub(crate) fn new_id() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let random = Uuid::new_v4();
    // Bytes 6 and 8 of a random UUID are partly fixed.
    let bytes = random.as_bytes()[..3].iter().chain(&random.as_bytes()[9..]);
    let mut id: String = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    id.insert(5, '-');
    id
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

fn files_of_record(record: &Record) -> impl Iterator<Item = &FileEntry> {
    record.published.iter().chain(&record.draft).flat_map(|edition| edition.files.values())
}

fn blobs_of_record(record: &Record) -> impl Iterator<Item = &str> {
    files_of_record(record).flat_map(|file| {
        let waiting = file.waiting.iter().map(|waiting| &waiting.piece);
        let content = file.content.iter().flat_map(|content| &content.pieces);
        waiting.chain(content).filter_map(|piece| piece.blob.as_deref())
    })
}

fn uploads_of_record(record: &Record) -> impl Iterator<Item = &str> {
    files_of_record(record).filter_map(|file| Some(file.multipart.as_ref()?.upload.as_str()))
}
