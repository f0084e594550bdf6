//! How the desktop app behaves, kept in the database.

use crate::{
    app::App,
    problem_text::invalid,
    wire::{answers::*, events::AppEvent, requests::Empty},
};

/// The key they are kept under.
const KEY: &str = "desktop";
/// Longest language tag: RFC 5646, 4.4.1, asks to leave room for 35 characters.
const LONGEST_TAG: usize = 35;

impl App {
    /// The preferences as they are.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn preferences_show(&self, _: Empty) -> Result<PreferencesRow, ProblemWords> {
        Ok(self.shared.store.setting(KEY).await?.unwrap_or_default())
    }

    /// Changes the preferences. They count at once. A language that is left out stays as the window told it.
    ///
    /// # Errors
    /// Settings that are locked; a database that cannot be written.
    pub async fn preferences_change(&self, request: PreferencesRow) -> Result<PreferencesRow, ProblemWords> {
        self.may_change().await?;
        let mut wanted = request;
        if wanted.language.is_empty() {
            wanted.language = self.preferences_show(Empty {}).await?.language;
        }
        self.shared.store.set_setting(KEY, &wanted).await?;
        self.tell(AppEvent::PreferencesChanged);
        Ok(wanted)
    }

    /// Notes the window's language, for what is said outside of it. It is the window's own choice, so that no lock asks.
    ///
    /// # Errors
    /// A text that is no language tag; a database that cannot be written.
    pub async fn preferences_language(&self, request: SetLanguage) -> Result<PreferencesRow, ProblemWords> {
        let tag = request.language;
        if tag.len() > LONGEST_TAG || !tag.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '-') {
            return Err(invalid("a language is a tag such as cs or zh-Hans"));
        }
        let mut preferences = self.preferences_show(Empty {}).await?;
        if preferences.language != tag {
            preferences.language = tag;
            self.shared.store.set_setting(KEY, &preferences).await?;
            self.tell(AppEvent::PreferencesChanged);
        }
        Ok(preferences)
    }
}
