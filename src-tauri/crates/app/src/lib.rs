//! Every command a front end may give, as plain functions over one [`wire`] table.

mod data_place;
pub mod wire;

pub use data_place::default_data_folder;
pub use labferry_model::Secret;
