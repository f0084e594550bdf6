//! Rules about the project itself that no compiler holds: which crate may name which, how long a file may be, which
//! folder may import what, what project text may and may not refer to, and that released migrations stay as they are.
//!
//! Each rule is a pure function from text to complaints, with a test that shows it complains about bad input; the tests
//! named `project_*` then hold the project itself to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod budgets;
mod edges;
mod imports;
mod links;
mod migrations;
mod references;
mod tree;

/// Fails with every complaint on a line of its own.
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
