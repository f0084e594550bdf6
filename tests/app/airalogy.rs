//! Airalogy: a service that lists nothing, tells no digest, and may end a download early with a clean answer.

use crate::bench::{Bench, bytes, client};
use serde_json::{Value, json};
use std::path::Path;

const PLACE: &str = "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0";

async fn bench() -> Bench {
    let bench = Bench::without_account().await;
    bench.call("accounts.add", bench.account_of("airalogy", "air")).await;
    bench
}

async fn switch(bench: &Bench, switches: Value) {
    let url = format!("{}/switches?service=airalogy", bench.lab.description().control_url);
    let answer = client().post(url).json(&switches).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

async fn upload(bench: &Bench, source: &Path) -> Value {
    let request = json!({ "sources": [source], "account": "air", "place": PLACE });
    let queued = bench.call("uploads.add", request).await;
    bench.settle(&queued).await.remove(0)
}

/// What the place shows.
async fn listed(bench: &Bench) -> Value {
    bench.call("browse.list", json!({ "account": "air", "path": PLACE })).await
}

async fn download(bench: &Bench, path: &Value, to: &Path) -> Value {
    let request = json!({ "account": "air", "paths": [path], "destination": to });
    let queued = bench.call("downloads.add", request).await;
    bench.settle(&queued).await.remove(0)
}

#[tokio::test]
async fn an_upload_is_proven_by_reading_back_and_remembered() {
    let bench = bench().await;
    let top = bench.call("browse.list", json!({ "account": "air", "path": "" })).await;
    assert_eq!(top["entries"][0]["container"]["path"], PLACE, "{top}");
    assert_eq!(listed(&bench).await["entries"], json!([]), "nothing was sent from here yet");

    let content = bytes(300_000);
    let row = upload(&bench, &bench.work.file("curve 7.csv", &content)).await;
    assert_eq!(
        (&row["state"], &row["verified"], &row["proof"]),
        (&json!("done"), &json!(true), &json!("read_back"))
    );

    let shown = listed(&bench).await;
    assert_eq!(shown["remembered"], true, "{shown}");
    let file = &shown["entries"][0]["file"];
    assert_eq!((&file["name"], &file["size"]), (&json!("curve 7.csv"), &json!(300_000)), "{shown}");
    assert_eq!(file["verified"], true, "{shown}");
    let path = &file["path"];
    assert!(path.as_str().unwrap().starts_with(&format!("{PLACE}/airalogy.id.file.")), "{path}");

    // What comes back is the content that was proven to be there.
    let back = bench.work.path().join("back.csv");
    let row = download(&bench, path, &back).await;
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert_eq!(std::fs::read(back).unwrap(), content);

    let request = json!({ "account": "air", "path": path, "read_back": true });
    let checks = bench.call("checks.run", request).await;
    assert_eq!(
        (&checks[0]["result"], &checks[0]["against"]),
        (&json!("verified"), &json!("ledger")),
        "{checks}"
    );
}

#[tokio::test]
async fn links_that_lead_nowhere_leave_the_service_itself() {
    let bench = bench().await;
    switch(&bench, json!({ "unreachable_links": true })).await;
    let content = bytes(300_000);
    let row = upload(&bench, &bench.work.file("curve.csv", &content)).await;
    assert_eq!((&row["state"], &row["proof"]), (&json!("done"), &json!("read_back")), "{row}");
    let path = listed(&bench).await["entries"][0]["file"]["path"].clone();
    let back = bench.work.path().join("back.csv");
    let row = download(&bench, &path, &back).await;
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert_eq!(std::fs::read(back).unwrap(), content);
}

#[tokio::test]
async fn a_download_that_ends_early_with_a_clean_answer_never_makes_a_file_green() {
    let bench = bench().await;
    let content = bytes(300_000);
    let file = bench.work.file("curve.csv", &content);
    // Where the links lead somewhere, the short way is not taken.
    switch(&bench, json!({ "short_downloads": 1_000 })).await;
    let row = upload(&bench, &file).await;
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    let known = listed(&bench).await["entries"][0]["file"]["path"].clone();

    switch(&bench, json!({ "unreachable_links": true })).await;
    let other = bench.work.file("other.csv", &bytes(200_000));
    let row = upload(&bench, &other).await;
    assert_eq!(row["verified"], false, "{row}");
    assert_eq!(row["problem"]["code"], "size_mismatch", "{row}");
    let entries = listed(&bench).await["entries"].clone();
    let green = entries.as_array().unwrap().iter().filter(|entry| entry["file"]["verified"] == true);
    assert_eq!(green.count(), 1, "{entries}");

    // Of this one we know what it is: the short answer is no proof, and is called what it is.
    let request = json!({ "account": "air", "path": known, "read_back": true });
    let checks = bench.call("checks.run", request).await;
    assert_eq!(checks[0]["result"], "differs", "{checks}");
    assert_eq!(checks[0]["problem"]["code"], "size_mismatch", "{checks}");
}

#[tokio::test]
async fn a_file_of_unknown_length_comes_and_is_not_called_proven() {
    let bench = bench().await;
    let record = "airalogy.id.record.5f0c2c5e-7a51-4d0e-9c5e-2b7a7f6d1001.v.2";
    let shown = bench.call("browse.list", json!({ "account": "air", "path": record })).await;
    let path = shown["entries"][0]["file"]["path"].clone();
    assert_eq!(shown["entries"].as_array().unwrap().len(), 2, "the files that the record names: {shown}");
    switch(&bench, json!({ "unreachable_links": true })).await;
    let back = bench.work.path().join("back");
    let row = download(&bench, &path, &back).await;
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(false)), "{row}");
    assert!(std::fs::metadata(&back).unwrap().len() > 20);

    // Nothing at all is not taken for an empty file.
    switch(&bench, json!({ "short_downloads": 0 })).await;
    let nothing = bench.work.path().join("nothing");
    let row = download(&bench, &path, &nothing).await;
    assert_eq!(row["problem"]["code"], "bad_answer", "{row}");
    assert!(!nothing.exists());
}

/// Nobody can remove a second copy, so a person decides whether one is made.
#[tokio::test]
async fn a_file_whose_answer_was_lost_is_sent_again_only_on_request() {
    let bench = bench().await;
    let control = bench.lab.description().control_url.clone();
    let lost = json!([{ "match": { "service": "airalogy", "method": "POST", "path": "/upload$" }, "do": { "lose_answer": true } }]);
    client().post(format!("{control}/faults")).json(&lost).send().await.unwrap().error_for_status().unwrap();
    let copies = async || {
        let files =
            client().get(format!("{control}/inspect/files")).send().await.unwrap().text().await.unwrap();
        let files: Value = serde_json::from_str(&files).unwrap();
        files.as_array().unwrap().iter().filter(|file| file["name"] == "curve.csv").count()
    };

    let row = upload(&bench, &bench.work.file("curve.csv", &bytes(30_000))).await;
    assert_eq!((&row["state"], &row["verified"]), (&json!("failed"), &json!(false)), "{row}");
    let words = row["problem"]["message"].as_str().unwrap();
    assert!(words.contains("sending it again would make a second one"), "{row}");
    let problem = &row["problem"];
    assert_eq!((&problem["severity"], &problem["button"]), (&json!("error"), &json!("retry")), "{row}");
    assert!(!problem["next"].as_str().unwrap().contains("goes on"), "{row}");
    assert_eq!(copies().await, 1, "it had arrived");
    assert_eq!(listed(&bench).await["entries"], json!([]), "nothing is remembered as sent");

    let id = row["id"].as_i64().unwrap();
    bench.call("transfers.retry", json!({ "ids": [id] })).await;
    bench.app.run_until_settled(&[id]).await.unwrap();
    let row = bench.call("transfers.show", json!({ "id": id })).await["row"].clone();
    assert_eq!(row["verified"], true, "{row}");
    assert_eq!(copies().await, 2);
}
