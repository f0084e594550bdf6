//! The one retry loop. What to do after a failure is the failure's own advice; how often and how long to wait is here.

use labferry_model::{Clock, Limits, ProblemCode, Timestamp};
use labferry_provider::{Advice, ProviderError, ProviderResult};
use std::{future::Future, sync::Arc, time::Duration};

/// Tries of a request whose host cannot be reached: enough for a lost packet, few enough that the row soon says
/// "offline" and the account is probed instead, which costs no try.
const TRIES_OFFLINE: u32 = 3;
/// Fresh links in a row for one request. A link that was just made and is refused again is no expired one.
const FRESH_LINKS: u32 = 2;

/// A transfer that a service sends away for longer than this gives its place to another one.
const IN_PLACE: Duration = Duration::from_secs(30);

/// Repeats one request as its failures advise.
#[derive(Clone)]
pub(crate) struct Retry {
    clock: Arc<dyn Clock>,
    limits: Arc<Limits>,
    /// Longest wait that a service may ask for before the request is given back instead.
    in_place: Duration,
}

impl Retry {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: Arc<Limits>) -> Self {
        Self { clock, limits, in_place: IN_PLACE }
    }

    /// For requests that are no transfer's, and that nobody takes up again later.
    pub(crate) fn patient(&self) -> Self {
        Self { in_place: Duration::MAX, ..self.clone() }
    }

    /// Calls `attempt` until it succeeds, its failure says to stop, or the tries are used up. Every call makes its
    /// request anew, so that no half-read stream is sent again.
    pub(crate) async fn run<T, F>(&self, mut attempt: impl FnMut() -> F) -> ProviderResult<T>
    where
        F: Future<Output = ProviderResult<T>>,
    {
        let (mut tries, mut links) = (0, 0);
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            tries += 1;
            let most =
                if is_offline(&error) { TRIES_OFFLINE.min(self.limits.tries) } else { self.limits.tries };
            let pause = match error.advice {
                Advice::Again => self.pause(tries),
                Advice::AgainAfter(after) => {
                    let after = after.min(self.limits.retry_after_most);
                    if after > self.in_place {
                        return Err(error);
                    }
                    after
                }
                Advice::FreshLink => {
                    links += 1;
                    if links > FRESH_LINKS {
                        return Err(error);
                    }
                    Duration::ZERO
                }
                Advice::Stop | Advice::FreshSession | Advice::SignIn => return Err(error),
            };
            if tries >= most {
                return Err(error);
            }
            tracing::debug!(%error, tries, ?pause, "trying again");
            self.clock.sleep(pause).await;
        }
    }

    /// Full jitter: anything between nothing and the doubled first pause, so that many clients do not come back at
    /// the same moment (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    fn pause(&self, tries: u32) -> Duration {
        doubled(self.limits.backoff_first, self.limits.backoff_most, tries - 1).mul_f64(fastrand::f64())
    }
}

/// Whether the service could not be reached at all.
pub(crate) fn is_offline(error: &ProviderError) -> bool {
    error.problem.code == ProblemCode::Unreachable
}

/// How long an item rests that used up its tries: it doubles with the time it has failed, from the first pause to
/// the longest.
pub(crate) fn item_pause(limits: &Limits, failing_since: Timestamp, now: Timestamp) -> Duration {
    now.since(failing_since).max(limits.item_pause_first).min(limits.item_pause_most)
}

fn doubled(first: Duration, most: Duration, times: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times.min(31))).min(most)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::clock::TestClock;
    use std::cell::Cell;

    fn retry(clock: &Arc<TestClock>) -> Retry {
        Retry::new(clock.clone(), Arc::new(Limits::default()))
    }

    async fn calls(code: ProblemCode, advice: Advice) -> (u32, Duration) {
        let clock = Arc::new(TestClock::default());
        let count = Cell::new(0);
        let result = retry(&clock)
            .run(|| {
                count.set(count.get() + 1);
                std::future::ready(Err::<(), _>(ProviderError::new("test", code, advice)))
            })
            .await;
        assert_eq!(result.unwrap_err().problem.code, code);
        (count.get(), clock.monotonic())
    }

    #[tokio::test]
    async fn the_advice_decides_how_often() {
        use ProblemCode as P;
        assert_eq!(calls(P::ServiceRefused, Advice::Stop).await.0, 1);
        assert_eq!(calls(P::SignInNeeded, Advice::SignIn).await.0, 1);
        assert_eq!(calls(P::ServiceFailed, Advice::Again).await.0, Limits::default().tries);
        assert_eq!(calls(P::Unreachable, Advice::Again).await.0, TRIES_OFFLINE);
        assert_eq!(calls(P::NotAllowed, Advice::FreshLink).await.0, FRESH_LINKS + 1);
    }

    #[tokio::test]
    async fn retry_after_is_kept_but_not_forever() {
        let most = Limits::default().retry_after_most;
        let day = Advice::AgainAfter(Duration::from_secs(86_400));
        let (count, waited) = calls(ProblemCode::RateLimited, day).await;
        assert_eq!((count, waited), (1, Duration::ZERO), "a transfer gives its place away");
        let clock = Arc::new(TestClock::default());
        let refuse =
            || std::future::ready(Err::<(), _>(ProviderError::new("test", ProblemCode::RateLimited, day)));
        assert!(retry(&clock).patient().run(refuse).await.is_err());
        assert_eq!(clock.monotonic(), most * (Limits::default().tries - 1));
        let short = Advice::AgainAfter(Duration::from_secs(20));
        let (count, waited) = calls(ProblemCode::RateLimited, short).await;
        assert_eq!(waited, Duration::from_secs(20) * (count - 1));
    }

    #[tokio::test]
    async fn pauses_stay_below_their_limits() {
        let clock = Arc::new(TestClock::default());
        let retry = retry(&clock);
        for tries in 1..40 {
            let most = Duration::from_secs(60).min(Duration::from_secs(1 << (tries - 1).min(30)));
            assert!(retry.pause(tries) <= most);
        }
    }

    #[test]
    fn an_item_rests_longer_the_longer_it_fails() {
        let limits = Limits::default();
        let since = Timestamp(0);
        let rest = |hours: u64| item_pause(&limits, since, since.plus(Duration::from_secs(hours * 3600)));
        assert_eq!(rest(0), limits.item_pause_first);
        assert_eq!(rest(2), Duration::from_secs(2 * 3600));
        assert_eq!(rest(100), limits.item_pause_most);
        let odd = Limits { item_pause_most: Duration::from_secs(1), ..limits };
        assert_eq!(
            item_pause(&odd, since, since),
            odd.item_pause_most,
            "settings that contradict each other"
        );
    }
}
