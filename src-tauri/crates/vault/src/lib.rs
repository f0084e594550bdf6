//! Where secrets are kept: the system's keychain, a file encrypted with a passphrase, or memory. Never plain text on
//! disk, and never silently somewhere else: without a place to keep them, writing says so.

mod encrypted_file;
mod error;
mod keychain;
mod vault;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use error::VaultError;
pub use vault::{Vault, VaultKind};
