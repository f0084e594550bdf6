//! What keeps the engine from taking too much: connections and bandwidth.

mod bandwidth;
mod climb;
mod connections;
mod link_speed;

pub(crate) use bandwidth::Bandwidth;
pub(crate) use climb::Climb;
pub(crate) use connections::{Connection, ConnectionLimits};
pub(crate) use link_speed::LinkSpeeds;
