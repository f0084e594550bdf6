//! Trouble while files are on their way, and what a person reads about it.

use crate::bench::{Bench, bytes, options};
use labferry_app::{App, wire::events::AppEvent};
use labferry_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

/// Gives the lab a rule about what goes wrong.
async fn fault(bench: &Bench, rules: Value) {
    let url = format!("{}/faults", bench.lab.description().control_url);
    let answer = crate::bench::client().post(url).json(&rules).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_service_that_is_down_is_waited_for_and_the_upload_ends_verified() {
    let mut bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("waits.bin", &bytes(20_000));
    let world = bench.world();
    bench.lab.stop().await;

    // Queued although nobody can be asked.
    let request = json!({ "sources": [file], "account": "nrp", "place": place });
    let queued = bench.app.call("uploads.add", request).await.unwrap();
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    bench.app.run_until_settled(&ids).await.unwrap();
    let row = bench.app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap()["row"].clone();
    assert_eq!((&row["state"], &row["waiting"]), (&json!("waiting"), &json!("offline")), "{row}");
    assert_eq!(row["problem"]["code"], "unreachable", "{row}");
    assert!(row["problem"]["message"].as_str().unwrap().contains("127.0.0.1"), "{row}");

    // It comes back on the same port.
    bench.lab = Sandbox::start(SandboxOptions::new(&world)).await.unwrap();
    assert_eq!(bench.app.call("transfers.retry", json!({ "all": true })).await.unwrap()["changed"], 1);
    bench.app.run_until_settled(&ids).await.unwrap();
    let row = bench.app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap()["row"].clone();
    assert_eq!(row["verified"], true, "{row}");
}

#[tokio::test]
async fn a_file_that_shrinks_on_its_way_is_never_finished_into_a_mixture() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("growing.raw", &bytes(3_000_000));
    // The content waits at the door long enough for the file to change behind it.
    fault(
        &bench,
        json!([{ "match": { "method": "PUT", "path": "/content" }, "times": 1, "do": { "delay_ms": 700 } }]),
    )
    .await;
    let mut heard = bench.app.subscribe();
    let queued = bench.put(&[&file], &place).await;
    let shrink = async {
        loop {
            if let AppEvent::Transfer { row, .. } = heard.recv().await.unwrap()
                && row.state == "moving"
            {
                return std::fs::write(&file, bytes(1_000)).unwrap();
            }
        }
    };
    let (rows, ()) = tokio::join!(bench.settle(&queued), shrink);
    let row = &rows[0];
    if row["verified"] == true {
        // It started over with what the file is now.
        assert_eq!(row["size"], 1_000, "{row}");
    } else {
        assert_eq!(row["problem"]["code"], "source_changed", "{row}");
        assert!(row["problem"]["message"].as_str().unwrap().contains("growing.raw"), "{row}");
    }
    let listed = bench.call("browse.list", json!({ "account": "nrp", "path": place })).await;
    for entry in listed["entries"].as_array().unwrap() {
        let (status, size) = (&entry["file"]["status"], &entry["file"]["size"]);
        assert!(status != "ready" || size == 1_000, "a mixture was finished: {entry}");
    }
}

#[tokio::test]
async fn a_token_that_stopped_working_is_renewed_and_the_queue_goes_on() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("after.bin", &bytes(9_000));
    let queued = bench.put(&[&file], &place).await;
    bench.app.stop().await;
    // The vault in memory is gone: as good as a token that was revoked.
    let app = App::open(options(&bench.data)).await.unwrap();
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    app.run_until_settled(&ids).await.unwrap();
    let list = app.call("transfers.list", json!({ "filter": "needs_you" })).await.unwrap();
    assert_eq!(list["rows"][0]["waiting"], "sign_in", "{list}");
    assert_eq!(list["rows"][0]["problem"]["button"], "sign_in", "{list}");
    assert_eq!(list["counts"]["needs_you"], 1, "{list}");

    app.call("accounts.add", bench.account("nrp")).await.unwrap();
    app.run_until_settled(&ids).await.unwrap();
    let row = app.call("transfers.show", json!({ "id": ids[0] })).await.unwrap()["row"].clone();
    assert_eq!(row["verified"], true, "{row}");
    app.stop().await;
}

#[tokio::test]
async fn a_download_never_leaves_its_folder_and_bad_destinations_are_named() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("here.txt", b"there and back");
    bench.settle(&bench.put(&[&file], &place).await).await;

    let in_the_way = bench.work.file("in the way", b"a file");
    let request = json!({ "account": "nrp", "paths": [place], "destination": in_the_way });
    let problem = bench.refusal("downloads.add", request).await;
    assert_eq!(problem.code, "folder_not_writable", "{problem:?}");
    assert!(problem.message.contains("in the way"), "{problem:?}");

    let path = format!("{place}/nothing.txt");
    let request = json!({ "account": "nrp", "paths": [path], "destination": bench.work.path() });
    let problem = bench.refusal("downloads.add", request).await;
    assert_eq!(problem.code, "not_found", "{problem:?}");
    assert!(problem.message.contains("nothing.txt"), "{problem:?}");

    let request = json!({ "account": "nrp", "paths": [""], "destination": bench.work.path() });
    assert_eq!(bench.refusal("downloads.add", request).await.code, "invalid_request");

    // A file is in its place already: the policy is to ask.
    let request =
        json!({ "account": "nrp", "paths": [format!("{place}/here.txt")], "destination": in_the_way });
    let rows = bench.settle(&bench.call("downloads.add", request).await).await;
    assert_eq!(rows[0]["problem"]["code"], "destination_exists", "{rows:?}");
    assert!(rows[0]["problem"]["message"].as_str().unwrap().contains("in the way"), "{rows:?}");
    assert_eq!(std::fs::read(in_the_way).unwrap(), b"a file", "left as it was");
}

#[tokio::test]
async fn an_unfinished_upload_of_somebody_is_found_and_cleared_and_a_finished_file_is_not() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("done.txt", b"finished");
    bench.settle(&bench.put(&[&file], &place).await).await;
    // Somebody announced a file and left.
    let url = format!("{}/api/records/{place}/draft/files", bench.service().url);
    let answer = crate::bench::client()
        .post(url)
        .bearer_auth(bench.token())
        .json(&json!([{ "key": "left.bin" }]))
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let leftovers = bench.call("browse.leftovers", json!({ "account": "nrp", "path": place })).await;
    assert_eq!(
        (&leftovers[0]["name"], &leftovers[0]["ours"]),
        (&json!("left.bin"), &json!(false)),
        "{leftovers}"
    );

    let finished = format!("{place}/done.txt");
    let request = json!({ "account": "nrp", "paths": [finished] });
    assert_eq!(bench.refusal("browse.clear_leftovers", request).await.code, "not_found");
    let request = json!({ "account": "nrp", "paths": [leftovers[0]["path"]] });
    assert_eq!(bench.call("browse.clear_leftovers", request).await["changed"], 1);
    let listed = bench.call("browse.list", json!({ "account": "nrp", "path": place })).await;
    assert_eq!(listed["entries"].as_array().unwrap().len(), 1, "{listed}");
}
