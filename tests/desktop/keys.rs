//! The window by keys alone, as the window manager hands them to it: every screen, an upload and its proof.

use crate::{desk::Desk, one_at_a_time, tools::tools, webdriver::Window, write_file};
use serde_json::json;

/// Stops of the Tab key that a person would try before giving up.
const STOPS: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_and_an_upload_are_reached_by_keys() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("keys") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("typed.bin");
    write_file(&file, 1);
    let window = desk.open_window(&["--practice-lab"]).await;
    window.find("[data-testid=record]").await;

    desk.keys(&["ctrl+1"]);
    focused(&window, "[data-testid=record-search]").await;
    tab_to(
        &window,
        &desk,
        "[...document.querySelectorAll('[data-testid=record]')].find(row => /draft/i.test(row.innerText))",
    )
    .await;
    desk.keys(&["Return"]);
    window.find("[data-testid=upload-button]").await;
    desk.keys(&["ctrl+u"]);
    focused(&window, "[data-testid=upload-path]").await;
    desk.xdotool(&["type", "--delay", "20", file.to_str().unwrap()]);
    desk.keys(&["Return"]);
    window
        .until(
            "/^verified/i.test(document.querySelector('[data-testid=transfer-state]')?.innerText ?? '')",
            json!([]),
        )
        .await;

    // Each screen comes by its key, holds the focus, and gives it back.
    desk.keys(&["ctrl+2"]);
    focused(&window, "[role=listbox][aria-label=Transfers]").await;
    for (key, heading) in
        [("ctrl+3", "Watched folders"), ("ctrl+4", "Receipts"), ("ctrl+5", "Settings"), ("F1", "")]
    {
        desk.keys(&[key]);
        let inside = "(document.querySelector('dialog[open]')?.innerText ?? '').includes(given[0]) && document.querySelector('dialog[open]').contains(document.activeElement)";
        window.until(inside, json!([heading])).await;
        desk.keys(&["Escape"]);
        window.until("document.querySelector('dialog[open]') === null", json!([])).await;
        focused(&window, "[role=listbox][aria-label=Transfers]").await;
    }
    window.close().await;
}

async fn focused(window: &Window, css: &str) {
    window.until("document.activeElement?.matches(given[0])", json!([css])).await;
}

/// Goes on by Tab until the element that the JavaScript expression answers has the focus.
async fn tab_to(window: &Window, desk: &Desk, element: &str) {
    window.until(element, json!([])).await;
    for _ in 0..STOPS {
        window.run("window.stop_before = document.activeElement", json!([])).await;
        desk.keys(&["Tab"]);
        window.until("document.activeElement !== window.stop_before", json!([])).await;
        if window.run(&format!("return document.activeElement === ({element})"), json!([])).await == true {
            return;
        }
    }
    panic!("{STOPS} times Tab do not lead to {element}");
}
