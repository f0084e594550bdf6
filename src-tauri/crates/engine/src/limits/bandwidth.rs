//! The cap on bytes a second, shared by all transfers of one direction.

use labferry_model::Clock;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Time not used is made up for when it is no more than this: a sleep that lasts too long costs no bandwidth, and a pause
/// earns no burst.
const CREDIT: Duration = Duration::from_millis(100);
/// What is booked at once, in parts of a second: all connections then share the cap evenly.
const SLICES: u64 = 20;

/// A queue in time: each piece books the stretch it may take and waits for its end.
pub(crate) struct Bandwidth {
    clock: Arc<dyn Clock>,
    /// Bytes a second; 0 is no limit.
    rate: watch::Sender<u64>,
    /// When the last booked stretch ends.
    booked: Mutex<Duration>,
}

impl Bandwidth {
    pub(crate) fn new(clock: Arc<dyn Clock>, rate: Option<u64>) -> Self {
        Self { clock, rate: watch::Sender::new(rate.unwrap_or(0)), booked: Mutex::default() }
    }

    /// Another cap from now on: what waits for the end of its stretch books it anew.
    pub(crate) fn set(&self, rate: Option<u64>) {
        let mut booked = self.booked.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = self.rate.send_if_modified(|old| {
            let new = rate.unwrap_or(0);
            std::mem::replace(old, new) != new
        });
        if changed {
            *booked = self.clock.monotonic();
        }
    }

    /// The largest piece to take at once, at most `most` bytes: an eighth of a second's worth of a low cap, so that bytes
    /// move steadily and neither side takes the connection for dead.
    pub(crate) fn piece(&self, most: usize) -> usize {
        /// A piece below this costs more than it moves.
        const LEAST: usize = 4 << 10;
        match *self.rate.borrow() {
            0 => most,
            rate => usize::try_from(rate / 8).unwrap_or(most).clamp(LEAST.min(most), most),
        }
    }

    /// Returns when these bytes may move.
    pub(crate) async fn take(&self, bytes: usize) {
        let mut changed = self.rate.subscribe();
        let mut left = bytes as u64;
        while left > 0 {
            let now = self.clock.monotonic();
            let (slice, end) = {
                let mut booked = self.booked.lock().unwrap_or_else(PoisonError::into_inner);
                // With the lock held, so that nobody books at a cap that is gone.
                let rate = *changed.borrow_and_update();
                if rate == 0 {
                    return;
                }
                let slice = left.min((rate / SLICES).max(1));
                #[allow(clippy::cast_precision_loss)]
                let length = Duration::from_secs_f64(slice as f64 / rate as f64);
                *booked = (*booked).max(now.saturating_sub(CREDIT)) + length;
                (slice, *booked)
            };
            tokio::select! {
                biased;
                () = self.clock.sleep(end.saturating_sub(now)) => left -= slice,
                _ = changed.changed() => {}
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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
    #[tokio::test]
    async fn pieces_of_any_size_keep_the_cap_over_ten_seconds() {
        let clock = Arc::new(TestClock::default());
        for rate in [16 << 10, 1 << 20, 200 << 20] {
            let bandwidth = Bandwidth::new(clock.clone(), Some(rate));
            let begin = clock.monotonic();
            let mut moved = 0;
            while clock.monotonic() - begin < Duration::from_secs(10) {
                let piece = fastrand::usize(1..rate as usize);
                bandwidth.take(piece).await;
                moved += piece as u64;
                // What sending the piece itself takes is part of its stretch.
                clock.sleep(Duration::from_millis(fastrand::u64(0..20))).await;
            }
            let seconds = (clock.monotonic() - begin).as_secs_f64();
            #[allow(clippy::cast_precision_loss)]
            let share = moved as f64 / seconds / rate as f64;
            assert!((0.95..1.05).contains(&share), "{share} of {rate}");
        }
    }

    /// Time passes when it is told to, for all that sleep together.
    struct Driven(watch::Sender<Duration>);

    impl Clock for Driven {
        fn now(&self) -> labferry_model::Timestamp {
            labferry_model::Timestamp(0)
        }

        fn monotonic(&self) -> Duration {
            *self.0.borrow()
        }

        fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            let end = self.monotonic() + duration;
            let mut time = self.0.subscribe();
            Box::pin(async move { drop(time.wait_for(|now| *now >= end).await) })
        }
    }

    #[tokio::test]
    async fn another_cap_counts_at_once_for_all_that_wait() {
        let clock = Arc::new(Driven(watch::Sender::default()));
        let bandwidth = Arc::new(Bandwidth::new(clock.clone(), Some(1_000)));
        let mut takers: Vec<_> = (0..8)
            .map(|_| {
                let bandwidth = bandwidth.clone();
                tokio::spawn(async move { bandwidth.take(1_000_000).await })
            })
            .collect();
        let pass = async |millis: u64| {
            for _ in 0..millis / 10 {
                clock.0.send_modify(|now| *now += Duration::from_millis(10));
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            }
        };
        pass(5_000).await;
        bandwidth.set(Some(8_000_000));
        // What is left of eight million bytes takes a second now.
        pass(900).await;
        assert!(!takers.iter().all(tokio::task::JoinHandle::is_finished));
        pass(200).await;
        assert!(takers.iter().all(tokio::task::JoinHandle::is_finished));
        takers.clear();
        let last = tokio::spawn({
            let bandwidth = bandwidth.clone();
            async move { bandwidth.take(usize::MAX).await }
        });
        pass(1_000).await;
        assert!(!last.is_finished());
        bandwidth.set(None);
        last.await.unwrap();
    }
}
