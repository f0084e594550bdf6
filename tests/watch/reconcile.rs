//! The start with many files that have not changed: nothing is read, and everything is looked at. `LABFERRY_UNCHANGED` is
//! how many; the time is printed and not judged, because it is this computer's.

use crate::{
    bench::{Bench, Folder},
    count,
};
use labferry_app::wire::events::AppEvent;
use serde_json::json;
use std::{
    fs,
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unchanged_files_are_looked_at_and_not_read() {
    let files = count("LABFERRY_UNCHANGED", 1_500);
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    for number in 0..files {
        let inside = folder.path().join(format!("{}", number / 1_000));
        if number % 1_000 == 0 {
            fs::create_dir(&inside).unwrap();
        }
        fs::write(inside.join(format!("{number}.dat")), "unchanged").unwrap();
    }
    let rule = json!({ "folder": folder.path(), "account": "nrp", "place": place, "backlog": "now" });
    let row = bench.call("folders.add", rule).await;
    assert_eq!(row["counts"]["ignored"], files);
    // Reading them would fail, and would be told.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.path().join("0/0.dat"), fs::Permissions::from_mode(0o000)).unwrap();
    }

    let mut events = bench.app.subscribe();
    let began = Instant::now();
    bench.app.start_engine();
    let looked = async {
        loop {
            if let Ok(AppEvent::Folder { row }) = events.recv().await
                && row.looked.is_some()
            {
                return row;
            }
        }
    };
    let row = tokio::time::timeout(Duration::from_secs(120), looked).await.expect("a whole look");
    let took = began.elapsed();
    assert_eq!((row.counts.settling, row.counts.queued), (0, 0), "nothing is new");
    println!(
        "{files} unchanged files reconciled at the start in {:.2} s without reading one",
        took.as_secs_f64()
    );
    bench.app.stop().await;
}
