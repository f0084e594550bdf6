//! Kaleidoscope through its connector, against the practice lab: tokens that must not be used twice, files that hang on
//! records and properties, and answers of unknown shape.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod files;
mod places;
mod tokens;
