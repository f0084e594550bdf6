//! The practice lab: a local server that speaks the services' own interfaces, quirks included, with faults on request.
//!
//! It shares no code with the rest of Labferry (docs/adr/0004): it is written from what each service documents and from
//! what its servers were seen to answer. Its world is kept in a folder and is found again by the next start, also after
//! the process was killed: a part counts only once it has arrived whole.
//!
//! Every start opens three loopback addresses: the service itself (`http://127.0.0.1:…`), a storage host for signed
//! links (`http://localhost:…`, another host name on purpose), and the control door through which tests and people script
//! faults and look inside (see [`LabDescription::control_url`]).

mod blobs;
mod clock;
mod control;
mod disk;
mod doorkeeper;
mod faults;
mod metered;
mod options;
mod request_log;
mod server;
mod services;
mod signed_links;
mod strange;

pub use options::{DataProxy, LabDescription, LabService, SandboxError, SandboxOptions};
pub use server::Sandbox;
pub use services::kaleidoscope::switches::{ErrorShape, FileValues, KaleidoscopeSwitches};
pub use services::nrp::switches::{Checksums, NrpSwitches, Storage};
