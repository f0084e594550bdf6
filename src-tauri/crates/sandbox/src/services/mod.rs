//! The services the lab speaks, one folder each.

pub(crate) mod nrp;
