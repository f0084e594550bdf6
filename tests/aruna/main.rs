//! Aruna Object Storage through the app, and through the connector where the app has no command for it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod bench;
mod data_proxy;
mod life;
mod transfers;
