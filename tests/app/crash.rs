//! What a process leaves behind that was ended in the middle, seen by the next one.

use crate::bench::{Bench, bytes, client, open_after, options};
use labferry_app::{App, wire::events::AppEvent};
use serde_json::json;

#[tokio::test]
async fn an_app_that_vanished_leaves_its_uploads_to_the_next_one() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let content = bytes(2_000_000);
    let file = bench.work.file("half.bin", &content);
    // The content stays at the door until the first app is gone.
    let url = format!("{}/faults", bench.lab.description().control_url);
    let rule = json!([{ "match": { "method": "PUT", "path": "/content" }, "times": 1, "do": { "delay_ms": 60_000 } }]);
    assert!(client().post(url).json(&rule).send().await.unwrap().status().is_success());
    bench.app.stop().await;

    // A runtime of its own, dropped with everything in it: what a killed process leaves in the database.
    let (data, account) = (options(&bench.data), bench.account("nrp"));
    let half = file.clone();
    let vanished = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let id = runtime.block_on(async {
            let app = App::open(data).await.unwrap();
            app.call("accounts.add", account).await.unwrap();
            let mut heard = app.subscribe();
            app.start_engine();
            let request = json!({ "sources": [half], "account": "nrp", "place": place });
            let queued = app.call("uploads.add", request).await.unwrap();
            loop {
                if let AppEvent::Transfer { row, .. } = heard.recv().await.unwrap()
                    && row.state == "moving"
                {
                    return queued["ids"][0].as_i64().unwrap();
                }
            }
        });
        runtime.shutdown_background();
        id
    });
    let id = tokio::task::spawn_blocking(move || vanished.join().unwrap()).await.unwrap();

    let app = open_after(&bench.data).await;
    app.call("accounts.add", bench.account("nrp")).await.unwrap();
    app.start_engine();
    let state = app.call("app.state", json!({})).await.unwrap();
    assert_eq!((&state["interrupted"], &state["runs_engine"]), (&json!(1), &json!(true)), "{state}");
    app.run_until_settled(&[id]).await.unwrap();
    let row = app.call("transfers.show", json!({ "id": id })).await.unwrap()["row"].clone();
    assert_eq!((&row["verified"], &row["size"]), (&json!(true), &json!(2_000_000)), "{row}");
    app.stop().await;
}
