//! Nouns and rules of Labferry. No I/O and no clock: everything here is a value or a pure function.

pub mod capabilities;
pub mod clock;
pub mod copy;
pub mod digest;
pub mod expiry;
pub mod ids;
pub mod limits;
pub mod part;
pub mod problem;
pub mod proof;
pub mod record;
pub mod remote_file;
pub mod secret;
pub mod transfer;
pub mod transfer_state;
pub mod watched_folder;

pub use capabilities::{Capabilities, PartRules};
pub use clock::{Clock, Timestamp};
pub use copy::{CopiedFile, CopyId, CopyState, CopyStep, CopyWish};
pub use digest::{Algorithm, Digest, DigestSet, RemoteDigest};
pub use expiry::{Expiry, Remaining, ToldBy};
pub use ids::{AccountName, Place, TransferId};
pub use limits::Limits;
pub use part::{PartPlan, PartReceipt};
pub use problem::{Problem, ProblemCode};
pub use proof::Proof;
pub use record::{Container, ContainerKind, Entry, Metadata, Page};
pub use remote_file::{FileStatus, RemoteFile};
pub use secret::{Secret, Secrets};
pub use transfer::{ClashPolicy, Direction, Fingerprint, ShapeChoice, Transfer, VerifyChoice};
pub use transfer_state::{Event, Illegal, State, WaitReason, advance};
pub use watched_folder::{
    AfterUpload, Backlog, Duplicates, FoundFile, Health, NotSent, RuleId, Sidecar, Unit, WatchRule,
    WatchState, WatchedFile, WatchedState, WeekHours,
};
