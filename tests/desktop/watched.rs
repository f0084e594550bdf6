//! A folder is watched by a rule made with the assistant, while a program still writes into it.

use crate::{desk::Desk, one_at_a_time, tools::tools};
use serde_json::json;
use sha2::Digest as _;
use std::{fs, process::Command, time::Duration};

/// Holds the file open and appends to it for some four seconds, as an instrument does.
const WRITER: &str = r#"exec 3>>"$1"; i=0; while [ $i -lt 10 ]; do head -c 40000 /dev/urandom >&3; sleep 0.4; i=$((i+1)); done"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_written_is_sent_once_whole_and_verified() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("watched") else { return };
    let mut desk = Desk::set_up(&tools);
    let folder = desk.home().join("instrument");
    fs::create_dir(&folder).unwrap();

    let window = desk.open_window(&["--practice-lab"]).await;
    window.open_a_draft("practice-nrp").await;
    window.find("[data-testid=folders]").await.click().await;
    window.find("[data-testid=watch-folder]").await.click().await;
    window.find("[data-testid=rule-folder]").await.type_text(folder.to_str().unwrap()).await;
    window.find("dialog details summary").await.click().await;
    window.find("[data-testid=rule-quiet]").await.type_text("2").await;
    window.find("[data-testid=rule-go]").await.click().await;
    window.find("[data-testid=would-send]").await;
    window.find("[data-testid=rule-go]").await.click().await;
    let state = "document.querySelector('[data-testid=folder-state]')?.innerText ?? ''";
    window.until(&format!("/Watching|Looking regularly/.test({state})"), json!([])).await;

    let file = folder.join("run 42.raw");
    let mut writer = Command::new("sh").args(["-c", WRITER, "sh"]).arg(&file).spawn().unwrap();
    let row = "[...document.querySelectorAll('[data-testid=folder-file]')].find(row => row.innerText.includes('run 42'))?.innerText ?? ''";
    let mut told = Vec::new();
    while writer.try_wait().unwrap().is_none() {
        let said = window.run(&format!("return {row}"), json!([])).await;
        let said = said.as_str().unwrap().to_owned();
        // It may have ended while the window was asked.
        if writer.try_wait().unwrap().is_none() {
            assert!(
                !said.contains("queue") && !said.contains("Verified"),
                "told while it was written: {said}"
            );
            told.push(said);
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert!(
        told.iter().any(|said| said.contains("Being written") || said.contains("Coming to rest")),
        "{told:?}"
    );
    window.until(&format!("/Verified/.test({row})"), json!([])).await;

    let list = window.call("transfers.list", json!({})).await;
    assert_eq!(list["counts"]["all"], 1, "sent once: {list}");
    let sent = &list["rows"][0];
    let content = fs::read(&file).unwrap();
    assert_eq!(content.len(), 400_000);
    assert_eq!(sent["size"], content.len());
    assert_eq!(sent["verified"], true, "{sent}");
    assert_eq!(sent["digests"]["sha256"], hex(&sha2::Sha256::digest(&content)), "all of it and nothing else");
    window.close().await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
