//! Watched folders on the wire: rules, how they stand, and their files.

use super::{
    answers::{DigestsRow, ProblemWords},
    settings::HoursRow,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A rule as a person makes it. Only `folder`, `account` and `place` must be given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct FolderRule {
    /// The folder on this computer.
    pub folder: String,
    /// The account's name.
    pub account: String,
    /// The record the files go to; with `record_template` the place under which records are made, empty for the top.
    pub place: String,
    /// What is sent together once all of it rests: `file`, `folder` (each folder directly inside is a run) or `group`
    /// (files of one name with different endings).
    pub unit: String,
    /// Whether folders inside it are watched as well.
    pub subfolders: bool,
    /// Only files that fit one of these patterns, such as `*.tif` or `raw/*.csv`; none for all.
    pub include: Vec<String>,
    /// No files that fit one of these.
    pub exclude: Vec<String>,
    /// Whether names that programs give to unfinished files (`*.tmp`, `~$*`, …) are left out.
    pub ignore_temporary: bool,
    /// How many seconds a file must not change; none for the usual time: 10 s up to 64 MiB, 60 s at 1 GiB, 10 min from
    /// 10 GiB on.
    pub quiet_seconds: Option<f64>,
    /// Patterns of the files that end a run, all of which must be there.
    pub markers: Vec<String>,
    /// What becomes of what is there already: `all` (sent), `now` (left out) or `since`.
    pub backlog: String,
    /// With `since`: files last modified before that time are left out.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
    /// `ask`, `skip`, `rename`, `version` or `replace`.
    pub on_clash: String,
    /// What happens here after a proven upload: `keep`, `move` or `recycle`.
    pub after: String,
    /// With `move`: the folder they move to.
    pub sent_folder: Option<String>,
    /// With `move` and `recycle`: how many seconds after its proof that happens; none for at once.
    pub put_away_seconds: Option<f64>,
    /// What happens to bytes that the rule has sent before: `send`, `link` or `skip`.
    pub duplicates: String,
    /// A regular expression on the path inside the folder; its named groups become metadata.
    pub path_pattern: Option<String>,
    /// Metadata of each file.
    #[ts(type = "Record<string, unknown>")]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Metadata of a record made for each run; none where everything goes to `place`. `{run}` in a text stands for the
    /// run's name, `{GROUP}` for a named group of `path_pattern`.
    #[ts(type = "Record<string, unknown> | null")]
    pub record_template: Option<serde_json::Map<String, serde_json::Value>>,
    /// Where metadata of each file is found beside it.
    pub sidecar: Option<SidecarRule>,
    /// The hours in which files are sent, each without a bandwidth; none for all.
    pub hours: Vec<HoursRow>,
    /// Whether a run that is a folder is sent as one archive with a manifest, instead of file by file with its path in the
    /// names.
    pub archive_runs: bool,
    /// Seconds between looks, instead of the system's announcements; none for automatic.
    pub poll_seconds: Option<f64>,
}

/// Files beside the files of a rule that hold metadata of them: a JSON object, or a CSV table of names and values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SidecarRule {
    /// The sidecar's name, such as `{stem}.json`, in the file's own folder: `{stem}` stands for the file's name without its
    /// ending, `{name}` for the whole of it.
    pub pattern: String,
    /// Seconds that a file waits for it; none for ten minutes.
    #[serde(default)]
    pub wait_seconds: Option<f64>,
    /// Whether the file is sent without it after that. Otherwise it is listed.
    #[serde(default)]
    pub without: bool,
    /// Whether sidecars are sent as files as well.
    #[serde(default)]
    pub send: bool,
}

impl Default for FolderRule {
    fn default() -> Self {
        Self {
            folder: String::new(),
            account: String::new(),
            place: String::new(),
            unit: "file".to_owned(),
            subfolders: true,
            include: Vec::new(),
            exclude: Vec::new(),
            ignore_temporary: true,
            quiet_seconds: None,
            markers: Vec::new(),
            backlog: "all".to_owned(),
            since: None,
            on_clash: "ask".to_owned(),
            after: "keep".to_owned(),
            sent_folder: None,
            put_away_seconds: None,
            duplicates: "send".to_owned(),
            path_pattern: None,
            metadata: serde_json::Map::new(),
            record_template: None,
            sidecar: None,
            hours: Vec::new(),
            archive_runs: false,
            poll_seconds: None,
        }
    }
}

/// Changes a rule. The folder stays; another place gets a ledger of its own.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EditFolder {
    /// The rule's number.
    #[ts(type = "number")]
    pub id: i64,
    /// The rule as it shall be.
    pub rule: FolderRule,
}

/// Names rules.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct FolderSelection {
    /// Their numbers.
    #[ts(type = "number[]")]
    pub ids: Vec<i64>,
    /// All of them.
    pub all: bool,
}

/// Asks for files of a rule.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ListFolderFiles {
    /// The rule's number.
    #[ts(type = "number")]
    pub id: i64,
    /// `all`, `coming` (writing, settling, empty), `queued`, `done`, `needs_you` (changed, failed) or `ignored`.
    pub filter: String,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows a page; 0 for the usual 200.
    pub limit: u32,
}

/// Answers what shall happen to files of a rule that need a person.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct AnswerFolderFiles {
    /// The rule's number.
    #[ts(type = "number")]
    pub id: i64,
    /// Their names.
    pub names: Vec<String>,
    /// `send` (an empty file, one that was there before the rule, one that failed), `new_name` or `replace` (one that
    /// changed after its upload), or `leave`.
    pub answer: String,
}

/// How many files of a rule stand where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct FolderCounts {
    /// A program has them open for writing.
    #[ts(type = "number")]
    pub writing: u64,
    /// Not at rest for long enough, or in a run that is not complete.
    #[ts(type = "number")]
    pub settling: u64,
    /// Empty for a while.
    #[ts(type = "number")]
    pub empty: u64,
    /// Left out, by name, filter or choice, at the last whole look.
    #[ts(type = "number")]
    pub ignored: u64,
    /// In the queue.
    #[ts(type = "number")]
    pub queued: u64,
    /// Proven.
    #[ts(type = "number")]
    pub done: u64,
    /// Proven within the last 24 hours.
    #[ts(type = "number")]
    pub done_lately: u64,
    /// Changed after their upload.
    #[ts(type = "number")]
    pub changed: u64,
    /// Failed or given up.
    #[ts(type = "number")]
    pub failed: u64,
    /// Whether more come to rest than are followed at once: "10,000+".
    pub more: bool,
}

/// A rule and how it stands.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct FolderRow {
    /// Its number.
    #[ts(type = "number")]
    pub id: i64,
    /// The rule.
    pub rule: FolderRule,
    /// `starting`, `watching`, `polling`, `degraded`, `suspended`, `paused`, or `not_running` while no process watches.
    pub state: String,
    /// Why it is not simply watching.
    pub problem: Option<ProblemWords>,
    /// Its files.
    pub counts: FolderCounts,
    /// Whether it is outside of the rule's hours: what is ready waits in the queue.
    pub out_of_hours: bool,
    /// The file that grows or is held open for the longest, when for more than a day.
    pub still_growing: Option<FolderFileRow>,
    /// When it was made.
    #[ts(type = "number")]
    pub created: i64,
    /// When the whole folder was last looked through.
    #[ts(type = "number | null")]
    pub looked: Option<i64>,
    /// When it will be next.
    #[ts(type = "number | null")]
    pub next_look: Option<i64>,
    /// When the process that watches last said that it does.
    #[ts(type = "number | null")]
    pub heard: Option<i64>,
}

/// A file of a rule and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FolderFileRow {
    /// Its path inside the folder with `/`: its name on the service.
    pub name: String,
    /// `writing`, `settling`, `empty`, `ignored`, `queued`, `done`, `changed` or `failed`.
    pub state: String,
    /// Why it is not sent, as a code: `temporary`, `filtered`, `before`, `link`, …
    pub why: Option<String>,
    /// The same as a sentence.
    pub sentence: Option<String>,
    /// Bytes.
    #[ts(type = "number | null")]
    pub size: Option<u64>,
    /// The run it belongs to.
    pub run: Option<String>,
    /// When it was found first.
    #[ts(type = "number | null")]
    pub first_seen: Option<i64>,
    /// When this last changed.
    #[ts(type = "number | null")]
    pub changed: Option<i64>,
    /// When it is looked at again.
    #[ts(type = "number | null")]
    pub next_look: Option<i64>,
    /// Its newest upload.
    #[ts(type = "number | null")]
    pub transfer: Option<i64>,
    /// Digests of what was sent.
    pub digests: DigestsRow,
    /// The copy's path on the service.
    pub remote: Option<String>,
    /// When the copy was proven.
    #[ts(type = "number | null")]
    pub verified: Option<i64>,
    /// When the file here was put away after that.
    #[ts(type = "number | null")]
    pub put_away: Option<i64>,
    /// When it will be; one that could not be is tried again every hour.
    #[ts(type = "number | null")]
    pub put_away_due: Option<i64>,
    /// Why it could not be put away, as a sentence.
    pub stays: Option<String>,
}

/// A page of a rule's files.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct FolderFiles {
    /// The files: those that come to rest first, then by name.
    pub rows: Vec<FolderFileRow>,
    /// Give this back for the next page.
    pub next: Option<String>,
}

/// What a rule would do now.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
pub struct FolderCheck {
    /// Files that would be sent, the first thousand.
    pub send: Vec<FolderFileRow>,
    /// How many in all.
    #[ts(type = "number")]
    pub send_files: u64,
    /// Their bytes.
    #[ts(type = "number")]
    pub send_bytes: u64,
    /// Files that would not, and why, the first thousand.
    pub leave: Vec<FolderFileRow>,
    /// How many in all.
    #[ts(type = "number")]
    pub leave_files: u64,
    /// What to know before the rule is made, such as that its folder is on a network.
    pub notes: Vec<ProblemWords>,
}
