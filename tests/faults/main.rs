//! Faults between disk and service, over real connections: whatever goes wrong, green means the same bytes, and once
//! the fault is over the file arrives.
//!
//! A fixed list of faults at every step, then random ones by seed: `LABFERRY_FAULTS=10000` asks for so many faults,
//! `LABFERRY_SEED=7` for one round again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod answers;
mod bench;
mod field;
mod local;
mod matrix;
mod rounds;
#[allow(dead_code)] // the suite of kills uses the rest
mod shapes;
mod small_parts;
