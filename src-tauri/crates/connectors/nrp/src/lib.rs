//! NRP repositories, InvenioRDM and Zenodo: records with files, over the InvenioRDM REST interface.
//!
//! What is certain, what was observed and what is unknown about the services stands in `NOTES.md`.

#![warn(missing_docs)]

mod actions;
mod announce;
mod api_types;
mod browse;
mod complaints;
mod connector;
mod download;
mod edit;
mod errors;
mod part_links;
mod records;
mod sign_in;
mod upload;

pub use sign_in::Nrp;
