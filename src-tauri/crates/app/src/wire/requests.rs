//! What front ends send. `account` is an account's name; `path` is the service's own hierarchy with `/`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// Nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct Empty {}

/// Makes an account, after a sign-in test.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct AddAccount {
    /// The service's key, such as `nrp`.
    pub service: String,
    /// The account's new name.
    pub name: String,
    /// The service's address.
    pub url: String,
    /// Fields of the form that are no secrets.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Fields of the form that are secrets. They go to the vault and nowhere else.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Until when the sign-in is good, as its owner knows it. What a token tells of itself comes first.
    #[serde(default)]
    #[ts(optional, type = "number")]
    pub expires: Option<i64>,
}

/// Notes until when a sign-in is good.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SetExpiry {
    /// The account's name.
    pub account: String,
    /// The moment, in milliseconds since the Unix epoch; none forgets it.
    #[ts(type = "number | null")]
    pub at: Option<i64>,
}

/// Names one account.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AccountRequest {
    /// The account's name.
    pub account: String,
}

/// Names one place.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PlaceRequest {
    /// The account's name.
    pub account: String,
    /// The path; empty for the account itself.
    pub path: String,
}

/// Asks for what can be shown of a file.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewFile {
    /// The account's name.
    pub account: String,
    /// The file's path.
    pub path: String,
    /// Whether only a picture for a list is wanted: nothing large is fetched then.
    #[serde(default)]
    pub thumbnail: bool,
}

/// Asks for receipts in a form for other programs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ExportReceipts {
    /// `csv`, `json` or `sha256sums`.
    pub format: String,
    /// Only later ones, in milliseconds since 1970.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
    /// Only this account's.
    pub account: Option<String>,
    /// Only `upload` or `download`.
    pub direction: Option<String>,
    /// Only those that are proven, or only those that are not.
    pub verified: Option<bool>,
    /// The file to write. It is replaced if it is there.
    pub path: Option<String>,
}

/// Names several places of one account.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PlacesRequest {
    /// The account's name.
    pub account: String,
    /// The paths.
    pub paths: Vec<String>,
}

/// Asks for one page of a listing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListPlace {
    /// The account's name.
    pub account: String,
    /// The container; empty for the top.
    pub path: String,
    /// Words to search for.
    pub query: Option<String>,
    /// At the top: everything published, instead of mine.
    pub published: bool,
    /// The `next` of the page before.
    pub page: Option<String>,
    /// Lines a page; 0 for the usual 50.
    pub limit: u32,
}

/// Makes or changes a record.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EditRecord {
    /// The account's name.
    pub account: String,
    /// The record, or the parent of a new one (empty for the top).
    pub path: String,
    /// The metadata, whole or in part; `title` alone will do.
    #[ts(type = "Record<string, unknown>")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// Does something a service can do with a place.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct RunAction {
    /// The account's name.
    pub account: String,
    /// The path; empty for the account itself.
    pub path: String,
    /// The action's name.
    pub name: String,
    /// Its fields; a switch is `true` or `false`.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// Queues uploads.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct AddUploads {
    /// Files and folders on this computer.
    pub sources: Vec<String>,
    /// The account's name.
    pub account: String,
    /// The record to add them to.
    pub place: String,
    /// The name on the service, for a single file.
    #[serde(default)]
    pub name: Option<String>,
    /// Metadata for each file.
    #[serde(default)]
    #[ts(type = "Record<string, unknown>")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// `ask`, `skip`, `rename`, `version` or `replace`.
    #[serde(default)]
    #[ts(type = "\"ask\" | \"skip\" | \"rename\" | \"version\" | \"replace\"")]
    pub on_clash: labferry_model::ClashPolicy,
    /// `auto`, `whole` or `parts`.
    #[serde(default)]
    #[ts(type = "\"auto\" | \"whole\" | \"parts\"")]
    pub shape: labferry_model::ShapeChoice,
    /// `auto`, `digest`, `read_back` or `size`.
    #[serde(default)]
    #[ts(type = "\"auto\" | \"digest\" | \"read_back\" | \"size\"")]
    pub verify: labferry_model::VerifyChoice,
    /// Answers for single files, by their path on this computer; `skip` leaves the file out. `on_clash` counts for the
    /// others.
    #[serde(default)]
    #[ts(as = "Option<BTreeMap<String, String>>", optional)]
    pub answers: BTreeMap<String, labferry_model::ClashPolicy>,
    /// What becomes of the folders in the files' names.
    #[serde(default)]
    #[ts(as = "Option<FolderNames>", optional)]
    pub folders: FolderNames,
}

/// What becomes of the folders a file lies in when it gets its name on the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FolderNames {
    /// They stay in the name, with `/`.
    #[default]
    Keep,
    /// They stay in the name, with `__` for each `/`.
    Join,
    /// They go; the file's own name stays.
    Drop,
    /// Each folder that was given is sent as one archive, with a manifest of its files inside.
    Archive,
}

/// Bytes that lie in no file of this computer, such as a picture from the clipboard.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct KeepFile {
    /// The name to give them.
    pub name: String,
    /// The bytes in base 64.
    pub base64: String,
}

/// Lets a service fetch a file by itself. The link may carry its own permission: it is handed on and kept nowhere.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ImportLink {
    /// The account's name.
    pub account: String,
    /// The container to add it to.
    pub place: String,
    /// The link.
    pub link: String,
    /// The name on the service; otherwise the link names it.
    #[serde(default)]
    pub name: Option<String>,
    /// Media type, such as `video/mp4`, where the link does not tell it.
    #[serde(default)]
    pub media_type: Option<String>,
}

/// Queues downloads.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AddDownloads {
    /// The account's name.
    pub account: String,
    /// Files, or records to fetch whole.
    pub paths: Vec<String>,
    /// The folder to write to; for a single file also the file to write.
    pub destination: String,
    /// `ask`, `skip`, `rename` or `replace`.
    #[serde(default)]
    #[ts(type = "\"ask\" | \"skip\" | \"rename\" | \"version\" | \"replace\"")]
    pub on_clash: labferry_model::ClashPolicy,
    /// `auto`, `whole` for one request or `parts` for byte ranges.
    #[serde(default)]
    #[ts(type = "\"auto\" | \"whole\" | \"parts\"")]
    pub shape: labferry_model::ShapeChoice,
}

/// Which transfers a command is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct TransferSelection {
    /// These.
    #[ts(type = "number[]")]
    pub ids: Vec<i64>,
    /// Or all of them.
    pub all: bool,
    /// Or all of this batch.
    #[ts(optional, type = "number | null")]
    pub batch: Option<i64>,
    /// Or all of this account's; with a batch, those that are both.
    #[ts(optional)]
    pub account: Option<String>,
}

/// Puts a transfer elsewhere in the queue.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct MoveTransfer {
    /// The transfer.
    #[ts(type = "number")]
    pub id: i64,
    /// `first` (it is sent next), `last` or a transfer's number to stand before.
    pub to: String,
}

/// Asks for rows of the queue, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListTransfers {
    /// `all`, `active`, `waiting`, `needs_you` or `done`; empty for all.
    pub filter: String,
    /// Only this batch.
    #[ts(type = "number | null")]
    pub batch: Option<i64>,
    /// Only this account.
    pub account: Option<String>,
    /// Only this record.
    pub place: Option<String>,
    /// Only rows with this text in their name.
    #[ts(optional)]
    pub text: Option<String>,
    /// Only rows after this one (the last `id` of the page before).
    #[ts(type = "number | null")]
    pub after: Option<i64>,
    /// Rows; 0 for the usual 200.
    pub limit: u32,
    /// In the order in which they are sent instead of newest first; only for the filter `waiting` alone.
    #[ts(as = "Option<bool>", optional)]
    pub in_order: bool,
}

/// Asks for batches of the queue, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListBatches {
    /// Only batches before this one (the last of the page before).
    #[ts(type = "number | null")]
    pub after: Option<i64>,
    /// Batches; 0 for the usual 50.
    pub limit: u32,
}

/// Names one transfer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TransferRequest {
    /// The transfer's number.
    #[ts(type = "number")]
    pub id: i64,
}

/// Asks for what happened after an event.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EventsSince {
    /// The number of the last event seen; 0 for the start.
    #[ts(type = "number")]
    pub number: i64,
}

/// Asks to prove what a service holds without sending it again.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct CheckPlace {
    /// The account's name.
    pub account: String,
    /// A file, or a record for all its files.
    pub path: String,
    /// A local copy to compare with; otherwise the ledger's digests are used.
    #[serde(default)]
    pub source: Option<String>,
    /// Fetch the content when the service keeps no digest to compare.
    #[serde(default)]
    pub read_back: bool,
}

/// Asks to prove a page of everything that the ledger says the services hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct CheckLedger {
    /// The account's name; none for all of them.
    pub account: Option<String>,
    /// `next` of the page before.
    #[ts(type = "number | null")]
    pub after: Option<i64>,
    /// Files at most; 0 for the usual number.
    pub limit: u32,
    /// Fetch the content when the service keeps no digest to compare.
    pub read_back: bool,
}

/// Asks for receipts, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListReceipts {
    /// Milliseconds since the Unix epoch; only later ones.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
    /// Rows; 0 for the usual 1,000.
    pub limit: u32,
}
