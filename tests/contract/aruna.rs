//! Aruna in the practice lab is driven by its official Python package, version 1.
//!
//! The package speaks gRPC, which the lab does not; `drive_aruna.py` says how its stubs come to the lab's web interface, and
//! that every answer must have all fields of the published messages and no other.

use crate::official_client::{control, installed, service};
use labferry_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::{process::Stdio, sync::Once, time::Duration};
use tokio::{io::AsyncWriteExt, process::Command};

/// A tour that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// What the package saw of a lab that behaves so; nothing where it is missing.
async fn tour(switches: Value) -> Option<Value> {
    static SAID: Once = Once::new();
    let python = installed("LABFERRY_ARUNA_PYTHON", "aruna-python-api", "3.11", &SAID)?;
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(SandboxOptions::new(folder.path().join("lab"))).await.unwrap();
    control(&sandbox, reqwest::Method::POST, "/switches?service=aruna", switches).await;
    let aruna = service(&sandbox, "aruna");
    let task = json!({ "url": aruna.url, "token": aruna.secrets["token"] });

    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/contract/drive_aruna.py"));
    command.env("HOME", folder.path()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the interpreter starts");
    let mut input = child.stdin.take().unwrap();
    input.write_all(task.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(LONGEST, child.wait_with_output()).await.expect("it ends").unwrap();
    sandbox.stop().await;
    assert!(output.status.success(), "the package failed: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("what it saw"))
}

#[tokio::test]
async fn the_whole_life_of_collections_and_objects() {
    let Some(seen) = tour(json!({})).await else { return };
    assert_eq!(seen["collection"], json!(["official-one", "trial", true]));
    assert_eq!(seen["collections"], json!(["analysis", "official-one", "official-two", "raw-frames"]));
    assert_eq!(
        (&seen["page"], &seen["links"], &seen["by_id"]),
        (&json!(2), &json!(2), &json!(["whole.csv"]))
    );
    assert_eq!(seen["labels"], json!({ "sample": "S17", "stage": "3 dpf" }));
    assert_eq!((&seen["revision"], &seen["revisions"]), (&json!(1), &json!([0, 1])));
    assert_eq!(seen["references"], json!([[true, true], [false, true]]));
    assert_eq!(seen["path"], json!(["s3://latest.official-one.zebrafish-heart/batch-3/parts.raw"]));
    // A missing object is a bad request here, never "not found".
    assert_eq!((&seen["deleted"], &seen["moved"]), (&json!([400, 3]), &json!("whole.csv")));
    assert_eq!(seen["pinned"], 2);
    assert_eq!(seen["calls"].as_object().unwrap().len(), 28, "{}", seen["calls"]);
}

#[tokio::test]
async fn plain_receipts_and_late_finalisation_are_the_same_to_it() {
    let Some(seen) = tour(json!({ "etags": "plain", "finalisation": { "after_ms": 900 } })).await else {
        return;
    };
    assert_eq!(seen["revisions"], json!([0, 1]));
}
