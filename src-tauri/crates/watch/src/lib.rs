//! Watched folders: notices files, lets them come to rest, and tells which are ready. It sends nothing and remembers
//! nothing; what was sent is the app's ledger.
//!
//! Announcements of the system are hints and the scan is the truth: both go through the same door, [`Watch::turn`], so a
//! lost announcement costs time and never a file.

#![warn(missing_docs)]

mod gate;
pub mod hints;
pub mod medium;
pub mod names;
mod open_files;
mod quiet;
mod scan;
pub mod settle;
mod watch;

pub use names::{BadPattern, NameRules};
pub use quiet::Quiet;
pub use scan::{Item, Summary, fingerprint, look, scan};
pub use watch::{Known, Left, Ready, Settings, Turn, Watch, check_root};
