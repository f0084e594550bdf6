//! What one account of a service can do, as numbers and facts. Connectors fill this in after a probe; the planner,
//! the window and the conformance suite only read it.

use crate::digest::Algorithm;
use serde::{Deserialize, Serialize};

/// The rules of sending a file in parts of equal size but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRules {
    /// Smallest part but the last, in bytes.
    pub min: u64,
    /// Largest part, in bytes.
    pub max: u64,
    /// Most parts in a file.
    pub max_count: u32,
    /// Whether parts may arrive in any order and at once.
    pub any_order: bool,
    /// Whether the service can say which parts it has.
    pub server_lists_parts: bool,
    /// Whether the answer to a part carries the MD5 of its bytes.
    pub part_md5: bool,
}

/// Facts about one account of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)]
pub struct Capabilities {
    /// The whole-file way, with the largest file it takes in bytes (`None`: no limit known).
    pub whole_limit: Option<u64>,
    /// The way in parts, where there is one; whole files are always taken.
    pub parts: Option<PartRules>,
    /// Multipart is worth its extra requests from this size on, in bytes.
    pub parts_from: u64,
    /// Largest file in bytes, whichever way; `None` when none is known.
    pub largest_file: Option<u64>,
    /// Whether an empty file can be stored.
    pub empty_files: bool,
    /// Digests of whole files the service keeps and tells. Empty: the proof is a read-back.
    pub digests: Vec<Algorithm>,
    /// Whether the service can list what it holds.
    pub listable: bool,
    /// Whether records can be created, edited and published here.
    pub records: bool,
    /// Whether published records get new versions.
    pub versions: bool,
    /// Whether one byte range of a file can be fetched. `None`: only seen at the first download.
    pub ranges: Option<bool>,
    /// Whether files can be deleted.
    pub delete: bool,
    /// Whether files carry metadata.
    pub file_metadata: bool,
    /// Whether a link to a file can be given out.
    pub links: bool,
    /// Whether the service fetches a file from a link by itself.
    pub imports_links: bool,
    /// Whether file names keep `/` (a flat service only keeps it as text).
    pub folders: bool,
    /// Longest file name in UTF-8 bytes.
    pub name_limit: u32,
    /// Whether a file whose name is taken can be kept as an older version: an upload to that name then adds the next one.
    pub file_versions: bool,
    /// Uploads to one container that the service takes in one announcement, at least 1; 1 where it takes no lists.
    pub announce_at_once: u32,
    /// Whether an announcement to a taken name is refused and leaves what is there, so that nobody need look first.
    pub refuses_taken: bool,
    /// Most files one record holds.
    pub files_per_record: Option<u32>,
}

impl Capabilities {
    /// Whether the service's digests can prove a file without fetching it back.
    #[must_use]
    pub fn proves_by_digest(&self) -> bool {
        !self.digests.is_empty()
    }
}
