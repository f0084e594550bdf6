//! The world on disk: restarts, kills, resets, and the one lab a folder has.

use std::process::Stdio;

use labferry_sandbox::{LabDescription, NrpSwitches, Sandbox, SandboxError, SandboxOptions};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::lab::{Lab, bytes, link, md5_of, part_link};

/// Set for the process that is going to be killed: the folder of its lab.
const CHILD_FOLDER: &str = "LABFERRY_SANDBOX_CHILD_FOLDER";

#[tokio::test]
async fn a_restart_finds_addresses_tokens_records_and_parts_again() {
    let mut lab = Lab::start().await;
    let before = serde_json::to_value(lab.sandbox.as_ref().unwrap().description()).unwrap();
    let id = lab.draft().await;
    lab.upload(&id, "a", b"hello").await;
    let entry = lab.init_parts(&id, "b", 250, 100).await;
    for number in [1, 3] {
        lab.put(part_link(&entry, number), vec![number as u8; if number == 3 { 50 } else { 100 }])
            .await
            .unwrap();
    }
    lab.restart().await;
    let mut after = serde_json::to_value(lab.sandbox.as_ref().unwrap().description()).unwrap();
    after["services"][0]["example_place"] = Value::Null;
    assert_eq!(after, before);
    lab.put(part_link(&entry, 2), vec![2; 100]).await.unwrap();
    lab.post(link(&entry, "commit"), &json!({}), 200).await;
    let whole = [vec![1; 100], vec![2; 100], vec![3; 50]].concat();
    assert_eq!(lab.inspect(&id, "b").await["md5"], md5_of(&whole));
    assert_eq!(lab.inspect(&id, "a").await["md5"], md5_of(b"hello"));
}

/// Not a test of its own: it is the process [`a_killed_lab_shows_whole_parts_only`] kills.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let lab = Sandbox::start(SandboxOptions { seed: false, ..SandboxOptions::new(folder) }).await.unwrap();
    let line = format!("LAB {}\n", serde_json::to_string(lab.description()).unwrap());
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_lab_shows_whole_parts_only() {
    let mut lab = Lab::start().await;
    lab.sandbox.take().unwrap().stop().await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "world::child_that_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, lab.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = loop {
        let line = lines.next_line().await.unwrap().expect("the child tells where it is");
        if let Some((_, json)) = line.split_once("LAB ") {
            break serde_json::from_str::<LabDescription>(json).unwrap();
        }
    };
    let token = told.services[0].secrets["token"].clone();
    let ask = |method: Method, url: String| lab.http.request(method, url).bearer_auth(&token);
    let url = |path: &str| format!("{}{path}", told.services[0].url);
    let draft = ask(Method::POST, url("/api/records")).json(&json!({})).send().await.unwrap();
    let draft: Value = draft.json().await.unwrap();
    let id = draft["id"].as_str().unwrap().to_owned();
    let init = json!([{"key": "big", "size": 2_000_000, "transfer": {"type": "M", "parts": 2, "part_size": 1_000_000}}]);
    let files = url(&format!("/api/records/{id}/draft/files"));
    let list: Value = ask(Method::POST, files).json(&init).send().await.unwrap().json().await.unwrap();
    let entry = list["entries"][0].clone();
    let content = bytes(2_000_000);
    let first = ask(Method::PUT, part_link(&entry, 1).to_owned())
        .body(content[..1_000_000].to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(first.status(), 200);

    // Half of the second part, and the lab says that it has it, then the kill.
    let address = told.services[0].url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let path = part_link(&entry, 2).strip_prefix(&told.services[0].url).unwrap().to_owned();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&content[1_000_000..1_500_000]).await.unwrap();
    loop {
        let seen = lab.http.get(format!("{}/inspect/requests", told.control_url)).send().await.unwrap();
        let seen: Vec<Value> = seen.json().await.unwrap();
        if seen.iter().any(|seen| seen["part"] == 2 && seen["bytes_received"] == 500_000) {
            break;
        }
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();

    // As if the kill had also torn the last line that was being written.
    let uploads = lab.folder.path().join("nrp/uploads");
    let log = std::fs::read_dir(uploads).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&log, [std::fs::read(&log).unwrap(), br#"{"part":2,"blo"#.to_vec()].concat()).unwrap();
    lab.sandbox = Some(
        Sandbox::start(SandboxOptions { seed: false, ..SandboxOptions::new(lab.folder.path()) })
            .await
            .unwrap(),
    );
    let inside = lab.inspect(&id, "big").await;
    let numbers: Vec<_> =
        inside["parts"].as_array().unwrap().iter().map(|part| part["number"].clone()).collect();
    assert_eq!(numbers, [1]);
    assert_eq!(std::fs::read_dir(lab.folder.path().join("nrp/incoming")).unwrap().count(), 0);
    lab.put(part_link(&entry, 2), content[1_000_000..].to_vec()).await.unwrap();
    lab.post(link(&entry, "commit"), &json!({}), 200).await;
    lab.restart().await;
    assert_eq!(lab.inspect(&id, "big").await["md5"], md5_of(&content));
}

#[tokio::test]
async fn a_folder_has_one_lab_at_a_time() {
    let lab = Lab::start().await;
    let second = Sandbox::start(SandboxOptions::new(lab.folder.path())).await.err().expect("it is in use");
    assert!(matches!(second, SandboxError::InUse { .. }), "{second}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let lab = Lab::start().await;
    let port = lab.url("").rsplit_once(':').unwrap().1.parse().unwrap();
    let other = tempfile::tempdir().unwrap();
    let refused =
        Sandbox::start(SandboxOptions { port, ..SandboxOptions::new(other.path()) }).await.err().unwrap();
    assert!(refused.to_string().contains(&port.to_string()), "{refused}");
}

#[tokio::test]
async fn a_reset_gives_the_world_of_the_first_start() {
    let lab = Lab::with(NrpSwitches::default(), true).await;
    let id = lab.draft().await;
    lab.upload(&id, "a", b"hello").await;
    lab.switch(json!({"ranges": false})).await;
    lab.faults(json!([{"times": 0, "do": {"status": 503}}])).await;
    lab.control(Method::POST, "/reset", Value::Null).await;
    assert_eq!(lab.get("/api/user/records").await["hits"]["total"], 4);
    assert_eq!(lab.control(Method::GET, "/switches", Value::Null).await["ranges"], true);
    assert_eq!(lab.requests().await.len(), 1);
}

#[tokio::test]
async fn rules_can_come_from_a_file_and_a_wrong_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.json");
    std::fs::write(&rules, r#"[{"match": {"path": "^/api/records$"}, "do": {"status": 503}}]"#).unwrap();
    let options =
        SandboxOptions { faults_file: Some(rules.clone()), ..SandboxOptions::new(folder.path().join("lab")) };
    let sandbox = Sandbox::start(options.clone()).await.unwrap();
    let url = format!("{}/api/records", sandbox.description().services[0].url);
    let lab = Lab { folder, sandbox: Some(sandbox), http: crate::lab::client() };
    for status in [503, 200] {
        assert_eq!(lab.http.get(&url).send().await.unwrap().status(), status);
    }
    std::fs::write(&rules, r#"[{"do": {"stauts": 503}}]"#).unwrap();
    let wrong = Sandbox::start(SandboxOptions { data_dir: lab.folder.path().join("other"), ..options })
        .await
        .err()
        .unwrap();
    assert!(wrong.to_string().contains("rules.json") && wrong.to_string().contains("stauts"), "{wrong}");
}
