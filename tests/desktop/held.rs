//! An upload that stands still in the middle, because the service takes in no more parts.

use crate::{lab::Lab, webdriver::Window};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path, time::Duration};

/// Parts the lab takes in before it stops.
const TAKEN_IN: u64 = 4;

/// The upload and what arrived of it.
pub(crate) struct Held {
    pub(crate) id: i64,
    /// Numbers of the parts whose receipts are stored.
    pub(crate) received: BTreeSet<u64>,
    /// How many there are in all.
    pub(crate) parts: usize,
}

/// The numbers of the parts with receipts in an answer of `transfers.show`.
pub(crate) fn received(shown: &Value) -> BTreeSet<u64> {
    let parts = shown["parts"].as_array().unwrap().iter();
    parts.filter(|part| part["received"] == true).map(|part| part["number"].as_u64().unwrap()).collect()
}

/// Sends the file to a draft of the lab and comes back when some of its parts have arrived and no more will.
pub(crate) async fn upload_in_the_middle(window: &Window, lab: &Lab, file: &Path) -> Held {
    lab.hold_parts_from(TAKEN_IN + 1).await;
    window.call("accounts.add", lab.account("Lab")).await;
    let upload = json!({ "sources": [file], "account": "Lab", "place": lab.draft() });
    let queued = window.call("uploads.add", upload).await;
    let id = queued["ids"][0].as_i64().unwrap_or_else(|| panic!("nothing was queued: {queued}"));
    loop {
        let shown = window.call("transfers.show", json!({ "id": id })).await;
        assert_ne!(shown["row"]["state"], "failed", "{shown}");
        let received = received(&shown);
        if received.len() as u64 == TAKEN_IN {
            return Held { id, received, parts: shown["parts"].as_array().unwrap().len() };
        }
        // Receipts are not announced: they are written for tomorrow, and nobody waits for them.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
