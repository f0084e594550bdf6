//! The lab's clock: the system's, plus whatever `POST /clock/advance` added. Links expire by it.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The lab's time.
#[derive(Default)]
pub(crate) struct LabClock {
    ahead_seconds: AtomicI64,
}

impl LabClock {
    /// The time in the lab.
    pub(crate) fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead_seconds.load(Ordering::Relaxed));
        let now = Timestamp::now();
        now.checked_add(ahead).unwrap_or(now)
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&self, seconds: i64) {
        self.ahead_seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Back to the system's time.
    pub(crate) fn reset(&self) {
        self.ahead_seconds.store(0, Ordering::Relaxed);
    }
}

/// RFC 3339 with microseconds and `+00:00`, as InvenioRDM writes times.
pub(crate) fn wire_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// RFC 3339 with seconds and `Z`, as links' expirations are told.
pub(crate) fn short_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
