//! What goes wrong on this side: the source changes, shrinks or goes, the disk is full.

use crate::bench::{Bench, PART, WAYS, Way, content};
use labferry_engine::Until;
use labferry_model::{Direction, ProblemCode, State, VerifyChoice, WaitReason};
use serde_json::json;

/// Changes the source while its bytes move: the lab holds the first request with bytes back until we did.
async fn change_while_sending(
    way: Way,
    change: impl Fn(&std::path::Path),
) -> (Bench, labferry_model::TransferId) {
    let bench = Bench::new(way).await;
    let path = bench.write("a", &content(2 * PART + 9, 1));
    let id = bench.add(Direction::Upload, "a", way, VerifyChoice::Auto).await;
    bench
        .faults(
            json!([{ "match": { "method": "POST", "path": "/draft/files$" }, "do": { "delay_ms": 300 } }]),
        )
        .await;
    let engine = bench.engine();
    let running = tokio::spawn({
        let engine = engine.clone();
        async move { engine.run(Until::Settled(vec![id])).await }
    });
    // The plan is stored before the announcement that is held back.
    while bench.store.transfer(id).await.unwrap().unwrap().plan.is_none() {
        tokio::task::yield_now().await;
    }
    change(&path);
    while !matches!(
        bench.state(id).await,
        State::Waiting { why: WaitReason::SourceChanged } | State::Failed { .. }
    ) {
        tokio::task::yield_now().await;
    }
    engine.stop().await;
    running.await.unwrap().unwrap();
    (bench, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_grows_or_shrinks_while_it_is_sent_is_never_a_mixture() {
    for way in WAYS {
        for fresh in [content(2 * PART + 9, 2), content(100, 2), content(2 * PART + 10, 2)] {
            let (bench, id) = change_while_sending(way, |path| std::fs::write(path, &fresh).unwrap()).await;
            let what = format!("{way:?} {}", fresh.len());
            assert!(
                matches!(bench.state(id).await, State::Waiting { why: WaitReason::SourceChanged }),
                "{what}: {:?}",
                bench.state(id).await
            );
            bench.engine().ask(id, labferry_engine::Ask::Retry).await.unwrap();
            bench.must_arrive(id, "a", &fresh, &what).await;
            bench.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_goes_away_while_it_is_sent_is_told_by_name() {
    let (bench, id) = change_while_sending(Way::Parts, |path| std::fs::remove_file(path).unwrap()).await;
    let state = bench.state(id).await;
    let problem = state.problem().unwrap_or_else(|| panic!("{state:?}"));
    assert_eq!(problem.code, ProblemCode::SourceMissing);
    assert!(problem.subject.as_ref().unwrap().ends_with("/a"), "{problem:?}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_that_are_no_files_are_told_and_nothing_is_announced() {
    let bench = Bench::new(Way::Whole).await;
    std::fs::create_dir(bench.folder.join("folder")).unwrap();
    for (name, code) in [("missing", ProblemCode::SourceMissing), ("folder", ProblemCode::SourceNotAFile)] {
        let id = bench.add(Direction::Upload, name, Way::Whole, VerifyChoice::Auto).await;
        let state = bench.settle(id).await;
        assert_eq!(state.problem().map(|problem| problem.code), Some(code));
        assert_eq!(bench.stored(name).await, None);
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_would_fill_the_disk_waits_before_it_begins() {
    let mut bench = Bench::new(Way::Whole).await;
    bench.write("a", &content(1_000, 1));
    let id = bench.add(Direction::Upload, "a", Way::Whole, VerifyChoice::Auto).await;
    assert!(bench.settle(id).await.is_green());
    bench.limits.disk_reserve = u64::MAX / 2;
    let id = bench.add(Direction::Download, "a", Way::Whole, VerifyChoice::Auto).await;
    let state = bench.settle(id).await;
    assert_eq!(state, State::Waiting { why: WaitReason::DiskLow });
    assert!(!bench.folder.join("got-a").exists());
    bench.stop().await;
}
