//! Where secrets are kept: the system's keychain, a file encrypted with a passphrase, or memory. Never plain text on
//! disk, and never silently somewhere else: without a place to keep them, writing says so. A password that is only compared
//! is kept as its hash.

mod encrypted_file;
mod error;
mod keychain;
mod password;
mod vault;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use error::VaultError;
pub use password::{hash_password, is_password};
pub use vault::{Vault, VaultKind};
