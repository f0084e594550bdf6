//! Replacing a file: whatever goes wrong, the old bytes or the new ones are on the service in the end.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{Ask, Until};
use labferry_model::{ClashPolicy, Direction, ProblemCode, State, TransferId, transfer::NewTransfer};
use labferry_store::TransferFilter;

const OLD: &[u8] = b"what was measured last year";

/// A service that holds the old file, with or without digests, and the row that is to replace it.
async fn bench(keeps_digests: bool) -> (Bench, TransferId) {
    let mut service = FakeService::new(|_| Fault::None);
    service.keeps_digests = keeps_digests;
    let bench = Bench::new(service).await;
    bench.service.world().files.insert("a".into(), OLD.to_vec());
    bench.folder.write("a", &content(200));
    let new = bench.new_transfer(Direction::Upload, "a");
    let id = bench.add(NewTransfer { on_clash: ClashPolicy::Replace, ..new }).await;
    (bench, id)
}

fn fails(operation: &'static str, fault: Fault) -> impl FnMut(&'static str) -> Fault + Send {
    move |now| if now == operation { fault } else { Fault::None }
}

/// Nothing lies in the data folder any more.
fn kept(bench: &Bench) -> usize {
    let count =
        |name: &str| std::fs::read_dir(bench.folder.path("data").join(name)).map_or(0, Iterator::count);
    count("replaced") + count("put-back")
}

async fn work_off(bench: &Bench) {
    let engine = bench.engine();
    engine.recover().await.unwrap();
    engine.run(Until::Idle).await.unwrap();
    engine.run(Until::Idle).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_file_leaves_nothing_behind() {
    for digests in [true, false] {
        let (bench, id) = bench(digests).await;
        assert!(bench.settle(id).await.is_green());
        assert_eq!(bench.service.world().files["a"], content(200));
        assert_eq!(kept(&bench), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_put_back_when_the_new_one_is_refused() {
    for (operation, digests) in
        [("begin upload", true), ("send part", true), ("finish upload", true), ("send part", false)]
    {
        let (bench, id) = bench(digests).await;
        bench.service.follow(fails(operation, Fault::Refused));
        let state = bench.settle(id).await;
        assert_eq!(state.problem().map(|problem| problem.code), Some(ProblemCode::ServiceRefused));
        // The service takes the old file again, though not the new one.
        bench.service.follow(|_| Fault::None);
        work_off(&bench).await;
        assert_eq!(bench.service.world().files["a"], OLD, "{operation}");
        assert!(matches!(bench.transfer(id).await.state, State::Failed { .. }));
        assert_eq!(kept(&bench), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_not_removed_before_a_proven_copy_is_kept() {
    for (fault, digests) in [(Fault::Flip, true), (Fault::Refused, true), (Fault::Refused, false)] {
        let (bench, id) = bench(digests).await;
        bench.service.follow(fails("open download", fault));
        assert!(bench.settle(id).await.problem().is_some());
        assert_eq!(bench.service.world().files["a"], OLD, "{fault:?}");
        assert_eq!(kept(&bench), 0);
    }
    // Without digests a byte that was flipped once shows when the file is read the second time.
    let (bench, id) = bench(false).await;
    let mut readings = 0;
    bench.service.follow(move |now| {
        readings += u32::from(now == "open download");
        if now == "open download" && readings == 1 { Fault::Flip } else { Fault::None }
    });
    assert!(bench.settle(id).await.problem().is_some());
    assert_eq!(bench.service.world().files["a"], OLD);
}

/// Lets the upload get as far as the removal, and ends the process there.
async fn killed_after_the_removal(bench: &Bench, id: TransferId) {
    bench.service.follow(fails("begin upload", Fault::Before));
    let engine = bench.engine();
    let running = tokio::spawn(async move { engine.run(Until::Idle).await });
    while bench.service.world().files.contains_key("a") {
        tokio::task::yield_now().await;
    }
    running.abort();
    let _ = running.await;
    bench.service.follow(|_| Fault::None);
    let engine = bench.engine();
    engine.recover().await.unwrap();
    // It may have come as far as a rest before it was killed.
    let _ = engine.ask(id, Ask::Retry).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_removal_and_finish_loses_neither_file() {
    let (bench, id) = bench(true).await;
    killed_after_the_removal(&bench, id).await;
    assert_eq!(kept(&bench), 1, "the only copy is ours");
    assert!(bench.settle(id).await.is_green());
    assert_eq!(bench.service.world().files["a"], content(200));
    assert_eq!(kept(&bench), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_that_is_cancelled_puts_the_old_file_back() {
    let (bench, id) = bench(true).await;
    killed_after_the_removal(&bench, id).await;
    bench.engine().ask(id, Ask::Cancel).await.unwrap();
    work_off(&bench).await;
    assert_eq!(bench.service.world().files["a"], OLD);
    let rows = bench.store.transfers(&TransferFilter::default()).await.unwrap();
    assert_eq!(rows.len(), 2, "it is put back in a row of its own, for all to see");
    assert_eq!(kept(&bench), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_retried_after_the_old_file_came_back_replaces_it_then() {
    let (bench, id) = bench(true).await;
    bench.service.follow(fails("send part", Fault::Refused));
    bench.settle(id).await;
    bench.service.follow(|_| Fault::None);
    work_off(&bench).await;
    assert_eq!(bench.service.world().files["a"], OLD);
    bench.engine().ask(id, Ask::Retry).await.unwrap();
    assert!(bench.settle(id).await.is_green());
    assert_eq!(bench.service.world().files["a"], content(200));
    assert_eq!(kept(&bench), 0);
}
