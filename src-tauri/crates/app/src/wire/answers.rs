//! What front ends get. Times are milliseconds since the Unix epoch, sizes are bytes.

pub use super::{previews::*, problems::*, receipts::*, settings::*};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// How the program stands.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AppState {
    /// The version.
    pub version: String,
    /// The data folder.
    pub data_folder: String,
    /// Whether this process runs the engine; otherwise another one does.
    pub runs_engine: bool,
    /// `keychain`, `encrypted_file`, `memory` or `none`.
    pub vault: String,
    /// Whether this system tells of links that are paid by the byte.
    #[serde(default)]
    pub tells_metered: bool,
    /// Whether the practice lab is running.
    pub practice_lab: bool,
    /// Transfers that were interrupted when the program last stopped and go on now.
    #[ts(type = "number")]
    pub interrupted: u64,
    /// What keeps the queue from being worked at all, such as a full disk under the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<ProblemWords>,
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct AccountRow {
    /// Its name.
    pub name: String,
    /// The service's key.
    pub service: String,
    /// What people call the service.
    pub service_title: String,
    /// The address.
    pub url: String,
    /// Whether it belongs to the practice lab.
    pub practice: bool,
    /// The settings, without secrets.
    pub settings: BTreeMap<String, String>,
    /// Until when the sign-in is good, where its token or a person said.
    pub expiry: Option<ExpiryRow>,
}

/// Until when a sign-in is good. A hint: the service has the last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ExpiryRow {
    /// The moment.
    #[ts(type = "number")]
    pub at: i64,
    /// Who said so: `token` or `person`.
    pub told_by: String,
    /// How near it is: `long`, `soon` for two weeks or less, or `over`.
    pub remaining: String,
}

/// Files that were handed over from outside the window, such as by a file manager. They are taken once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Offer {
    /// Their paths, whole, in the order they came.
    pub sources: Vec<String>,
    /// What cannot be sent, and why.
    pub refused: Vec<ProblemWords>,
}

/// What a sign-in test showed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SignInAnswer {
    /// Who the service thinks we are.
    pub user: Option<String>,
    /// What answered.
    pub server: Option<String>,
    /// What the account can do.
    #[ts(type = "Record<string, unknown>")]
    pub capabilities: serde_json::Value,
}

/// The form of a service's account.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ServiceRow {
    /// The key.
    pub service: String,
    /// What people call it.
    pub title: String,
    /// The usual address.
    pub default_url: Option<String>,
    /// What the address is.
    pub url_help: String,
    /// Where the key or token is found.
    pub where_to_find: String,
    /// The fields.
    pub fields: Vec<FieldRow>,
}

/// One field of a form.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FieldRow {
    /// The name.
    pub name: String,
    /// What people read.
    pub label: String,
    /// One sentence of help.
    pub help: String,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether it must be filled in.
    pub required: bool,
}

/// A digest a service keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DigestRow {
    /// `md5`, `sha256` or `md5_of_parts`.
    pub algorithm: String,
    /// Lower-case hexadecimal.
    pub hex: String,
}

/// A record, project or collection.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ContainerRow {
    /// The path to use.
    pub path: String,
    /// The title.
    pub title: String,
    /// `draft`, `record`, `project` or `collection`.
    pub kind: String,
    /// Whether files may be added.
    pub writable: bool,
    /// Number of files, where told.
    #[ts(type = "number | null")]
    pub files: Option<u64>,
    /// Their size, where told.
    #[ts(type = "number | null")]
    pub bytes: Option<u64>,
    /// Last change.
    #[ts(type = "number | null")]
    pub modified: Option<i64>,
    /// The page a browser can open.
    pub web_page: Option<String>,
    /// What the service complains about.
    pub complaints: Vec<String>,
    /// The metadata.
    #[ts(type = "Record<string, unknown>")]
    pub metadata: serde_json::Value,
}

/// A file on a service.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FileRow {
    /// The path to use.
    pub path: String,
    /// The name in its record.
    pub name: String,
    /// Bytes, once known.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// `ready`, `pending`, `failed` or `processing`.
    pub status: String,
    /// Digests the service keeps.
    pub digests: Vec<DigestRow>,
    /// Media type.
    pub media_type: Option<String>,
    /// Last change.
    #[ts(type = "number | null")]
    pub modified: Option<i64>,
    /// The kind of proof the ledger holds for exactly this content, such as `server_digest`; none if it holds none.
    pub proof: Option<String>,
    /// Whether that proof compared the bytes.
    pub verified: bool,
    /// The metadata.
    #[ts(type = "Record<string, unknown>")]
    pub metadata: serde_json::Value,
}

/// One line of a listing.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryRow {
    /// Something that holds files or further containers.
    Container {
        /// The container.
        container: ContainerRow,
    },
    /// A file.
    File {
        /// The file.
        file: FileRow,
    },
}

/// One page of a listing.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PageAnswer {
    /// The lines.
    pub entries: Vec<EntryRow>,
    /// How many in all, where told.
    #[ts(type = "number | null")]
    pub total: Option<u64>,
    /// Give this back for the next page.
    pub next: Option<String>,
    /// Whether these are only the files this computer remembers, because the service cannot list.
    pub remembered: bool,
}

/// Our digests of a content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DigestsRow {
    /// SHA-256.
    pub sha256: Option<String>,
    /// MD5.
    pub md5: Option<String>,
}

/// A transfer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TransferRow {
    /// Its number.
    #[ts(type = "number")]
    pub id: i64,
    /// The batch it came with.
    #[ts(type = "number")]
    pub batch: i64,
    /// `upload` or `download`.
    pub direction: String,
    /// The account's name.
    pub account: String,
    /// The record on the service.
    pub place: String,
    /// The name on the service.
    pub name: String,
    /// The file on this computer.
    pub local: String,
    /// Bytes, once known.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// Bytes whose receipts are stored.
    #[ts(type = "number")]
    pub sent: u64,
    /// `waiting`, `checking`, `planned`, `moving`, `finishing`, `verifying`, `done`, `skipped`, `failed`, `paused` or
    /// `cancelled`.
    pub state: String,
    /// Why it waits: `turn`, `interrupted`, `retry_at`, `offline`, `sign_in`, `source_changed` or `disk_low`; `timetable`,
    /// `metered` or `account_paused` where it would be its turn but for that.
    pub waiting: Option<String>,
    /// When it is tried again.
    #[ts(type = "number | null")]
    pub retry_at: Option<i64>,
    /// `server_digest`, `part_digests`, `read_back` or `size_only`, once proven.
    pub proof: Option<String>,
    /// Whether the proof compared the bytes: the only thing that is green.
    pub verified: bool,
    /// Our digests of the bytes.
    pub digests: DigestsRow,
    /// What went wrong, if anything.
    pub problem: Option<ProblemWords>,
    /// Times it was started.
    pub attempts: u32,
    /// Number of parts, once planned.
    pub part_count: Option<u32>,
    /// Bytes of every part but the last.
    #[ts(type = "number | null")]
    pub part_size: Option<u64>,
    /// When it was queued.
    #[ts(type = "number")]
    pub created: i64,
    /// When its state last changed.
    #[ts(type = "number")]
    pub changed: i64,
}

/// Numbers of the queue by filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct QueueCounts {
    /// All rows.
    #[ts(type = "number")]
    pub all: u64,
    /// In hand now.
    #[ts(type = "number")]
    pub active: u64,
    /// Waiting or paused.
    #[ts(type = "number")]
    pub waiting: u64,
    /// Failed, or waiting for a person.
    #[ts(type = "number")]
    pub needs_you: u64,
    /// Done, skipped or cancelled.
    #[ts(type = "number")]
    pub done: u64,
}

/// Rows of the queue.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TransferList {
    /// The rows, newest first.
    pub rows: Vec<TransferRow>,
    /// The counts of the whole queue.
    pub counts: QueueCounts,
    /// The number of the newest event these rows include.
    #[ts(type = "number")]
    pub last_event: i64,
}

/// One part of a transfer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PartRow {
    /// From 1.
    pub number: u32,
    /// Bytes.
    #[ts(type = "number")]
    pub length: u64,
    /// Whether its receipt is stored.
    pub received: bool,
}

/// A transfer with its parts.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct TransferDetail {
    /// The row.
    pub row: TransferRow,
    /// The parts, once planned; at most 10,000.
    pub parts: Vec<PartRow>,
}

/// What an upload would do, before anything is queued or sent.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct UploadPlan {
    /// Files that can be sent, those with a clash included.
    pub files: u32,
    /// Their bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Files among them of which this queue has an unfinished transfer to the same place: it goes on.
    pub continued: u32,
    /// Whether all names were looked for on the service. Otherwise the rest are looked for when their turn comes.
    pub looked: bool,
    /// Files whose name is taken, the first thousand.
    pub clashes: Vec<ClashRow>,
    /// How many there are.
    pub clash_count: u32,
    /// Files that cannot be sent and why, the first two hundred.
    pub refused: Vec<ProblemWords>,
    /// How many there are.
    pub refused_count: u32,
    /// What can become of folders, where the service keeps none or does not take their names; empty where nobody needs to
    /// be asked.
    pub folders: Vec<FolderChoiceRow>,
    /// What can be done about a taken name on this service: some of `skip`, `rename`, `version` and `replace`.
    pub policies: Vec<String>,
    /// Whether files carry metadata on this service.
    pub takes_metadata: bool,
}

/// A file to be sent whose name is taken.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ClashRow {
    /// The name.
    pub name: String,
    /// The file on this computer.
    pub local: String,
    /// Its bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Its last change.
    #[ts(type = "number | null")]
    pub modified: Option<i64>,
    /// `there` when the service holds a file of that name, `unfinished` when one was begun there and never finished, `twice`
    /// when another of these files has the name, too.
    pub kind: String,
    /// What the service holds.
    pub there: Option<FileRow>,
    /// Whether both are the same bytes, by the service's digest; none where it was not compared. The same bytes are not
    /// sent again.
    pub same: Option<bool>,
}

/// A file that was kept.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct KeptFile {
    /// Where it lies until it is sent.
    pub path: String,
}

/// A way to name files that lie in folders.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FolderChoiceRow {
    /// What becomes of the folders.
    pub how: super::requests::FolderNames,
    /// The name of the first such file then.
    pub example: String,
    /// Files whose name would be refused.
    pub refused: u32,
    /// Files that would get another one's name.
    pub twice: u32,
}

/// What an account can do, as far as a window needs to know.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[allow(clippy::struct_excessive_bools)]
pub struct CapabilitiesRow {
    /// Whether the service fetches a file from a link by itself.
    pub imports_links: bool,
    /// Whether files carry metadata.
    pub file_metadata: bool,
    /// Whether files keep older versions.
    pub file_versions: bool,
    /// Whether files can be deleted.
    pub delete: bool,
    /// Whether a link to a file can be given out.
    pub links: bool,
    /// Largest file in bytes, where a limit is known.
    #[ts(type = "number | null")]
    pub largest_file: Option<u64>,
}

/// What came with one drop or one command.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct BatchRow {
    /// Its number.
    #[ts(type = "number")]
    pub batch: i64,
    /// When it was queued.
    #[ts(type = "number")]
    pub created: i64,
    /// `upload` or `download`.
    pub direction: String,
    /// The account's name.
    pub account: String,
    /// The record on the service; of downloads the first one's.
    pub place: String,
    /// The name of one of its files.
    pub name: String,
    /// Its transfers by filter.
    pub counts: QueueCounts,
    /// Those among the done whose bytes were compared: the only ones that are green.
    #[ts(type = "number")]
    pub verified: u64,
    /// Those that are paused; they are counted as waiting, too.
    #[ts(type = "number")]
    pub paused: u64,
    /// Known sizes, in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Bytes that arrived.
    #[ts(type = "number")]
    pub bytes_done: u64,
}

/// What was queued and what was not.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Queued {
    /// The new transfers.
    #[ts(type = "number[]")]
    pub ids: Vec<i64>,
    /// Unfinished transfers of the same files to the same place: they go on instead of being queued a second time.
    #[serde(default)]
    #[ts(type = "number[]")]
    pub continued: Vec<i64>,
    /// What could not be queued and why.
    pub refused: Vec<ProblemWords>,
    /// Files that get another name on this computer than they have on the service.
    #[serde(default)]
    pub renamed: Vec<Renamed>,
}

/// A file whose name on the service is not taken by every desktop system, or is given to another file here.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Renamed {
    /// Its name on the service.
    pub name: String,
    /// Where it goes on this computer.
    pub local: String,
}

/// How many things a command changed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct Changed {
    /// That many.
    #[ts(type = "number")]
    pub changed: u64,
}

/// Where something is.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PlaceAnswer {
    /// The path to use.
    pub path: String,
}

/// A link that works without an account for a while. Whoever has it has the file: it is shown and never stored.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct LinkAnswer {
    /// The address.
    pub url: String,
    /// When it stops working, where told.
    #[ts(type = "number | null")]
    pub expires: Option<i64>,
}

/// Something a service can do with a place, besides what every service does.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ActionRow {
    /// The name to run it by.
    pub name: String,
    /// What people read on the button.
    pub title: String,
    /// The question to confirm first; none when it can be undone.
    pub confirmation: Option<String>,
    /// What must be filled in.
    pub fields: Vec<ActionFieldRow>,
}

/// One field of an action.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ActionFieldRow {
    /// The name.
    pub name: String,
    /// What people read.
    pub label: String,
    /// `text`, `long_text` or `switch`.
    pub kind: String,
    /// What it holds now; a field that is not given stays so.
    pub value: String,
    /// Whether it must be filled in.
    pub required: bool,
}

/// What an action answered.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ActionAnswer {
    /// One sentence.
    pub message: String,
    /// The path to look at next, when it is another one.
    pub path: Option<String>,
    /// The service's own answer.
    #[ts(type = "unknown")]
    pub details: serde_json::Value,
}

/// A file on the service that was begun and never finished.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct LeftoverRow {
    /// Its path.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its announced size.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// Whether a transfer in this queue will finish it.
    pub ours: bool,
}
