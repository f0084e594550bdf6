//! The lock on settings, accounts and rules: what passes it and what does not.

use crate::bench::{Bench, Folder, with_file};
use labferry_app::{App, COMMANDS};
use serde_json::{Value, json};

const PASSWORD: &str = "a word for the lab";

/// Every command that changes settings, accounts or rules, with a request that it would take.
fn locked(bench: &Bench, folder: &Folder, place: &str) -> Vec<(&'static str, Value)> {
    let rule = json!({ "folder": folder.path(), "account": "nrp", "place": place });
    vec![
        ("accounts.add", bench.account("another")),
        ("accounts.remove", json!({ "account": "nrp" })),
        ("practice_lab.start", json!({})),
        ("folders.add", rule.clone()),
        ("folders.edit", json!({ "id": 1, "rule": rule })),
        ("folders.pause", json!({ "ids": [1] })),
        ("folders.resume", json!({ "ids": [1] })),
        ("folders.remove", json!({ "ids": [1] })),
        (
            "settings.change",
            json!({ "bandwidth": null, "files": 1, "parts_per_file": 1, "connections_per_account": 1 }),
        ),
        ("preferences.change", json!({})),
        ("accounts.expiry", json!({ "account": "nrp", "at": null })),
    ]
}

/// Commands that change nothing of that, or that are the lock itself. A new command is named here or above.
const FREE: &[&str] = &[
    "app.state",
    "accounts.services",
    "accounts.list",
    "accounts.test",
    "accounts.capabilities",
    "browse.list",
    "browse.show",
    "browse.processed",
    "browse.leftovers",
    "browse.clear_leftovers",
    "files.preview",
    "records.create",
    "records.edit",
    "records.publish",
    "records.version",
    "places.remove",
    "places.link",
    "actions.list",
    "actions.run",
    "uploads.plan",
    "uploads.keep",
    "uploads.add",
    "offers.take",
    "uploads.import",
    "downloads.add",
    "copies.add",
    "copies.list",
    "copies.files",
    "copies.stop",
    "copies.retry",
    "copies.forget",
    "transfers.list",
    "transfers.batches",
    "transfers.show",
    "transfers.pause",
    "transfers.resume",
    "transfers.cancel",
    "transfers.retry",
    "transfers.move",
    "transfers.clear",
    "events.since",
    "checks.run",
    "checks.ledger",
    "folders.list",
    "folders.check",
    "folders.files",
    "folders.answer",
    "settings.show",
    "preferences.show",
    "preferences.language",
    "lock.show",
    "lock.open",
    "lock.close",
    "lock.set",
    "lock.remove",
    "receipts.list",
    "receipts.export",
];

#[tokio::test]
async fn what_is_locked_asks_for_the_password_and_transfers_go_on() {
    let bench = Bench::lasting().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    let locked = locked(&bench, &folder, &place);
    for command in COMMANDS {
        let is_locked = locked.iter().any(|(name, _)| name == command);
        assert!(is_locked != FREE.contains(command), "{command}: say whether the lock is on it");
    }
    assert_eq!(bench.call("lock.show", json!({})).await, json!({ "locked": false, "open_seconds": null }));
    let short = bench.refusal("lock.set", json!({ "password": "short" })).await;
    assert_eq!(short.code, "invalid_request");
    bench.call("lock.set", json!({ "password": PASSWORD })).await;
    for (command, request) in &locked {
        assert_eq!(bench.refusal(command, request.clone()).await.code, "settings_locked", "{command}");
    }
    assert_eq!(bench.call("folders.list", json!({})).await, json!([]), "nothing was done");

    // A file is sent all the same.
    let queued = bench.put(&[&bench.work.file("while-locked.bin", b"bytes")], &place).await;
    assert_eq!(bench.settle(&queued).await[0]["state"], "done");

    assert_eq!(
        bench.refusal("lock.open", json!({ "password": "another word" })).await.code,
        "wrong_password"
    );
    assert_eq!(bench.refusal("lock.remove", json!({ "password": "" })).await.code, "wrong_password");
    assert_eq!(bench.refusal("lock.set", json!({ "password": "mine now" })).await.code, "wrong_password");
    let open = bench.call("lock.open", json!({ "password": PASSWORD })).await;
    assert!(open["open_seconds"].as_u64().is_some_and(|seconds| seconds > 500), "{open}");
    bench.call(locked[3].0, locked[3].1.clone()).await;

    // Unlocked here is not unlocked elsewhere, and not after a restart; another password shuts what was open.
    let other = App::open(with_file(&bench.data).await).await.unwrap();
    let pause = json!({ "ids": [1] });
    assert_eq!(other.call("folders.pause", pause.clone()).await.unwrap_err().code, "settings_locked");
    let change = json!({ "old": PASSWORD, "password": "another word" });
    other.call("lock.set", change).await.unwrap();
    other.stop().await;
    assert_eq!(bench.refusal("folders.pause", pause.clone()).await.code, "settings_locked");
    bench.call("lock.open", json!({ "password": "another word" })).await;
    bench.call("folders.pause", pause.clone()).await;
    bench.call("lock.close", json!({})).await;
    assert_eq!(bench.refusal("folders.resume", pause.clone()).await.code, "settings_locked");
    bench.call("lock.remove", json!({ "password": "another word" })).await;
    bench.call("folders.resume", pause).await;
    bench.app.stop().await;
}

#[tokio::test]
async fn a_password_is_in_no_file_and_no_answer() {
    let bench = Bench::lasting().await;
    bench.call("lock.set", json!({ "password": PASSWORD })).await;
    let odd = bench.refusal("lock.open", json!({ "password": { "is": PASSWORD } })).await;
    let wrong = bench.refusal("lock.remove", json!({ "password": "a guess" })).await;
    let told = format!("{odd:?} {wrong:?}");
    assert!(!told.contains(PASSWORD) && !told.contains("guess"), "{told}");
    bench.app.stop().await;
    for path in bench.data.files() {
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "{}", path.display());
    }
}
