//! Copies from one record to another, as a front end asks for them: the app moves them forward by itself.

use crate::bench::{Bench, bytes, client, open_after, options, with_file};
use labferry_app::{App, wire::events::AppEvent};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

/// Gives the lab rules about what goes wrong; none for nothing.
async fn faults(bench: &Bench, rules: Value) {
    let url = format!("{}/faults", bench.lab.description().control_url);
    let asked = if rules.is_null() { client().delete(url) } else { client().post(url).json(&rules) };
    assert!(asked.send().await.unwrap().status().is_success());
}

/// Holds back every upload of more than a few bytes.
async fn hold_uploads(bench: &Bench) {
    faults(bench, json!([{ "match": { "method": "PUT" }, "times": 0, "do": { "delay_ms": 600_000 } }])).await;
}

/// Two drafts, the first with these files.
async fn drafts(bench: &Bench, files: &[(&str, &[u8])]) -> (String, String) {
    let (from, to) = (bench.draft().await, bench.draft().await);
    let local: Vec<_> = files.iter().map(|(name, bytes)| bench.work.file(name, bytes)).collect();
    let queued = bench.put(&local.iter().map(|path| path.as_path()).collect::<Vec<_>>(), &from).await;
    bench.settle(&queued).await;
    bench.call("transfers.clear", json!({ "all": true })).await;
    (from, to)
}

fn request(paths: &[&str], to: &str) -> Value {
    json!({ "account": "nrp", "paths": paths, "to_account": "nrp", "to_place": to })
}

/// The copy's row once it is so.
async fn until(app: &App, heard: &mut Receiver<AppEvent>, id: &Value, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let rows = app.call("copies.list", json!({})).await.unwrap();
        let row = rows.as_array().unwrap().iter().find(|row| &row["id"] == id).unwrap().clone();
        if is(&row) {
            return row;
        }
        // Each change is told; so is every change of its transfers.
        heard.recv().await.unwrap();
    }
}

async fn until_state(app: &App, heard: &mut Receiver<AppEvent>, id: &Value, state: &str) -> Value {
    until(app, heard, id, |row| row["state"] == state).await
}

async fn names(bench: &Bench, place: &str) -> Vec<String> {
    let listed = bench.call("browse.list", json!({ "account": "nrp", "path": place, "limit": 500 })).await;
    let name = |entry: &Value| entry["file"]["name"].as_str().unwrap().to_owned();
    listed["entries"].as_array().unwrap().iter().map(name).collect()
}

/// Files of copies on this computer.
fn kept(bench: &Bench) -> usize {
    bench.data.files().iter().filter(|path| path.starts_with(bench.data.path().join("copies"))).count()
}

async fn queue(app: &App, direction: &str) -> Vec<Value> {
    let rows = app.call("transfers.list", json!({ "limit": 1_000 })).await.unwrap()["rows"].clone();
    rows.as_array().unwrap().iter().filter(|row| row["direction"] == direction).cloned().collect()
}

/// A place of a service that takes any number of files and tells no digest.
const PROTOCOL: &str = "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0";

#[tokio::test]
async fn records_go_to_another_service_in_bundles_and_leave_nothing_here() {
    let bench = Bench::new().await;
    bench.call("accounts.add", bench.account_of("airalogy", "air")).await;
    // A record takes no more than a hundred, so there are two.
    let (first, second) = (bench.draft().await, bench.draft().await);
    for number in 0..105 {
        bench.work.file(&format!("{}/{number:03}.csv", number / 100), &bytes(40 + number));
    }
    for (folder, place) in [("0", &first), ("1", &second)] {
        let queued = bench.put(&[&bench.work.path().join(folder)], place).await;
        bench.settle(&queued).await;
    }
    bench.call("transfers.clear", json!({ "all": true })).await;

    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let asked = json!({
        "account": "nrp", "paths": [first, second], "to_account": "air", "to_place": PROTOCOL,
    });
    let row = bench.call("copies.add", asked).await;
    assert_eq!((&row["state"], &row["files"]), (&json!("working"), &json!(105)), "{row}");
    let row = until_state(&bench.app, &mut heard, &row["id"], "done").await;
    assert_eq!((&row["verified"], &row["bytes_done"]), (&json!(105), &row["bytes"]), "{row}");
    assert_eq!(kept(&bench), 0);
    // What was fetched is over; what was sent stays to be read, in as many batches as there were bundles.
    assert_eq!(queue(&bench.app, "download").await.len(), 0);
    let batches = bench.call("transfers.batches", json!({})).await;
    let counts: Vec<&Value> =
        batches.as_array().unwrap().iter().map(|batch| &batch["counts"]["all"]).collect();
    assert_eq!(counts, [&json!(5), &json!(100)], "{batches}");
    let files = bench.call("copies.files", json!({ "id": row["id"], "limit": 100 })).await;
    let next = bench.call("copies.files", json!({ "id": row["id"], "after": files["next"] })).await;
    assert_eq!(next["rows"].as_array().unwrap().len(), 5, "{next}");
    assert!(next["rows"].as_array().unwrap().iter().all(|file| file["verified"] == true), "{next}");

    let problem = bench.refusal("copies.stop", json!({ "ids": [row["id"]] })).await;
    assert!(problem.message.contains("is done"), "{problem:?}");
    bench.call("copies.forget", json!({ "ids": [row["id"]] })).await;
    assert_eq!(bench.call("copies.list", json!({})).await, json!([]));
    let there = json!({ "account": "air", "path": PROTOCOL, "limit": 500 });
    let there = bench.call("browse.list", there).await["entries"].as_array().unwrap().len();
    assert_eq!(there, 105, "the destination keeps what was copied");
}

#[tokio::test]
async fn what_is_asked_wrongly_begins_nothing() {
    let bench = Bench::new().await;
    let (from, to) = drafts(&bench, &[("a.txt", b"one")]).await;
    let refused = [
        (request(&[], &to), "which files"),
        (request(&[""], &to), "whole account"),
        (request(&[&from], &from), "into itself"),
        (request(&[&to], &from), "holds no files"),
        (request(&["nnnnn-nnnnn"], &to), "not found"),
        (request(&[&from], "nnnnn-nnnnn"), "not found"),
        (request(&[&from], &format!("{from}/a.txt")), "is a file"),
    ];
    for (request, words) in refused {
        let problem = bench.refusal("copies.add", request).await;
        assert!(problem.message.contains(words), "{words}: {problem:?}");
    }
    assert_eq!(bench.call("copies.list", json!({})).await, json!([]));
    for command in ["copies.stop", "copies.retry", "copies.forget"] {
        assert!(bench.refusal(command, json!({ "ids": [7] })).await.message.contains("no copy 7"));
        assert!(bench.refusal(command, json!({ "ids": [] })).await.message.contains("by their numbers"));
    }
}

#[tokio::test]
async fn another_file_of_the_name_waits_for_an_answer_and_the_others_do_not() {
    let bench = Bench::new().await;
    let (from, to) = drafts(&bench, &[("a.txt", b"one"), ("b.txt", b"b"), ("c.txt", b"c")]).await;
    let there = bench.work.file("a.txt", b"two");
    let queued = bench.put(&[&there], &to).await;
    bench.settle(&queued).await;
    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let (a, b) = (format!("{from}/a.txt"), format!("{from}/b.txt"));
    let row = bench.call("copies.add", request(&[&a, &b], &to)).await;
    assert_eq!(row["source"], json!(from), "of several files their record is shown");
    let row = until_state(&bench.app, &mut heard, &row["id"], "needs_you").await;
    assert_eq!((&row["verified"], &row["failed"]), (&json!(1), &json!(1)), "{row}");
    assert_eq!(row["problem"]["code"], "name_taken", "{row}");
    assert!(row["problem"]["message"].as_str().unwrap().contains("a.txt"), "{row}");
    assert_eq!(kept(&bench), 1, "what was fetched waits for the answer");
    let failed = bench.call("copies.files", json!({ "id": row["id"], "filter": "needs_you" })).await;
    assert_eq!(failed["rows"][0]["name"], "a.txt", "{failed}");

    // The same copy, asked for once more with an answer, is the same copy; and it fetches nothing again.
    let again = bench.call("copies.retry", json!({ "ids": [row["id"]], "on_clash": "replace" })).await;
    assert_eq!(again["changed"], 1);
    let row = until_state(&bench.app, &mut heard, &row["id"], "done").await;
    assert_eq!(row["verified"], 2, "{row}");
    assert_eq!((kept(&bench), names(&bench, &to).await), (0, vec!["a.txt".to_owned(), "b.txt".to_owned()]));
    let shown = bench.call("browse.list", json!({ "account": "nrp", "path": to })).await;
    assert_eq!(shown["entries"][0]["file"]["size"], 3, "{shown}");
    let fetched = bench.call("receipts.list", json!({})).await;
    let fetched = fetched.as_array().unwrap().iter().filter(|row| row["direction"] == "download").count();
    assert_eq!(fetched, 2, "each file came once");
    assert!(queue(&bench.app, "upload").await.iter().all(|row| row["state"] != "failed"));
}

#[tokio::test]
async fn a_stopped_copy_takes_back_what_is_on_its_way_and_can_begin_anew() {
    let bench = Bench::new().await;
    let (from, to) = drafts(&bench, &[("large.bin", &bytes(3_000_000)), ("small.txt", b"small")]).await;
    hold_uploads(&bench).await;
    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let row = bench.call("copies.add", request(&[&from], &to)).await;
    let id = row["id"].clone();
    while !queue(&bench.app, "upload").await.iter().any(|row| row["state"] == "moving") {
        heard.recv().await.unwrap();
    }
    assert!(kept(&bench) > 0);
    let problem = bench.refusal("copies.forget", json!({ "ids": [id] })).await;
    assert!(problem.message.contains("stop it first"), "{problem:?}");
    bench.call("copies.stop", json!({ "ids": [id] })).await;
    let row = until_state(&bench.app, &mut heard, &id, "stopped").await;
    assert_eq!((&row["verified"], &row["transfers"]), (&json!(0), &json!([])), "{row}");
    let open = |row: &Value| !["cancelled", "done", "skipped"].contains(&row["state"].as_str().unwrap());
    assert!(!queue(&bench.app, "upload").await.iter().any(open));
    assert_eq!((kept(&bench), queue(&bench.app, "download").await.len()), (0, 0));

    faults(&bench, Value::Null).await;
    bench.call("copies.retry", json!({ "ids": [id] })).await;
    let row = until_state(&bench.app, &mut heard, &id, "done").await;
    assert_eq!(row["verified"], 2, "{row}");
}

#[tokio::test]
async fn a_transfer_that_was_cancelled_in_the_list_is_told_and_tried_again() {
    let bench = Bench::new().await;
    let (from, to) = drafts(&bench, &[("large.bin", &bytes(3_000_000))]).await;
    hold_uploads(&bench).await;
    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let id = bench.call("copies.add", request(&[&from], &to)).await["id"].clone();
    let upload = loop {
        if let Some(row) = queue(&bench.app, "upload").await.first().filter(|row| row["state"] == "moving") {
            break row["id"].clone();
        }
        heard.recv().await.unwrap();
    };
    bench.call("transfers.cancel", json!({ "ids": [upload] })).await;
    let row = until_state(&bench.app, &mut heard, &id, "needs_you").await;
    assert!(row["problem"]["message"].as_str().unwrap().contains("was cancelled"), "{row}");
    faults(&bench, Value::Null).await;
    bench.call("copies.retry", json!({ "ids": [id] })).await;
    let row = until_state(&bench.app, &mut heard, &id, "done").await;
    assert_eq!(row["verified"], 1, "{row}");
}

#[tokio::test]
async fn a_file_that_is_gone_fails_alone() {
    let bench = Bench::new().await;
    let (from, to) = drafts(&bench, &[("a.txt", b"one"), ("gone.txt", b"two")]).await;
    // Asked for while nobody moves anything.
    let id = bench.call("copies.add", request(&[&from], &to)).await["id"].clone();
    let gone = format!("{from}/gone.txt");
    bench.call("places.remove", json!({ "account": "nrp", "paths": [gone] })).await;
    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let row = until_state(&bench.app, &mut heard, &id, "needs_you").await;
    assert_eq!((&row["verified"], &row["failed"]), (&json!(1), &json!(1)), "{row}");
    assert_eq!(row["problem"]["code"], "not_found", "{row}");
    // Asked for once more it is the same copy, with what the record holds now.
    let other = bench.work.file("new.txt", b"three");
    let queued = bench.put(&[&other], &from).await;
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    bench.app.run_until_settled(&ids).await.unwrap();
    let row = bench.call("copies.add", request(&[&from], &to)).await;
    assert_eq!((&row["id"], &row["files"]), (&id, &json!(3)), "{row}");
    let over = |row: &Value| row["verified"] == 2 && row["state"] == "needs_you";
    let row = until(&bench.app, &mut heard, &id, over).await;
    assert_eq!(row["failed"], 1, "{row}");
    // What is given up leaves nothing behind.
    bench.call("copies.forget", json!({ "ids": [id] })).await;
    assert_eq!((bench.call("copies.list", json!({})).await, kept(&bench)), (json!([]), 0));
}

#[tokio::test]
async fn what_the_destination_does_not_take_is_not_fetched() {
    let bench = Bench::new().await;
    bench.call("accounts.add", bench.account_of("airalogy", "air")).await;
    // The protocol takes no file without an ending.
    let (from, _) = drafts(&bench, &[("curve.csv", b"1;2"), ("README", b"about")]).await;
    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let asked = json!({ "account": "nrp", "paths": [from], "to_account": "air", "to_place": PROTOCOL });
    let id = bench.call("copies.add", asked).await["id"].clone();
    let row = until_state(&bench.app, &mut heard, &id, "needs_you").await;
    assert_eq!((&row["verified"], &row["failed"]), (&json!(1), &json!(1)), "{row}");
    let problem = &row["problem"];
    assert_eq!(problem["code"], "name_refused", "{row}");
    assert!(problem["message"].as_str().unwrap().contains(&format!("{from}/README")), "{row}");
    let receipts = bench.call("receipts.list", json!({})).await;
    let fetched = receipts.as_array().unwrap().iter().filter(|row| row["direction"] == "download");
    assert_eq!(fetched.map(|row| &row["name"]).collect::<Vec<_>>(), ["curve.csv"], "{receipts}");
}

#[tokio::test]
async fn a_process_that_only_looks_stops_a_copy_that_another_one_moves() {
    let bench = Bench::lasting().await;
    let (from, to) = drafts(&bench, &[("large.bin", &bytes(3_000_000))]).await;
    hold_uploads(&bench).await;
    let mut heard = bench.app.subscribe();
    bench.app.start_engine();
    let id = bench.call("copies.add", request(&[&from], &to)).await["id"].clone();
    while !queue(&bench.app, "upload").await.iter().any(|row| row["state"] == "moving") {
        heard.recv().await.unwrap();
    }
    let second = App::open(with_file(&bench.data).await).await.unwrap();
    second.call("copies.stop", json!({ "ids": [id] })).await.unwrap();
    second.stop().await;
    // The one that moved it goes on with nothing.
    let over = |row: &Value| row["state"] == "stopped" && row["transfers"] == json!([]);
    until(&bench.app, &mut heard, &id, over).await;
    let uploads = queue(&bench.app, "upload").await;
    assert!(uploads.iter().all(|row| row["state"] == "cancelled"), "{uploads:?}");
    assert_eq!(kept(&bench), 0);
    // What was begun there is cleared by the one that had it in hand; a whole file it never was.
    let listed = bench.call("browse.list", json!({ "account": "nrp", "path": to })).await;
    assert!(listed["entries"].as_array().unwrap().iter().all(|entry| entry["file"]["status"] != "ready"));
    faults(&bench, Value::Null).await;
    bench.call("copies.retry", json!({ "ids": [id] })).await;
    assert_eq!(until_state(&bench.app, &mut heard, &id, "done").await["verified"], 1);
}

#[tokio::test]
async fn an_app_that_vanished_leaves_its_copy_to_the_next_one() {
    let bench = Bench::new().await;
    let (from, to) = drafts(&bench, &[("half.bin", &bytes(3_000_000)), ("other.bin", &bytes(9_000))]).await;
    hold_uploads(&bench).await;
    bench.app.stop().await;

    // A runtime of its own, dropped with everything in it: what a killed process leaves in the database.
    let (data, account, asked) = (options(&bench.data), bench.account("nrp"), request(&[&from], &to));
    let vanished = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let id = runtime.block_on(async {
            let app = App::open(data).await.unwrap();
            app.call("accounts.add", account).await.unwrap();
            let mut heard = app.subscribe();
            app.start_engine();
            let copy = app.call("copies.add", asked).await.unwrap();
            while !queue(&app, "upload").await.iter().any(|row| row["state"] == "moving") {
                heard.recv().await.unwrap();
            }
            copy["id"].clone()
        });
        runtime.shutdown_background();
        id
    });
    let id = tokio::task::spawn_blocking(move || vanished.join().unwrap()).await.unwrap();
    assert_eq!(kept(&bench), 2, "what was fetched is there");
    faults(&bench, Value::Null).await;

    let app = open_after(&bench.data).await;
    app.call("accounts.add", bench.account("nrp")).await.unwrap();
    let mut heard = app.subscribe();
    app.start_engine();
    let row = until_state(&app, &mut heard, &id, "done").await;
    assert_eq!(row["verified"], 2, "{row}");
    assert_eq!(kept(&bench), 0);
    let receipts = app.call("receipts.list", json!({})).await.unwrap();
    let fetched = receipts.as_array().unwrap().iter().filter(|row| row["direction"] == "download").count();
    assert_eq!(fetched, 2, "nothing was fetched twice");
    app.stop().await;
}

#[tokio::test]
async fn one_process_asks_and_the_one_that_owns_the_folder_copies() {
    let bench = Bench::lasting().await;
    let (from, to) = drafts(&bench, &[("a.txt", b"one"), ("b.txt", b"two")]).await;
    let second = App::open(with_file(&bench.data).await).await.unwrap();
    assert!(!second.owns());
    bench.app.start_engine();
    let mut heard = second.subscribe();
    let id = second.call("copies.add", request(&[&from], &to)).await.unwrap()["id"].clone();
    // The other process hears of it, too.
    let row = until_state(&second, &mut heard, &id, "done").await;
    assert_eq!(row["verified"], 2, "{row}");
    assert!(!second.owns());
    second.stop().await;
    // A process that only works the queue ends a copy as well.
    bench.app.stop().await;
    let third = App::open(with_file(&bench.data).await).await.unwrap();
    let (c, to) = (format!("{from}/a.txt"), bench_draft(&third).await);
    let id = third.call("copies.add", request(&[&c], &to)).await.unwrap()["id"].clone();
    third.run_until_idle().await.unwrap();
    let mut heard = third.subscribe();
    let row = until_state(&third, &mut heard, &id, "done").await;
    assert_eq!((&row["verified"], &row["source"]), (&json!(1), &json!(c)), "{row}");
    third.stop().await;
}

async fn bench_draft(app: &App) -> String {
    let request = json!({ "account": "nrp", "path": "", "metadata": { "title": "Another record" } });
    app.call("records.create", request).await.unwrap()["path"].as_str().unwrap().to_owned()
}
