//! The enrolled services.

pub(crate) mod nrp;
