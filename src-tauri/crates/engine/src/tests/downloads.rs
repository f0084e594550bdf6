//! Downloads and read-backs against a service in memory that breaks off, lies and changes its mind.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{CheckRequest, CheckResult, Engine, Until};
use labferry_model::{
    Algorithm, ClashPolicy, Clock, Direction, Event, ProblemCode, Proof, State, TransferId, VerifyChoice,
    WaitReason, transfer::NewTransfer,
};
use labferry_store::Change;
use std::sync::atomic::{AtomicU32, Ordering};

const MD5: Proof = Proof::ServerDigest { algorithm: Algorithm::Md5 };

fn well() -> FakeService {
    FakeService::new(|_| Fault::None)
}

/// A fault for each request for bytes, by its number from 0.
fn answers(fault: impl Fn(u32) -> Fault + Send + 'static) -> FakeService {
    let count = AtomicU32::new(0);
    FakeService::new(move |operation| match operation {
        "open download" => fault(count.fetch_add(1, Ordering::Relaxed)),
        _ => Fault::None,
    })
}

async fn download(bench: &Bench, length: usize) -> TransferId {
    bench.service.world().files.insert("a".into(), content(length));
    bench.add(bench.new_transfer(Direction::Download, "a")).await
}

fn code(state: &State) -> Option<ProblemCode> {
    state.problem().map(|problem| problem.code)
}

async fn work_until(engine: &Engine, done: impl AsyncFn() -> bool) {
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::Stopped).await }
    });
    while !done().await {
        tokio::task::yield_now().await;
    }
    engine.stop().await;
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_range_goes_on_where_it_broke_and_no_byte_comes_twice() {
    for ranges in [true, false] {
        let mut service = answers(|number| if number % 3 == 2 { Fault::None } else { Fault::AnswerLost });
        service.ranges = ranges;
        let bench = Bench::new(service).await;
        let id = download(&bench, 1_000).await;
        assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
        assert_eq!(std::fs::read(bench.folder.path("a")).unwrap(), content(1_000));
        if ranges {
            assert_eq!(bench.service.world().given, 1_000, "every byte came once");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_about_another_content_is_refused_although_the_service_ignores_the_guard() {
    let bench =
        Bench::new(answers(|number| if number == 9 { Fault::OtherContent } else { Fault::None })).await;
    let id = download(&bench, 1_000).await;
    let state = bench.settle(id).await;
    assert_eq!(code(&state), Some(ProblemCode::BadAnswer), "{state:?}");
    assert!(!bench.folder.path("a").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_no_content_is_fetched_anew_and_never_pieced_together() {
    let mut service = answers(|number| if number < 2 { Fault::AnswerLost } else { Fault::None });
    service.names_content = false;
    let bench = Bench::new(service).await;
    let id = download(&bench, 1_000).await;
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    let world = bench.service.world();
    assert_eq!((world.asked.as_slice(), world.given), (&[None, None, None][..], 2_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_was_never_asked_for_a_range_is_asked_for_one_byte() {
    for ranges in [true, false] {
        let mut service = well();
        (service.ranges, service.tells_ranges) = (ranges, false);
        let bench = Bench::new(service).await;
        let id = download(&bench, 1_000).await;
        assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
        let asked = bench.service.world().asked.len();
        assert_eq!(asked, if ranges { 1 + 1_000_usize.div_ceil(32) } else { 2 }, "ranges: {ranges}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_refused_and_gets_no_name() {
    for length in [0, 50, 1_000] {
        let mut service = answers(|_| Fault::Endless);
        service.ranges = false;
        let bench = Bench::new(service).await;
        let id = download(&bench, length).await;
        let state = bench.settle(id).await;
        if length == 0 {
            assert_eq!(state, State::Done { proof: MD5 }, "nothing is asked for");
        } else {
            assert_eq!(code(&state), Some(ProblemCode::BadAnswer), "{state:?}");
            assert!(!bench.folder.path("a").exists());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_only_what_is_missing_or_damaged_comes_again() {
    let bench = Bench::new(answers(|number| if number < 10 { Fault::None } else { Fault::Offline })).await;
    let id = download(&bench, 1_000).await;
    assert_eq!(code(&bench.settle(id).await), Some(ProblemCode::Unreachable));
    let there = bench.transfer(id).await.bytes_done;
    let stored = bench.store.receipts(id).await.unwrap();
    assert!(stored.len() > 1, "{there}");
    // One part is damaged on the disk, as after a power cut.
    let partial = crate::partial_file::PartialFile::beside(&bench.folder.path("a"), id);
    let mut bytes = std::fs::read(partial.path()).unwrap();
    bytes[usize::try_from(stored[0].part.offset).unwrap() + 3] ^= 1;
    std::fs::write(partial.path(), bytes).unwrap();
    bench.service.follow(|_| Fault::None);
    bench.service.world().given = 0;
    bench.engine().ask(id, crate::Ask::Resume).await.unwrap();
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(std::fs::read(bench.folder.path("a")).unwrap(), content(1_000));
    assert_eq!(bench.service.world().given, 1_000 - there + 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_waits_while_the_disk_is_low_and_goes_on_by_itself() {
    let bench = Bench::new(well()).await;
    let id = download(&bench, 1_000).await;
    let low = bench.engine_with_reserve(u64::MAX / 2);
    low.run(Until::Settled(vec![id])).await.unwrap();
    let waits = State::Waiting { why: WaitReason::DiskLow };
    assert_eq!(bench.transfer(id).await.state, waits);
    assert_eq!(bench.service.world().given, 0);
    let looked = bench.service.world().requests;
    let before = labferry_model::Clock::monotonic(&*bench.clock);
    work_until(&low, async || {
        labferry_model::Clock::monotonic(&*bench.clock) > before + std::time::Duration::from_secs(60)
    })
    .await;
    assert_eq!(bench.transfer(id).await.state, waits);
    assert_eq!(bench.service.world().requests, looked, "the service is left alone while there is no room");
    work_until(&bench.engine(), async || bench.transfer(id).await.state.is_green()).await;
    assert_eq!(std::fs::read(bench.folder.path("a")).unwrap(), content(1_000));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_vanished_is_told_and_the_download_can_be_tried_again() {
    let bench = Bench::new(well()).await;
    bench.service.world().files.insert("a".into(), content(1_000));
    let local = bench.folder.path("gone/a");
    let new = bench.new_transfer(Direction::Download, "a");
    let id = bench.add(NewTransfer { local: local.clone(), ..new }).await;
    let (folder, mut asked) = (bench.folder.path("gone"), 0);
    bench.service.follow(move |operation| {
        asked += u32::from(operation == "open download");
        if asked == 5 {
            let _ = std::fs::remove_dir_all(&folder);
        }
        Fault::None
    });
    let state = bench.settle(id).await;
    assert_eq!(code(&state), Some(ProblemCode::FolderNotWritable), "{state:?}");
    bench.service.follow(|_| Fault::None);
    bench.engine().ask(id, crate::Ask::Retry).await.unwrap();
    assert_eq!(bench.settle(id).await, State::Done { proof: MD5 });
    assert_eq!(std::fs::read(local).unwrap(), content(1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_back_in_ranges_proves_and_sees_one_flipped_byte() {
    let length = (5 << 20) + 7;
    let bench = Bench::new(well()).await;
    bench.service.world().files.insert("a".into(), content(length));
    bench.folder.write("a", &content(length));
    let check = async |service: &dyn Fn(u32) -> Fault| {
        let faults: Vec<Fault> = (0..64).map(service).collect();
        let mut number = 0;
        bench.service.follow(move |operation| {
            number += usize::from(operation == "open download");
            if operation == "open download" { faults[number - 1] } else { Fault::None }
        });
        bench.service.world().asked.clear();
        let request = CheckRequest {
            account: "lab".parse().unwrap(),
            path: "r/a".into(),
            source: Some(bench.folder.path("a")),
            read_back: true,
        };
        let result = bench.engine().check(request).await.unwrap().remove(0).result;
        (result, bench.service.world().asked.clone())
    };
    // Without digests, only the bytes can tell.
    let (result, asked) = check(&|_| Fault::None).await;
    assert_eq!(result, CheckResult::Verified(MD5));
    assert!(asked.is_empty());
    bench.service.world().keeps_none = true;
    let (result, asked) = check(&|_| Fault::None).await;
    assert_eq!(result, CheckResult::Verified(Proof::ReadBack { algorithm: Algorithm::Sha256 }));
    assert!(asked.len() == 6 && asked.iter().all(Option::is_some), "{asked:?}");
    let (result, _) = check(&|number| if number == 3 { Fault::AnswerLost } else { Fault::None }).await;
    assert_eq!(result, CheckResult::Verified(Proof::ReadBack { algorithm: Algorithm::Sha256 }));
    let (result, _) = check(&|number| if number == 3 { Fault::Flip } else { Fault::None }).await;
    assert!(matches!(result, CheckResult::Differs(_)), "{result:?}");
    // A range of another content is no part of the proof: one stream tells.
    let (result, asked) = check(&|number| if number == 2 { Fault::OtherContent } else { Fault::None }).await;
    assert_eq!(result, CheckResult::Verified(Proof::ReadBack { algorithm: Algorithm::Sha256 }));
    assert_eq!(asked.last(), Some(&None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_got_its_name_before_the_process_ended_is_not_in_its_own_way() {
    for (keeps_digests, policy) in
        [(true, ClashPolicy::Ask), (false, ClashPolicy::Ask), (false, ClashPolicy::Rename)]
    {
        let mut service = well();
        service.keeps_digests = keeps_digests;
        let bench = Bench::new(service).await;
        bench.service.world().files.insert("a".into(), content(100));
        let new = bench.new_transfer(Direction::Download, "a");
        let id = bench.add(NewTransfer { on_clash: policy, ..new }).await;
        let path = bench.folder.write("a", &content(100));
        // As far as a process comes that is killed right after the file got its name.
        let ours = crate::hash_ahead::hash_to_compare(&path, 100, &[], &[]).await.unwrap();
        for event in [
            Event::Admitted,
            Event::PlanStored,
            Event::MovingBegan,
            Event::AllPartsSent,
            Event::FinishedOnService,
        ] {
            let change = Change { digests: Some(ours.digests.clone()), size: Some(100), ..Change::default() };
            bench.store.apply(id, event, change, bench.clock.now()).await.unwrap();
        }
        let state = bench.settle(id).await;
        assert!(matches!(state, State::Done { .. }), "{policy:?}: {state:?}");
        assert_eq!(state.is_green(), keeps_digests);
        assert_eq!(bench.service.world().given, 0, "nothing was fetched again");
        assert!(!bench.folder.path("a (2)").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_local_name_is_settled_by_the_policy() {
    let outcome = async |policy, there: &[u8]| {
        let bench = Bench::new(well()).await;
        bench.service.world().files.insert("a.csv".into(), content(100));
        bench.folder.write("a.csv", there);
        let new = bench.new_transfer(Direction::Download, "a.csv");
        let id = bench.add(NewTransfer { on_clash: policy, verify: VerifyChoice::Auto, ..new }).await;
        let state = bench.settle(id).await;
        let read = |name: &str| std::fs::read(bench.folder.path(name)).ok();
        (state, read("a.csv").unwrap(), read("a (2).csv"))
    };
    let (state, there, beside) = outcome(ClashPolicy::Ask, b"mine").await;
    assert_eq!(
        (code(&state), there.as_slice(), beside),
        (Some(ProblemCode::DestinationExists), &b"mine"[..], None)
    );
    let (state, there, _) = outcome(ClashPolicy::Skip, b"mine").await;
    assert_eq!((state, there.as_slice()), (State::Skipped { proof: None }, &b"mine"[..]));
    let (state, there, beside) = outcome(ClashPolicy::Rename, b"mine").await;
    assert_eq!(
        (state, there.as_slice(), beside),
        (State::Done { proof: MD5 }, &b"mine"[..], Some(content(100)))
    );
    let (_, there, _) = outcome(ClashPolicy::Replace, b"mine").await;
    assert_eq!(there, content(100));
    let (state, ..) = outcome(ClashPolicy::Ask, &content(100)).await;
    assert_eq!(state, State::Skipped { proof: Some(MD5) });
}
