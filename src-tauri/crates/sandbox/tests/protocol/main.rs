//! The practice lab from outside, over plain HTTP: the protocol, each documented trap, every fault, restarts.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod faults;
mod lab;
mod whole_files;
