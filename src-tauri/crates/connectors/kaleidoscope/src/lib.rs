//! Kaleidoscope: files that hang on records and activities.
//!
//! What is certain, what was observed and what is unknown about the service stands in `NOTES.md`.

#![warn(missing_docs)]

mod actions;
mod api_types;
mod browse;
mod connector;
mod download;
mod errors;
mod file_value;
mod paths;
mod records;
mod sign_in;
mod tokens;
mod upload;

pub use sign_in::Kaleidoscope;
