//! Aymara AI's official Python client against the practice lab, through every call it has for files.

use crate::{
    bytes,
    official_client::{control, installed, service},
    same_bytes,
};
use labferry_sandbox::{Sandbox, SandboxOptions};
use md5::{Digest as _, Md5};
use reqwest::Method;
use serde_json::{Value, json};
use std::{process::Stdio, sync::Once, time::Duration};
use tokio::{io::AsyncWriteExt, process::Command};

/// A tour that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// What the client saw in a lab whose Aymara AI behaves so; nothing where the client is missing.
async fn tour(switches: Value) -> Option<(Value, Vec<Value>)> {
    static SAID: Once = Once::new();
    let python = installed("LABFERRY_AYMARA_PYTHON", "aymara-ai-sdk", "3.9", &SAID)?;
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions { seed: false, ..SandboxOptions::new(folder.path().join("lab")) };
    let sandbox = Sandbox::start(options).await.unwrap();
    control(&sandbox, Method::POST, "/switches?service=aymara", switches).await;
    let lab = service(&sandbox, "aymara");
    let content = bytes(70_000);
    std::fs::write(folder.path().join("data.csv"), &content).unwrap();
    let task = json!({
        "folder": folder.path(),
        "workspace": lab.settings["workspace"],
        // Whatever answers without a key will do as somebody else's server.
        "remote": format!("{}/health/", lab.url),
    });
    let mut command = Command::new(python);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/contract/aymara_tour.py"))
        .env_clear()
        .env("HOME", folder.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1")
        .env("AYMARA_AI_BASE_URL", &lab.url)
        .env("AYMARA_AI_API_KEY", &lab.secrets["api_key"])
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the interpreter starts");
    let mut input = child.stdin.take().unwrap();
    input.write_all(task.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(LONGEST, child.wait_with_output()).await.expect("it ends").unwrap();
    assert!(output.status.success(), "the client failed: {}", String::from_utf8_lossy(&output.stderr));
    for name in ["data.csv", "form.csv", "plain.bin"] {
        same_bytes(&folder.path().join(format!("back-{name}")), &content);
    }
    same_bytes(&folder.path().join("back-remote.bin"), b"");
    let requests = control(&sandbox, Method::GET, "/inspect/requests", Value::Null).await;
    sandbox.stop().await;
    Some((serde_json::from_slice(&output.stdout).expect("what it saw"), requests.as_array().unwrap().clone()))
}

fn sorted(list: &Value) -> Vec<&str> {
    let mut texts: Vec<&str> = list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test]
async fn every_call_for_files() {
    let Some((seen, requests)) = tour(json!({})).await else { return };
    assert_eq!(seen["announced"], json!([["data.csv", "completed"], ["walk.mp4", "pending"]]));
    let md5: String = Md5::digest(bytes(70_000)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(seen["etag"], format!("\"{md5}\""));
    assert_eq!(seen["helped"], json!([true, true]));
    assert_eq!(seen["remote"], json!([true, "pending"]));
    let listed = sorted(&seen["listed"]);
    assert_eq!(listed.len(), 4, "the file without a workspace is not in it: {listed:?}");
    assert!(listed.contains(&seen["form"].as_str().unwrap()) && seen["all"] == true, "{seen}");
    assert_eq!((seen["videos"].as_array().unwrap().len(), seen["page"].as_array().unwrap().len()), (1, 2));
    assert_eq!(seen["count"], 4);
    assert_eq!(seen["details"][0], json!(["text", "text/csv", "data.csv"]));
    assert_eq!(seen["details"][1][2], "Größe %221%22.csv", "a quote stays as the client wrote it");
    assert_eq!(seen["details"][2], json!(["document", "application/octet-stream", "upload"]));
    assert!([400, 404, 409].contains(&seen["too_early"][0].as_u64().unwrap()), "{seen}");
    let status = seen["status"].as_array().unwrap();
    assert!(status.len() > 1 && status.contains(&json!("processing")), "{status:?}");
    assert_eq!((&seen["frames"][0], &seen["frames"][1]), (&json!(3), &json!(3)));
    assert!(seen["frames"][2].as_u64().unwrap() > 0);
    assert_eq!(seen["left"], json!([]));
    assert_eq!(seen["gone"], json!([404, "resource.not_found"]));
    assert_eq!(seen["wrong_key"], json!([401, "auth.invalid_key"]));
    let deletes: Vec<_> = requests.iter().filter(|seen| seen["method"] == "DELETE").collect();
    assert!(deletes.len() == 7 && deletes.iter().all(|seen| seen["status"] == 204), "{deletes:?}");
}

/// What the vendor does not promise: no count, links in the listing, a media type that is not signed for.
#[tokio::test]
async fn what_is_not_promised_may_be_otherwise() {
    let switches = json!({ "count": "null", "links_in_lists": true, "bind_content_type": false, "polls": 1 });
    let Some((seen, _)) = tour(switches).await else { return };
    assert_eq!((&seen["count"], seen["listed"].as_array().unwrap().len()), (&Value::Null, 4));
}
