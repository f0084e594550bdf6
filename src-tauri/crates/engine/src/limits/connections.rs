//! How many connections are open at once, to one account and in all.

use labferry_model::{AccountName, Limits};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places there are.
pub(crate) struct ConnectionLimits {
    all: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    accounts: BTreeMap<AccountName, Arc<Semaphore>>,
    all: usize,
    per_account: usize,
}

/// One place; free again when it is dropped.
pub(crate) struct Connection {
    _account: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl ConnectionLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections.max(1))),
            state: Mutex::new(State {
                accounts: BTreeMap::new(),
                all: limits.connections.max(1),
                per_account: limits.connections_per_account.max(1),
            }),
        }
    }

    /// Other numbers from now on. Where there are fewer, those that are taken go as they are given back.
    pub(crate) fn set(&self, all: usize, per_account: usize) {
        let (all, per_account) = (all.max(1), per_account.max(1));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        resize(&self.all, state.all, all);
        for places in state.accounts.values() {
            resize(places, state.per_account, per_account);
        }
        (state.all, state.per_account) = (all, per_account);
    }

    /// Waits for a place. The account's comes first, so that a busy account holds none of the common ones back.
    pub(crate) async fn acquire(&self, account: &AccountName) -> Connection {
        let own = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let per_account = state.per_account;
            let own = state.accounts.entry(account.clone());
            own.or_insert_with(|| Arc::new(Semaphore::new(per_account))).clone()
        };
        // Neither is ever closed, so neither can fail.
        let account = own.acquire_owned().await.ok();
        let all = self.all.clone().acquire_owned().await.ok();
        Connection { _account: account, _all: all }
    }
}

fn resize(places: &Arc<Semaphore>, from: usize, to: usize) {
    if to >= from {
        places.add_permits(to - from);
        return;
    }
    let excess = u32::try_from(from - to).unwrap_or(u32::MAX);
    let gone = places.clone().acquire_many_owned(excess);
    tokio::spawn(async move {
        // It stands in line with those that wait for a place.
        if let Ok(places) = gone.await {
            places.forget();
        }
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn an_account_and_the_whole_have_their_own_limits() {
        let limits = Limits { connections: 3, connections_per_account: 2, ..Limits::default() };
        let places = ConnectionLimits::new(&limits);
        let (a, b): (AccountName, AccountName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let first = places.acquire(&a).await;
        let _second = places.acquire(&a).await;
        assert!(places.acquire(&a).now_or_never().is_none());
        let _third = places.acquire(&b).await;
        assert!(places.acquire(&b).now_or_never().is_none());
        drop(first);
        assert!(places.acquire(&b).now_or_never().is_some());
    }

    #[tokio::test]
    async fn numbers_change_while_places_are_taken() {
        let limits = Limits { connections: 8, connections_per_account: 4, ..Limits::default() };
        let places = ConnectionLimits::new(&limits);
        let account: AccountName = "a".parse().unwrap();
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(places.acquire(&account).await);
        }
        assert!(places.acquire(&account).now_or_never().is_none());
        places.set(8, 5);
        taken.push(places.acquire(&account).now_or_never().unwrap());
        places.set(8, 2);
        tokio::task::yield_now().await;
        taken.truncate(2);
        tokio::task::yield_now().await;
        assert!(places.acquire(&account).now_or_never().is_none(), "two are taken, two there are");
        taken.pop();
        tokio::task::yield_now().await;
        assert!(places.acquire(&account).now_or_never().is_some());
    }
}
