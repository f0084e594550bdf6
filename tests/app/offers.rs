//! Files from other programs, and what the window tells the shell about itself.

use crate::bench::Bench;
use labferry_app::wire::events::AppEvent;
use serde_json::json;
use std::path::{Path, PathBuf};

#[tokio::test]
async fn files_that_were_handed_over_are_given_to_the_window_once() {
    let bench = Bench::without_account().await;
    let mut events = bench.app.subscribe();
    bench.app.offer(Vec::new(), Path::new("/anywhere"));
    bench
        .app
        .offer(vec![PathBuf::from("scan 7.czi"), PathBuf::from("/data/100%25#.tif")], Path::new("/home/lab"));
    assert!(matches!(events.recv().await.unwrap(), AppEvent::Offered), "an empty offer tells nothing");
    let taken = bench.call("offers.take", json!({})).await;
    assert_eq!(taken, json!({ "sources": ["/home/lab/scan 7.czi", "/data/100%25#.tif"], "refused": [] }));
    assert_eq!(bench.call("offers.take", json!({})).await, json!({ "sources": [], "refused": [] }));
    let list = bench.call("transfers.list", json!({})).await;
    assert_eq!(list["rows"], json!([]), "nothing is queued by an offer");
}

#[cfg(unix)]
#[tokio::test]
async fn a_name_that_is_no_text_is_refused_in_words() {
    use std::os::unix::ffi::OsStringExt as _;
    let bench = Bench::without_account().await;
    let name = std::ffi::OsString::from_vec(b"scan\xff.czi".to_vec());
    bench.app.offer(vec![PathBuf::from(name)], Path::new("/data"));
    let taken = bench.call("offers.take", json!({})).await;
    assert_eq!(taken["sources"], json!([]));
    assert!(taken["refused"][0]["message"].as_str().unwrap().contains("no text in UTF-8"), "{taken}");
}

#[tokio::test]
async fn the_window_s_language_is_kept_beside_the_preferences() {
    let bench = Bench::without_account().await;
    let mut events = bench.app.subscribe();
    let kept = bench.call("preferences.language", json!({ "language": "zh-Hans" })).await;
    assert_eq!(kept, json!({ "to_tray": false, "notify": true, "language": "zh-Hans" }));
    assert!(matches!(events.recv().await.unwrap(), AppEvent::PreferencesChanged));
    assert_eq!(bench.call("preferences.show", json!({})).await, kept);
    let changed = bench.call("preferences.change", json!({ "to_tray": true })).await;
    assert_eq!(changed, json!({ "to_tray": true, "notify": true, "language": "zh-Hans" }));
    let refused = bench.refusal("preferences.language", json!({ "language": "<b>" })).await;
    assert_eq!(refused.code, "invalid_request");
}
