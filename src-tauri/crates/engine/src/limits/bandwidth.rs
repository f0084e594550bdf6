//! The cap on bytes a second, shared by all transfers of one direction.

use labferry_model::Clock;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A queue in time: each piece books the stretch it may take and waits for its end.
pub(crate) struct Bandwidth {
    clock: Arc<dyn Clock>,
    /// Bytes a second; none is no limit.
    rate: Option<u64>,
    /// When the last booked stretch ends.
    booked: Mutex<Duration>,
}

impl Bandwidth {
    pub(crate) fn new(clock: Arc<dyn Clock>, rate: Option<u64>) -> Self {
        Self { clock, rate: rate.filter(|&rate| rate > 0), booked: Mutex::default() }
    }

    /// Returns when these bytes may move.
    pub(crate) async fn take(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
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
        Bandwidth::new(clock.clone(), None).take(1 << 30).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
    }
}
