//! Transfers from end to end against the service in memory.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{Ask, CheckRequest, CheckResult, Until};
use labferry_model::{
    Algorithm, ClashPolicy, Direction, ProblemCode, Proof, ShapeChoice, State, VerifyChoice, WaitReason,
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

const MD5: Proof = Proof::ServerDigest { algorithm: Algorithm::Md5 };

fn well() -> FakeService {
    FakeService::new(|_| Fault::None)
}

/// A fault that befalls the n-th request of that kind, counted from 1.
fn nth(operation: &'static str, at: u32, fault: Fault) -> impl FnMut(&'static str) -> Fault + Send {
    let count = AtomicU32::new(0);
    move |now| {
        if now == operation && count.fetch_add(1, Ordering::Relaxed) + 1 == at { fault } else { Fault::None }
    }
}

fn code(state: &State) -> Option<ProblemCode> {
    state.problem().map(|problem| problem.code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_every_size_arrive_and_are_proven() {
    let bench = Bench::new(well()).await;
    for length in [0, 1, 31, 32, 33, 63, 64, 65, 1_000] {
        let name = format!("f{length}");
        let id = bench.upload(&name, &content(length)).await;
        assert_eq!(bench.settle(id).await, State::Done { proof: MD5 }, "{length}");
        assert_eq!(bench.service.world().files[&name], content(length));
    }
    let ledger = bench.store.ledger_list(None, None, 100).await.unwrap();
    assert_eq!(ledger.len(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_upload_sends_no_stored_part_again() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(640)).await;
    for killed_after in [3, 9, 15] {
        let sent = Arc::new(AtomicU32::new(0));
        let count = sent.clone();
        bench.service.follow(move |operation| {
            if operation == "send part" {
                count.fetch_add(1, Ordering::Relaxed);
            }
            Fault::None
        });
        let engine = bench.engine();
        engine.recover().await.unwrap();
        let running = tokio::spawn(async move { engine.run(Until::Idle).await });
        // On a busy machine it may be through before it is killed.
        while sent.load(Ordering::Relaxed) < killed_after.min(4) && !running.is_finished() {
            tokio::task::yield_now().await;
        }
        running.abort();
        let _ = running.await;
    }
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    // At most the four parts that were in flight at each of the three kills.
    let again: u32 = bench.service.world().received.values().map(|times| times - 1).sum();
    assert!(again <= 12, "{again} parts were sent again");
    assert_eq!(bench.service.world().files["a"], content(640));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_at_every_request_is_survived() {
    use Fault::{AnswerLost, Before, Flip, Forget};
    for operation in ["find file", "begin upload", "send part", "finish upload"] {
        for fault in [Before, AnswerLost, Flip, Forget] {
            for at in 1..=3 {
                let bench = Bench::new(FakeService::new(nth(operation, at, fault))).await;
                let id = bench.upload("a", &content(200)).await;
                let state = bench.settle(id).await;
                assert_eq!(state, State::Done { proof: MD5 }, "{operation} {fault:?} {at}");
                assert_eq!(bench.service.world().files["a"], content(200), "{operation} {fault:?} {at}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_always_corrupts_is_never_green() {
    for (operation, digests) in [("send part", true), ("send part", false), ("open download", false)] {
        for shape in [ShapeChoice::Whole, ShapeChoice::Parts] {
            let mut service =
                FakeService::new(move |now| if now == operation { Fault::Flip } else { Fault::None });
            service.keeps_digests = digests;
            let bench = Bench::new(service).await;
            bench.folder.write("a", &content(200));
            let new = bench.new_transfer(Direction::Upload, "a");
            let id = bench.add(labferry_model::transfer::NewTransfer { shape, ..new }).await;
            let state = bench.settle(id).await;
            assert!(!state.is_green(), "{operation} {shape:?}: {state:?}");
            assert!(state.problem().is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_digests_the_proof_is_a_read_back_and_size_is_not_green() {
    let mut service = well();
    service.keeps_digests = false;
    let bench = Bench::new(service).await;
    let id = bench.upload("a", &content(200)).await;
    let read_back = Proof::ReadBack { algorithm: Algorithm::Sha256 };
    assert_eq!(bench.settle(id).await, State::Done { proof: read_back });
    bench.folder.write("b", &content(200));
    let new = bench.new_transfer(Direction::Upload, "b");
    let id = bench.add(labferry_model::transfer::NewTransfer { verify: VerifyChoice::Digest, ..new }).await;
    let state = bench.settle(id).await;
    assert_eq!(state, State::Done { proof: Proof::SizeOnly });
    assert!(!state.is_green());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_while_it_is_sent_is_sent_anew() {
    for fresh in [content(200).into_iter().rev().collect::<Vec<u8>>(), content(100), content(300)] {
        let bench = Bench::new(well()).await;
        let id = bench.upload("a", &content(200)).await;
        let (path, changed) = (bench.folder.path("a"), fresh.clone());
        let mut sends = 0;
        bench.service.follow(move |operation| {
            sends += u32::from(operation == "send part");
            if operation == "send part" && sends == 3 {
                std::fs::write(&path, &changed).unwrap();
            }
            Fault::None
        });
        assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
        assert_eq!(bench.service.world().files["a"], fresh);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_between_two_runs_is_no_mixture() {
    let bench = Bench::new(FakeService::new(nth("send part", 4, Fault::Offline))).await;
    bench.service.follow(|operation| if operation == "finish upload" { Fault::Offline } else { Fault::None });
    let id = bench.upload("a", &content(200)).await;
    assert_eq!(code(&bench.settle(id).await), Some(ProblemCode::Unreachable));
    let fresh: Vec<u8> = content(200).into_iter().map(|byte| byte ^ 0x55).collect();
    bench.folder.write("a", &fresh);
    bench.service.follow(|_| Fault::None);
    bench.engine().ask(id, Ask::Resume).await.unwrap();
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(bench.service.world().files["a"], fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_name_is_settled_by_the_policy() {
    let outcome = async |policy, there: &[u8]| {
        let bench = Bench::new(well()).await;
        bench.service.world().files.insert("a.csv".into(), there.to_vec());
        bench.folder.write("a.csv", &content(100));
        let new = bench.new_transfer(Direction::Upload, "a.csv");
        let id = bench.add(labferry_model::transfer::NewTransfer { on_clash: policy, ..new }).await;
        let state = bench.settle(id).await;
        let files = bench.service.world().files.clone();
        (state, files)
    };
    let (state, files) = outcome(ClashPolicy::Ask, b"other").await;
    assert_eq!((code(&state), files["a.csv"].as_slice()), (Some(ProblemCode::NameTaken), &b"other"[..]));
    let (state, _) = outcome(ClashPolicy::Ask, &content(100)).await;
    assert_eq!(state, State::Skipped { proof: Some(MD5) });
    let (state, files) = outcome(ClashPolicy::Skip, b"other").await;
    assert_eq!((state, files.len()), (State::Skipped { proof: None }, 1));
    let (_, files) = outcome(ClashPolicy::Rename, b"other").await;
    assert_eq!((files["a.csv"].as_slice(), &files["a (2).csv"]), (&b"other"[..], &content(100)));
    let (_, files) = outcome(ClashPolicy::Replace, b"other").await;
    assert_eq!(files["a.csv"], content(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_pending_file_is_left_alone() {
    let bench = Bench::new(well()).await;
    bench.service.world().begun.insert("a".into(), (200, std::collections::BTreeMap::new()));
    let id = bench.upload("a", &content(200)).await;
    assert_eq!(code(&bench.settle(id).await), Some(ProblemCode::PendingFile));
    assert!(bench.service.world().begun.contains_key("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offline_service_costs_no_try_and_goes_on_by_itself() {
    let bench = Bench::new(FakeService::new(|_| Fault::Offline)).await;
    let id = bench.upload("a", &content(200)).await;
    let state = bench.settle(id).await;
    assert!(matches!(state, State::Waiting { why: WaitReason::Offline { .. } }), "{state:?}");
    let engine = bench.engine();
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::Stopped).await }
    });
    bench.service.follow(|_| Fault::None);
    while !bench.transfer(id).await.state.is_green() {
        tokio::task::yield_now().await;
    }
    engine.stop().await;
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_upload_rests_and_a_cancelled_one_leaves_nothing() {
    for ask in [Ask::Pause, Ask::Cancel] {
        let bench = Bench::new(well()).await;
        let id = bench.upload("a", &content(25_600)).await;
        let engine = bench.engine();
        let running = tokio::spawn({
            let engine = engine.clone();
            async move { engine.run(Until::Stopped).await }
        });
        while bench.service.world().received.len() < 3 {
            tokio::task::yield_now().await;
        }
        engine.ask(id, ask).await.unwrap();
        while !engine.progress().is_empty() {
            tokio::task::yield_now().await;
        }
        if ask == Ask::Cancel {
            while !bench.service.world().begun.is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(bench.service.world().files.is_empty());
        } else {
            assert_eq!(bench.transfer(id).await.state, State::Paused);
            engine.ask(id, Ask::Resume).await.unwrap();
            while !bench.transfer(id).await.state.is_green() {
                tokio::task::yield_now().await;
            }
        }
        engine.stop().await;
        running.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downloads_arrive_whole_by_ranges_and_without() {
    for ranges in [true, false] {
        let mut service = FakeService::new(nth("open download", 2, Fault::AnswerLost));
        service.ranges = ranges;
        let bench = Bench::new(service).await;
        for length in [0, 1, 128, 1_000] {
            let name = format!("f{length}");
            bench.service.world().files.insert(name.clone(), content(length));
            let id = bench.add(bench.new_transfer(Direction::Download, &name)).await;
            assert_eq!(bench.settle(id).await, State::Done { proof: MD5 }, "{length}");
            assert_eq!(std::fs::read(bench.folder.path(&name)).unwrap(), content(length));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupted_download_never_gets_its_name() {
    let service =
        FakeService::new(|operation| if operation == "open download" { Fault::Flip } else { Fault::None });
    let bench = Bench::new(service).await;
    bench.service.world().files.insert("a".into(), content(500));
    let id = bench.add(bench.new_transfer(Direction::Download, "a")).await;
    assert_eq!(code(&bench.settle(id).await), Some(ProblemCode::DigestMismatch));
    assert!(!bench.folder.path("a").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_tells_same_from_other_and_missing() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(500)).await;
    bench.settle(id).await;
    let engine = bench.engine();
    let check = async |path: &str, source: Option<&str>| {
        let request = CheckRequest {
            account: "lab".parse().unwrap(),
            path: path.into(),
            source: source.map(|name| bench.folder.path(name)),
            read_back: false,
        };
        engine.check(request).await.unwrap().remove(0).result
    };
    assert_eq!(check("r/a", None).await, CheckResult::Verified(MD5));
    assert_eq!(check("r", None).await, CheckResult::Verified(MD5));
    assert_eq!(check("r/a", Some("a")).await, CheckResult::Verified(MD5));
    assert_eq!(check("r/b", Some("a")).await, CheckResult::Missing);
    bench.service.world().files.insert("a".into(), content(499));
    assert!(matches!(check("r/a", None).await, CheckResult::Differs(_)));
    bench.service.world().files.insert("b".into(), content(9));
    assert_eq!(check("r/b", None).await, CheckResult::Unknown);
}
