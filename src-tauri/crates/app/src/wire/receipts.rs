//! What was proven, and what is proven anew.

use super::answers::{DigestsRow, ProblemWords};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A receipt: what was transferred, when, by which account, with which proof.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReceiptRow {
    /// When it was proven.
    #[ts(type = "number")]
    pub at: i64,
    /// When a check last proved it again.
    #[ts(type = "number | null")]
    pub checked: Option<i64>,
    /// `upload` or `download`.
    pub direction: String,
    /// The account's name.
    pub account: String,
    /// The service's key.
    pub service: String,
    /// The record.
    pub place: String,
    /// The name on the service.
    pub name: String,
    /// The file on this computer.
    pub local: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// The proof.
    pub proof: String,
    /// Whether it compared the bytes.
    pub verified: bool,
    /// Our digests.
    pub digests: DigestsRow,
}

/// Receipts in a form for other programs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportedReceipts {
    /// The text, where no file was named.
    pub text: Option<String>,
    /// Receipts in it.
    #[ts(type = "number")]
    pub written: u64,
}

/// What a check of one file showed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckRow {
    /// The account's name.
    pub account: String,
    /// The file's path on the service.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Bytes on the service.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// `verified`, `differs`, `missing`, `unverifiable` (no digest to compare), `unknown` (nothing of ours to
    /// compare with) or `not_asked` (the service could not be asked; only in a check of the ledger).
    pub result: String,
    /// The proof, when verified.
    pub proof: Option<String>,
    /// What our side is: `ledger` or `local`.
    pub against: Option<String>,
    /// Our digests.
    pub digests: DigestsRow,
    /// What is wrong.
    pub problem: Option<ProblemWords>,
}

/// A page of the ledger that was checked.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckedLedger {
    /// One a file, in the order in which they were proven first.
    pub rows: Vec<CheckRow>,
    /// Where the next page begins; none at the end.
    #[ts(type = "number | null")]
    pub next: Option<i64>,
}
