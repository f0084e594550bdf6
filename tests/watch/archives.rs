//! Runs that are folders, sent as one archive each.

use crate::{
    bench::{Bench, Folder, bytes},
    rules::{PATIENCE, done, file, names, rule, until, uploads},
};
use serde_json::json;
use std::{fs, path::PathBuf, time::Duration};

fn staged(bench: &Bench) -> Vec<PathBuf> {
    let inside = fs::read_dir(bench.data.path().join("staged")).into_iter().flatten().flatten();
    inside.map(|entry| entry.path()).collect()
}

async fn nothing_staged(bench: &Bench) {
    let began = std::time::Instant::now();
    while !staged(bench).is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:?}", staged(bench));
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// Paths and digests in the manifest of an archive on the service.
async fn manifest(bench: &Bench, place: &str, name: &str) -> Vec<(String, String)> {
    let to = Folder::new();
    let path = format!("{place}/{name}");
    let request =
        json!({ "account": "nrp", "paths": [path], "destination": to.path(), "on_clash": "replace" });
    let queued = bench.call("downloads.add", request).await;
    bench.settle(&queued).await;
    let mut zip = zip::ZipArchive::new(fs::File::open(to.path().join(name)).unwrap()).unwrap();
    let manifest: serde_json::Value = serde_json::from_reader(zip.by_name("manifest.json").unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let files = manifest["files"].as_array().unwrap();
    files.iter().map(|file| (text(&file["path"]), text(&file["sha256"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_as_one_archive_and_each_of_its_files_is_in_the_ledger() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    folder.file("day1/QE2_7.d/a.bin", &bytes(50_000));
    folder.file("day1/QE2_7.d/deep/b.bin", b"b");
    folder.file("alone.txt", b"alone");
    let id = rule(&bench, &place, &folder, json!({ "archive_runs": true })).await;
    bench.app.start_engine();
    done(&bench, id, 3).await;
    assert_eq!(names(&bench, &place).await, ["alone.txt", "day1__QE2_7.d.zip"]);
    assert_eq!(uploads(&bench).await, 2);
    let inside = manifest(&bench, &place, "day1__QE2_7.d.zip").await;
    let paths: Vec<&str> = inside.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["QE2_7.d/a.bin", "QE2_7.d/deep/b.bin"]);
    for (path, sha256) in &inside {
        let row = file(&bench, id, &format!("day1/{path}")).await;
        assert_eq!(row["digests"]["sha256"], *sha256, "{row}");
        assert!(row["verified"].is_i64() && row["run"] == "day1/QE2_7.d", "{row}");
    }
    nothing_staged(&bench).await;

    // Another time, the same bytes: nothing is asked and nothing is sent.
    let a = folder.path().join("day1/QE2_7.d/a.bin");
    fs::File::options().write(true).open(&a).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    // Other bytes: this service keeps no versions, so a person is asked about the file that changed.
    folder.file("day1/QE2_7.d/deep/b.bin", b"other");
    let row = until(&bench, id, "changed", |row| row["counts"]["changed"] == 1).await;
    assert_eq!((&row["counts"]["done"], uploads(&bench).await), (&json!(2), 3), "one download: {row}");
    let answer = json!({ "id": id, "names": ["day1/QE2_7.d/deep/b.bin"], "answer": "replace" });
    bench.call("folders.answer", answer).await;
    done(&bench, id, 3).await;
    assert_eq!(names(&bench, &place).await, ["alone.txt", "day1__QE2_7.d.zip"]);
    let now = manifest(&bench, &place, "day1__QE2_7.d.zip").await;
    assert!(now[0] == inside[0] && now[1].1 != inside[1].1, "{now:?}");
    nothing_staged(&bench).await;
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_grows_again_waits_and_its_files_are_put_away_once_the_archive_is_proven() {
    let bench = Bench::new().await;
    let (place, folder, sent) = (bench.draft().await, Folder::new(), Folder::new());
    let more = json!({
        "archive_runs": true, "unit": "folder", "markers": ["done.txt"], "after": "move", "sent_folder": sent.path(),
    });
    let id = rule(&bench, &place, &folder, more).await;
    bench.app.start_engine();
    for number in 0..20 {
        folder.file(&format!("run/{number:02}.bin"), &bytes(10_000 + number));
    }
    until(&bench, id, "coming to rest", |row| row["counts"]["settling"] == 20).await;
    assert_eq!(uploads(&bench).await, 0, "the marker is missing");
    folder.file("run/done.txt", b"!");
    done(&bench, id, 21).await;
    assert_eq!((uploads(&bench).await, names(&bench, &place).await), (1, vec!["run.zip".to_owned()]));
    let began = std::time::Instant::now();
    while sent.files().len() < 21 {
        assert!(began.elapsed() < PATIENCE, "{:?}", sent.files());
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(fs::read(sent.path().join("run/07.bin")).unwrap(), bytes(10_007));
    assert!(folder.files().is_empty(), "{:?}", folder.files());
    bench.app.stop().await;
}
