//! What keeps the engine from taking too much: connections and bandwidth.

mod bandwidth;
mod connections;

pub(crate) use bandwidth::Bandwidth;
pub(crate) use connections::{Connection, ConnectionLimits};
