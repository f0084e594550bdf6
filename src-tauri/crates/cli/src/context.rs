//! What every command is given.

use crate::{
    arguments::Global,
    exit::{Failure, usage},
    output::Output,
};
use labferry_app::{App, AppOptions, Own, Secret, default_data_folder};
use std::path::PathBuf;

/// Where to work and how to tell about it.
pub(crate) struct Context {
    pub(crate) out: Output,
    data_folder: Option<PathBuf>,
    unlock_with: Option<String>,
}

/// Where the password of the settings is looked for when no other variable is named.
const UNLOCK: &str = "LABFERRY_UNLOCK";

/// The text of an environment variable that somebody named.
pub(crate) fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name)
        .map_err(|error| usage(format!("The environment variable {name} cannot be read: {error}.")))
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        let data_folder = global.data_dir.filter(|folder| !folder.as_os_str().is_empty());
        Self {
            out: Output::new(global.json, global.quiet, global.yes),
            data_folder: data_folder.or_else(default_data_folder),
            unlock_with: global.unlock_with,
        }
    }

    pub(crate) fn data_folder(&self) -> Result<PathBuf, Failure> {
        self.data_folder.clone().ok_or_else(|| {
            usage("This system tells no folder for application data: name one with --data-dir.")
        })
    }

    /// Whether the variable that is to hold the password can be read.
    pub(crate) fn check_unlock(&self) -> Result<(), Failure> {
        self.unlock_with.as_deref().map_or(Ok(()), |name| variable(name).map(drop))
    }

    /// The password of the settings, where one was given.
    pub(crate) fn unlock(&self) -> Option<Secret> {
        let name = self.unlock_with.as_deref().unwrap_or(UNLOCK);
        std::env::var(name).ok().filter(|text| !text.is_empty()).map(Secret::new)
    }

    /// Opens the data folder to look and to add; the engine is left to whoever moves bytes.
    pub(crate) async fn look(&self) -> Result<App, Failure> {
        self.open(Own::Never, None).await
    }

    /// Opens the data folder to move bytes, unless another process does that already.
    pub(crate) async fn work(&self) -> Result<App, Failure> {
        self.open(Own::IfFree, None).await
    }

    /// The same, with so many parts of a file moved at once.
    pub(crate) async fn work_with(&self, parts_per_file: Option<usize>) -> Result<App, Failure> {
        self.open(Own::IfFree, parts_per_file).await
    }

    async fn open(&self, own: Own, parts_per_file: Option<usize>) -> Result<App, Failure> {
        // Only from the environment: arguments can be read by every user of the computer.
        let passphrase = std::env::var("LABFERRY_PASSPHRASE").ok().filter(|text| !text.is_empty());
        let options = AppOptions {
            passphrase: passphrase.map(Secret::new),
            own,
            parts_per_file,
            ..AppOptions::new(self.data_folder()?)
        };
        let app = App::open(options).await?;
        if let Some(password) = self.unlock() {
            app.unlock_with(password);
        }
        Ok(app)
    }
}
