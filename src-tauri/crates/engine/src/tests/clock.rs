//! A clock on which sleeping costs no time.

use labferry_model::{Clock, Timestamp};
use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Time passes only by sleeping, or not even by that.
#[derive(Default)]
pub(crate) struct TestClock {
    micros: AtomicU64,
    stands: AtomicBool,
}

impl TestClock {
    /// From now on only [`TestClock::pass`] lets time pass: sleeps beside each other add up otherwise, which is no measure
    /// of how long anything took.
    pub(crate) fn stand(&self) {
        self.stands.store(true, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if !self.stands.load(Ordering::SeqCst) {
            self.pass(duration);
        }
        Box::pin(tokio::task::yield_now())
    }
}
