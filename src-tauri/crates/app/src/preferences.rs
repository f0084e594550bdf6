//! How the desktop app behaves, kept in the database.

use crate::{app::App, wire::answers::*, wire::requests::Empty};

/// The key they are kept under.
const KEY: &str = "desktop";

impl App {
    /// The preferences as they are.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn preferences_show(&self, _: Empty) -> Result<PreferencesRow, ProblemWords> {
        Ok(self.shared.store.setting(KEY).await?.unwrap_or_default())
    }

    /// Changes the preferences. They count at once.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn preferences_change(&self, request: PreferencesRow) -> Result<PreferencesRow, ProblemWords> {
        self.may_change().await?;
        self.shared.store.set_setting(KEY, &request).await?;
        Ok(request)
    }
}
