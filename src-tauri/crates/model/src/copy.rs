//! Copies: files that go from a place of one account to a place of another, through this computer.

use crate::{
    ids::{AccountName, TransferId},
    transfer::ClashPolicy,
};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// A copy's number: the key of its row, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CopyId(pub i64);

impl fmt::Display for CopyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is copied where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyWish {
    /// The account that the files are in.
    pub account: AccountName,
    /// What was asked for: files, or a record for all of its files.
    pub paths: Vec<String>,
    /// What of these is shown: the one path, or the place that the files are in.
    pub source: String,
    /// The account that they go to.
    pub to: AccountName,
    /// The place that they go to.
    pub place: String,
    /// What happens when a name is taken there.
    pub on_clash: ClashPolicy,
}

/// How a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// It goes on by itself.
    Working,
    /// Each of its files is there, or was left out as it was wished.
    Done,
    /// It cannot go on without a person.
    NeedsYou,
    /// A person stopped it.
    Stopped,
}

/// How far a file of a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyStep {
    /// It has not been begun.
    Waiting,
    /// A download has it.
    Fetching,
    /// It is here, whole.
    Fetched,
    /// An upload has it.
    Sending,
    /// The destination has it; whether that is proven is told apart.
    Copied,
    /// The destination has another file of the name, which stays as it was wished.
    Skipped,
    /// It failed.
    Failed,
    /// A person stopped the copy before it was there.
    Stopped,
}

impl CopyStep {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Fetching,
        Self::Fetched,
        Self::Sending,
        Self::Copied,
        Self::Skipped,
        Self::Failed,
        Self::Stopped,
    ];

    /// Whether there is nothing left to do for the file.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Copied | Self::Skipped)
    }
}

/// A file of a copy.
#[derive(Debug, Clone, PartialEq)]
pub struct CopiedFile {
    /// Its place among the copy's files, from 1.
    pub number: i64,
    /// Its path on the service it comes from.
    pub path: String,
    /// Its name there, which it is to have at the destination.
    pub name: String,
    /// Its size, where the service tells it.
    pub size: Option<u64>,
    /// What the service told of its content when it was listed, to see later that it holds another.
    pub told: String,
    /// How far it is.
    pub step: CopyStep,
    /// Where it lies on this computer, once it was fetched.
    pub local: Option<PathBuf>,
    /// Whether what was fetched was proven to be what the source holds.
    pub fetched_proven: bool,
    /// Whether the destination's copy was proven to be the same bytes as the source's.
    pub verified: bool,
    /// The download that has or had it.
    pub download: Option<TransferId>,
    /// The upload that has or had it.
    pub upload: Option<TransferId>,
    /// Why it failed; its shape is the app's knowledge.
    pub problem: Option<serde_json::Value>,
}
