//! The files of a place, and which of them a command is about.

use crate::{
    exit::{Failure, usage},
    place::Place,
};
use clap::Args;
use glob::{MatchOptions, Pattern};
use labferry_app::{
    App,
    wire::{answers::FileRow, requests::PlaceRequest},
};

/// Chooses files of records.
#[derive(Args, Default)]
pub(crate) struct Selection {
    /// Mean every file in the places, not the places themselves
    #[arg(long)]
    files: bool,
    /// Mean the files in the places whose name matches: * stands for any letters, ? for one
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    matching: Option<Pattern>,
    /// Mean the files in the places that have more bytes than this
    #[arg(long, value_name = "BYTES")]
    larger_than: Option<u64>,
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| format!("{} at letter {}", error.msg, error.pos + 1))
}

impl Selection {
    /// Whether files in the places are meant.
    pub(crate) fn is_made(&self) -> bool {
        self.files || self.matching.is_some() || self.larger_than.is_some()
    }

    fn takes(&self, file: &FileRow) -> bool {
        // A `/` in a name is text for some services and a folder for others; `*` goes over it either way.
        let options = MatchOptions { case_sensitive: true, ..MatchOptions::default() };
        self.matching.as_ref().is_none_or(|pattern| pattern.matches_with(&file.name, options))
            && self.larger_than.is_none_or(|bytes| file.size.is_some_and(|size| size > bytes))
    }

    /// The files that are meant, with the account they are in.
    ///
    /// # Errors
    /// A place that cannot be listed, and a choice that means no file.
    pub(crate) async fn of(&self, app: &App, places: &[Place]) -> Result<Vec<(Place, FileRow)>, Failure> {
        let mut chosen = Vec::new();
        for place in places {
            let files = files_of(app, place).await?.into_iter().filter(|file| self.takes(file));
            chosen.extend(
                files.map(|file| (Place { account: place.account.clone(), path: file.path.clone() }, file)),
            );
        }
        if chosen.is_empty() {
            let places = places.iter().map(Place::to_string).collect::<Vec<_>>().join(", ");
            return Err(usage(format!(
                "No file in {places} is meant by that: look with `labferry ls` and choose again."
            )));
        }
        Ok(chosen)
    }
}

/// Every file directly in a place.
pub(crate) async fn files_of(app: &App, place: &Place) -> Result<Vec<FileRow>, Failure> {
    let request = PlaceRequest { account: place.account.clone(), path: place.path.clone() };
    Ok(app.files_in(request).await?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_by_name_and_size() {
        let file = |name: &str, size| -> FileRow {
            let row = serde_json::json!({ "path": name, "name": name, "size": size, "status": "ready",
                "digests": [], "media_type": null, "modified": null, "proof": null, "verified": false,
                "metadata": {} });
            serde_json::from_value(row).unwrap()
        };
        let named = Selection { matching: Some(pattern("*.tmp").unwrap()), ..Selection::default() };
        assert!(named.is_made() && !Selection::default().is_made());
        assert!(named.takes(&file("run/a.tmp", 1)) && !named.takes(&file("a.tmp.tif", 1)));
        let large = Selection { larger_than: Some(10), ..Selection::default() };
        assert!(large.takes(&file("a", 11)) && !large.takes(&file("a", 10)));
        assert!(pattern("[").is_err());
    }
}
