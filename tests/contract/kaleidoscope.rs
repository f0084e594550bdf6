//! Kaleidoscope in the practice lab is driven by its official client, `kalbio`, unchanged.
//!
//! A Python with the client stands in `LABFERRY_KALBIO_PYTHON`; `.ci/setup test` installs it from
//! `kalbio_requirements.txt`. Where it is missing the suite says so and skips.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use labferry_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::official_client::control;
use crate::{bytes, same_bytes, sha256};

/// A tour that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// The interpreter, or nothing with a word about it.
fn interpreter() -> Option<PathBuf> {
    let told = std::env::var_os("LABFERRY_KALBIO_PYTHON").map(PathBuf::from);
    let found = told.filter(|path| path.exists());
    if found.is_none() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            let text = "\ncontract: SKIPPED for Kaleidoscope, a Python with kalbio is not in LABFERRY_KALBIO_PYTHON; \
                        '.ci/setup test' installs it\n";
            let _ = std::io::stderr().write_all(text.as_bytes());
        });
    }
    found
}

/// Runs the tour against a lab whose Kaleidoscope behaves so; gives what the client saw, and the lab's requests.
async fn tour(switches: Value, pause: f64) -> Option<(Value, Vec<Value>)> {
    let interpreter = interpreter()?;
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions { seed: false, ..SandboxOptions::new(folder.path().join("lab")) };
    let sandbox = Sandbox::start(options).await.unwrap();
    control(&sandbox, reqwest::Method::POST, "/switches?service=kaleidoscope", switches).await;
    let services = &sandbox.description().services;
    let service = services.iter().find(|service| service.service == "kaleidoscope").unwrap();
    let content = bytes(70_000);
    std::fs::write(folder.path().join("results.csv"), &content).unwrap();
    let task = json!({
        "url": service.url,
        "client_id": service.settings["client_id"],
        "client_secret": service.secrets["client_secret"],
        "folder": folder.path(),
        "pause": pause,
    });

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contract/kalbio_tour.py");
    let mut command = Command::new(interpreter);
    command.arg(script).env("HOME", folder.path()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let mut child = command.spawn().expect("the interpreter starts");
    let mut input = child.stdin.take().unwrap();
    input.write_all(task.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(LONGEST, child.wait_with_output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "the client failed: {said}");
    let seen: Value = serde_json::from_slice(&output.stdout).expect("what it saw");

    for name in ["plain.csv", "scoped.csv", "second.csv"] {
        same_bytes(&folder.path().join(name), &content);
    }
    let files = control(&sandbox, reqwest::Method::GET, "/inspect/files", Value::Null).await;
    let stored: Vec<_> =
        files.as_array().unwrap().iter().map(|file| (&file["key"], &file["sha256"])).collect();
    let digest = json!(sha256(&content));
    let names = ["results.csv", "report.csv", "second.csv"].map(|name| json!(name));
    assert_eq!(stored, names.each_ref().map(|name| (name, &digest)));
    let requests = control(&sandbox, reqwest::Method::GET, "/inspect/requests", Value::Null).await;
    sandbox.stop().await;
    Some((seen, requests.as_array().unwrap().clone()))
}

fn of_path<'a>(requests: &'a [Value], path: &str) -> Vec<&'a Value> {
    requests.iter().filter(|seen| seen["path"].as_str().unwrap().ends_with(path)).collect()
}

#[tokio::test]
async fn files_on_records_and_properties() {
    let Some((seen, requests)) = tour(json!({}), 0.0).await else { return };
    assert_eq!((&seen["before"], &seen["same_record"]), (&json!(0), &json!(true)));
    assert_eq!((&seen["records"], &seen["found"]), (&json!([seen["record"]]), &json!([seen["record"]])));
    assert_eq!(seen["by_id"], json!(["KB-1"]));
    assert_eq!(seen["missing"], Value::Null);
    assert!(seen["property"]["content"]["file_id"].is_string(), "{seen}");
    assert_eq!(of_path(&requests, "/auth/oauth/token").len(), 1);
    let (activity, record) = (&seen["activity"], &seen["record"]);
    assert!(seen["values"].as_u64().unwrap() >= 4, "two files and two numbers: {seen}");
    assert_eq!((&seen["number"], &seen["activity_data"]), (&json!("140"), &json!("140")));
    assert_eq!(seen["of_record"], json!([activity]));
    assert_eq!(seen["by_activity"], json!([activity, [activity], [activity], [activity]]));
    assert_eq!(seen["has"], json!([true, record, 1]));
    assert_eq!(seen["by_key"], *record);
    assert_eq!(seen["registered"][1], json!([seen["file"]]));
    assert_eq!(seen["table"], json!(["table.csv"]));
}

#[tokio::test]
async fn tokens_are_renewed_with_the_refresh_token() {
    // One second longer than the time the client renews ahead.
    let Some((_, requests)) = tour(json!({ "expires_in": 601 }), 1.2).await else { return };
    let asked = of_path(&requests, "/auth/oauth/token");
    assert!(asked.len() >= 3 && asked.iter().all(|seen| seen["status"] == 200), "{asked:?}");
}

/// The client keeps its token header on a redirect to another host; Labferry's own connector does not.
#[tokio::test]
async fn downloads_without_length_and_range() {
    let switches = json!({ "lengths": false, "ranges": false, "dispositions": false, "etags": true });
    tour(switches, 0.0).await;
}
