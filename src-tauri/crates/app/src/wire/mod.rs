//! What crosses the border to a front end: JSON with these shapes and no others. Fields are added, never renamed.

pub mod answers;
pub mod commands;
pub mod copies;
pub mod events;
pub mod folders;
pub mod lock;
pub mod previews;
pub mod problems;
pub mod receipts;
pub mod requests;
pub mod settings;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod bindings;
