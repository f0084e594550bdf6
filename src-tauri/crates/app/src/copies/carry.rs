//! The process that owns the data folder moves copies forward: whenever transfers settle, and when a copy is asked for.

use super::next::{self, Next};
use crate::{app::App, problem_text::internal, wire::answers::ProblemWords};
use labferry_model::{CopyId, CopyState, TransferId};
use labferry_store::{CopyChange, StoredCopy};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// How often copies that another process asked for or changed are looked for.
const LOOK: Duration = Duration::from_secs(2);
/// Least time between two looks at transfers that settle one after the other.
const BREATH: Duration = Duration::from_millis(250);
/// How long a copy rests after a service could not be asked.
const AFTER_TROUBLE: Duration = Duration::from_secs(10);

/// What moving copies needs in memory.
#[derive(Default)]
pub(crate) struct Copying {
    /// Copies were asked for or changed by a person.
    changed: Notify,
    /// When a copy in trouble is tried again, by the clock that nobody sets.
    again: Mutex<HashMap<CopyId, Duration>>,
    /// Copies whose transfers all wait for a person, as it was told last.
    held: Mutex<HashSet<CopyId>>,
}

impl Copying {
    /// Looks at a copy now, whatever trouble it had.
    pub(super) fn hurry(&self, id: CopyId) {
        self.again.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        self.changed.notify_one();
    }
}

/// Moves copies forward until the app stops.
pub(crate) async fn carry_copies(app: App) {
    let mut committed = app.shared.store.committed();
    loop {
        let working = app.carry_open().await.unwrap_or_else(|problem| {
            tracing::warn!(message = problem.message, "copies cannot be moved forward");
            false
        });
        if let Err(problem) = app.put_copies_in_order().await {
            tracing::warn!(message = problem.message, "what copies left cannot be put in order");
        }
        tokio::select! {
            () = app.shared.copying.changed.notified() => {}
            () = app.shared.clock.sleep(LOOK) => {}
            // Where nothing is copied, what happens to transfers is nobody's business here.
            changed = committed.changed(), if working => {
                if changed.is_err() {
                    return;
                }
                app.shared.clock.sleep(BREATH).await;
            }
        }
    }
}

impl App {
    /// Moves every open copy as far as it goes now, and says whether one of them goes on by itself.
    async fn carry_open(&self) -> Result<bool, ProblemWords> {
        let mut working = false;
        for copy in self.shared.store.open_copies().await? {
            self.carry(copy.id).await?;
            working |= copy.state == CopyState::Working;
        }
        Ok(working)
    }

    /// Moves a copy as far as it goes now, and says whether it moved.
    async fn carry(&self, id: CopyId) -> Result<bool, ProblemWords> {
        let mut moved = false;
        loop {
            let Some(copy) = self.shared.store.copy(id).await? else { return Ok(moved) };
            if !matches!(copy.state, CopyState::Working | CopyState::NeedsYou) || self.rests(id) {
                return Ok(moved);
            }
            match self.step(&copy).await {
                Ok(true) => moved = true,
                Ok(false) => {
                    self.tell_held(&copy).await?;
                    return Ok(moved);
                }
                Err(problem) => {
                    self.in_trouble_with(&copy, problem).await?;
                    return Ok(moved);
                }
            }
        }
    }

    /// Moves copies forward in a process that works the queue until nothing can go on; true when there is more to work.
    pub(crate) async fn carry_once(&self) -> Result<bool, ProblemWords> {
        let mut moved = false;
        for copy in self.shared.store.open_copies().await? {
            moved |= self.carry(copy.id).await?;
        }
        self.put_copies_in_order().await?;
        Ok(moved)
    }

    /// Ends what a process left that was killed while it stopped a copy, and removes what nobody needs any more.
    async fn put_copies_in_order(&self) -> Result<(), ProblemWords> {
        for id in self.shared.store.copies_to_lay_down().await? {
            self.lay_down(id).await?;
        }
        self.sweep_copies().await
    }

    fn rests(&self, id: CopyId) -> bool {
        let again = self.shared.copying.again.lock().unwrap_or_else(PoisonError::into_inner);
        again.get(&id).is_some_and(|again| *again > self.shared.clock.monotonic())
    }

    /// Keeps a problem of the copy as a whole. One that may pass is tried again by itself.
    async fn in_trouble_with(&self, copy: &StoredCopy, problem: ProblemWords) -> Result<(), ProblemWords> {
        tracing::warn!(id = %copy.id, message = problem.message, "a copy cannot go on");
        let passes = passes(&problem);
        if passes {
            let again = self.shared.clock.monotonic() + AFTER_TROUBLE;
            self.shared.copying.again.lock().unwrap_or_else(PoisonError::into_inner).insert(copy.id, again);
        }
        let problem = serde_json::to_value(&problem).map_err(internal)?;
        if passes && copy.problem.as_ref() == Some(&problem) {
            return Ok(());
        }
        let change = CopyChange {
            state: (!passes).then_some(CopyState::NeedsYou),
            problem: Some(Some(problem)),
            ..CopyChange::default()
        };
        self.shared.store.change_copy(copy, change, self.shared.clock.now()).await?;
        Ok(())
    }

    /// Counts a change where transfers of a copy begin or cease to wait for a person: its row says so.
    async fn tell_held(&self, copy: &StoredCopy) -> Result<(), ProblemWords> {
        let hand = self.shared.store.copied_in_hand(copy.id).await?;
        let held = hand.iter().any(next::is_held);
        let told = {
            let mut told = self.shared.copying.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held { told.insert(copy.id) } else { told.remove(&copy.id) }
        };
        if told {
            self.shared.store.change_copy(copy, CopyChange::default(), self.shared.clock.now()).await?;
        }
        Ok(())
    }

    /// Returns true when a copy is over, needs somebody, or nothing will happen to it by itself soon, and false when none
    /// of these transfers has a file of it any more while it goes on. The engine must run, here or in another process.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn run_until_copied(&self, id: i64, transfers: &[i64]) -> Result<bool, ProblemWords> {
        let id = CopyId(id);
        let mut committed = self.shared.store.committed();
        loop {
            let Some(copy) = self.shared.store.copy(id).await? else { return Ok(true) };
            if copy.state != CopyState::Working || copy.problem.is_some() {
                return Ok(true);
            }
            let hand = self.shared.store.copied_in_hand(id).await?;
            let has: HashSet<i64> = hand.iter().filter_map(super::moving).map(|id| id.0).collect();
            if !transfers.is_empty() && !transfers.iter().any(|id| has.contains(id)) {
                return Ok(false);
            }
            let rests = match next::next(copy.state, &hand) {
                Next::Rest => true,
                // One that is tried again later holds up nobody, but there may be nobody left.
                Next::Fetch { files, bytes } => self.more_to_fetch(&copy, files, bytes).await?.is_empty(),
                Next::Learn(_) | Next::Send(_) => false,
            };
            if rests && !has.is_empty() {
                let mut at_rest = true;
                for id in has {
                    at_rest &= self.at_rest(TransferId(id)).await?;
                }
                if at_rest {
                    return Ok(true);
                }
            }
            tokio::select! {
                changed = committed.changed() => changed.map_err(internal)?,
                () = self.shared.clock.sleep(BREATH) => {}
            }
        }
    }
}

/// Whether a problem says nothing about the copy: it goes on once the service answers again.
fn passes(problem: &ProblemWords) -> bool {
    matches!(problem.code.as_str(), "unreachable" | "connection_lost" | "rate_limited" | "service_failed")
}
