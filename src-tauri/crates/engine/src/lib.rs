//! Moves files: plans, schedules, sends, retries, verifies and recovers. It knows services only through
//! `labferry_provider::Provider`, and writes every step to the store before it counts.

#![warn(missing_docs)]

pub mod archive;
mod check;
mod check_ledger;
mod clash;
mod conditions;
mod disk_space;
mod download_run;
mod engine;
mod fetch;
mod front;
mod hash_ahead;
mod limits;
mod part_worker;
mod partial_file;
mod peek;
mod planner;
pub mod preflight;
mod progress;
mod read_back;
mod replaced;
mod retry;
mod rules;
mod run;
mod scheduler;
mod settle;
mod small_file;
mod source_file;
mod timetable;
mod together;
mod upload_run;
mod verify;

#[cfg(test)]
mod tests;

pub use check::{Against, CheckOutcome, CheckRequest, CheckResult};
pub use check_ledger::{LedgerCheck, LedgerChecked};
pub use engine::{Ask, Connections, Engine, Until};
pub use hash_ahead::digest_source;
pub use peek::Peek;
pub use progress::Progress;
pub use rules::{Hold, Rules};
pub use timetable::{Hours, Pace, holds};
