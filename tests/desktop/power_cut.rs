//! The window is killed while it sends, and started again.

use crate::{desk::Desk, lab::Lab, one_at_a_time, tools::tools, write_file};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// Parts the lab takes in before the cut.
const BEFORE: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_window_goes_on_with_the_parts_that_are_missing() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("power_cut") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("long run.bin");
    let sha256 = write_file(&file, 160);
    let lab = Lab::start(desk.home()).await;
    lab.hold_parts_from(BEFORE + 1).await;

    let window = desk.open_window(&[]).await;
    window.call("accounts.add", lab.account("Lab")).await;
    let upload = json!({ "sources": [file], "account": "Lab", "place": lab.draft() });
    let queued = window.call("uploads.add", upload).await;
    let id = queued["ids"][0].as_i64().unwrap_or_else(|| panic!("nothing was queued: {queued}"));

    let received = loop {
        let shown = window.call("transfers.show", json!({ "id": id })).await;
        let parts = shown["parts"].as_array().unwrap();
        let received: BTreeSet<_> = parts.iter().filter(|part| part["received"] == true).map(|part| part["number"].as_u64().unwrap()).collect();
        if received.len() as u64 == BEFORE {
            assert_eq!(parts.len(), 10, "160 MiB go in parts of 16: {shown}");
            break received;
        }
        assert_ne!(shown["row"]["state"], "failed", "{shown}");
        // Receipts are not announced: they are written for tomorrow, and nobody waits for them.
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    desk.kill_window();
    lab.let_parts_in().await;

    let window = desk.open_window(&[]).await;
    window.until("/verified/i.test(document.querySelector('[data-testid=transfer-state]')?.innerText ?? '')", json!([])).await;
    let row = window.call("transfers.show", json!({ "id": id })).await["row"].clone();
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert_eq!(row["digests"]["sha256"], sha256.as_str());

    let stored = lab.file("long run.bin").await;
    assert_eq!(stored["sha256"], sha256.as_str(), "the lab holds the bytes that are on disk");
    for part in stored["parts"].as_array().unwrap() {
        let number = part["number"].as_u64().unwrap();
        if received.contains(&number) {
            assert_eq!(part["times_received"], 1, "part {number} had arrived before the cut and was sent again: {stored}");
        }
    }
    window.close().await;
}
