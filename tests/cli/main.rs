//! The command line as people and scripts use it: the built program against a practice lab it runs as a process of its
//! own. What it prints, its exit codes, its JSON, and what it says about every input that cannot be used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod archives;
mod bad_input;
mod bench;
mod checks;
mod contract;
mod copying;
mod disks;
mod five_minutes;
mod holds;
mod queue;
mod ranges;
mod records;
mod services_gone;
mod sources;
