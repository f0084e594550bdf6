//! What front ends hear without asking. State events are numbered and only name committed states; progress is a
//! lossy sample and is not numbered.

use super::{
    answers::{QueueCounts, TransferRow},
    copies::CopyRow,
    folders::FolderRow,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How far a transfer is, sampled a few times a second while it moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProgressSample {
    /// The transfer.
    #[ts(type = "number")]
    pub id: i64,
    /// Bytes sent or received, those in flight included. Never goes back within one attempt.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Bytes a second over the last seconds.
    #[ts(type = "number")]
    pub bytes_per_second: u64,
    /// Time left in seconds; none rather than a guess.
    #[ts(type = "number | null")]
    pub seconds_left: Option<u64>,
    /// Bytes hashed while reading back or checking, where that is the phase.
    #[ts(type = "number | null")]
    pub verified_bytes: Option<u64>,
    /// Numbers of the parts in flight.
    pub parts_in_flight: Vec<u32>,
}

/// One message to a front end.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AppEvent {
    /// A transfer reached a state. `number` grows; a listener that missed some asks for them by `events.since`.
    Transfer {
        /// The event's number.
        #[ts(type = "number")]
        number: i64,
        /// The number up to which was told before: what lies between is older news of this transfer, or was told.
        #[ts(type = "number")]
        after: i64,
        /// The row as it is now.
        row: Box<TransferRow>,
        /// The counts of the whole queue.
        counts: QueueCounts,
    },
    /// Samples of the transfers in hand.
    Progress {
        /// The samples.
        samples: Vec<ProgressSample>,
        /// Bytes a second, all together.
        #[ts(type = "number")]
        bytes_per_second: u64,
    },
    /// Rows were removed from the queue or reordered: ask again.
    QueueChanged,
    /// An account was added, changed or removed.
    AccountsChanged,
    /// The preferences of the desktop were changed.
    PreferencesChanged,
    /// Files were handed over from outside the window: `offers.take` gives them.
    Offered,
    /// A watched folder's rule was added, changed or removed: ask again.
    FoldersChanged,
    /// A watched folder stands otherwise than before.
    Folder {
        /// The rule and how it stands.
        row: Box<FolderRow>,
    },
    /// Copies were added or forgotten: ask again.
    CopiesChanged,
    /// A copy stands otherwise than before.
    Copy {
        /// The copy as it is now.
        row: Box<CopyRow>,
    },
}

/// Events after a number.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct EventList {
    /// In order.
    pub events: Vec<AppEvent>,
    /// The number to ask with next.
    #[ts(type = "number")]
    pub last_event: i64,
    /// Whether older events were forgotten: ask for the rows again.
    pub incomplete: bool,
}
