//! The size of parts follows what a connection to the account carried lately.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{Engine, Until};
use labferry_model::{Limits, State};
use std::time::Duration;

/// Bytes of the smallest part, of which a file has 64.
const PART: u64 = 32;
const SIZE: usize = 64 * PART as usize;

fn limits(adaptive: bool) -> Limits {
    Limits {
        part_size: PART,
        parts_per_file: 1,
        connections_per_account: 1,
        disk_reserve: 0,
        adaptive,
        ..Limits::default()
    }
}

async fn bench() -> Bench {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    bench.clock.stand();
    bench
}

impl Bench {
    /// From now on a part takes that long, whatever its size, and the part with one of these numbers fails once.
    fn takes(&self, part: Duration, fail: &'static [u32]) {
        let clock = self.clock.clone();
        let mut sent = 0;
        self.service.follow(move |operation| {
            if operation != "send part" {
                return Fault::None;
            }
            clock.pass(part);
            sent += 1;
            if fail.contains(&sent) { Fault::Before } else { Fault::None }
        });
    }

    /// Uploads a file and says in parts of which size it went.
    async fn part_size(&self, engine: &Engine, name: &str) -> u64 {
        let id = self.upload(name, &content(SIZE)).await;
        engine.run(Until::Settled(vec![id])).await.unwrap();
        let transfer = self.transfer(id).await;
        assert!(transfer.state.is_green(), "{:?}", transfer.state);
        assert_eq!(self.service.world().files[name], content(SIZE));
        transfer.plan.unwrap().part_size
    }
}

#[tokio::test]
async fn the_next_file_to_a_fast_account_goes_in_larger_parts() {
    let bench = bench().await;
    let engine = bench.engine_with(limits(true));
    bench.takes(Duration::from_secs(1), &[]);
    assert_eq!(bench.part_size(&engine, "first").await, PART);
    // 32 bytes a second: 8 s are 256 bytes.
    assert_eq!(bench.part_size(&engine, "second").await, 256);
    // Faster still: as large as leaves four parts to the one connection.
    assert_eq!(bench.part_size(&engine, "third").await, 512);
    let fresh = bench.engine_with(limits(true));
    assert_eq!(bench.part_size(&fresh, "fourth").await, PART, "another process knows nothing");
}

#[tokio::test]
async fn a_slow_account_keeps_the_usual_parts_and_so_does_one_that_may_not_choose() {
    let slow = bench().await;
    slow.takes(Duration::from_secs(10), &[]);
    let engine = slow.engine_with(limits(true));
    for name in ["first", "second"] {
        assert_eq!(slow.part_size(&engine, name).await, PART);
    }
    let fast = bench().await;
    fast.takes(Duration::from_millis(1), &[]);
    let engine = fast.engine_with(limits(false));
    for name in ["first", "second"] {
        assert_eq!(fast.part_size(&engine, name).await, PART);
    }
}

#[tokio::test]
async fn after_failures_it_is_the_usual_parts_again() {
    let bench = bench().await;
    let engine = bench.engine_with(limits(true));
    bench.takes(Duration::from_secs(1), &[]);
    assert_eq!(bench.part_size(&engine, "first").await, PART);
    // The fifth of eight parts fails: the four tries after it are no evidence.
    bench.takes(Duration::from_secs(1), &[5]);
    assert_eq!(bench.part_size(&engine, "second").await, 256);
    assert_eq!(bench.part_size(&engine, "third").await, PART);
    // 64 parts arrived without one failing: trusted again.
    bench.takes(Duration::from_secs(1), &[]);
    assert_eq!(bench.part_size(&engine, "fourth").await, 256);
}

#[tokio::test]
async fn a_file_goes_on_in_the_parts_it_began_with() {
    let bench = bench().await;
    let engine = bench.engine_with(limits(true));
    bench.takes(Duration::from_secs(1), &[]);
    assert_eq!(bench.part_size(&engine, "first").await, PART);
    bench.service.follow({
        let mut sent = 0;
        move |operation| {
            sent += u32::from(operation == "send part");
            if sent > 3 { Fault::Refused } else { Fault::None }
        }
    });
    let id = bench.upload("second", &content(SIZE)).await;
    engine.run(Until::Settled(vec![id])).await.unwrap();
    assert!(matches!(bench.transfer(id).await.state, State::Failed { .. }));
    bench.service.follow(|_| Fault::None);
    let fresh = bench.engine_with(limits(true));
    fresh.ask(id, crate::Ask::Retry).await.unwrap();
    fresh.run(Until::Settled(vec![id])).await.unwrap();
    let transfer = bench.transfer(id).await;
    assert!(transfer.state.is_green(), "{:?}", transfer.state);
    assert_eq!(transfer.plan.unwrap().part_size, 256);
    let world = bench.service.world();
    assert!(world.received.iter().filter(|((name, _), _)| name == "second").all(|(_, &times)| times == 1));
}
