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
/// Steps that a speed is taken over on a slow link, where [`WINDOW`] holds few: bytes are counted as they are read, by the
/// quarter of a MiB for each connection, and two or three such steps say little.
const STEPS: usize = 12;
/// No step further back than this counts, however few there are.
const OLDEST: Duration = Duration::from_secs(60);
/// Below this much history a speed is a guess, and none is told.
const LEAST_HISTORY: Duration = Duration::from_millis(500);
/// Without a byte for so long, and for three times the usual while between two steps, nothing is told of the time left.
const STALLED: Duration = Duration::from_secs(3);

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
    /// Bytes read back.
    verified: AtomicU64,
    state: Mutex<Samples>,
}

#[derive(Default)]
struct Samples {
    /// Bytes of the file; 0 until known.
    size: u64,
    /// Bytes in finished parts.
    finished: u64,
    in_flight: BTreeMap<u32, Arc<AtomicU64>>,
    /// The most that was ever told, so that a part sent again does not make the bar go back.
    told: u64,
    /// When more than before was told, and how much: where the counting began, then each step.
    steps: VecDeque<(Duration, u64)>,
}

/// A part on its way; gone when it is dropped.
pub(crate) struct InFlight {
    meter: Arc<Meter>,
    number: u32,
}

impl InFlight {
    /// Where the bytes of the present try are counted; it begins at 0.
    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        // Another one for each try: what is left of the last try may still count on its own.
        let bytes = Arc::new(AtomicU64::new(0));
        self.meter.lock().in_flight.insert(self.number, bytes.clone());
        bytes
    }

    /// The part is done.
    pub(crate) fn finished(self, length: u64) {
        let mut state = self.meter.lock();
        // Both at once, or a sample between them would count the part twice.
        state.in_flight.remove(&self.number);
        state.finished += length;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.meter.lock().in_flight.remove(&self.number);
    }
}

impl Meter {
    pub(crate) fn new(id: TransferId, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { id, clock, verified: AtomicU64::new(0), state: Mutex::default() })
    }

    /// Begins with what earlier attempts left. A file of another size is another content, whose bar begins anew.
    pub(crate) fn begin(&self, size: u64, finished: u64) {
        let mut state = self.lock();
        if state.size != size {
            state.told = 0;
        }
        (state.size, state.finished) = (size, finished);
        // What was there before is no speed.
        state.steps.clear();
    }

    pub(crate) fn part(self: &Arc<Self>, number: u32) -> InFlight {
        self.lock().in_flight.insert(number, Arc::default());
        InFlight { meter: self.clone(), number }
    }

    /// Bytes read back until now.
    pub(crate) fn verified(&self, bytes: u64) {
        self.verified.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sample(&self) -> Progress {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let moving: u64 = state.in_flight.values().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
        let size = state.size;
        state.told = state.told.max((state.finished + moving).min(size));
        let told = state.told;
        state.note(now);
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
    /// Keeps what was told as a step, if it is one, and forgets those that count no more.
    fn note(&mut self, now: Duration) {
        if self.steps.back().is_none_or(|&(_, before)| self.told > before) {
            self.steps.push_back((now, self.told));
        }
        let over = |at: Duration, limit| now.saturating_sub(at) > limit;
        while let Some(&(next, _)) = self.steps.get(1)
            && (over(next, OLDEST) || (over(next, WINDOW) && self.steps.len() > STEPS))
        {
            self.steps.pop_front();
        }
    }

    /// Bytes a second; 0 when nothing moves or too little is known.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn speed(&self, now: Duration) -> u64 {
        let (Some(&(begin, first)), Some(&(last, told))) = (self.steps.front(), self.steps.back()) else {
            return 0;
        };
        let stretch = last.saturating_sub(begin);
        let usual = stretch / u32::try_from(self.steps.len() - 1).unwrap_or(u32::MAX).max(1);
        let rest = now.saturating_sub(last);
        if now.saturating_sub(begin) < LEAST_HISTORY || rest > STALLED.max(usual * 3) {
            return 0;
        }
        // From step to step, so that it does not matter how far the next one is. One that is overdue is a slower link.
        let elapsed = stretch + rest.saturating_sub(usual);
        if elapsed.is_zero() { 0 } else { ((told - first) as f64 / elapsed.as_secs_f64()) as u64 }
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
        let bytes = part.counter();
        assert_eq!(meter.sample().seconds_left, None);
        for step in 1..=10 {
            clock.sleep(Duration::from_millis(200)).await;
            bytes.store(step * 200, Ordering::Relaxed);
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

    /// A part on its way over a made-up link.
    struct Moving {
        part: InFlight,
        length: u64,
        counter: Arc<AtomicU64>,
        carried: u64,
    }

    /// One transfer over a link that carries the same for all its connections together, counted by the read, and of which
    /// a try fails once in `fails` steps. Gives how many samples after the first tenth named the time left well, and all
    /// of them.
    fn cross(random: &mut fastrand::Rng, fails: Option<u64>, what: &str) -> (usize, usize) {
        const READ: u64 = 256 << 10;
        const PART: u64 = 16 << 20;
        let clock = Arc::new(TestClock::default());
        clock.stand();
        let connections = random.usize(1..9);
        let faster = random.u32(0..8);
        let rate = connections as u64 * random.u64(READ / 2..READ << faster);
        let size = rate * random.u64(20..400);
        let meter = Meter::new(TransferId(1), clock.clone());
        meter.begin(size, 0);
        let (mut next, mut number, mut before) = (0, 0, 0);
        let mut moving: Vec<Moving> = Vec::new();
        let mut said = Vec::new();
        let mut sample = || {
            let told = meter.sample();
            assert!(told.bytes >= before && told.bytes <= size, "{what}: {told:?} after {before} of {size}");
            before = told.bytes;
            told
        };
        while next < size || !moving.is_empty() {
            // The app's timer is never exact.
            let step = random.u64(230..290);
            clock.pass(Duration::from_millis(step));
            let mut budget = rate * step / 1_000;
            while budget > 0 && (next < size || !moving.is_empty()) {
                while moving.len() < connections && next < size {
                    let length = PART.min(size - next);
                    (next, number) = (next + length, number + 1);
                    let part = meter.part(number);
                    let counter = part.counter();
                    moving.push(Moving { part, length, counter, carried: 0 });
                }
                let share = budget.div_ceil(moving.len() as u64);
                for one in &mut moving {
                    let takes = share.min(one.length - one.carried).min(budget);
                    (budget, one.carried) = (budget - takes, one.carried + takes);
                    one.counter.store(one.carried.next_multiple_of(READ).min(one.length), Ordering::Relaxed);
                }
                while let Some(at) = moving.iter().position(|one| one.carried == one.length) {
                    let Moving { part, length, .. } = moving.swap_remove(at);
                    part.finished(length);
                }
            }
            for one in &mut moving {
                if fails.is_some_and(|fails| random.u64(0..fails) == 0) {
                    let stale = std::mem::replace(&mut one.counter, one.part.counter());
                    stale.fetch_add(size, Ordering::Relaxed);
                    one.carried = 0;
                }
            }
            let told = sample();
            if told.bytes > size / 10 && told.bytes < size {
                said.push((clock.monotonic(), told.seconds_left));
            }
        }
        assert_eq!(sample().bytes, size, "{what}");
        let end = clock.monotonic();
        // Nothing moves any more: no time is named for it.
        clock.pass(OLDEST * 3);
        let told = meter.sample();
        assert_eq!((told.bytes_per_second, told.seconds_left), (0, None), "{what}");
        let is_good = |&(at, said): &(Duration, Option<u64>)| {
            #[expect(clippy::cast_precision_loss, reason = "seconds of a test")]
            let (left, said) = ((end - at).as_secs_f64(), said.map(|seconds| seconds as f64));
            // Whole seconds are told, so the last ones are never better than one.
            said.is_some_and(|said| (said - left).abs() <= (left * 0.2).max(1.0))
        };
        (said.iter().filter(|said| is_good(said)).count(), said.len())
    }

    fn cases() -> u64 {
        std::env::var("LABFERRY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
    }

    #[test]
    fn the_time_left_on_a_steady_link_is_right_in_nine_samples_of_ten() {
        for seed in 0..cases() {
            let (good, all) = cross(&mut fastrand::Rng::with_seed(seed), None, &format!("seed {seed}"));
            assert!(all > 20 && good * 10 >= all * 9, "seed {seed}: {good} of {all} samples");
        }
    }

    #[test]
    fn progress_never_goes_back_nor_beyond_the_file_whatever_fails() {
        for seed in 0..cases() {
            let mut random = fastrand::Rng::with_seed(seed);
            // Seldom enough for the whole to come to its end.
            cross(&mut random, Some(20_000), &format!("seed {seed}"));
        }
    }

    #[test]
    fn a_link_that_stalls_names_no_time_and_what_was_there_is_no_speed() {
        let clock = Arc::new(TestClock::default());
        clock.stand();
        let meter = Meter::new(TransferId(1), clock.clone());
        meter.begin(1_000_000, 0);
        meter.sample();
        clock.pass(Duration::from_secs(1));
        // The service turns out to have more than was known.
        meter.begin(1_000_000, 500_000);
        let part = meter.part(9);
        let bytes = part.counter();
        assert_eq!((meter.sample().bytes, meter.sample().bytes_per_second), (500_000, 0));
        for step in 1..=20 {
            clock.pass(Duration::from_millis(250));
            bytes.store(step * 250, Ordering::Relaxed);
            assert!(meter.sample().bytes_per_second <= 1_000);
        }
        assert_eq!(meter.sample().seconds_left, Some(495));
        clock.pass(Duration::from_secs(2));
        assert!(meter.sample().bytes_per_second < 1_000, "slower while nothing comes");
        clock.pass(Duration::from_millis(1_100));
        let stalled = meter.sample();
        assert_eq!((stalled.bytes_per_second, stalled.seconds_left), (0, None));
        // It goes on.
        for step in 21..=60 {
            clock.pass(Duration::from_millis(250));
            bytes.store(step * 250, Ordering::Relaxed);
            meter.sample();
        }
        assert_eq!(meter.sample().bytes_per_second, 1_000);
    }
}
