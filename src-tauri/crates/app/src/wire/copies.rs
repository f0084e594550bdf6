//! Copies from one place to another on the wire: what is asked for, how they stand, and their files.

use super::answers::ProblemWords;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Copies files to a place, of the same account or of another. They pass through this computer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct AddCopy {
    /// The account that the files are in.
    pub account: String,
    /// Files, or one record for all files directly in it.
    pub paths: Vec<String>,
    /// The account that they go to.
    pub to_account: String,
    /// The place that they go to.
    pub to_place: String,
    /// `ask`, `skip`, `rename`, `version` or `replace`.
    #[serde(default)]
    #[ts(type = "\"ask\" | \"skip\" | \"rename\" | \"version\" | \"replace\"")]
    pub on_clash: labferry_model::ClashPolicy,
}

/// Names copies.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct CopySelection {
    /// Their numbers.
    #[ts(type = "number[]")]
    pub ids: Vec<i64>,
}

/// Lets copies go on that need a person or were stopped.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct RetryCopies {
    /// Their numbers.
    #[ts(type = "number[]")]
    pub ids: Vec<i64>,
    /// What happens from now on when a name is taken; none for what was said before.
    #[serde(default)]
    #[ts(optional, type = "\"ask\" | \"skip\" | \"rename\" | \"version\" | \"replace\" | null")]
    pub on_clash: Option<labferry_model::ClashPolicy>,
}

/// Asks for files of a copy, in their order.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListCopyFiles {
    /// The copy.
    #[ts(type = "number")]
    pub id: i64,
    /// `all`, or `needs_you` for those that failed; empty for all.
    pub filter: String,
    /// The `next` of the page before.
    #[ts(type = "number | null")]
    pub after: Option<i64>,
    /// Files; 0 for the usual 200.
    pub limit: u32,
}

/// A copy and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CopyRow {
    /// Its number.
    #[ts(type = "number")]
    pub id: i64,
    /// The account that the files are in.
    pub account: String,
    /// The file or record that is copied; of several files the place they are in.
    pub source: String,
    /// The account that they go to.
    pub to_account: String,
    /// The place that they go to.
    pub to_place: String,
    /// `ask`, `skip`, `rename`, `version` or `replace`.
    #[ts(type = "\"ask\" | \"skip\" | \"rename\" | \"version\" | \"replace\"")]
    pub on_clash: labferry_model::ClashPolicy,
    /// `working`, `done`, `needs_you` or `stopped`.
    pub state: String,
    /// What keeps it from going on: the copy as a whole, or its first file that needs somebody.
    pub problem: Option<ProblemWords>,
    /// All files.
    #[ts(type = "number")]
    pub files: u64,
    /// Those that are there, proven to be the same bytes.
    #[ts(type = "number")]
    pub verified: u64,
    /// Those that are there without a proof.
    #[ts(type = "number")]
    pub unproven: u64,
    /// Those left out because another file of the name is there.
    #[ts(type = "number")]
    pub skipped: u64,
    /// Those that failed.
    #[ts(type = "number")]
    pub failed: u64,
    /// Bytes of all files, as far as their sizes are known.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Bytes of those that are over.
    #[ts(type = "number")]
    pub bytes_done: u64,
    /// Transfers that have its files now.
    #[ts(type = "number[]")]
    pub transfers: Vec<i64>,
    /// When it was asked for.
    #[ts(type = "number")]
    pub created: i64,
    /// When it changed last.
    #[ts(type = "number")]
    pub changed: i64,
}

/// A file of a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CopyFileRow {
    /// Its place among the copy's files, from 1.
    #[ts(type = "number")]
    pub number: i64,
    /// Its path on the service it comes from.
    pub path: String,
    /// Its name there.
    pub name: String,
    /// Its size, where the service tells it.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// `waiting`, `fetching`, `fetched`, `sending`, `copied`, `skipped`, `failed` or `stopped`.
    pub state: String,
    /// Whether what was fetched was proven to be what the source holds; none before it was fetched.
    pub fetched_proven: Option<bool>,
    /// Whether the destination's copy was proven to be the same bytes as the source's.
    pub verified: bool,
    /// The download that has or had it.
    #[ts(type = "number | null")]
    pub download: Option<i64>,
    /// The upload that has or had it.
    #[ts(type = "number | null")]
    pub upload: Option<i64>,
    /// Why it failed.
    pub problem: Option<ProblemWords>,
}

/// Files of a copy.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct CopyFiles {
    /// The files.
    pub rows: Vec<CopyFileRow>,
    /// What to ask the next page with; none on the last.
    #[ts(type = "number | null")]
    pub next: Option<i64>,
}
