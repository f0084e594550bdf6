//! How often a front end hears of something, however much happens.

use crate::bench::Bench;
use labferry_app::wire::events::AppEvent;
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, time::Instant};

/// Small files, each with some six states.
const FILES: usize = 150;

#[tokio::test]
async fn many_small_files_are_told_ten_times_a_second_and_their_progress_four_times() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let files: Vec<PathBuf> =
        (0..FILES).map(|number| bench.work.file(&format!("small/{number}.txt"), b"small")).collect();
    let mut heard = bench.app.subscribe();
    let request = json!({ "sources": files, "account": "nrp", "place": place });
    let begun = Instant::now();
    let queued = bench.call("uploads.add", request).await;
    let (over, mut is_over) = tokio::sync::oneshot::channel::<()>();
    let listening = tokio::spawn(async move {
        let (mut of_row, mut progress, mut newest) = (BTreeMap::<i64, u32>::new(), 0_u32, 0);
        loop {
            let event = tokio::select! {
                event = heard.recv() => event,
                _ = &mut is_over => return (of_row, progress),
            };
            match event {
                Ok(AppEvent::Transfer { number, row, .. }) => {
                    assert!(number > newest, "states are told in order");
                    newest = number;
                    *of_row.entry(row.id).or_default() += 1;
                }
                Ok(AppEvent::Progress { .. }) => progress += 1,
                Ok(_) => {}
                Err(error) => panic!("messages were too many: {error}"),
            }
        }
    });
    let rows = bench.settle(&queued).await;
    assert!(rows.iter().all(|row| row["verified"] == true));
    drop(over);
    let (of_row, progress) = listening.await.unwrap();
    let elapsed = begun.elapsed().as_secs_f64();
    for (id, told) in of_row {
        assert!(f64::from(told) <= elapsed * 10.0 + 2.0, "{id} was told {told} times in {elapsed} s");
    }
    assert!(f64::from(progress) <= elapsed * 4.0 + 2.0, "{progress} samples in {elapsed} s");
    // And it is told at all while something is committed all the time.
    assert!(elapsed < 2.0 || progress > 0, "no progress in {elapsed} s");
}
