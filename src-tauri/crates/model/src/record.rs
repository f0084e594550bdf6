//! What services keep files in.

use crate::{clock::Timestamp, remote_file::RemoteFile};
use serde::{Deserialize, Serialize};

/// Free metadata: whatever shape the service has.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// What a container is, in the service's own terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerKind {
    /// An unpublished record.
    Draft,
    /// A published record.
    Record,
    /// A project, workspace or protocol.
    Project,
    /// A collection inside a project.
    Collection,
}

/// A project, collection or record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The path to use with the connector.
    pub path: String,
    /// What people call it. Foreign text.
    pub title: String,
    /// What it is.
    pub kind: ContainerKind,
    /// Whether files may be added now.
    pub writable: bool,
    /// Number of files, where told.
    pub files: Option<u64>,
    /// Their size in bytes, where told.
    pub bytes: Option<u64>,
    /// Last change.
    pub modified: Option<Timestamp>,
    /// The page a browser can open.
    pub web_page: Option<String>,
    /// The service's own metadata.
    pub metadata: Metadata,
    /// What the service says is wrong with it (missing fields before publishing, say), in its own words.
    pub complaints: Vec<String>,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// Something that holds files or further containers.
    Container {
        /// The container.
        container: Container,
    },
    /// A file.
    File {
        /// The file.
        file: RemoteFile,
    },
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The lines.
    pub entries: Vec<Entry>,
    /// How many there are in all, where told.
    pub total: Option<u64>,
    /// Give this back for the next page; `None` at the end.
    pub next: Option<String>,
}
