//! A service that tells of received parts what is not so.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::Ask;
use labferry_model::{Algorithm, Proof, State};
use labferry_provider::ReceivedPart;

/// Seven parts of 32 bytes, the last shorter.
const LENGTH: usize = 200;

fn part(number: u32, size: u64, etag: &str) -> ReceivedPart {
    ReceivedPart { number, size: Some(size), etag: Some(etag.into()) }
}

/// Interrupts an upload at its `at`-th request of that kind, lets the service lie about its parts, and says which parts were
/// received twice by the time the file is proven.
async fn sent_again(
    operation: &'static str,
    at: u32,
    lie: fn(Vec<ReceivedPart>) -> Vec<ReceivedPart>,
) -> Vec<u32> {
    let mut service = FakeService::new(|_| Fault::None);
    service.tells_parts = lie;
    let bench = Bench::new(service).await;
    let mut count = 0;
    bench.service.follow(move |now| {
        count += u32::from(now == operation);
        if now == operation && count >= at { Fault::Offline } else { Fault::None }
    });
    let id = bench.upload("a", &content(LENGTH)).await;
    assert!(!bench.settle(id).await.is_green());
    bench.service.follow(|_| Fault::None);
    bench.engine().ask(id, Ask::Resume).await.unwrap();
    let proof = Proof::ServerDigest { algorithm: Algorithm::Md5 };
    assert_eq!(bench.settle(id).await, State::Done { proof });
    let world = bench.service.world();
    assert_eq!(world.files["a"], content(LENGTH));
    world.received.iter().filter(|(_, times)| **times > 1).map(|((_, number), _)| *number).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_were_never_sent_change_nothing() {
    let more = |mut parts: Vec<ReceivedPart>| {
        parts.extend([part(0, 32, "x"), part(9, 32, "x"), part(u32::MAX, u64::MAX, "")]);
        parts
    };
    assert_eq!(sent_again("finish upload", 1, more).await, [0; 0]);
    // Interrupted after two parts: the other five are sent, whatever it says of them.
    let all = |_| (1..=7).map(|number| ReceivedPart { number, size: None, etag: None }).collect();
    assert_eq!(sent_again("send part", 3, all).await, [0; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_told_otherwise_than_it_was_sent_is_sent_again_and_no_other() {
    let size = |mut parts: Vec<ReceivedPart>| {
        parts[1].size = Some(31);
        parts
    };
    let etag = |mut parts: Vec<ReceivedPart>| {
        parts[1].etag = Some("of other bytes".into());
        parts
    };
    let missing = |mut parts: Vec<ReceivedPart>| {
        parts.remove(1);
        parts
    };
    let twice = |mut parts: Vec<ReceivedPart>| {
        parts.push(part(2, 5, "of other bytes"));
        parts
    };
    for lie in [size, etag, missing, twice] {
        assert_eq!(sent_again("finish upload", 1, lie).await, [2]);
    }
    assert_eq!(sent_again("finish upload", 1, |_| Vec::new()).await, [1, 2, 3, 4, 5, 6, 7]);
}
