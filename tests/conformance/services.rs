//! The enrolled services.

pub(crate) mod airalogy;
pub(crate) mod aruna;
pub(crate) mod aymara;
pub(crate) mod kaleidoscope;
pub(crate) mod nrp;
