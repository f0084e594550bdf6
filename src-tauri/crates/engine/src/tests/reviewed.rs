//! What must not happen when several things happen at once, or a service answers oddly.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{
    Ask, CheckRequest, CheckResult, Until,
    conditions::{self, Probes},
};
use labferry_model::{
    Algorithm, ClashPolicy, Clock, Direction, Event, Problem, ProblemCode, Proof, State, Timestamp,
    TransferId, VerifyChoice, WaitReason, transfer::NewTransfer,
};
use labferry_store::Change;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

const MD5: Proof = Proof::ServerDigest { algorithm: Algorithm::Md5 };

fn well() -> FakeService {
    FakeService::new(|_| Fault::None)
}

async fn settle_all(bench: &Bench, ids: &[TransferId]) -> Vec<State> {
    let engine = bench.engine();
    engine.recover().await.unwrap();
    engine.run(Until::Settled(ids.to_vec())).await.unwrap();
    let mut states = Vec::new();
    for &id in ids {
        states.push(bench.transfer(id).await.state);
    }
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_paused_while_its_account_is_probed_stays_paused() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(200)).await;
    let now = bench.clock.now();
    let why = WaitReason::Offline { problem: Problem::new(ProblemCode::Unreachable) };
    bench.store.apply(id, Event::Held { why }, Change::default(), now).await.unwrap();
    let gate = bench.service.gate.lock().await;
    let engine = bench.engine();
    conditions::probe(engine.shared(), &mut Probes::default()).await.unwrap();
    while bench.service.world().requests == 0 {
        tokio::task::yield_now().await;
    }
    bench.store.apply(id, Event::PauseAsked, Change::default(), now).await.unwrap();
    drop(gate);
    engine.shared().woken.notified().await;
    assert_eq!(bench.transfer(id).await.state, State::Paused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_file_queued_twice_is_sent_once() {
    let bench = Bench::new(well()).await;
    let begun = Arc::new(AtomicU32::new(0));
    let counting = begun.clone();
    bench.service.follow(move |operation| {
        counting.fetch_add(u32::from(operation == "begin upload"), Ordering::Relaxed);
        Fault::None
    });
    let ids = [bench.upload("a", &content(640)).await, bench.upload("a", &content(640)).await];
    let states = settle_all(&bench, &ids).await;
    assert_eq!(states, [State::Done { proof: MD5 }, State::Skipped { proof: Some(MD5) }]);
    assert_eq!(begun.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_downloads_to_one_name_do_not_mix() {
    let mut service = well();
    service.keeps_digests = false;
    let bench = Bench::new(service).await;
    let other: Vec<u8> = content(640).iter().map(|byte| byte ^ 0xff).collect();
    bench.service.world().files.insert("a".into(), content(640));
    bench.service.world().files.insert("b".into(), other);
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        let new = bench.new_transfer(Direction::Download, name);
        ids.push(bench.add(NewTransfer { local: bench.folder.path("same"), ..new }).await);
    }
    let states = settle_all(&bench, &ids).await;
    assert_eq!(states[0], State::Done { proof: Proof::SizeOnly });
    assert_eq!(states[1].problem().map(|problem| problem.code), Some(ProblemCode::DestinationExists));
    assert_eq!(std::fs::read(bench.folder.path("same")).unwrap(), content(640));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_cancelled_before_many_others_leaves_nothing() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(640)).await;
    bench.service.follow(|operation| if operation == "finish upload" { Fault::Offline } else { Fault::None });
    bench.settle(id).await;
    assert!(!bench.service.world().begun.is_empty());
    bench.service.follow(|_| Fault::None);
    let engine = bench.engine();
    engine.ask(id, Ask::Cancel).await.unwrap();
    for _ in 0..60 {
        let other = bench.upload("b", &content(10)).await;
        engine.ask(other, Ask::Cancel).await.unwrap();
    }
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::Stopped).await }
    });
    let cleared = async {
        while bench.transfer(id).await.session.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), cleared).await.expect("the leftover is removed");
    assert!(bench.service.world().begun.is_empty());
    engine.stop().await;
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_upload_that_cannot_be_cleared_now_is_cleared_at_the_next_start() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(640)).await;
    bench.service.follow(|operation| match operation {
        "finish upload" | "abandon upload" => Fault::Offline,
        _ => Fault::None,
    });
    bench.settle(id).await;
    bench.engine().ask(id, Ask::Cancel).await.unwrap();
    bench.settle(id).await;
    assert!(bench.transfer(id).await.session.is_some());
    bench.service.follow(|_| Fault::None);
    let engine = bench.engine();
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::Stopped).await }
    });
    let cleared = async {
        while !bench.service.world().begun.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), cleared).await.expect("the leftover is removed");
    engine.stop().await;
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_file_whose_deletion_was_not_confirmed_is_replaced() {
    let lost = AtomicU32::new(0);
    let bench = Bench::new(FakeService::new(move |operation| {
        let first = operation == "delete" && lost.fetch_add(1, Ordering::Relaxed) == 0;
        if first { Fault::AnswerLost } else { Fault::None }
    }))
    .await;
    bench.service.world().files.insert("a".into(), b"other".to_vec());
    bench.folder.write("a", &content(100));
    let new = bench.new_transfer(Direction::Upload, "a");
    let id = bench.add(NewTransfer { on_clash: ClashPolicy::Replace, ..new }).await;
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(bench.service.world().files["a"], content(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_source_whose_first_upload_could_not_be_given_up_is_sent_anew() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(200)).await;
    let path = bench.folder.path("a");
    let (mut sends, mut refusals) = (0, 0);
    bench.service.follow(move |operation| {
        sends += u32::from(operation == "send part");
        if operation == "send part" && sends == 3 {
            std::fs::write(&path, content(300)).unwrap();
        }
        refusals += u32::from(operation == "abandon upload");
        if operation == "abandon upload" && refusals == 1 { Fault::Offline } else { Fault::None }
    });
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(bench.service.world().files["a"], content(300));
    assert!(bench.service.world().begun.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_the_service_is_not_done_with_has_no_proof() {
    for verify in [VerifyChoice::Size, VerifyChoice::Digest] {
        let mut service = well();
        service.never_ready = true;
        let bench = Bench::new(service).await;
        bench.folder.write("a", &content(100));
        let new = bench.new_transfer(Direction::Upload, "a");
        let id = bench.add(NewTransfer { verify, ..new }).await;
        let state = bench.settle(id).await;
        assert!(matches!(state, State::Waiting { why: WaitReason::RetryAt { .. } }), "{verify:?}: {state:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_goes_on_behind_a_page_of_folders() {
    let mut service = well();
    service.folders_first = true;
    let bench = Bench::new(service).await;
    let id = bench.upload("a", &content(500)).await;
    bench.settle(id).await;
    let request =
        CheckRequest { account: "lab".parse().unwrap(), path: "r".into(), source: None, read_back: false };
    let outcomes = bench.engine().check(request).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].result, CheckResult::Verified(MD5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_gets_on_is_not_given_up_for_its_age() {
    let bench = Bench::new(well()).await;
    let id = bench.upload("a", &content(640)).await;
    let change = Change { failing_since: Some(Some(Timestamp(0))), ..Change::default() };
    bench.store.amend(id, change).await.unwrap();
    let mut sends = 0;
    bench.service.follow(move |operation| {
        sends += u32::from(operation == "send part");
        if operation == "send part" && sends > 8 { Fault::Before } else { Fault::None }
    });
    let state = bench.settle(id).await;
    assert!(matches!(state, State::Waiting { why: WaitReason::RetryAt { .. } }), "{state:?}");
    // Without a part more it has failed for too long.
    let change = Change { failing_since: Some(Some(Timestamp(0))), ..Change::default() };
    bench.store.amend(id, change).await.unwrap();
    bench.engine().ask(id, Ask::Resume).await.unwrap();
    assert!(matches!(bench.settle(id).await, State::Failed { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_panics_fails_its_transfer_and_no_other() {
    let bench = Bench::new(well()).await;
    let ids = [bench.upload("a", &content(100)).await, bench.upload("b", &content(100)).await];
    let begun = AtomicU32::new(0);
    bench.service.follow(move |operation| {
        let first = operation == "begin upload" && begun.fetch_add(1, Ordering::Relaxed) == 0;
        if first { Fault::Panic } else { Fault::None }
    });
    let states = settle_all(&bench, &ids).await;
    let failed = |state: &State| state.problem().is_some_and(|it| it.code == ProblemCode::Internal);
    assert_eq!(states.iter().filter(|state| failed(state)).count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|state| state.is_green()).count(), 1, "{states:?}");
}
