//! Aymara AI: files in workspaces, known by their ids, sent to signed links or in a form, or fetched by the service itself.
//!
//! What is certain, what was observed and what is unknown about the service stands in `NOTES.md`.

#![warn(missing_docs)]

mod actions;
mod api_types;
mod browse;
mod connector;
mod download;
mod errors;
mod places;
mod sign_in;
mod upload;
mod upload_links;

pub use sign_in::Aymara;
