//! The enrolled services.

pub(crate) mod airalogy;
pub(crate) mod nrp;
