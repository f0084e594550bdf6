//! Uploads that must wait: for a source that does not rest, for a service that says when, for a link that has expired.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::Ask;
use labferry_model::{Algorithm, Clock, ProblemCode, Proof, State, WaitReason};
use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

const MD5: Proof = Proof::ServerDigest { algorithm: Algorithm::Md5 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_never_rests_is_left_alone_for_longer_and_longer() {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    let id = bench.upload("log", &content(200)).await;
    let (path, growing) = (bench.folder.path("log"), Arc::new(AtomicBool::new(true)));
    let still = growing.clone();
    bench.service.follow(move |operation| {
        if operation == "send part" && still.load(Ordering::Relaxed) {
            let mut log = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            log.write_all(b"one more line").unwrap();
        }
        Fault::None
    });
    let mut rests = Vec::new();
    for _ in 0..4 {
        let state = bench.settle(id).await;
        let State::Waiting { why: WaitReason::RetryAt { at, problem } } = state else { panic!("{state:?}") };
        assert_eq!(problem.code, ProblemCode::SourceChanged);
        assert!(problem.detail.unwrap().contains("log"));
        rests.push(at.since(bench.clock.now()));
        bench.clock.sleep(rests[rests.len() - 1]).await;
        bench.engine().ask(id, Ask::Resume).await.unwrap();
    }
    assert!(rests.windows(2).all(|pair| pair[0] < pair[1]), "{rests:?}");
    assert!(bench.service.world().files.is_empty());
    growing.store(false, Ordering::Relaxed);
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(bench.service.world().files["log"], std::fs::read(bench.folder.path("log")).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_says_when_is_not_waited_for_in_place() {
    let refused = AtomicU32::new(0);
    let bench = Bench::new(FakeService::new(move |operation| {
        let first = operation == "begin upload" && refused.fetch_add(1, Ordering::Relaxed) == 0;
        if first { Fault::Later } else { Fault::None }
    }))
    .await;
    let id = bench.upload("a", &content(200)).await;
    let before = bench.clock.now();
    let state = bench.settle(id).await;
    let State::Waiting { why: WaitReason::RetryAt { at, .. } } = state else { panic!("{state:?}") };
    let wait = at.since(before);
    assert!(wait >= Duration::from_secs(120) && wait < Duration::from_secs(180), "{wait:?}");
    bench.clock.sleep(wait).await;
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_expire_inside_a_file_cost_at_most_a_part_a_worker() {
    let sends = Arc::new(AtomicU32::new(0));
    let counting = sends.clone();
    let bench = Bench::new(FakeService::new(move |operation| {
        if operation != "send part" {
            return Fault::None;
        }
        let number = counting.fetch_add(1, Ordering::Relaxed);
        // Two of the four workers find their links expired.
        let now = matches!(number, 8 | 10);
        if now { Fault::Expired } else { Fault::None }
    }))
    .await;
    let id = bench.upload("a", &content(640)).await;
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(bench.service.world().files["a"], content(640));
    assert_eq!(sends.load(Ordering::Relaxed), 20 + 2);
    assert!(bench.service.world().received.values().all(|&times| times == 1));
    assert_eq!(bench.transfer(id).await.attempts, 1, "no failed run");
}
