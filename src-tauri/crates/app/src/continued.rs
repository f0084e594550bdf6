//! Transfers that are added a second time before they are finished.

use crate::{app::App, wire::answers::ProblemWords};
use labferry_engine::Ask;
use labferry_model::{Transfer, transfer::NewTransfer};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

impl App {
    /// Takes out the transfers that this queue has begun and not finished, lets those go on and gives their numbers: a
    /// second row for the same file would move again what is there, or write to the same file beside the first. One
    /// that failed goes on only when it was asked for in the same way; otherwise what was asked for differently now is
    /// the answer to its problem.
    pub(crate) async fn go_on(&self, transfers: &mut Vec<NewTransfer>) -> Result<Vec<i64>, ProblemWords> {
        Ok(self.go_on_each(transfers).await?.into_values().collect())
    }

    /// The same, by the place that each had among the transfers.
    pub(crate) async fn go_on_each(
        &self,
        transfers: &mut Vec<NewTransfer>,
    ) -> Result<BTreeMap<usize, i64>, ProblemWords> {
        // In the order they were queued: of several the newest counts.
        let unfinished = self.shared.store.unfinished_like(transfers).await?;
        let by_file: HashMap<(&str, &str, &Path), &Transfer> = unfinished
            .iter()
            .map(|old| ((old.place.as_str(), old.name.as_str(), old.local.as_path()), old))
            .collect();
        let mut continued = BTreeMap::new();
        let mut fresh = Vec::with_capacity(transfers.len());
        for (index, new) in transfers.drain(..).enumerate() {
            let known = by_file.get(&(new.place.as_str(), new.name.as_str(), new.local.as_path()));
            let known = known.filter(|old| !old.state.is_settled() || same_wishes(old, &new));
            let Some(old) = known else {
                fresh.push(new);
                continue;
            };
            let ask = if old.state.is_settled() { Ask::Retry } else { Ask::Resume };
            if !old.state.is_active() {
                // Another process may have taken it in hand meanwhile: then it goes on already.
                let _ = self.shared.engine.ask(old.id, ask).await;
            }
            continued.insert(index, old.id.0);
        }
        *transfers = fresh;
        Ok(continued)
    }
}

/// Whether the same was asked for.
fn same_wishes(old: &Transfer, new: &NewTransfer) -> bool {
    old.on_clash == new.on_clash
        && old.shape == new.shape
        && old.verify == new.verify
        && old.metadata == new.metadata
}
