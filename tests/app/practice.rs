use crate::bench::{Folder, bytes, options};
use labferry_app::App;
use serde_json::{Value, json};

async fn row_of(app: &App, request: Value) -> Value {
    let queued = app.call("uploads.add", request).await.unwrap();
    assert_eq!(queued["refused"], json!([]));
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    app.run_until_settled(&ids).await.unwrap();
    app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap()["row"].clone()
}

#[tokio::test]
async fn the_practice_lab_starts_once_and_is_found_again_by_the_next_start() {
    let (data, work) = (Folder::new(), Folder::new());
    let app = App::open(options(&data)).await.unwrap();
    assert_eq!(app.call("app.state", json!({})).await.unwrap()["practice_lab"], false);
    let accounts = app.call("practice_lab.start", json!({})).await.unwrap();
    let accounts_now = accounts.as_array().unwrap();
    assert!(accounts_now.iter().all(|account| account["practice"] == true), "{accounts}");
    let nrp = accounts_now.iter().find(|account| account["service"] == "nrp").unwrap();
    let name = nrp["name"].as_str().unwrap().to_owned();
    assert_eq!(accounts[0]["service"], "nrp", "in the lab's order");
    assert_eq!(
        app.call("practice_lab.start", json!({})).await.unwrap(),
        accounts,
        "a second start adds nothing"
    );
    assert_eq!(app.call("app.state", json!({})).await.unwrap()["practice_lab"], true);

    let request = json!({ "account": name, "path": "", "metadata": { "title": "Practice" } });
    let place = app.call("records.create", request).await.unwrap()["path"].clone();
    let content = bytes(40_000);
    let file = work.file("practice.bin", &content);
    let row = row_of(&app, json!({ "sources": [file], "account": name, "place": place })).await;
    assert_eq!(row["verified"], true, "{row}");
    app.stop().await;

    // Nobody starts the lab this time: using its account does.
    let app = App::open(options(&data)).await.unwrap();
    let listed = app.call("browse.list", json!({ "account": name, "path": place })).await.unwrap();
    assert_eq!(listed["entries"][0]["file"]["name"], "practice.bin", "{listed}");
    assert_eq!(listed["entries"][0]["file"]["verified"], true, "{listed}");
    app.stop().await;
}
