//! Every command a front end may give, as plain functions over one [`wire`] table.

pub mod wire;
