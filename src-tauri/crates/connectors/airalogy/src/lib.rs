//! Airalogy: files sent to a protocol and known by their ids, records asked for by id.
//!
//! What is certain, what was observed and what is unknown about the service stands in `NOTES.md`.

#![warn(missing_docs)]

mod api_types;
mod browse;
mod connector;
mod download;
mod errors;
mod ids;
mod sign_in;
mod upload;

pub use sign_in::Airalogy;
