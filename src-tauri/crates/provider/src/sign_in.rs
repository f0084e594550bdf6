//! Accounts as data: what a person fills in, and where the secrets are kept.

use async_trait::async_trait;
use labferry_model::{Problem, Secrets};
use serde::{Deserialize, Serialize};

/// One field of an account form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormField {
    /// The name used with `--set NAME=VALUE` and in the stored settings.
    pub name: String,
    /// What people read.
    pub label: String,
    /// One sentence that helps to fill it in.
    pub help: String,
    /// Whether it is kept in the vault instead of the settings.
    pub secret: bool,
    /// Whether it may stay empty.
    pub required: bool,
}

/// How an account of a service is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceForm {
    /// The service's key, such as `nrp`.
    pub service: String,
    /// What people call it.
    pub title: String,
    /// The address to suggest, when there is a usual one.
    pub default_url: Option<String>,
    /// What the address is, in one sentence.
    pub url_help: String,
    /// Where a person finds the key or token, in one sentence.
    pub where_to_find: String,
    /// The fields besides name and address.
    pub fields: Vec<FormField>,
}

/// What a sign-in test showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// Who the service thinks we are, where it says so.
    pub user: Option<String>,
    /// What answered, such as `InvenioRDM 14.0`.
    pub server: Option<String>,
}

/// The place an account's secrets are read from and, when a service rotates them, written back to before use.
#[async_trait]
pub trait SecretKeeper: Send + Sync {
    /// The secrets as they are now.
    ///
    /// # Errors
    /// A vault that is locked or cannot be reached.
    async fn read(&self) -> Result<Secrets, Problem>;

    /// Replaces them; returns once they are kept.
    ///
    /// # Errors
    /// A vault that is locked or cannot be written.
    async fn write(&self, secrets: Secrets) -> Result<(), Problem>;
}
