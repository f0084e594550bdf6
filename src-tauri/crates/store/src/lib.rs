//! Everything Labferry must remember, in one SQLite file: accounts (never their secrets), transfers, part receipts,
//! the ledger of what arrived, settings, and a numbered log of state changes.
//!
//! A call that returned `Ok` has been committed: killing the process afterwards loses nothing of it.

mod accounts;
mod batches;
mod bulk;
mod columns;
mod copied_files;
mod copies;
mod data_folder;
mod error;
mod event_log;
mod ledger;
mod parts;
mod queue;
mod settings;
mod store;
mod transfer_list;
mod transfer_query;
mod transfer_row;
mod transfers;
mod watched;
mod watched_ended;
mod writer;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use accounts::Account;
pub use batches::{BatchPart, BatchSum};
pub use bulk::Step;
pub use copied_files::{CopiedSum, FileInHand};
pub use copies::{CopyChange, StoredCopy};
pub use data_folder::{DataFolder, Ownership, Watching};
pub use error::StoreError;
pub use event_log::LoggedEvent;
pub use ledger::{LedgerEntry, LedgerRow};
pub use queue::Move;
pub use store::Store;
pub use transfer_list::{Counts, TransferFilter};
pub use transfers::Change;
pub use watched::{Ledger, WatchedFolder};
pub use watched_ended::{Arrived, EndedUpload};
