//! How fast one connection to an account carries parts, as the last parts showed. Kept in memory: it holds for the network
//! this process is on.

use labferry_model::AccountName;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Parts in a row that must arrive before their speed is gone by: two rounds of the usual four at once. A link that fails
/// more often than that never counts as fast.
const EVIDENCE: u32 = 8;
/// A speed that nothing confirmed for so long says nothing about the network of now: a laptop was moved meanwhile.
const KEPT: Duration = Duration::from_secs(15 * 60);

/// What was seen of each account.
#[derive(Default)]
pub(crate) struct LinkSpeeds(Mutex<HashMap<AccountName, Seen>>);

#[derive(Clone, Copy, Default)]
struct Seen {
    parts: u32,
    bytes: u64,
    /// Time on a connection, those beside each other added up.
    busy: Duration,
    last: Duration,
}

impl LinkSpeeds {
    /// A part of that many bytes was on a connection for that long.
    pub(crate) fn arrived(&self, account: &AccountName, bytes: u64, busy: Duration, now: Duration) {
        let mut accounts = self.lock();
        let seen = accounts.entry(account.clone()).or_default();
        // Half the weight for what was before, so that a link that changes is followed.
        if seen.parts >= 2 * EVIDENCE {
            *seen = Seen { parts: seen.parts / 2, bytes: seen.bytes / 2, busy: seen.busy / 2, ..*seen };
        }
        seen.parts += 1;
        seen.bytes = seen.bytes.saturating_add(bytes);
        seen.busy = seen.busy.saturating_add(busy);
        seen.last = now;
    }

    /// A part did not arrive: what was seen before it counts no more.
    pub(crate) fn failed(&self, account: &AccountName) {
        self.lock().remove(account);
    }

    /// Bytes a second of one connection; none while too little was seen.
    pub(crate) fn of(&self, account: &AccountName, now: Duration) -> Option<u64> {
        let seen = *self.lock().get(account)?;
        if seen.parts < EVIDENCE || seen.busy.is_zero() || now.saturating_sub(seen.last) > KEPT {
            return None;
        }
        u64::try_from(u128::from(seen.bytes) * 1_000_000 / seen.busy.as_micros().max(1)).ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountName, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_speed_is_known_after_enough_parts_and_followed() {
        let (speeds, account) = (LinkSpeeds::default(), "lab".parse().unwrap());
        for _ in 0..EVIDENCE {
            assert_eq!(speeds.of(&account, SECOND), None);
            speeds.arrived(&account, 1_000, SECOND, SECOND);
        }
        assert_eq!(speeds.of(&account, SECOND), Some(1_000));
        assert_eq!(speeds.of(&"other".parse().unwrap(), SECOND), None);
        for _ in 0..10 * EVIDENCE {
            speeds.arrived(&account, 1_000, 10 * SECOND, SECOND);
        }
        assert!(speeds.of(&account, SECOND).unwrap() < 110);
    }

    #[test]
    fn a_failure_and_a_long_rest_forget_it() {
        let (speeds, account) = (LinkSpeeds::default(), "lab".parse().unwrap());
        let fill = || (0..EVIDENCE).for_each(|_| speeds.arrived(&account, 1_000, SECOND, SECOND));
        fill();
        assert_eq!(speeds.of(&account, SECOND + KEPT), Some(1_000));
        assert_eq!(speeds.of(&account, 2 * SECOND + KEPT), None);
        speeds.failed(&account);
        assert_eq!(speeds.of(&account, SECOND), None);
        fill();
        assert_eq!(speeds.of(&account, SECOND), Some(1_000));
    }
}
