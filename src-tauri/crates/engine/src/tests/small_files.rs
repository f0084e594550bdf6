//! Many small files to one container: announced together, sent side by side, and as safe as one.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{Ask, Until};
use labferry_model::{
    Algorithm, ClashPolicy, Direction, ProblemCode, Proof, State, TransferId, transfer::NewTransfer,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

const MD5: Proof = Proof::ServerDigest { algorithm: Algorithm::Md5 };

/// A service that takes lists, with a count of each kind of request.
async fn bench(faults: impl Fn(&'static str, u32) -> Fault + Send + 'static) -> (Bench, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let counting = counts.clone();
    let mut service = FakeService::new(move |operation| {
        let count = match operation {
            "announce" => &counting.announced,
            "find file" => &counting.looked,
            "send part" => &counting.sent,
            _ => &counting.others,
        };
        faults(operation, count.fetch_add(1, Ordering::Relaxed))
    });
    service.at_once = 100;
    (Bench::new(service).await, counts)
}

#[derive(Default)]
struct Counts {
    announced: AtomicU32,
    looked: AtomicU32,
    sent: AtomicU32,
    others: AtomicU32,
}

/// Queues that many files; their content is told apart by its length.
async fn queue(bench: &Bench, count: usize, on_clash: ClashPolicy) -> Vec<TransferId> {
    let new = (0..count).map(|number| {
        let name = format!("f{number}");
        bench.folder.write(&name, &content(number % 60));
        let size = Some(number as u64 % 60);
        NewTransfer { size, on_clash, ..bench.new_transfer(Direction::Upload, &name) }
    });
    bench.store.add_transfers(new.collect(), labferry_model::Timestamp(0)).await.unwrap()
}

async fn settle(bench: &Bench, ids: &[TransferId]) -> Vec<State> {
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
async fn a_folder_of_small_files_is_announced_in_few_requests_and_never_looked_for() {
    let (bench, counts) = bench(|_, _| Fault::None).await;
    let ids = queue(&bench, 400, ClashPolicy::Ask).await;
    let before = bench.store.commits();
    let states = settle(&bench, &ids).await;
    assert!(states.iter().all(|state| *state == State::Done { proof: MD5 }));
    for number in 0..400 {
        assert_eq!(bench.service.world().files[&format!("f{number}")], content(number % 60));
    }
    let announced = counts.announced.load(Ordering::Relaxed);
    assert!(announced <= 80, "{announced} announcements");
    assert_eq!(counts.looked.load(Ordering::Relaxed), 0);
    assert_eq!(counts.sent.load(Ordering::Relaxed), 400);
    let commits = bench.store.commits() - before;
    assert!(commits < 4 * 400, "{commits} transactions");
    assert_eq!(bench.store.ledger_list(None, None, 1_000).await.unwrap().len(), 400);
    assert_eq!(bench.transfer(ids[59]).await.bytes_done, 59);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_is_never_overwritten() {
    let (bench, _) = bench(|_, _| Fault::None).await;
    bench.service.world().files.insert("f3".into(), b"other".to_vec());
    bench.service.world().files.insert("f4".into(), content(4));
    bench.service.world().begun.insert("f5".into(), (5, BTreeMap::new()));
    let ids = queue(&bench, 8, ClashPolicy::Ask).await;
    let states = settle(&bench, &ids).await;
    let code = |number: usize| states[number].problem().map(|problem| problem.code);
    assert_eq!(code(3), Some(ProblemCode::NameTaken));
    assert_eq!(states[4], State::Skipped { proof: Some(MD5) });
    assert_eq!(code(5), Some(ProblemCode::PendingFile));
    for number in [0, 1, 2, 6, 7] {
        assert_eq!(states[number], State::Done { proof: MD5 }, "{number}");
    }
    assert_eq!(bench.service.world().files["f3"], b"other");
    assert!(bench.service.world().begun.contains_key("f5"));
    // Asked again, a foreign upload is foreign still.
    bench.engine().ask(ids[5], Ask::Retry).await.unwrap();
    let again = settle(&bench, &ids[5..6]).await;
    assert_eq!(again[0].problem().map(|problem| problem.code), Some(ProblemCode::PendingFile));
    assert!(bench.service.world().begun.contains_key("f5"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policies_hold_where_the_refusal_is_the_look() {
    for (policy, name) in [(ClashPolicy::Rename, "f1 (2)"), (ClashPolicy::Replace, "f1")] {
        let (bench, _) = bench(|_, _| Fault::None).await;
        bench.service.world().files.insert("f1".into(), b"other".to_vec());
        let ids = queue(&bench, 3, policy).await;
        let states = settle(&bench, &ids).await;
        assert!(states.iter().all(State::is_green), "{policy:?}: {states:?}");
        assert_eq!(bench.service.world().files[name], content(1), "{policy:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announcements_whose_answer_was_lost_are_known_as_ours() {
    let (bench, _) = bench(|operation, number| match (operation, number) {
        ("announce", 0) => Fault::Before,
        ("begin upload", _) if number % 7 == 0 => Fault::AnswerLost,
        ("send part", _) if number % 9 == 0 => Fault::AnswerLost,
        ("finish upload", _) if number % 5 == 0 => Fault::AnswerLost,
        _ => Fault::None,
    })
    .await;
    let ids = queue(&bench, 60, ClashPolicy::Ask).await;
    let states = settle(&bench, &ids).await;
    assert!(states.iter().all(State::is_green), "{states:?}");
    assert!(bench.service.world().begun.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_small_files_leave_nothing_behind_and_arrive() {
    let (bench, counts) = bench(|_, _| Fault::None).await;
    let ids = queue(&bench, 150, ClashPolicy::Ask).await;
    for killed_after in [1, 40, 90] {
        let engine = bench.engine();
        engine.recover().await.unwrap();
        let running = tokio::spawn(async move { engine.run(Until::Idle).await });
        while counts.sent.load(Ordering::Relaxed) < killed_after {
            tokio::task::yield_now().await;
        }
        running.abort();
        let _ = running.await;
        // An announcement on its way when its askers are gone is given up in its own time.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
    let states = settle(&bench, &ids).await;
    assert!(states.iter().all(State::is_green), "{states:?}");
    assert!(bench.service.world().begun.is_empty());
    assert_eq!(bench.service.world().files.len(), 150);
}
