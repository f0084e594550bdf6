use crate::bench::{Folder, options};
use labferry_app::App;
use serde_json::json;

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
    settings["timetable"] = json!([{"days": [], "from": "00:00", "to": "24:00", "bandwidth": 0}]);
    settings["paused_accounts"] = json!(["lab"]);
    settings["connections"] = json!(20);
    assert_eq!(other.call("settings.change", settings.clone()).await.unwrap(), settings);
    // A front end of an earlier day leaves out what it does not know.
    let mut known = settings.clone();
    for field in ["timetable", "paused_accounts", "connections"] {
        known.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(other.call("settings.change", known).await.unwrap(), settings);
    assert_eq!(owner.call("settings.show", json!({})).await.unwrap(), settings);
    owner.stop().await;
    other.stop().await;
}
