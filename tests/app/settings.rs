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
