//! The practice lab from outside, over plain HTTP: the protocol, each documented trap, every fault, restarts and kills.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod downloads;
mod faults;
mod lab;
mod lists;
mod parts;
mod publishing;
mod records;
mod signed;
mod whole_files;
mod world;
