use crate::bench::{Bench, Folder, options};
use labferry_app::App;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn settings_are_kept_and_nonsense_is_sent_back() {
    let data = Folder::new();
    let app = App::open(options(&data)).await.unwrap();
    let mut settings = app.call("settings.show", json!({})).await.unwrap();
    assert_eq!(settings["bandwidth"], json!(null));
    settings["bandwidth"] = json!(1 << 20);
    settings["files"] = json!(2);
    assert_eq!(app.call("settings.change", settings.clone()).await.unwrap(), settings);
    for (field, value) in [("files", 0), ("parts_per_file", 1_000), ("bandwidth", 1)] {
        let mut wrong = settings.clone();
        wrong[field] = json!(value);
        let problem = app.call("settings.change", wrong).await.unwrap_err();
        assert_eq!(problem.code, "invalid_request", "{field}");
    }
    app.stop().await;
    let app = App::open(options(&data)).await.unwrap();
    assert_eq!(app.call("settings.show", json!({})).await.unwrap(), settings, "kept");
    app.stop().await;
}

#[tokio::test]
async fn another_process_follows_settings_within_a_second_and_rows_say_why_they_wait() {
    let data = Folder::new();
    let (owner, other) = (App::open(options(&data)).await.unwrap(), App::open(options(&data)).await.unwrap());
    let mut settings = other.call("settings.show", json!({})).await.unwrap();
    assert_eq!((&settings["timetable"], &settings["paused_accounts"]), (&json!([]), &json!([])));
    for (field, value) in [
        ("timetable", json!([{"from": "8:00", "to": "18:00", "bandwidth": 0}])),
        ("timetable", json!([{"from": "08:00", "to": "24:01", "bandwidth": 0}])),
        ("timetable", json!([{"days": [8], "from": "08:00", "to": "18:00", "bandwidth": null}])),
        ("timetable", json!([{"from": "08:00", "to": "18:00", "bandwidth": 5}])),
        ("paused_accounts", json!(["no such: name"])),
        ("connections", json!(0)),
    ] {
        let mut wrong = settings.clone();
        wrong[field] = value;
        let problem = other.call("settings.change", wrong).await.unwrap_err();
        assert_eq!(problem.code, "invalid_request", "{field}");
    }
    // A row that nobody works on, as seen by the process that did not change the settings.
    let bench = Bench::without_account().await;
    owner.call("accounts.add", bench.account("lab")).await.unwrap();
    let request = json!({ "account": "lab", "path": "", "metadata": { "title": "Rests" } });
    let place = owner.call("records.create", request).await.unwrap()["path"].clone();
    let file = bench.work.file("rests.bin", b"rests");
    let request = json!({ "sources": [file], "account": "lab", "place": place });
    owner.call("uploads.add", request).await.unwrap();
    assert_eq!(why(&owner).await, json!("turn"));

    let everything = json!([{"days": [], "from": "00:00", "to": "24:00", "bandwidth": 0}]);
    settings["timetable"] = everything.clone();
    other.call("settings.change", settings.clone()).await.unwrap();
    followed(&owner, "timetable").await;
    settings["timetable"] = json!([]);
    settings["paused_accounts"] = json!(["lab"]);
    other.call("settings.change", settings.clone()).await.unwrap();
    followed(&owner, "account_paused").await;
    settings["paused_accounts"] = json!([]);
    other.call("settings.change", settings.clone()).await.unwrap();
    followed(&owner, "turn").await;

    settings["timetable"] = everything;
    settings["paused_accounts"] = json!(["lab"]);
    settings["connections"] = json!(20);
    assert_eq!(other.call("settings.change", settings.clone()).await.unwrap(), settings);
    // A front end of an earlier day leaves out what it does not know.
    let mut known = settings.clone();
    for field in ["timetable", "paused_accounts", "connections", "metered"] {
        known.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(other.call("settings.change", known).await.unwrap(), settings);
    assert_eq!(owner.call("settings.show", json!({})).await.unwrap(), settings);
    owner.stop().await;
    other.stop().await;
}

/// Why the only row waits.
async fn why(app: &App) -> Value {
    app.call("transfers.list", json!({})).await.unwrap()["rows"][0]["waiting"].clone()
}

/// Waits until the row waits for that reason, and not for long.
async fn followed(app: &App, reason: &str) {
    let begun = Instant::now();
    while why(app).await != reason {
        // Twice what is promised, for a machine with other work.
        assert!(begun.elapsed() < Duration::from_secs(2), "it still waits for {}", why(app).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
