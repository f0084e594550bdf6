//! Faults between disk and service, over real connections: whatever goes wrong, green means the same bytes, and once
//! the fault is over the file arrives.
//!
//! A fixed list of faults at every step, then random ones by seed: `LABFERRY_FAULTS=500` asks for more rounds,
//! `LABFERRY_SEED=7` for one round again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod bench;
mod local;
mod matrix;
mod rounds;
