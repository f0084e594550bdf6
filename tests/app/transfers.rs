use crate::bench::{Bench, bytes};
use labferry_app::wire::events::AppEvent;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_file_goes_up_is_verified_checked_receipted_and_comes_back() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let content = bytes(300_000);
    let file = bench.work.file("scan_07.czi", &content);
    let rows = bench.settle(&bench.put(&[&file], &place).await).await;
    let row = &rows[0];
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert_eq!((&row["size"], &row["sent"]), (&json!(300_000), &json!(300_000)), "{row}");
    assert_eq!(row["digests"]["sha256"], sha256(&content), "{row}");
    assert_eq!(row["problem"], Value::Null);

    let listed = bench.call("browse.list", json!({ "account": "nrp", "path": place })).await;
    let shown = &listed["entries"][0];
    assert_eq!((&shown["kind"], &shown["file"]["name"]), (&json!("file"), &json!("scan_07.czi")), "{listed}");
    assert_eq!(shown["file"]["verified"], true, "the ledger knows this content: {listed}");

    let checks = bench.call("checks.run", json!({ "account": "nrp", "path": place })).await;
    assert_eq!(
        (&checks[0]["result"], &checks[0]["against"]),
        (&json!("verified"), &json!("ledger")),
        "{checks}"
    );

    let receipts = bench.call("receipts.list", json!({})).await;
    assert_eq!(receipts.as_array().unwrap().len(), 1);
    assert_eq!(receipts[0]["digests"]["sha256"], sha256(&content));
    assert_eq!((&receipts[0]["verified"], &receipts[0]["service"]), (&json!(true), &json!("nrp")));

    // The record as a whole, with its metadata, into a new folder.
    let back = bench.work.path().join("back");
    let request = json!({ "account": "nrp", "paths": [place], "destination": back });
    let rows = bench.settle(&bench.call("downloads.add", request).await).await;
    assert_eq!((&rows[0]["state"], &rows[0]["verified"]), (&json!("done"), &json!(true)), "{rows:?}");
    assert_eq!(std::fs::read(back.join("scan_07.czi")).unwrap(), content);
    let sidecar = std::fs::read(back.join(format!("{place}.metadata.json"))).unwrap();
    assert!(serde_json::from_slice::<Value>(&sidecar).unwrap().is_object());

    // One file under a name of its own.
    let alone = bench.work.path().join("alone.czi");
    let path = format!("{place}/scan_07.czi");
    let request = json!({ "account": "nrp", "paths": [path], "destination": alone });
    bench.settle(&bench.call("downloads.add", request).await).await;
    assert_eq!(std::fs::read(alone).unwrap(), content);
}

#[tokio::test]
async fn a_changed_copy_is_not_shown_as_proven() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("notes.txt", b"first words");
    bench.settle(&bench.put(&[&file], &place).await).await;
    let other = bench.work.file("other.txt", b"other words");
    let request = json!({ "account": "nrp", "path": format!("{place}/notes.txt"), "source": other });
    let checks = bench.call("checks.run", request).await;
    assert_eq!(checks[0]["result"], "differs", "{checks}");
    assert!(checks[0]["problem"]["message"].as_str().unwrap().contains("notes.txt"), "{checks}");
}

#[tokio::test]
async fn events_are_numbered_and_can_be_asked_for_again() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let before = bench.call("transfers.list", json!({})).await["last_event"].as_i64().unwrap();
    let mut heard = bench.app.subscribe();
    let files = [bench.work.file("one.bin", &bytes(1_000)), bench.work.file("two.bin", &bytes(2_000))];
    let queued = bench.put(&[&files[0], &files[1]], &place).await;
    bench.settle(&queued).await;

    let last = bench.call("transfers.list", json!({})).await["last_event"].as_i64().unwrap();
    let mut numbers = Vec::new();
    let mut done = 0;
    while numbers.last() != Some(&last) {
        match heard.recv().await.unwrap() {
            AppEvent::Transfer { number, row, counts, .. } => {
                assert_eq!(counts.all, 2);
                done += u32::from(row.state == "done" && row.verified);
                numbers.push(number);
            }
            AppEvent::Progress { .. } => {}
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert!(numbers.first().unwrap() > &before, "{numbers:?}");
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    assert!(done >= 2, "both were heard to end");

    let since = bench.call("events.since", json!({ "number": before })).await;
    assert_eq!((&since["last_event"], &since["incomplete"]), (&json!(last), &json!(false)));
    let rows = since["events"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "each transfer once, as it is now: {since}");
    assert!(rows.iter().all(|event| event["type"] == "transfer" && event["row"]["state"] == "done"));
    let nothing = bench.call("events.since", json!({ "number": last })).await;
    assert_eq!((&nothing["events"], &nothing["last_event"]), (&json!([]), &json!(last)));
}

#[tokio::test]
async fn progress_is_sampled_and_never_goes_back() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("slow.bin", &bytes(3_000_000));
    let mut settings = bench.call("settings.show", json!({})).await;
    settings["bandwidth"] = json!(2_000_000);
    bench.call("settings.change", settings).await;
    let mut heard = bench.app.subscribe();
    let queued = bench.put(&[&file], &place).await;
    let rows = bench.settle(&queued).await;
    assert_eq!(rows[0]["verified"], true, "{rows:?}");
    let mut most = 0;
    let mut samples = 0;
    loop {
        match heard.recv().await.unwrap() {
            // The last one says that nothing moves any more.
            AppEvent::Progress { samples, bytes_per_second } if samples.is_empty() => {
                assert_eq!(bytes_per_second, 0);
                break;
            }
            AppEvent::Progress { samples: now, .. } => {
                samples += 1;
                assert!(now[0].bytes >= most && now[0].bytes <= 3_000_000, "{now:?} after {most}");
                most = now[0].bytes;
            }
            _ => {}
        }
    }
    assert!(samples >= 2 && most > 0, "{samples} samples up to {most}");
}

#[tokio::test]
async fn the_queue_obeys_pause_resume_cancel_retry_move_and_clear() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let files: Vec<_> = (0..3).map(|n| bench.work.file(&format!("{n}.bin"), &bytes(500 + n))).collect();
    let queued = bench.put(&[&files[0], &files[1], &files[2]], &place).await;
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();

    assert_eq!(bench.call("transfers.pause", json!({ "all": true })).await["changed"], 3);
    assert_eq!(bench.call("transfers.resume", json!({ "ids": [ids[0]] })).await["changed"], 1);
    assert_eq!(bench.call("transfers.cancel", json!({ "ids": [ids[1]] })).await["changed"], 1);
    let again = bench.refusal("transfers.cancel", json!({ "ids": [ids[1]] })).await;
    assert_eq!(again.code, "invalid_request");
    assert!(again.message.contains("1.bin is cancelled"), "{again:?}");
    assert_eq!(bench.call("transfers.move", json!({ "id": ids[2], "to": "first" })).await["changed"], 1);
    assert_eq!(
        bench.refusal("transfers.move", json!({ "id": ids[2], "to": "up" })).await.code,
        "invalid_request"
    );

    let rows = bench.settle(&queued).await;
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "cancelled", "paused"]);
    let counts = &bench.call("transfers.list", json!({})).await["counts"];
    assert_eq!((&counts["all"], &counts["done"], &counts["waiting"]), (&json!(3), &json!(2), &json!(1)));

    assert_eq!(bench.call("transfers.retry", json!({ "ids": [ids[1]] })).await["changed"], 1);
    bench.call("transfers.resume", json!({ "all": true })).await;
    let rows = bench.settle(&queued).await;
    assert!(rows.iter().all(|row| row["verified"] == true), "{rows:?}");

    let waiting = bench.call("transfers.list", json!({ "filter": "waiting" })).await;
    assert_eq!(waiting["rows"], json!([]));
    assert_eq!(bench.refusal("transfers.list", json!({ "filter": "blue" })).await.code, "invalid_request");
    assert_eq!(bench.call("transfers.clear", json!({ "ids": [ids[0]] })).await["changed"], 1);
    assert_eq!(bench.call("transfers.clear", json!({ "all": true })).await["changed"], 2);
    assert_eq!(bench.call("transfers.list", json!({})).await["rows"], json!([]));
    assert_eq!(bench.call("receipts.list", json!({})).await.as_array().unwrap().len(), 3, "receipts stay");
}

#[tokio::test]
async fn a_transfer_that_is_added_again_before_it_is_finished_goes_on() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("twice.bin", &bytes(30_000));
    let first = bench.put(&[&file], &place).await;
    bench.call("transfers.pause", json!({ "all": true })).await;
    let second = bench.put(&[&file], &place).await;
    assert_eq!((&second["ids"], &second["continued"]), (&json!([]), &first["ids"]), "{second}");
    assert_eq!(bench.settle(&first).await[0]["verified"], true);

    let request =
        json!({ "account": "nrp", "paths": [place], "destination": bench.work.path().join("down") });
    let other = bench.draft().await;
    bench.settle(&bench.put(&[&file], &other).await).await;
    let first = bench.call("downloads.add", request.clone()).await;
    let rival = json!({ "account": "nrp", "paths": [other], "destination": bench.work.path().join("down") });
    let refused = bench.call("downloads.add", rival).await;
    assert_eq!((&refused["ids"], &refused["refused"][0]["code"]), (&json!([]), &json!("destination_exists")));
    let second = bench.call("downloads.add", request.clone()).await;
    assert_eq!((&second["ids"], &second["continued"]), (&json!([]), &first["ids"]), "{second}");
    assert_eq!(bench.settle(&first).await[0]["verified"], true);
    // Finished and asked for again, it is a transfer of its own, which finds the same bytes there.
    let third = bench.call("downloads.add", request).await;
    assert_eq!(third["continued"], json!([]), "{third}");
    assert_eq!(bench.settle(&third).await[0]["verified"], true);
}

#[tokio::test]
async fn a_record_is_made_edited_published_versioned_and_a_draft_deleted() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let incomplete = bench.refusal("records.publish", json!({ "account": "nrp", "path": place })).await;
    assert!(incomplete.message.contains("creators"), "what is missing is said: {incomplete:?}");
    let metadata = json!({
        "title": "Zebrafish, run 42",
        "creators": [{ "person_or_org": { "type": "personal", "given_name": "Ada", "family_name": "Lab" } }],
        "publication_date": "2026-11-24",
        "resource_type": { "id": "dataset" },
    });
    let edited = json!({ "account": "nrp", "path": place, "metadata": metadata });
    assert_eq!(bench.call("records.edit", edited).await["title"], "Zebrafish, run 42");
    let file = bench.work.file("notes.txt", b"a record needs a file");
    bench.settle(&bench.put(&[&file], &place).await).await;
    let published = bench.call("records.publish", json!({ "account": "nrp", "path": place })).await;
    assert_eq!(
        (&published["kind"], &published["writable"]),
        (&json!("record"), &json!(false)),
        "{published}"
    );
    let place = published["path"].clone();
    let actions = bench.call("actions.list", json!({ "account": "nrp", "path": place })).await;
    let names: Vec<_> = actions.as_array().unwrap().iter().map(|action| action["name"].clone()).collect();
    let request = json!({ "account": "nrp", "path": place, "name": "no-such" });
    let problem = bench.refusal("actions.run", request).await;
    assert_eq!(problem.code, "invalid_request");
    assert!(
        names.iter().all(|name| problem.message.contains(name.as_str().unwrap())),
        "{names:?}: {problem:?}"
    );
    let link = bench.refusal("places.link", json!({ "account": "nrp", "path": place })).await;
    assert_eq!(link.code, "unsupported", "{link:?}");
    let version = bench.call("records.version", json!({ "account": "nrp", "path": published["path"] })).await;
    assert_eq!(version["kind"], "draft", "{version}");
    let removed = json!({ "account": "nrp", "paths": [version["path"]] });
    assert_eq!(bench.call("places.remove", removed).await["changed"], 1);
}
