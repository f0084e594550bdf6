//! Files dragged from another program and dropped on the window.

use crate::{
    desk::{Desk, Speaking},
    one_at_a_time,
    tools::{Tools, tools},
    webdriver::Window,
    write_file,
};
use serde_json::json;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_dropped_on_a_record_is_queued_for_it() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("drop") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("wärme map 3.tif");
    write_file(&file, 2);

    let window = desk.open_window(&["--practice-lab"]).await;
    window.open_a_draft("practice-nrp").await;
    drop_on_the_record(&window, &desk, &tools, &file).await;

    window
        .until(
            "document.querySelector('[data-testid=transfer-row]')?.innerText.includes('wärme map 3')",
            json!([]),
        )
        .await;
    let list = window.call("transfers.list", json!({})).await;
    let rows = list["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "dropped once, queued once: {list}");
    assert_eq!(rows[0]["local"], file.to_str().unwrap());
    assert_eq!(rows[0]["size"], 2 << 20);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_fifty_thousand_files_is_asked_about_before_any_of_it_is_sent() {
    fifty_thousand_files_are_asked_about("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_files_dropped_at_once_are_asked_about_before_any_of_them_is_sent() {
    fifty_thousand_files_are_asked_about("*").await;
}

/// Drops a folder of 50,000 files: itself, or with `*` each file of it.
async fn fifty_thousand_files_are_asked_about(what: &str) {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("drop") else { return };
    let mut desk = Desk::set_up(&tools);
    let plate = desk.home().join("plate");
    std::fs::create_dir(&plate).unwrap();
    for well in 0..50_000 {
        std::fs::write(plate.join(format!("well_{well:05}.csv")), "0.1\n").unwrap();
    }

    let window = desk.open_window(&["--practice-lab"]).await;
    window.open_a_draft("practice-nrp").await;
    let _source = drop_on_the_record(&window, &desk, &tools, &plate.join(what)).await;

    // A record of InvenioRDM takes 100 files; the practice lab keeps to that, and two are in this one already.
    let refused =
        "/^49,902 /.test(document.querySelector('dialog[open] [data-testid=refused]')?.innerText ?? '')";
    window.until(refused, json!([])).await;
    let send = "document.querySelector('[data-testid=preflight-send]').innerText";
    assert_eq!(window.run(&format!("return {send}"), json!([])).await, "Send 98 files");
    let list = window.call("transfers.list", json!({})).await;
    assert_eq!(list["rows"], json!([]), "nothing is queued before somebody says so");
    desk.keys(&["Escape"]);
    window.until("document.querySelector('dialog[open]') === null", json!([])).await;
    window.close().await;
}

/// Drags the file out of another program and lets it go over the open record. The program lives as long as the answer.
pub(crate) async fn drop_on_the_record(window: &Window, desk: &Desk, tools: &Tools, file: &Path) -> Speaking {
    window.find("[data-testid=drop-zone]").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/desktop/drag_source.py");
    let mut source = desk.start_python(tools, &[script.as_ref(), file.as_os_str()]);
    assert_eq!(source.line(), "ready");
    let (to_x, to_y) = window.middle_on_screen("[data-testid=drop-zone]", desk).await;
    desk.drag("labferry-drag-source", to_x, to_y);

    // Before the button is let go, the window says where the file will go.
    window.until("document.querySelector('[data-testid=drop-zone]').matches('[data-dragging], .dragging, [data-over]')", json!([])).await;
    desk.xdotool(&["mouseup", "1"]);
    source
}
