//! The practice lab is driven by the services' official clients, unchanged: what the lab answers must do for programs that
//! none of us wrote. NRP's `nrp-cmd` is driven here, the others' in files of their own.
//!
//! Where nrp-cmd is stands in `LABFERRY_NRP_CMD`, a Python with airalogy in `LABFERRY_AIRALOGY_PYTHON`, one with kalbio in
//! `LABFERRY_KALBIO_PYTHON`, one with aruna-python-api in `LABFERRY_ARUNA_PYTHON`, one with aymara-ai-sdk in
//! `LABFERRY_AYMARA_PYTHON`; `.ci/setup test` installs them where a Python is new enough. Where one is missing the suite
//! says so and skips its part.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod airalogy;
mod aruna;
mod aymara;
mod kaleidoscope;
mod official_client;

use std::path::Path;

use labferry_sandbox::{NrpSwitches, Sandbox, SandboxOptions, Storage};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use official_client::{OfficialClient, control};

/// More than the 50 MiB the client puts into one part.
const BIG: usize = 60 * 1024 * 1024 + 7;
const SMALL: usize = 70_000;
const RECORD: &str = r#"{"title": "Sent by the official client", "publication_date": "2026-01-01", "publisher": "P",
    "resource_type": {"id": "dataset"},
    "creators": [{"person_or_org": {"type": "personal", "family_name": "Doe", "given_name": "J"}}]}"#;

struct Trial {
    client: OfficialClient,
    sandbox: Sandbox,
}

impl Trial {
    /// A lab and a client that is signed in to it; nothing where the client is missing.
    async fn start(switches: NrpSwitches) -> Option<Self> {
        let program = official_client::program()?;
        let folder = tempfile::tempdir().unwrap();
        let options =
            SandboxOptions { seed: false, switches, ..SandboxOptions::new(folder.path().join("lab")) };
        let sandbox = Sandbox::start(options).await.unwrap();
        let client = OfficialClient::new(program, folder, official_client::service(&sandbox, "nrp"));
        Some(Self { client, sandbox })
    }

    async fn create(&self) -> String {
        let created = self.client.run(&["create", "record", RECORD]).await;
        created["id"].as_str().expect("a record has an id").to_owned()
    }

    async fn upload(&self, id: &str, name: &str, content: &[u8]) -> Value {
        let path = self.client.file(name);
        std::fs::write(&path, content).unwrap();
        let entries = self.client.run(&["upload", "file", id, path.to_str().unwrap(), "--draft"]).await;
        entries[0].clone()
    }

    async fn inspect(&self, path: &str) -> Vec<Value> {
        let answer = control(&self.sandbox, reqwest::Method::GET, path, Value::Null).await;
        answer.as_array().expect("an array").clone()
    }

    async fn inspect_file(&self, id: &str, key: &str) -> Value {
        let files = self.inspect("/inspect/files").await;
        files.into_iter().find(|file| file["record"] == id && file["key"] == key).expect("the file is stored")
    }
}

/// Bytes that differ from place to place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same_bytes(path: &Path, expected: &[u8]) {
    let got = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(got == expected, "{} came back different", path.display());
}

/// Draft, upload in parts and whole, list, download, publish.
async fn a_record_from_draft_to_publication(storage: Storage) {
    let Some(trial) = Trial::start(NrpSwitches { storage, ..NrpSwitches::default() }).await else { return };
    let (big, small) = (bytes(BIG), bytes(SMALL));
    let id = trial.create().await;
    assert_eq!(trial.upload(&id, "big.bin", &big).await["status"], "completed");
    assert_eq!(trial.upload(&id, "small.bin", &small).await["status"], "completed");

    // It went in parts, to the right host and with the right credentials, and what is stored is what was sent.
    let stored = trial.inspect_file(&id, "big.bin").await;
    assert_eq!(stored["transfer"], "M");
    assert_eq!(stored["parts"].as_array().unwrap().len(), 2);
    assert_eq!(stored["sha256"], sha256(&big));
    assert_eq!(trial.inspect_file(&id, "small.bin").await["transfer"], "L");
    let parts: Vec<_> = trial.inspect("/inspect/requests").await;
    let parts: Vec<_> =
        parts.iter().filter(|seen| seen["method"] == "PUT" && seen["part"].is_u64()).collect();
    assert_eq!(parts.len(), 2);
    let (door, had_authorization) = match storage {
        Storage::Api => ("service", true),
        Storage::Signed => ("storage", false),
    };
    assert!(parts.iter().all(|seen| seen["door"] == door && seen["had_authorization"] == had_authorization));

    let list = trial.client.run(&["list", "files", &id, "--draft"]).await;
    let mut keys: Vec<_> =
        list.as_array().unwrap().iter().map(|file| file["key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["big.bin", "small.bin"]);

    trial.client.tell(&["download", "file", &id, "big.bin", "small.bin", "--draft"]).await;
    same_bytes(&trial.client.downloaded("big.bin"), &big);
    same_bytes(&trial.client.downloaded("small.bin"), &small);

    let published = trial.client.run(&["publish", "record", &id]).await;
    assert_eq!(published["status"], "published");
    assert_eq!(published["files"]["count"], 2);
    let found = trial.client.run(&["list", "records", "--published"]).await;
    assert_eq!(found["hits"]["hits"][0]["id"], id);
    trial.sandbox.stop().await;
}

#[tokio::test]
async fn with_parts_through_the_api() {
    a_record_from_draft_to_publication(Storage::Api).await;
}

#[tokio::test]
async fn with_parts_by_signed_links() {
    a_record_from_draft_to_publication(Storage::Signed).await;
}

/// The client repeats reads; a part that fails it gives up, so that is not asked of it here.
#[tokio::test]
async fn a_read_that_failed_once_is_repeated() {
    let Some(trial) = Trial::start(NrpSwitches::default()).await else { return };
    let id = trial.create().await;
    let rule = json!([{"match": {"method": "GET", "path": "/draft$"}, "do": {"status": 503}}]);
    control(&trial.sandbox, reqwest::Method::POST, "/faults", rule).await;
    let small = bytes(SMALL);
    assert_eq!(trial.upload(&id, "small.bin", &small).await["status"], "completed");
    assert_eq!(trial.inspect_file(&id, "small.bin").await["sha256"], sha256(&small));
    let seen = trial.inspect("/inspect/requests").await;
    let reads = seen
        .iter()
        .filter(|seen| seen["method"] == "GET" && seen["path"] == format!("/api/records/{id}/draft"));
    let answers: Vec<_> = reads.map(|seen| seen["status"].as_u64().unwrap()).collect();
    assert_eq!(answers[..2], [503, 200]);
    trial.sandbox.stop().await;
}

#[tokio::test]
async fn a_plain_inveniordm_is_known_by_its_front_page() {
    let switches = NrpSwitches { nrp_documents: false, ..NrpSwitches::default() };
    let Some(trial) = Trial::start(switches).await else { return };
    let id = trial.create().await;
    let small = bytes(SMALL);
    trial.upload(&id, "small.bin", &small).await;
    assert_eq!(trial.inspect_file(&id, "small.bin").await["sha256"], sha256(&small));
    trial.client.tell(&["delete", "file", &id, "small.bin", "--draft"]).await;
    assert!(trial.inspect("/inspect/files").await.is_empty());
    trial.sandbox.stop().await;
}
