//! The app as front ends see it: every command through `App::call`, against a practice lab of its own.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accounts;
mod airalogy;
mod bench;
mod copies;
mod crash;
mod hostile_names;
mod lock;
mod offers;
mod owners;
mod pace;
mod plan;
mod practice;
mod previews;
mod refusals;
mod secrets;
mod settings;
mod transfers;
mod trouble;
