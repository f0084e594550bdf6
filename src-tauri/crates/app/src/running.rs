//! Who moves the bytes: this process while it owns the data folder, another one otherwise.

use crate::{
    app::{App, Own, busy},
    copies::carry_copies,
    folders::watch_folders,
    problem_text::internal,
    staged::keep_clean,
    wire::{answers::ProblemWords, events::AppEvent},
};
use labferry_engine::Until;
use labferry_model::{State, TransferId, WaitReason};
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

/// How often a process that does not own the folder looks whether rows have settled or the owner is gone.
const LOOK: Duration = Duration::from_millis(400);

/// How long the engine rests after the database failed it.
const AFTER_TROUBLE: Duration = Duration::from_secs(10);

impl App {
    /// Runs the engine in the background until [`App::stop`]. Where another process owns the folder this waits for it
    /// to end, and takes over then. A second call does nothing.
    pub fn start_engine(&self) {
        if self.shared.own == Own::Never || self.shared.in_background.swap(true, Ordering::SeqCst) {
            return;
        }
        let app = self.clone();
        self.keep(tokio::spawn(async move {
            while !app.try_own() {
                app.shared.clock.sleep(LOOK).await;
            }
            app.tell(AppEvent::QueueChanged);
            app.keep(tokio::spawn(watch_folders(app.clone())));
            app.keep(tokio::spawn(keep_clean(app.clone())));
            app.keep(tokio::spawn(carry_copies(app.clone())));
            // It returns well when it was stopped, and badly when the database failed it: that may pass.
            while let Err(problem) = app.run(Until::Stopped).await {
                tracing::error!(?problem, "the engine stopped");
                app.in_trouble(Some(problem));
                app.shared.clock.sleep(AFTER_TROUBLE).await;
                app.in_trouble(None);
            }
        }));
    }

    /// Returns when each of these transfers is settled, paused, or waits for something that is not its turn. Runs the
    /// engine for that when this process owns the folder, and takes it over when its owner ends meanwhile.
    ///
    /// # Errors
    /// An engine or database that fails.
    pub async fn run_until_settled(&self, ids: &[i64]) -> Result<(), ProblemWords> {
        let ids: Vec<TransferId> = ids.iter().copied().map(TransferId).collect();
        let mut left = ids.as_slice();
        let mut committed = self.shared.store.committed();
        loop {
            let in_background = self.shared.in_background.load(Ordering::SeqCst);
            if !in_background && self.shared.own != Own::Never && self.try_own() {
                return self.run(Until::Settled(left.to_vec())).await;
            }
            // In order: the rows behind one that is not settled need not be looked at yet.
            while let [first, rest @ ..] = left {
                if !self.at_rest(*first).await? {
                    break;
                }
                left = rest;
            }
            if left.is_empty() {
                return Ok(());
            }
            tokio::select! {
                changed = committed.changed() => changed.map_err(internal)?,
                () = self.shared.clock.sleep(LOOK) => {}
            }
        }
    }

    /// That another process works on the data folder, in words.
    #[must_use]
    pub fn busy(&self) -> ProblemWords {
        busy(&self.shared.folder)
    }

    /// Works the queue until nothing can go on, and with it the copies whose files are in it.
    ///
    /// # Errors
    /// A folder that another process owns; an engine or database that fails.
    pub async fn run_until_idle(&self) -> Result<(), ProblemWords> {
        if self.shared.own == Own::Never || !self.try_own() {
            return Err(busy(&self.shared.folder));
        }
        loop {
            self.run(Until::Idle).await?;
            if !self.carry_once().await? {
                return Ok(());
            }
        }
    }

    /// Stops the engine, keeps what was reached, and closes the database. Every clone is useless afterwards.
    pub async fn stop(&self) {
        self.shared.engine.stop().await;
        let tasks = std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            // An aborted task answers with an error that says so.
            let _ = task.await;
        }
        self.say_nobody_watches().await;
        self.shared.lab.stop().await;
        self.shared.store.clone().close().await;
        self.shared.ownership.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Runs the engine, after it has put rows in order that an earlier process left in hand.
    async fn run(&self, until: Until) -> Result<(), ProblemWords> {
        self.recover().await?;
        Ok(self.shared.engine.run(until).await?)
    }

    /// How many rows an earlier process left in hand, once this one is to run the engine. They are put in order first.
    pub(crate) async fn interrupted(&self) -> Result<u64, ProblemWords> {
        if self.shared.in_background.load(Ordering::SeqCst) && self.owns() {
            self.recover().await?;
        }
        Ok(self.shared.recovered.get().copied().unwrap_or(0))
    }

    async fn recover(&self) -> Result<(), ProblemWords> {
        let recover = || async {
            let interrupted = self.shared.engine.recover().await?;
            if interrupted > 0 {
                tracing::info!(interrupted, "transfers were interrupted and go on");
            }
            Ok::<_, ProblemWords>(interrupted)
        };
        self.shared.recovered.get_or_try_init(recover).await?;
        Ok(())
    }

    fn in_trouble(&self, problem: Option<ProblemWords>) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        self.tell(AppEvent::QueueChanged);
    }

    /// Owns the folder if that is possible now.
    fn try_own(&self) -> bool {
        let mut ownership = self.shared.ownership.lock().unwrap_or_else(PoisonError::into_inner);
        if ownership.is_none() {
            match self.shared.folder.try_own() {
                Ok(taken) => *ownership = taken,
                Err(error) => tracing::warn!(%error, "the data folder cannot be owned"),
            }
        }
        ownership.is_some()
    }

    /// Whether nothing will happen to a transfer by itself soon. One that was cleared is at rest.
    pub(crate) async fn at_rest(&self, id: TransferId) -> Result<bool, ProblemWords> {
        let Some(transfer) = self.shared.store.transfer(id).await? else { return Ok(true) };
        Ok(match transfer.state {
            State::Waiting { .. } if self.shared.engine.hold(&transfer.account).is_some() => true,
            State::Waiting { .. } if !self.shared.engine.wait_for_folder(&[id]).await?.is_empty() => true,
            State::Paused => true,
            State::Waiting {
                why:
                    WaitReason::Offline { .. }
                    | WaitReason::SignIn { .. }
                    | WaitReason::DiskLow
                    | WaitReason::RetryAt { .. },
            } => true,
            state => state.is_settled(),
        })
    }
}
