//! How copies and their files look on the wire, and which of them changed.

use super::next;
use crate::{
    app::{App, Shared},
    rows as transfer_rows,
    wire::{answers::ProblemWords, copies::*, events::AppEvent},
};
use labferry_model::{CopiedFile, CopyId, CopyState, CopyStep};
use labferry_store::StoredCopy;
use std::collections::BTreeMap;

/// What listeners were told of: how often each copy was changed.
pub(crate) type Told = BTreeMap<CopyId, i64>;

impl App {
    pub(super) async fn copy_row(&self, copy: &StoredCopy) -> Result<CopyRow, ProblemWords> {
        self.shared.copy_row(copy).await
    }
}

impl Shared {
    /// A copy and how it stands.
    async fn copy_row(&self, copy: &StoredCopy) -> Result<CopyRow, ProblemWords> {
        let hand = self.store.copied_in_hand(copy.id).await?;
        let held = hand.iter().find(|hand| next::is_held(hand)).filter(|_| copy.state == CopyState::Working);
        let failed = hand.iter().find(|hand| hand.file.step == CopyStep::Failed);
        let problem = match (&copy.problem, held) {
            (Some(problem), _) => words(problem),
            (None, Some(held)) => {
                let problem = held.state.as_ref().and_then(transfer_rows::waits_for);
                problem.map(|problem| problem.about(&held.file.name).into())
            }
            (None, None) => {
                let failed = failed.filter(|_| copy.state != CopyState::Working);
                failed.and_then(|hand| hand.file.problem.as_ref()).and_then(words)
            }
        };
        let state = if held.is_some() { CopyState::NeedsYou } else { copy.state };
        let mut row = CopyRow {
            id: copy.id.0,
            account: copy.wish.account.to_string(),
            source: copy.wish.source.clone(),
            to_account: copy.wish.to.to_string(),
            to_place: copy.wish.place.clone(),
            on_clash: copy.wish.on_clash,
            state: word(&state),
            problem,
            files: 0,
            verified: 0,
            unproven: 0,
            skipped: 0,
            failed: 0,
            bytes: 0,
            bytes_done: 0,
            transfers: hand.iter().filter_map(super::moving).map(|id| id.0).collect(),
            created: copy.created.0,
            changed: copy.changed.0,
        };
        for sum in self.store.copied_sums(copy.id).await? {
            row.files += sum.files;
            row.bytes += sum.bytes;
            if sum.step.is_over() {
                row.bytes_done += sum.bytes;
            }
            match sum.step {
                CopyStep::Copied if sum.verified => row.verified += sum.files,
                CopyStep::Copied => row.unproven += sum.files,
                CopyStep::Skipped => row.skipped += sum.files,
                CopyStep::Failed => row.failed += sum.files,
                _ => {}
            }
        }
        Ok(row)
    }

    /// Tells listeners which copies changed since they were told last, in whatever process.
    pub(crate) async fn tell_of_copies(&self, told: &mut Told) -> Result<(), ProblemWords> {
        if self.events.receiver_count() == 0 {
            return Ok(());
        }
        let now: Told = self.store.copy_turns().await?.into_iter().collect();
        if now == *told {
            return Ok(());
        }
        if now.keys().eq(told.keys()) {
            for (id, turn) in &now {
                if told.get(id) != Some(turn)
                    && let Some(copy) = self.store.copy(*id).await?
                {
                    let row = Box::new(self.copy_row(&copy).await?);
                    let _ = self.events.send(AppEvent::Copy { row });
                }
            }
        } else {
            let _ = self.events.send(AppEvent::CopiesChanged);
        }
        *told = now;
        Ok(())
    }
}

/// A file of a copy.
pub(super) fn file(file: CopiedFile) -> CopyFileRow {
    let fetched = !matches!(file.step, CopyStep::Waiting | CopyStep::Fetching | CopyStep::Stopped)
        && (file.step != CopyStep::Failed || file.local.is_some());
    CopyFileRow {
        number: file.number,
        state: word(&file.step),
        fetched_proven: fetched.then_some(file.fetched_proven),
        verified: file.verified,
        download: file.download.map(|id| id.0),
        upload: file.upload.map(|id| id.0),
        problem: file.problem.as_ref().and_then(words),
        path: file.path,
        name: file.name,
        size: file.size,
    }
}

fn words(problem: &serde_json::Value) -> Option<ProblemWords> {
    serde_json::from_value(problem.clone()).ok()
}

/// The name of a state, as it is stored.
fn word<T: serde::Serialize>(state: &T) -> String {
    let value = serde_json::to_value(state).ok();
    value.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
