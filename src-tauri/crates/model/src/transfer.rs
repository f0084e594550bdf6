//! One file on its way, as it is stored.

use crate::{
    clock::Timestamp,
    digest::DigestSet,
    ids::{AccountName, TransferId},
    record::Metadata,
    transfer_state::State,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From this computer to the service.
    Upload,
    /// From the service to this computer.
    Download,
}

/// What happens when the name is taken at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClashPolicy {
    /// Stop and ask. A file there that is proven to be the same bytes is no clash.
    #[default]
    Ask,
    /// Leave what is there.
    Skip,
    /// Take the next free name.
    Rename,
    /// Add a version, where the service has them.
    Version,
    /// Replace what is there.
    Replace,
}

/// How a file is sent or fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeChoice {
    /// By size and capability.
    #[default]
    Auto,
    /// One request.
    Whole,
    /// Parts; for a download, byte ranges.
    Parts,
}

/// Which proof to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyChoice {
    /// The service's digest; where it keeps none, read back.
    #[default]
    Auto,
    /// The service's digest only.
    Digest,
    /// Fetch again and compare.
    ReadBack,
    /// Size only; the result is not green.
    Size,
}

/// What tells that a local file is still the one we looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Bytes.
    pub size: u64,
    /// Last modification, nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// The file's number in its file system, where the system has one.
    pub file_id: Option<u64>,
}

/// The plan of an upload or download, stored before the first byte moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Whether it goes in parts (otherwise the single part is the file).
    pub in_parts: bool,
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// Number of parts, at least 1.
    pub part_count: u32,
}

/// A transfer as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its number.
    pub id: TransferId,
    /// The batch (one drop, one command) it came with.
    pub batch: i64,
    /// Which way.
    pub direction: Direction,
    /// Whose account.
    pub account: AccountName,
    /// The container on the service (an upload's target, a download's source).
    pub place: String,
    /// The file's name on the service.
    pub name: String,
    /// The file on this computer: an upload's source, a download's destination.
    pub local: PathBuf,
    /// Bytes, once known.
    pub size: Option<u64>,
    /// Bytes in parts whose receipts are stored. Finer progress is a sample and is not stored.
    pub bytes_done: u64,
    /// Where it stands.
    pub state: State,
    /// Name clash policy.
    pub on_clash: ClashPolicy,
    /// Upload shape asked for.
    pub shape: ShapeChoice,
    /// Proof asked for.
    pub verify: VerifyChoice,
    /// Metadata for the file.
    pub metadata: Metadata,
    /// The source as it was when checked.
    pub fingerprint: Option<Fingerprint>,
    /// Digests of the bytes moved.
    pub digests: DigestSet,
    /// The plan, once made.
    pub plan: Option<StoredPlan>,
    /// The connector's storable session, once begun.
    pub session: Option<serde_json::Value>,
    /// How many times it was started.
    pub attempts: u32,
    /// When the present row of failures began; empty after a success.
    pub failing_since: Option<Timestamp>,
    /// When it was queued.
    pub created: Timestamp,
    /// When its state last changed.
    pub changed: Timestamp,
}

/// A transfer before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTransfer {
    /// Which way.
    pub direction: Direction,
    /// Whose account.
    pub account: AccountName,
    /// The container on the service.
    pub place: String,
    /// The file's name on the service.
    pub name: String,
    /// The file on this computer.
    pub local: PathBuf,
    /// Bytes, if known.
    pub size: Option<u64>,
    /// Name clash policy.
    pub on_clash: ClashPolicy,
    /// Upload shape asked for.
    pub shape: ShapeChoice,
    /// Proof asked for.
    pub verify: VerifyChoice,
    /// Metadata for the file.
    pub metadata: Metadata,
}
