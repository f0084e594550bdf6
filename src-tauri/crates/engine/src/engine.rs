//! The handle that everybody shares, and what may be asked of a transfer.

use crate::{
    limits::{Bandwidth, ConnectionLimits, LinkSpeeds},
    progress::{Meter, Progress},
    retry::Retry,
    rules::Rules,
    scheduler,
    together::{Announcements, Lookups},
};
use async_trait::async_trait;
use labferry_model::{AccountName, Clock, Event, Limits, Problem, Transfer, TransferId};
use labferry_provider::Provider;
use labferry_store::{Change, Store, StoreError, TransferFilter};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicBool},
};
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};

/// Where the engine gets the connector of an account.
#[async_trait]
pub trait Connections: Send + Sync {
    /// The connector of that account.
    ///
    /// # Errors
    /// An account that is not there, or whose secrets cannot be read.
    async fn provider(&self, account: &AccountName) -> Result<Arc<dyn Provider>, Problem>;
}

/// When [`Engine::run`] returns by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Never; only [`Engine::stop`] ends it.
    Stopped,
    /// When nothing is in hand and nothing may start now.
    Idle,
    /// When each of these is settled, paused, or waits for something that is not its turn.
    Settled(Vec<TransferId>),
}

/// States in which a worker has a transfer in hand.
const ACTIVE: [&str; 5] = ["checking", "planned", "moving", "finishing", "verifying"];

/// What a person may ask of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Stop, and keep what was sent.
    Pause,
    /// Go on.
    Resume,
    /// Give it up, and remove what the service has of it.
    Cancel,
    /// Try again now.
    Retry,
}

impl Ask {
    fn event(self) -> Event {
        match self {
            Self::Pause => Event::PauseAsked,
            Self::Resume => Event::ResumeAsked,
            Self::Cancel => Event::CancelAsked,
            Self::Retry => Event::RetryAsked,
        }
    }
}

/// Moves the transfers of one data folder. Clones share it.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) accounts: Arc<dyn Connections>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Arc<Limits>,
    /// What may change meanwhile, and counts where `limits` says otherwise.
    pub(crate) rules: RwLock<Arc<Rules>>,
    /// Whether the link is metered, as far as somebody told.
    pub(crate) metered: AtomicBool,
    pub(crate) retry: Retry,
    pub(crate) connections: ConnectionLimits,
    /// How fast parts were carried, by account.
    pub(crate) link_speeds: LinkSpeeds,
    pub(crate) upload_bandwidth: Arc<Bandwidth>,
    pub(crate) download_bandwidth: Arc<Bandwidth>,
    /// Uploads to one container that are announced in one request.
    pub(crate) announcements: Arc<Announcements>,
    /// Names in one container that are looked for in one request.
    pub(crate) lookups: Arc<Lookups>,
    /// Rows were added or changed.
    pub(crate) woken: Notify,
    /// Whether the engine was told to stop.
    pub(crate) stopping: watch::Sender<bool>,
    /// Held while the engine runs, so that it runs once.
    pub(crate) running: AsyncMutex<()>,
    meters: Mutex<HashMap<TransferId, Arc<Meter>>>,
    /// How often a transfer was begun anew in this process because what the service held was lost or differed.
    pub(crate) fresh_starts: Mutex<HashMap<TransferId, u32>>,
}

impl Engine {
    /// An engine over that store. It does nothing until [`Engine::run`].
    #[must_use]
    pub fn new(store: Store, accounts: Arc<dyn Connections>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        let limits = Arc::new(limits);
        let bandwidth = || Arc::new(Bandwidth::new(clock.clone(), limits.bandwidth));
        let shared = Shared {
            store,
            accounts,
            retry: Retry::new(clock.clone(), limits.clone()),
            connections: ConnectionLimits::new(&limits),
            link_speeds: LinkSpeeds::default(),
            upload_bandwidth: bandwidth(),
            download_bandwidth: bandwidth(),
            announcements: Announcements::announcements(),
            lookups: Lookups::lookups(),
            woken: Notify::new(),
            stopping: watch::Sender::new(false),
            running: AsyncMutex::new(()),
            metered: AtomicBool::new(false),
            meters: Mutex::default(),
            fresh_starts: Mutex::default(),
            rules: RwLock::new(Arc::new(Rules::of(&limits))),
            clock,
            limits,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Bytes that are kept free on a disk that something is written to.
    #[must_use]
    pub fn disk_reserve(&self) -> u64 {
        self.shared.limits.disk_reserve
    }

    /// Puts what an earlier process had in hand back into the queue and says how many those were. Call it once, as the
    /// owner of the data folder, before [`Engine::run`]: each of them then begins by asking the service what it holds.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn recover(&self) -> Result<u64, StoreError> {
        let ids = self.shared.store.interrupt_active(self.shared.clock.now()).await?;
        Ok(ids.len() as u64)
    }

    /// Works the queue. Only the owner of the data folder may call it.
    ///
    /// # Errors
    /// The database fails. Transfers in hand are then laid down as if the process had ended.
    pub async fn run(&self, until: Until) -> Result<(), Problem> {
        scheduler::run(&self.shared, until).await.map_err(|error| error.problem())
    }

    /// Lays down what is in hand, so that the next start goes on from its finished parts, and returns when that is
    /// stored. The engine does not run again.
    pub async fn stop(&self) {
        self.shared.stopping.send_replace(true);
        drop(self.shared.running.lock().await);
    }

    /// Rows were added or changed.
    pub fn wake(&self) {
        self.shared.woken.notify_one();
    }

    /// Asks something of a transfer. It also works in a process that does not run the engine: the owner sees the row.
    ///
    /// # Errors
    /// There is no such transfer, it makes no sense in its state, or the database fails.
    pub async fn ask(&self, id: TransferId, ask: Ask) -> Result<Transfer, Problem> {
        let now = self.shared.clock.now();
        let change = match ask {
            Ask::Retry => Change { failing_since: Some(None), ..Change::default() },
            _ => Change::default(),
        };
        let transfer =
            self.shared.store.apply(id, ask.event(), change, now).await.map_err(|error| error.problem())?;
        if ask == Ask::Retry {
            self.shared.fresh_starts().remove(&id);
        }
        self.wake();
        Ok(transfer)
    }

    /// Asks something of every transfer that fits the filter and for which it makes sense, and says how many did it. Those
    /// in hand come first and the rest follows by the thousand, so that it is felt at once however long the queue is.
    ///
    /// # Errors
    /// The database fails; what was asked until then counts.
    pub async fn ask_all(&self, filter: &TransferFilter, ask: Ask) -> Result<u64, Problem> {
        let mut changed = 0;
        let (in_hand, others): (Vec<_>, Vec<_>) =
            filter.states.iter().flatten().partition(|state| ACTIVE.contains(*state));
        let mut rounds =
            vec![TransferFilter { states: Some(in_hand), reasons: Vec::new(), ..filter.clone() }];
        rounds.push(TransferFilter { states: Some(others), ..filter.clone() });
        // What was admitted while the rest was asked.
        rounds.push(rounds[0].clone());
        for mut round in rounds {
            while let Some(last) = {
                let now = self.shared.clock.now();
                let step = self.shared.store.apply_step(&round, ask.event(), ask == Ask::Retry, now).await;
                let step = step.map_err(|error| error.problem())?;
                changed += step.changed;
                self.wake();
                step.last
            } {
                round.after = Some(last);
            }
        }
        Ok(changed)
    }

    /// How far the transfers in hand are.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        let meters: Vec<Arc<Meter>> = self.shared.meters().values().cloned().collect();
        let mut samples: Vec<Progress> = meters.iter().map(|meter| meter.sample()).collect();
        samples.sort_by_key(|sample| sample.id);
        samples
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    pub(crate) fn meters(&self) -> MutexGuard<'_, HashMap<TransferId, Arc<Meter>>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fresh_starts(&self) -> MutexGuard<'_, HashMap<TransferId, u32>> {
        self.fresh_starts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
