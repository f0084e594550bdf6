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
    accounts: Mutex<BTreeMap<AccountName, Arc<Semaphore>>>,
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
            accounts: Mutex::default(),
            per_account: limits.connections_per_account.max(1),
        }
    }

    /// Waits for a place. The account's comes first, so that a busy account holds none of the common ones back.
    pub(crate) async fn acquire(&self, account: &AccountName) -> Connection {
        let own = self
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(account.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(self.per_account)))
            .clone();
        // Neither is ever closed, so neither can fail.
        let account = own.acquire_owned().await.ok();
        let all = self.all.clone().acquire_owned().await.ok();
        Connection { _account: account, _all: all }
    }
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
}
