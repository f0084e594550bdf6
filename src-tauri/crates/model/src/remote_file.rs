//! A file as a service describes it.

use crate::{clock::Timestamp, digest::RemoteDigest, record::Metadata};
use serde::{Deserialize, Serialize};

/// Whether a file on the service can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Complete.
    Ready,
    /// Begun and not finished: it may block the record.
    Pending,
    /// The service gave up on it.
    Failed,
    /// The service is still working on it.
    Processing,
}

/// The member of a file's metadata that says, in the service's words, why its status is [`FileStatus::Failed`].
pub const WHY_FAILED: &str = "error_message";

/// A file on a service. Every field but the name is what the service claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteFile {
    /// The path to use with the connector, container included.
    pub path: String,
    /// The name inside its container. Foreign text: show it, never use it as a local path unchecked.
    pub name: String,
    /// Bytes, once known.
    pub size: Option<u64>,
    /// Whether it can be used.
    pub status: FileStatus,
    /// Digests the service keeps.
    pub digests: Vec<RemoteDigest>,
    /// Media type.
    pub media_type: Option<String>,
    /// Last change.
    pub modified: Option<Timestamp>,
    /// Identifies the content for conditional requests (an ETag, quotes included).
    pub revision: Option<String>,
    /// What the service knows besides.
    pub metadata: Metadata,
}
