//! What a person may change while the engine runs, and what follows from it for a transfer whose turn it is.

use crate::{
    engine::{Engine, Shared},
    timetable::{self, Hours, Pace},
};
use jiff::tz::TimeZone;
use labferry_model::{AccountName, Event, Limits, RuleId, Timestamp, TransferId};
use labferry_store::{Change, StoreError};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, PoisonError, atomic::Ordering},
};

/// The settings that count at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Files moved at once.
    pub files: usize,
    /// Parts of one file moved at once.
    pub parts_per_file: usize,
    /// Connections to one account.
    pub connections_per_account: usize,
    /// Connections in all.
    pub connections: usize,
    /// Most bytes a second in each direction, where no hours say otherwise; none is no limit.
    pub bandwidth: Option<u64>,
    /// Hours with a pace of their own; the first that hold a moment count.
    pub hours: Vec<Hours>,
    /// Where the hours are local.
    pub zone: TimeZone,
    /// Accounts of which nothing moves.
    pub paused_accounts: BTreeSet<AccountName>,
    /// The hours of watched folders that have some: outside of them, none of their files moves.
    pub folders: BTreeMap<RuleId, Vec<Hours>>,
    /// Whether nothing moves while the link is metered.
    pub waits_on_metered: bool,
}

impl Rules {
    /// No hours and no account paused.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            files: limits.files,
            parts_per_file: limits.parts_per_file,
            connections_per_account: limits.connections_per_account,
            connections: limits.connections,
            bandwidth: limits.bandwidth,
            hours: Vec::new(),
            zone: TimeZone::UTC,
            paused_accounts: BTreeSet::new(),
            folders: BTreeMap::new(),
            waits_on_metered: false,
        }
    }
}

/// Why a transfer whose turn it is does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The timetable says that nothing moves now.
    Hours,
    /// Its account is paused.
    AccountPaused,
    /// The link is metered, and nothing is to move over one that is.
    Metered,
}

/// What these rules say at a moment: pure, the moment and the link come in.
impl Rules {
    fn pace(&self, now: Timestamp) -> Option<Pace> {
        timetable::pace(&self.hours, &self.zone, now)
    }

    /// The watched folders whose hours do not hold.
    fn closed_folders(&self, now: Timestamp) -> Vec<RuleId> {
        let closed = |hours: &Vec<Hours>| !timetable::holds(hours, &self.zone, now);
        self.folders.iter().filter(|(_, hours)| closed(hours)).map(|(id, _)| *id).collect()
    }

    /// Why nothing at all moves.
    fn holds_all(&self, now: Timestamp, metered: bool) -> Option<Hold> {
        if metered && self.waits_on_metered {
            return Some(Hold::Metered);
        }
        (self.pace(now) == Some(Pace::Nothing)).then_some(Hold::Hours)
    }

    /// Why transfers of that account do not move. What a person did to the account is told before what the link is.
    fn holds(&self, account: &AccountName, now: Timestamp, metered: bool) -> Option<Hold> {
        if self.paused_accounts.contains(account) {
            return Some(Hold::AccountPaused);
        }
        self.holds_all(now, metered)
    }
}

impl Engine {
    /// Other rules from now on. What is in hand and may not move any more is laid down within half a second.
    pub fn set_rules(&self, rules: Rules) {
        let shared = self.shared();
        shared.connections.set(rules.connections, rules.connections_per_account);
        *shared.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        shared.keep_pace();
        self.wake();
    }

    /// Whether the link is metered, as far as the system told. What is in hand and may not move over it is laid down within
    /// half a second.
    pub fn set_metered(&self, metered: bool) {
        if self.shared().metered.swap(metered, Ordering::Relaxed) != metered {
            self.wake();
        }
    }

    /// Those of these transfers that wait for the hours of the watched folder they come from.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn wait_for_folder(&self, ids: &[TransferId]) -> Result<HashSet<TransferId>, StoreError> {
        self.shared().wait_for_folder(ids).await
    }

    /// Why transfers of that account whose turn it is do not move now.
    #[must_use]
    pub fn hold(&self, account: &AccountName) -> Option<Hold> {
        self.shared().hold(account)
    }
}

impl Shared {
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Parts of one file that are moved at once.
    pub(crate) fn parts_per_file(&self) -> usize {
        self.rules().parts_per_file.max(1)
    }

    /// Whether nothing at all moves now.
    pub(crate) fn closed(&self) -> bool {
        self.rules().holds_all(self.clock.now(), self.metered.load(Ordering::Relaxed)).is_some()
    }

    pub(crate) fn hold(&self, account: &AccountName) -> Option<Hold> {
        self.rules().holds(account, self.clock.now(), self.metered.load(Ordering::Relaxed))
    }

    /// The watched folders whose hours do not hold now.
    pub(crate) fn closed_folders(&self) -> Vec<RuleId> {
        self.rules().closed_folders(self.clock.now())
    }

    /// Those of these transfers that wait for the hours of their folder.
    pub(crate) async fn wait_for_folder(
        &self,
        ids: &[TransferId],
    ) -> Result<HashSet<TransferId>, StoreError> {
        let closed = self.closed_folders();
        if closed.is_empty() || ids.is_empty() {
            return Ok(HashSet::new());
        }
        self.store.watched_among(ids, &closed).await
    }

    /// Caps the bandwidth as the rules say for this moment.
    pub(crate) fn keep_pace(&self) {
        let rate = match self.rules().pace(self.clock.now()) {
            None | Some(Pace::Nothing) => self.rules().bandwidth,
            Some(Pace::AtMost(rate)) => Some(rate),
            Some(Pace::Free) => None,
        };
        self.upload_bandwidth.set(rate);
        self.download_bandwidth.set(rate);
    }

    /// Takes a transfer out of its worker's hands; it waits for its turn and goes on from its finished parts.
    pub(crate) async fn lay_down(&self, id: labferry_model::TransferId) -> Result<(), StoreError> {
        match self.store.apply(id, Event::Interrupted, Change::default(), self.clock.now()).await {
            Ok(_) | Err(StoreError::Illegal(_) | StoreError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
