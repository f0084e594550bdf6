//! How far the transfers in hand are: a lossy sample, never stored.

use labferry_model::{Clock, TransferId};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The stretch of time a speed is taken over: long enough to be steady, short enough to follow a change.
const WINDOW: Duration = Duration::from_secs(5);
/// Below this much history a speed is a guess, and none is told.
const LEAST_HISTORY: Duration = Duration::from_millis(500);

/// How far one transfer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The transfer.
    pub id: TransferId,
    /// Bytes sent or received, those in flight included. Never goes back within one attempt.
    pub bytes: u64,
    /// Bytes a second over the last seconds.
    pub bytes_per_second: u64,
    /// Time left in seconds; none rather than a guess.
    pub seconds_left: Option<u64>,
    /// Bytes read back or hashed, where that is the phase.
    pub verified_bytes: Option<u64>,
    /// Numbers of the parts in flight, ascending.
    pub parts_in_flight: Vec<u32>,
}

/// Counts the bytes of one transfer.
pub(crate) struct Meter {
    id: TransferId,
    clock: Arc<dyn Clock>,
    /// Bytes of the file; 0 until known.
    size: AtomicU64,
    /// Bytes in finished parts.
    finished: AtomicU64,
    /// Bytes read back.
    verified: AtomicU64,
    state: Mutex<Samples>,
}

#[derive(Default)]
struct Samples {
    in_flight: BTreeMap<u32, Arc<AtomicU64>>,
    /// The most that was ever told, so that a part sent again does not make the bar go back.
    told: u64,
    history: VecDeque<(Duration, u64)>,
}

/// A part on its way; gone when it is dropped.
pub(crate) struct InFlight {
    meter: Arc<Meter>,
    number: u32,
    bytes: Arc<AtomicU64>,
}

impl InFlight {
    /// Where the bytes of the present try are counted; it begins at 0.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        self.bytes.store(0, Ordering::Relaxed);
        self.bytes.clone()
    }

    /// The part is done.
    pub(crate) fn finished(self, length: u64) {
        self.meter.finished.fetch_add(length, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.meter.lock().in_flight.remove(&self.number);
    }
}

impl Meter {
    pub(crate) fn new(id: TransferId, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            id,
            clock,
            size: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            state: Mutex::default(),
        })
    }

    /// Begins with what earlier attempts left.
    pub(crate) fn begin(&self, size: u64, finished: u64) {
        self.size.store(size, Ordering::Relaxed);
        self.finished.store(finished, Ordering::Relaxed);
    }

    pub(crate) fn part(self: &Arc<Self>, number: u32) -> InFlight {
        let bytes = Arc::new(AtomicU64::new(0));
        self.lock().in_flight.insert(number, bytes.clone());
        InFlight { meter: self.clone(), number, bytes }
    }

    /// Bytes read back until now.
    pub(crate) fn verified(&self, bytes: u64) {
        self.verified.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sample(&self) -> Progress {
        let now = self.clock.monotonic();
        let size = self.size.load(Ordering::Relaxed);
        let mut state = self.lock();
        let moving: u64 = state.in_flight.values().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        state.told = state.told.max((self.finished.load(Ordering::Relaxed) + moving).min(size));
        let told = state.told;
        state.history.push_back((now, told));
        while state.history.len() > 2
            && state.history.get(1).is_some_and(|&(at, _)| now.saturating_sub(at) > WINDOW)
        {
            state.history.pop_front();
        }
        let bytes_per_second = state.speed(now);
        let verified = self.verified.load(Ordering::Relaxed);
        Progress {
            id: self.id,
            bytes: told,
            bytes_per_second,
            seconds_left: (bytes_per_second > 0 && told < size)
                .then(|| (size - told).div_ceil(bytes_per_second)),
            verified_bytes: (verified > 0).then_some(verified),
            parts_in_flight: state.in_flight.keys().copied().collect(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Samples> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Samples {
    fn speed(&self, now: Duration) -> u64 {
        let Some(&(begin, bytes)) = self.history.front() else { return 0 };
        let elapsed = now.saturating_sub(begin);
        if elapsed < LEAST_HISTORY {
            return 0;
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let speed = ((self.told - bytes) as f64 / elapsed.as_secs_f64()) as u64;
        speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::clock::TestClock;

    #[tokio::test]
    async fn progress_never_goes_back_and_names_a_steady_speed() {
        let clock = Arc::new(TestClock::default());
        let meter = Meter::new(TransferId(1), clock.clone());
        meter.begin(10_000, 1_000);
        let part = meter.part(2);
        assert_eq!(meter.sample().seconds_left, None);
        for step in 1..=10 {
            clock.sleep(Duration::from_millis(200)).await;
            part.bytes.store(step * 200, Ordering::Relaxed);
            meter.sample();
        }
        let sample = meter.sample();
        assert_eq!((sample.bytes, sample.bytes_per_second), (3_000, 1_000));
        assert_eq!((sample.seconds_left, sample.parts_in_flight), (Some(7), vec![2]));
        part.counter();
        assert_eq!(meter.sample().bytes, 3_000, "a part that starts over does not take the bar back");
        part.finished(9_000);
        let end = meter.sample();
        assert_eq!((end.bytes, end.seconds_left, end.parts_in_flight.len()), (10_000, None, 0));
    }
}
