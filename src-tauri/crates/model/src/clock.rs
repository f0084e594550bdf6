//! Time as a parameter: nothing below a front end asks the system what time it is.

use serde::{Deserialize, Serialize};
use std::{future::Future, pin::Pin, time::Duration};

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `duration` later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` to `self`; zero when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// The clock everything below a front end is given. The system's lives in the app; suites drive their own, so
/// that no test sleeps to wait for a retry.
pub trait Clock: Send + Sync {
    /// Wall-clock time. It may jump; use it for what is shown and stored.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment in this process. It never goes back; use it for rates and time-outs.
    fn monotonic(&self) -> Duration;

    /// Returns after `duration` of this clock's own time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
