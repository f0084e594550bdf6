//! A link that is lost for seconds or hours, and a computer that slept: on a clock that the test drives.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::Until;
use labferry_model::{Clock, Direction, State, WaitReason};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Within this time after the link is back, the service must be asked again. This clock runs faster than time does: every
/// sleep counts, those beside each other as well.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// A computer sleeps through losses from this length on, but for half of it.
const SLEEPS: Duration = Duration::from_secs(60);

/// Runs one transfer through a loss of that length that begins with the `from`-th request for content, and gives how long
/// after the link's return the first request came, and how often the transfer had been admitted.
async fn lose(direction: Direction, from: u32, length: Duration) -> (Duration, u32, u32) {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    let id = match direction {
        Direction::Upload => bench.upload("a", &content(640)).await,
        Direction::Download => {
            bench.service.world().files.insert("a".into(), content(640));
            bench.add(bench.new_transfer(Direction::Download, "a")).await
        }
    };
    let clock = bench.clock.clone();
    let (gone, asked_again) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(AtomicU64::new(u64::MAX)));
    let (mut moves, back) = (0, asked_again.clone());
    bench.service.follow(move |operation| {
        let now = u64::try_from(clock.monotonic().as_micros()).unwrap();
        let moving = matches!(operation, "send part" | "open download");
        moves += u32::from(moving);
        if moves == from {
            gone.fetch_min(now, Ordering::SeqCst);
        }
        let gone = gone.load(Ordering::SeqCst);
        let end = gone.saturating_add(u64::try_from(length.as_micros()).unwrap());
        if (gone..end).contains(&now) {
            return Fault::Offline;
        }
        if now >= end {
            back.fetch_min(now - end, Ordering::SeqCst);
        }
        Fault::None
    });
    let engine = bench.engine();
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::Stopped).await }
    });
    let mut slept = length < SLEEPS;
    loop {
        let state = bench.transfer(id).await.state;
        // The computer sleeps through most of a long loss: the clock jumps while nothing runs.
        if !slept && matches!(state, State::Waiting { why: WaitReason::Offline { .. } }) {
            slept = true;
            bench.clock.sleep(length - SLEEPS / 2).await;
        }
        assert!(!matches!(state, State::Failed { .. }), "{state:?}");
        if state.is_green() {
            break;
        }
        tokio::task::yield_now().await;
    }
    engine.stop().await;
    running.await.unwrap().unwrap();
    let transfer = bench.transfer(id).await;
    assert_eq!(transfer.failing_since, None, "no failure is counted");
    let most = bench.service.world().received.values().max().copied().unwrap_or(1);
    (Duration::from_micros(asked_again.load(Ordering::SeqCst)), transfer.attempts, most)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_link_of_seconds_to_hours_is_used_within_ten_seconds_of_its_return() {
    for direction in [Direction::Upload, Direction::Download] {
        for seconds in [1, 10, 60, 3_600, 8 * 3_600] {
            let length = Duration::from_secs(seconds);
            let (late, attempts, sent) = lose(direction, 7, length).await;
            assert!(late <= BACK_WITHIN, "{direction:?} after {seconds} s: {late:?} late");
            assert!(attempts <= 3, "{direction:?} after {seconds} s: {attempts} attempts");
            assert_eq!(sent, 1, "{direction:?} after {seconds} s: a part was sent again");
        }
    }
}
