//! What can go wrong with a vault, without ever showing what it holds.

use labferry_model::{Problem, ProblemCode};
use std::{io, path::PathBuf};
use thiserror::Error;

/// The environment variable front ends take the passphrase from.
const PASSPHRASE: &str = "LABFERRY_PASSPHRASE";

/// Why a secret could not be read or kept.
#[derive(Debug, Error)]
pub enum VaultError {
    /// There is no keychain, and no passphrase was given.
    #[error(
        "no system keychain answers, and secrets are never written in plain text; set {PASSPHRASE} to keep them in an encrypted file"
    )]
    NoKeychain,
    /// There is an encrypted file, and no passphrase was given.
    #[error("{} is encrypted; set {PASSPHRASE} to open it", path.display())]
    NoPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is not the one the file was encrypted with, or the file was changed by somebody else.
    #[error("the passphrase does not open {}; set {PASSPHRASE} to the one it was made with", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// The file is no vault, or one of a newer version.
    #[error("{} is not a vault this version can read ({cause})", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The file system said no.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// The keychain said no; the text is its own, and holds no secret.
    #[error("the system keychain failed: {0}")]
    Keychain(String),
    /// The keychain did not answer in time: it may be asking somebody to unlock it.
    #[error("the system keychain did not answer within {0} seconds; it may be locked")]
    KeychainSilent(u64),
    /// A password could not be hashed or compared; the text holds neither the password nor its hash.
    #[error("the password cannot be compared: {0}")]
    Password(String),
}

impl VaultError {
    /// The problem a front end shows for it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let code = match self {
            Self::NoPassphrase { .. } | Self::WrongPassphrase { .. } | Self::KeychainSilent(_) => {
                ProblemCode::VaultLocked
            }
            Self::Io { source, .. }
                if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
            {
                ProblemCode::DiskFull
            }
            Self::Password(_) => ProblemCode::Internal,
            Self::NoKeychain | Self::Unreadable { .. } | Self::Io { .. } | Self::Keychain(_) => {
                ProblemCode::VaultFailed
            }
        };
        let problem = Problem::new(code).because(self.to_string());
        match self {
            Self::NoPassphrase { path }
            | Self::WrongPassphrase { path }
            | Self::Unreadable { path, .. }
            | Self::Io { path, .. } => problem.about(path.display().to_string()),
            Self::Password(_) => problem.about("the password"),
            Self::NoKeychain | Self::Keychain(_) | Self::KeychainSilent(_) => {
                problem.about("system keychain")
            }
        }
    }
}
