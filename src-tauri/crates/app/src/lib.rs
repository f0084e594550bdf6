//! Every command a front end may give, as plain functions over one [`wire`] table.
//!
//! [`App::open`] opens a data folder; each command is a method of [`App`], and [`App::call`] takes the same commands by
//! name and as JSON. What happens meanwhile is heard through [`App::subscribe`].

#![warn(missing_docs)]

mod accounts;
mod actions;
mod app;
mod batches;
mod browse;
mod checks;
mod connections;
mod connectors;
mod continued;
mod copies;
mod data_place;
mod downloads;
mod events;
mod expiry;
mod folders;
mod imports;
mod kept_files;
mod local_names;
mod lock;
mod metered;
mod offers;
mod practice_lab;
mod preferences;
mod previews;
mod problem_text;
pub mod receipts;
mod records;
mod rows;
mod running;
mod settings;
mod staged;
mod system_clock;
mod transfers;
mod upload_plan;
mod uploads;
pub mod wire;

pub use app::{App, AppOptions, COMMANDS, Own};
pub use connectors::registry;
pub use data_place::default_data_folder;
pub use labferry_model::{ClashPolicy, Secret, ShapeChoice, VerifyChoice};
pub use system_clock::SystemClock;
