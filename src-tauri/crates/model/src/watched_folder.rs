//! A watched folder: the rule a person made for it, and where its files stand.

use crate::{
    clock::Timestamp,
    digest::DigestSet,
    ids::{AccountName, TransferId},
    problem::Problem,
    record::Metadata,
    transfer::{ClashPolicy, Fingerprint},
};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, time::Duration};

/// A rule's number: the key of its row, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub i64);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What belongs together and is sent once all of it has come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Each file alone.
    #[default]
    File,
    /// Each folder directly inside the watched one: a run.
    Folder,
    /// Files of one name that differ by their ending, such as `x.imzML` and `x.ibd`.
    Group,
}

/// What becomes of the files that were there when the rule was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Backlog {
    /// They are sent like new ones.
    #[default]
    All,
    /// They are left out; what comes or changes later is sent.
    Now,
    /// Those last modified before that time are left out.
    Since {
        /// The time.
        at: Timestamp,
    },
}

/// What happens to a file here once its copy is proven by a digest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "then", rename_all = "snake_case")]
pub enum AfterUpload {
    /// It stays.
    #[default]
    Keep,
    /// It moves to that folder, under the path it has in the watched one.
    Move {
        /// The folder.
        to: PathBuf,
    },
    /// It moves to the system's recycle bin.
    Recycle,
}

/// What happens to a file whose bytes the rule has sent already under another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// It is sent as well.
    #[default]
    Send,
    /// It is not sent and counts as done, with the copy that is there.
    Link,
    /// It is not sent.
    Skip,
}

/// Some hours of some days of the week, in local time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekHours {
    /// Days on which they begin, 1 for Monday to 7 for Sunday; empty for every day.
    pub days: Vec<u8>,
    /// The first minute of the day.
    pub from: u16,
    /// The first minute after them. Not above `from`, it is one of the next day.
    pub to: u16,
}

/// Files beside the files of a rule that hold metadata of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// The sidecar's name, in the file's own folder: `{stem}` stands for the file's name without its ending, `{name}` for the
    /// whole of it.
    pub pattern: String,
    /// How long a file waits for it.
    pub wait: Duration,
    /// Whether the file is sent without it after that.
    pub without: bool,
    /// Whether sidecars are sent as files as well.
    pub send: bool,
}

impl Sidecar {
    /// The path of the sidecar of a file, inside the watched folder.
    #[must_use]
    pub fn name_for(&self, key: &str) -> String {
        let (folder, name) = key.rsplit_once('/').map_or(("", key), |(folder, name)| (folder, name));
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
        let sidecar = self.pattern.replace("{stem}", stem).replace("{name}", name);
        if folder.is_empty() { sidecar } else { format!("{folder}/{sidecar}") }
    }
}

/// A rule, as a person made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchRule {
    /// The folder.
    pub folder: PathBuf,
    /// Whose account.
    pub account: AccountName,
    /// The container on the service.
    pub place: String,
    /// What is sent together.
    #[serde(default)]
    pub unit: Unit,
    /// Whether folders inside it are watched as well.
    pub subfolders: bool,
    /// Only files that fit one of these patterns; none for all.
    #[serde(default)]
    pub include: Vec<String>,
    /// No files that fit one of these.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether names that programs give to unfinished files are left out.
    pub ignore_temporary: bool,
    /// How long a file must not change; none for the usual time, which grows with its size.
    #[serde(default)]
    pub quiet: Option<Duration>,
    /// Patterns of the files that end a run, all of which must be there; none where coming to rest is the end.
    #[serde(default)]
    pub markers: Vec<String>,
    /// What becomes of what is there already.
    #[serde(default)]
    pub backlog: Backlog,
    /// Name clash policy of the uploads.
    #[serde(default)]
    pub on_clash: ClashPolicy,
    /// What happens here after a proven upload.
    #[serde(default)]
    pub after: AfterUpload,
    /// How long after its proof a file stays all the same; none for not at all.
    #[serde(default)]
    pub put_away_after: Option<Duration>,
    /// What happens to a content that was sent before.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// A regular expression on the path inside the folder; its named groups become metadata.
    #[serde(default)]
    pub path_pattern: Option<String>,
    /// Metadata of each file.
    #[serde(default)]
    pub metadata: Metadata,
    /// Metadata of a record that is made for each run, below `place`; none where everything goes to `place`. `{run}` in a
    /// text stands for the run's name, `{GROUP}` for a named group of `path_pattern`.
    #[serde(default)]
    pub record_template: Option<Metadata>,
    /// Whether a run that is a folder is sent as one archive with a manifest, instead of file by file with its path in the
    /// names.
    #[serde(default)]
    pub archive_runs: bool,
    /// How often to look where the system announces no changes, and instead of its announcements; none for automatic.
    #[serde(default)]
    pub poll: Option<Duration>,
    /// Where metadata of each file is found beside it.
    #[serde(default)]
    pub sidecar: Option<Sidecar>,
    /// The hours in which its files are sent; none for all.
    #[serde(default)]
    pub hours: Vec<WeekHours>,
    /// Whether it is paused.
    #[serde(default)]
    pub paused: bool,
}

/// How a rule's folder is being watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchState {
    /// Nobody has looked yet.
    #[default]
    Starting,
    /// The system announces changes, and a scan now and then finds what it did not.
    Watching,
    /// It is looked through again and again.
    Polling,
    /// It is looked through again and again because announcements failed, or it cannot be looked through whole.
    Degraded,
    /// Nothing is inferred and nothing is sent until the folder is itself again.
    Suspended,
    /// A person paused it.
    Paused,
}

impl WatchState {
    /// The name used in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Watching => "watching",
            Self::Polling => "polling",
            Self::Degraded => "degraded",
            Self::Suspended => "suspended",
            Self::Paused => "paused",
        }
    }
}

/// How a rule's folder is being watched, and why not better.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Health {
    /// The state.
    pub state: WatchState,
    /// The reason of any state but the best.
    pub problem: Option<Problem>,
}

/// Why a file is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum NotSent {
    /// Its name is one that programs give to unfinished files.
    Temporary,
    /// The rule's filters leave it out.
    Filtered,
    /// It is in a folder inside the watched one, and the rule leaves those out.
    InSubfolder,
    /// It is a link; what it leads to is watched where it lies.
    Link,
    /// It is a device, pipe or socket.
    Special,
    /// Its name is no text.
    NameNotText,
    /// Another file's name differs only by case or by how accents are written.
    TwinName {
        /// The other file.
        other: String,
    },
    /// Its folders are nested too deeply.
    TooDeep,
    /// It cannot be looked at.
    Unreadable {
        /// The system's words.
        cause: String,
    },
    /// It was there before the rule, which leaves such files out.
    Before,
    /// It is empty.
    Empty,
    /// The same bytes were sent under that name.
    SameContent {
        /// The other file.
        other: String,
    },
    /// It is a sidecar: its metadata goes with another file.
    Sidecar,
    /// Its sidecar is missing or cannot be used.
    NoSidecar {
        /// What is wrong.
        cause: String,
    },
    /// A person gave its upload up.
    GivenUp,
    /// The service does not take it.
    Refused {
        /// Why.
        problem: Problem,
    },
}

/// Where a file of a watched folder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchedState {
    /// A program has it open for writing.
    Writing,
    /// It has not been at rest for long enough, or its run is not complete.
    Settling,
    /// It has been empty for a while.
    Empty,
    /// It is not sent; the reason is told.
    Ignored,
    /// Its upload is in the queue.
    Queued,
    /// Its copy was proven.
    Done,
    /// It changed after its upload, and the service keeps no versions: a person must say what to do.
    Changed,
    /// Its upload failed or was given up.
    Failed,
}

impl WatchedState {
    /// The name used in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Settling => "settling",
            Self::Empty => "empty",
            Self::Ignored => "ignored",
            Self::Queued => "queued",
            Self::Done => "done",
            Self::Changed => "changed",
            Self::Failed => "failed",
        }
    }
}

/// A file in a watched folder, as a look at it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its identity within the rule and its name on the service: the path inside the folder with `/`, in Unicode's normal
    /// form C.
    pub key: String,
    /// The path inside the folder with the system's own bytes, for opening it.
    pub path: PathBuf,
    /// What tells that it is still the same.
    pub fingerprint: Fingerprint,
}

/// What the ledger of a rule remembers of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFile {
    /// The file, as it was when this was written.
    pub found: FoundFile,
    /// The run it belongs to, where files are sent together.
    pub run: Option<String>,
    /// `Ignored`, `Queued`, `Done`, `Changed` or `Failed`.
    pub state: WatchedState,
    /// Why it is not sent.
    pub why: Option<NotSent>,
    /// Digests of what was sent. A file that is queued inside an archive has its own here already, from when
    /// it was packed; any other has none until its upload ended.
    pub digests: DigestSet,
    /// Where the copy is on the service.
    pub remote: Option<String>,
    /// The newest upload of it.
    pub transfer: Option<TransferId>,
    /// When it was found first.
    pub first_seen: Timestamp,
    /// When this last changed.
    pub changed: Timestamp,
    /// When its copy was proven.
    pub verified: Option<Timestamp>,
    /// When it was put away after that.
    pub put_away: Option<Timestamp>,
    /// Why it stays although its rule puts proven files away.
    pub stays: Option<String>,
}
