//! How many parts of a file are sent at once: more while that makes it faster, fewer when it does not or when requests
//! fail. Pure: what happened and when goes in, a number comes out.

use std::time::Duration;

/// The shortest time a speed is judged by: several round trips on any link.
const LEAST_TIME: Duration = Duration::from_secs(2);
/// A connection more must bring this much, or the speed's own ups and downs would keep it climbing.
const WORTH: f64 = 1.05;
/// Speeds judged before one more is tried again after it brought nothing, or after a failure.
const REST: u32 = 8;

/// One file's climb.
#[derive(Debug)]
pub(crate) struct Climb {
    at_once: usize,
    most: usize,
    /// The speed before the last step up, in bytes a second, while that step is on trial.
    before: Option<f64>,
    rest: u32,
    since: Duration,
    parts: usize,
    bytes: u64,
}

impl Climb {
    /// Begins with that many, and never goes beyond `most`.
    pub(crate) fn new(begin: usize, most: usize, now: Duration) -> Self {
        let at_once = begin.max(1);
        Self { at_once, most: most.max(at_once), before: None, rest: 0, since: now, parts: 0, bytes: 0 }
    }

    /// Parts to have on their way now.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// A part of that many bytes arrived.
    pub(crate) fn arrived(&mut self, bytes: u64, now: Duration) {
        self.parts += 1;
        self.bytes += bytes;
        let elapsed = now.saturating_sub(self.since);
        // Twice as many parts as are on their way, so that those from before the last step do not count for it.
        if elapsed < LEAST_TIME || self.parts < 2 * self.at_once {
            return;
        }
        #[allow(clippy::cast_precision_loss)]
        let speed = self.bytes as f64 / elapsed.as_secs_f64();
        self.begin_anew(now);
        match self.before.take() {
            Some(before) if speed < before * WORTH => {
                self.at_once = (self.at_once - 1).max(1);
                self.rest = REST;
            }
            _ if self.rest > 0 => self.rest -= 1,
            _ if self.at_once < self.most => {
                self.before = Some(speed);
                self.at_once += 1;
            }
            _ => {}
        }
    }

    /// A try failed in a way that may pass: half as many, for a while.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.at_once = (self.at_once / 2).max(1);
        self.before = None;
        self.rest = REST;
        self.begin_anew(now);
    }

    fn begin_anew(&mut self, now: Duration) {
        (self.since, self.parts, self.bytes) = (now, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends parts over a link on which each connection carries `each` bytes a second and all together `whole`.
    fn send(climb: &mut Climb, clock: &mut Duration, parts: u32, each: f64, whole: f64) {
        const PART: u32 = 16 << 20;
        for _ in 0..parts {
            #[expect(clippy::cast_precision_loss, reason = "a handful of connections")]
            let speed = (climb.at_once() as f64 * each).min(whole);
            *clock += Duration::from_secs_f64(f64::from(PART) / speed);
            climb.arrived(u64::from(PART), *clock);
        }
    }

    const MB: f64 = 1e6;

    #[test]
    fn it_climbs_while_the_speed_rises_and_no_further_than_it_may() {
        let mut clock = Duration::ZERO;
        let mut climb = Climb::new(4, 8, clock);
        send(&mut climb, &mut clock, 400, 5.0 * MB, 1_000.0 * MB);
        assert_eq!(climb.at_once(), 8);
    }

    #[test]
    fn a_step_that_brings_nothing_is_taken_back() {
        let mut clock = Duration::ZERO;
        let mut climb = Climb::new(4, 8, clock);
        send(&mut climb, &mut clock, 14, 25.0 * MB, 100.0 * MB);
        assert_eq!(climb.at_once(), 5, "one more on trial");
        send(&mut climb, &mut clock, 20, 25.0 * MB, 100.0 * MB);
        assert_eq!(climb.at_once(), 4);
        // A link that frees up is found again later.
        send(&mut climb, &mut clock, 800, 25.0 * MB, 1_000.0 * MB);
        assert_eq!(climb.at_once(), 8);
    }

    #[test]
    fn failures_halve_it_and_it_recovers() {
        let mut clock = Duration::ZERO;
        let mut climb = Climb::new(4, 8, clock);
        climb.failed(clock);
        assert_eq!(climb.at_once(), 2);
        climb.failed(clock);
        climb.failed(clock);
        assert_eq!(climb.at_once(), 1);
        send(&mut climb, &mut clock, 600, 5.0 * MB, 1_000.0 * MB);
        assert_eq!(climb.at_once(), 8);
    }

    #[test]
    fn without_room_it_stays() {
        let mut clock = Duration::ZERO;
        let mut climb = Climb::new(4, 4, clock);
        send(&mut climb, &mut clock, 200, 5.0 * MB, 1_000.0 * MB);
        assert_eq!(climb.at_once(), 4);
        assert_eq!(Climb::new(6, 4, clock).at_once(), 6, "what was set is kept");
    }
}
