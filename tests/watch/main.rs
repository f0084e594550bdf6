//! Watched folders: nothing half-written is ever sent, nothing finished is ever missed, and the state told is true.
//!
//! Writers and bursts run on a scripted clock against real folders; the rules run in the app against a practice lab, and
//! in the built program, which is killed. Counts are raised by environment variables for the long runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[cfg(target_os = "linux")]
mod agent;
mod archives;
// The app's bench: a lab, and a user with a data folder.
#[allow(dead_code)]
#[path = "../app/bench.rs"]
mod bench;
mod burst;
mod clock;
#[cfg(target_os = "linux")]
mod disks;
mod folder;
mod killed;
#[cfg(target_os = "linux")]
mod mounts;
mod reconcile;
mod rules;
// The commands' bench: the built program.
#[allow(dead_code)]
#[path = "../cli/bench.rs"]
mod program;
mod writers;

/// A count from the environment.
fn count(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
