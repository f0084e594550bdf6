//! Airalogy's official Python client against the practice lab.

use crate::{
    bytes,
    official_client::{control, installed, service},
    same_bytes, sha256,
};
use labferry_sandbox::{Sandbox, SandboxOptions};
use reqwest::Method;
use serde_json::{Value, json};
use std::{path::PathBuf, process::Output, sync::Once, time::Duration};
use tempfile::TempDir;
use tokio::process::Command;

/// A call of the client that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(180);
/// The lab's own record and its newest version.
const RECORD: &str = "airalogy.id.record.5f0c2c5e-7a51-4d0e-9c5e-2b7a7f6d1001.v.2";

struct Trial {
    python: PathBuf,
    folder: TempDir,
    sandbox: Sandbox,
}

impl Trial {
    /// A lab with its examples; nothing where the client is missing.
    async fn start() -> Option<Self> {
        static SAID: Once = Once::new();
        let python = installed("LABFERRY_AIRALOGY_PYTHON", "airalogy", "3.11", &SAID)?;
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(SandboxOptions::new(folder.path().join("lab"))).await.unwrap();
        Some(Self { python, folder, sandbox })
    }

    async fn call_with_key(&self, key: &str, arguments: &[&str]) -> Output {
        let service = service(&self.sandbox, "airalogy");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/contract/drive_airalogy.py");
        let mut command = Command::new(&self.python);
        // Nothing of this computer's settings, a proxy or the client's own bridge to local files least of all.
        command
            .arg(script)
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AIRALOGY_BASE_URL", format!("{}/", service.url))
            .env("AIRALOGY_API_KEY", key)
            .env("AIRALOGY_PROTOCOL_ID", &service.settings["protocol"])
            .kill_on_drop(true);
        tokio::time::timeout(LONGEST, command.output())
            .await
            .unwrap_or_else(|_| panic!("{arguments:?} did not end within {LONGEST:?}"))
            .expect("the client starts")
    }

    async fn call(&self, arguments: &[&str]) -> Value {
        let key = service(&self.sandbox, "airalogy").secrets["api_key"].clone();
        let output = self.call_with_key(&key, arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    async fn upload(&self, name: &str, content: &[u8]) -> Value {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        self.call(&["upload", path.to_str().unwrap()]).await
    }
}

#[tokio::test]
async fn a_file_goes_up_and_comes_back_both_ways() {
    let Some(trial) = Trial::start().await else { return };
    let content = bytes(3_000_001);
    let uploaded = trial.upload("Größe \"1\".csv", &content).await;
    let id = uploaded["id"].as_str().unwrap();
    assert!(id.starts_with("airalogy.id.file.") && id.ends_with(".csv"), "{uploaded}");
    assert_eq!(uploaded["filename"], "Größe %221%22.csv", "a quote stays as the client wrote it");
    let stored = control(&trial.sandbox, Method::GET, "/inspect/files", Value::Null).await;
    let stored = stored.as_array().unwrap().iter().find(|file| file["key"] == id).unwrap();
    assert_eq!((&stored["size"], &stored["sha256"]), (&json!(3_000_001), &json!(sha256(&content))));

    let back = trial.folder.path().join("back.csv");
    trial.call(&["download", id, back.to_str().unwrap()]).await;
    same_bytes(&back, &content);

    let link = trial.call(&["link", id]).await;
    let answer = reqwest::get(link.as_str().unwrap()).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "3000001");
    assert!(answer.bytes().await.unwrap() == content, "the link gives other bytes");
    trial.sandbox.stop().await;
}

#[tokio::test]
async fn base64_is_made_on_the_clients_side() {
    let Some(trial) = Trial::start().await else { return };
    let content = bytes(70_001);
    let path = trial.folder.path().join("plate.png");
    std::fs::write(&path, &content).unwrap();
    let uploaded = trial.call(&["upload-base64", path.to_str().unwrap()]).await;
    let id = uploaded["id"].as_str().unwrap();
    assert!(id.ends_with(".png"), "{uploaded}");
    let stored = control(&trial.sandbox, Method::GET, "/inspect/files", Value::Null).await;
    let stored = stored.as_array().unwrap().iter().find(|file| file["key"] == id).unwrap();
    assert_eq!(stored["sha256"], sha256(&content), "the bytes are stored, not the text");
    let text = trial.call(&["download-base64", id]).await;
    assert_eq!(text.as_str().unwrap().len(), content.len().div_ceil(3) * 4);
    trial.sandbox.stop().await;
}

#[tokio::test]
async fn records_come_by_their_ids() {
    let Some(trial) = Trial::start().await else { return };
    let first = RECORD.replace(".v.2", ".v.1");
    let records = trial.call(&["records", RECORD, &first]).await;
    let ids: Vec<_> = records.as_array().unwrap().iter().map(|one| &one["airalogy_record_id"]).collect();
    assert_eq!(ids, [RECORD, first.as_str()], "in the order asked for");
    assert_eq!(records[0]["data"]["var"]["solvent_volume"], 1.5);
    // The files that the record names are there.
    let curve = records[0]["data"]["var"]["curve"].as_str().unwrap();
    let back = trial.folder.path().join("curve.csv");
    trial.call(&["download", curve, back.to_str().unwrap()]).await;
    assert!(std::fs::read_to_string(back).unwrap().starts_with("volume_ml,ph\n"));
    trial.sandbox.stop().await;
}

#[tokio::test]
async fn a_wrong_key_is_told_in_the_services_words() {
    let Some(trial) = Trial::start().await else { return };
    let output = trial.call_with_key("not-the-key", &["records", RECORD]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(r#"{"detail":"Unauthorized"}"#), "{said}");
    trial.sandbox.stop().await;
}
