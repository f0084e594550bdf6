//! The cap on bytes a second, shared by all transfers of one direction.

use labferry_model::Clock;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A queue in time: each piece books the stretch it may take and waits for its end.
pub(crate) struct Bandwidth {
    clock: Arc<dyn Clock>,
    /// Bytes a second; 0 is no limit.
    rate: AtomicU64,
    /// When the last booked stretch ends.
    booked: Mutex<Duration>,
}

impl Bandwidth {
    pub(crate) fn new(clock: Arc<dyn Clock>, rate: Option<u64>) -> Self {
        Self { clock, rate: AtomicU64::new(rate.unwrap_or(0)), booked: Mutex::default() }
    }

    /// Another cap from the next piece on; stretches that are booked stay as they are.
    pub(crate) fn set(&self, rate: Option<u64>) {
        self.rate.store(rate.unwrap_or(0), Ordering::Relaxed);
    }

    /// The largest piece to take at once, at most `most` bytes: an eighth of a second's worth of a low cap, so that bytes
    /// move steadily and neither side takes the connection for dead.
    pub(crate) fn piece(&self, most: usize) -> usize {
        /// A piece below this costs more than it moves.
        const LEAST: usize = 4 << 10;
        match self.rate.load(Ordering::Relaxed) {
            0 => most,
            rate => usize::try_from(rate / 8).unwrap_or(most).clamp(LEAST.min(most), most),
        }
    }

    /// Returns when these bytes may move.
    pub(crate) async fn take(&self, bytes: usize) {
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == 0 {
            return;
        }
        #[allow(clippy::cast_precision_loss)]
        let length = Duration::from_secs_f64(bytes as f64 / rate as f64);
        let now = self.clock.monotonic();
        let end = {
            let mut booked = self.booked.lock().unwrap_or_else(PoisonError::into_inner);
            *booked = (*booked).max(now) + length;
            *booked
        };
        self.clock.sleep(end.saturating_sub(now)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::clock::TestClock;

    #[tokio::test]
    async fn the_rate_is_held() {
        let clock = Arc::new(TestClock::default());
        let bandwidth = Bandwidth::new(clock.clone(), Some(1_000));
        for _ in 0..10 {
            bandwidth.take(500).await;
        }
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
        bandwidth.set(Some(500));
        bandwidth.take(1_000).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(7));
        bandwidth.set(None);
        bandwidth.take(1 << 30).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(7));
    }
}
