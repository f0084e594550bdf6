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

    /// Begins with what earlier attempts left. A file of another size is another content, whose bar begins anew.
    pub(crate) fn begin(&self, size: u64, finished: u64) {
        if self.size.swap(size, Ordering::Relaxed) != size {
            let mut state = self.lock();
            state.told = 0;
            state.history.clear();
        }
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
#[allow(clippy::unwrap_used)]
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

    /// Between two samples, as the app takes them.
    const SAMPLE: Duration = Duration::from_millis(250);

    /// Whatever parts do, begin, fail, begin anew, finish, in any order: the bar goes forward only, never past the end, and
    /// names the parts that are on their way.
    #[tokio::test]
    async fn no_order_of_parts_takes_the_bar_back_or_past_the_end() {
        const PART: u64 = 1_000;
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let parts = random.u64(1..12);
            let size = (parts - 1) * PART + random.u64(1..=PART);
            let clock = Arc::new(TestClock::default());
            let meter = Meter::new(TransferId(1), clock.clone());
            meter.begin(size, 0);
            let length = |number: u32| PART.min(size - u64::from(number) * PART);
            let (mut waiting, mut moving) =
                ((0..).take(usize::try_from(parts).unwrap()).collect(), Vec::new());
            let (mut last, mut finished) = (0, 0);
            while finished < parts {
                match random.u8(0..5) {
                    0 | 1 if !Vec::is_empty(&waiting) => {
                        let number: u32 = waiting.remove(random.usize(0..waiting.len()));
                        moving.push((number, meter.part(number)));
                    }
                    2 | 3 if !moving.is_empty() => {
                        let at = random.usize(0..moving.len());
                        let (number, part) = &moving[at];
                        // A try begins anew more often than it comes to its end, and may send more than it should.
                        let bytes = part.counter();
                        bytes.store(random.u64(0..=length(*number) + 10), Ordering::Relaxed);
                    }
                    4 if !moving.is_empty() => {
                        let (number, part) = moving.swap_remove(random.usize(0..moving.len()));
                        if random.bool() {
                            part.finished(length(number));
                            finished += 1;
                        } else {
                            waiting.push(number);
                        }
                    }
                    _ => clock.sleep(SAMPLE).await,
                }
                let sample = meter.sample();
                assert!(
                    (last..=size).contains(&sample.bytes),
                    "seed {seed}: {last} and then {sample:?} of {size}"
                );
                let mut numbers: Vec<u32> = moving.iter().map(|(number, _)| *number).collect();
                numbers.sort_unstable();
                assert_eq!(sample.parts_in_flight, numbers, "seed {seed}");
                last = sample.bytes;
            }
            assert_eq!((last, meter.sample().seconds_left), (size, None), "seed {seed}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_another_now_begins_a_bar_of_its_own() {
        let meter = Meter::new(TransferId(1), Arc::new(TestClock::default()));
        meter.begin(10_000, 9_000);
        assert_eq!(meter.sample().bytes, 9_000);
        meter.begin(100, 0);
        assert_eq!(meter.sample().bytes, 0);
    }

    /// A link that carries `rate` bytes a second, in pieces and with pauses between them that even out within a second or so.
    async fn time_left_on_a_steady_link(seed: u64) -> (u32, u32) {
        let mut random = fastrand::Rng::with_seed(seed);
        let rate = random.u64(100_000..200_000_000);
        let seconds = random.u64(30..600);
        let size = rate * seconds;
        let clock = Arc::new(TestClock::default());
        let meter = Meter::new(TransferId(1), clock.clone());
        meter.begin(size, 0);
        let part = meter.part(1);
        let begun = clock.monotonic();
        let (mut good, mut all) = (0, 0);
        loop {
            clock.sleep(SAMPLE).await;
            let passed = clock.monotonic().saturating_sub(begun).as_secs_f64();
            // What has arrived by now, up to half a second early or late.
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let arrived = ((passed + random.f64() - 0.5).max(0.0) * rate as f64) as u64;
            if arrived >= size {
                return (good, all);
            }
            part.bytes.store(arrived, Ordering::Relaxed);
            let sample = meter.sample();
            if sample.bytes * 10 < size {
                continue;
            }
            #[allow(clippy::cast_precision_loss)]
            let (told, left) =
                (sample.seconds_left.map_or(f64::NAN, |told| told as f64), seconds as f64 - passed);
            all += 1;
            // Whole seconds are told: of the last few a fifth is less than one.
            good += u32::from((told - left).abs() <= (left * 0.2).max(1.0));
        }
    }

    #[tokio::test]
    async fn time_left_is_within_a_fifth_for_nine_samples_in_ten_on_a_steady_link() {
        for seed in 0..60 {
            let (good, all) = time_left_on_a_steady_link(seed).await;
            assert!(good * 10 >= all * 9 && all > 20, "seed {seed}: {good} of {all}");
        }
    }

    #[tokio::test]
    async fn a_link_that_stands_still_tells_no_time_left() {
        let clock = Arc::new(TestClock::default());
        let meter = Meter::new(TransferId(1), clock.clone());
        meter.begin(1_000_000, 0);
        let part = meter.part(1);
        for step in 1..=40 {
            clock.sleep(SAMPLE).await;
            part.bytes.store(step * 1_000, Ordering::Relaxed);
            meter.sample();
        }
        assert!(meter.sample().seconds_left.is_some());
        for _ in 0..=(WINDOW.as_millis() / SAMPLE.as_millis()) {
            clock.sleep(SAMPLE).await;
            meter.sample();
        }
        let still = meter.sample();
        assert_eq!((still.bytes_per_second, still.seconds_left), (0, None));
    }
}
