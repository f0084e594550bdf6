//! The lock on settings, accounts and rules on the wire. Passwords come in and never go out.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A password to unlock with, or to take the lock away with.
#[derive(Clone, Deserialize, TS)]
pub struct LockPassword {
    /// The password.
    pub password: String,
}

/// A password to lock with.
#[derive(Clone, Deserialize, TS)]
pub struct SetLock {
    /// The password.
    pub password: String,
    /// The one that is set already.
    #[serde(default)]
    #[ts(optional)]
    pub old: Option<String>,
}

/// How the lock stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LockRow {
    /// Whether settings, accounts and rules are locked with a password.
    pub locked: bool,
    /// Seconds for which they are unlocked in this process all the same, unless something is changed.
    #[ts(type = "number | null")]
    pub open_seconds: Option<u64>,
}
