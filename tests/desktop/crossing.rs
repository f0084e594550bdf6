//! A person opens Labferry, looks at records, sends a large file and sees it proven.

use crate::{desk::Desk, one_at_a_time, tools::tools, write_file};
use serde_json::json;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_sent_through_the_window_turns_verified() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("crossing") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("scan 07 – größer.bin");
    let sha256 = write_file(&file, 64);

    let window = desk.open_window(&["--practice-lab"]).await;
    window.open_a_draft("practice-nrp").await;
    window.find("[data-testid=upload-button]").await.click().await;
    window.find("[data-testid=upload-path]").await.type_text(file.to_str().unwrap()).await;
    window.find("[data-testid=upload-start]").await.click().await;
    window
        .until(
            "document.querySelector('[data-testid=transfer-row]')?.innerText.includes('scan 07')",
            json!([]),
        )
        .await;
    window
        .until(
            "/verified/i.test(document.querySelector('[data-testid=transfer-state]')?.innerText ?? '')",
            json!([]),
        )
        .await;

    let row = "[...document.querySelectorAll('[data-testid=file-row]')].find(row => row.innerText.includes('scan 07'))?.innerText ?? ''";
    window.until(&format!("/verified/i.test({row})"), json!([])).await;
    window
        .until("/digest/i.test(document.querySelector('[data-testid=proof]')?.innerText ?? '')", json!([]))
        .await;

    let list = window.call("transfers.list", json!({})).await;
    let row = &list["rows"][0];
    assert_eq!(row["state"], "done", "{row}");
    assert_eq!(row["verified"], true, "{row}");
    assert_eq!(row["part_count"], 4, "64 MiB go in parts of 16: {row}");
    assert_eq!(row["digests"]["sha256"], sha256.as_str(), "the digest is of the bytes on disk");

    if std::env::var_os("LABFERRY_UPDATE_PICTURES").is_some() {
        let picture =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/pictures/window.png");
        std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
        window.drawn().await;
        desk.picture(&picture);
    }
    window.close().await;
}
