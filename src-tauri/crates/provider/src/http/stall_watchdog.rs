//! Gives up a request on which no byte moves. It replaces total time-outs: a terabyte may take a week.
//!
//! Its time is the runtime's and not the injected clock's: sockets move bytes in the time that really passes. An engine whose
//! clock is driven, or runs two hundred times as fast so that its pauses cost nothing, would take every request for a stalled
//! one. What is decided after a stall, whether and when to try again, is the engine's, and by its clock.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// Counts as movement: whoever moves bytes touches it.
#[derive(Debug)]
pub struct Pulse {
    start: Instant,
    last: AtomicU64,
    held: AtomicBool,
}

impl Pulse {
    fn new() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0), held: AtomicBool::new(false) }
    }

    /// Bytes moved just now.
    pub fn touch(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Whether it is our own source (a disk, a bandwidth limit) that is being waited for, which is no stall.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
        self.touch();
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}

/// No byte moved for the watchdog's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled(pub Duration);

/// Watches one request.
#[derive(Debug, Clone)]
pub struct StallWatchdog {
    stall: Duration,
    pulse: Arc<Pulse>,
}

impl StallWatchdog {
    /// A watchdog that gives up after `stall` without a byte.
    #[must_use]
    pub fn new(stall: Duration) -> Self {
        Self { stall, pulse: Arc::new(Pulse::new()) }
    }

    /// What the request's body touches.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Runs `future` for as long as the pulse is touched often enough. The wait starts now.
    ///
    /// # Errors
    /// [`Stalled`] when it is not; the future is dropped, which closes its connection.
    pub async fn guard<F: Future>(&self, future: F) -> Result<F::Output, Stalled> {
        self.pulse.touch();
        tokio::pin!(future);
        loop {
            let deadline = self.pulse.last() + self.stall;
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                () = sleep_until(deadline) => {
                    if self.pulse.held.load(Ordering::Relaxed) {
                        self.pulse.touch();
                    } else if self.pulse.last() + self.stall <= Instant::now() {
                        return Err(Stalled(self.stall));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const STALL: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_still_request_is_given_up_and_a_moving_one_is_not() {
        let dog = StallWatchdog::new(STALL);
        assert_eq!(dog.guard(std::future::pending::<()>()).await, Err(Stalled(STALL)));

        let dog = StallWatchdog::new(STALL);
        let pulse = dog.pulse();
        let moving = async {
            for _ in 0..20 {
                sleep(STALL / 10).await;
                pulse.touch();
            }
        };
        assert_eq!(dog.guard(moving).await, Ok(()));
    }

    #[tokio::test]
    async fn waiting_for_our_own_source_is_no_stall() {
        let dog = StallWatchdog::new(STALL);
        let pulse = dog.pulse();
        let slow_disk = async {
            pulse.hold(true);
            sleep(STALL * 3).await;
            pulse.hold(false);
        };
        assert_eq!(dog.guard(slow_disk).await, Ok(()));
        let before = Instant::now();
        assert!(dog.guard(std::future::pending::<()>()).await.is_err());
        assert!(before.elapsed() >= STALL);
    }
}
