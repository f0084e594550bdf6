//! Aruna Object Storage (v1): projects, collections and objects, over its JSON gateway and the links of its data proxy.
//!
//! What is certain, what was read only and what is unknown about the service stands in `NOTES.md`.

#![warn(missing_docs)]

mod actions;
mod api_types;
mod browse;
mod collections;
mod connector;
mod download;
mod errors;
mod object_fields;
mod places;
mod sign_in;
mod upload;

pub use sign_in::Aruna;
