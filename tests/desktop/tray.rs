//! What Labferry shows outside its window: the tray icon and its menu, and the system's notices.

use crate::{
    desk::{Desk, Speaking},
    held::upload_in_the_middle,
    lab::Lab,
    one_at_a_time,
    tools::{Tools, tools},
    write_file,
};
use serde_json::json;

/// The panel beside the window, which shows the tray as soon as there is one.
fn panel(desk: &Desk, tools: &Tools) -> Speaking {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/desktop/panel_service.py");
    let mut panel = desk.start_python(tools, &[script.as_ref()]);
    assert_eq!(panel.line(), "ready");
    panel
}

/// The icon, once the menu behind it says that and it is another one than `before`. Words and picture come one after the
/// other, so that what is told on the way there does not matter.
fn icon_saying(panel: &mut Speaking, wanted: &[&str], before: &str) -> String {
    loop {
        let line = panel.line();
        assert!(!line.is_empty(), "the panel ended before the tray said {wanted:?}");
        let mut said = line.split(" | ");
        if said.next() == Some("tray") {
            let icon = said.next().unwrap_or_default().to_owned();
            if said.eq(wanted.iter().copied()) && icon != before {
                return icon;
            }
        }
    }
}

/// The next notice, its title and its sentence.
fn notice(panel: &mut Speaking) -> String {
    loop {
        let line = panel.line();
        assert!(!line.is_empty(), "the panel ended without a notice");
        if let Some(notice) = line.strip_prefix("notice | ") {
            return notice.to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tray_tells_how_the_queue_stands_in_shape_and_words() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("tray") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("overnight.bin");
    write_file(&file, 96);
    let lab = Lab::start(desk.home()).await;
    let window = desk.open_window(&[]).await;
    let mut panel = panel(&desk, &tools);
    let idle = icon_saying(&mut panel, &["nothing to do", "Open Labferry", "Quit"], "");

    let held = upload_in_the_middle(&window, &lab, &file).await;
    // Told apart without the words.
    let sending = icon_saying(&mut panel, &["1 in hand", "Open Labferry", "Quit"], &idle);
    window.call("preferences.language", json!({ "language": "cs" })).await;
    assert_eq!(
        icon_saying(&mut panel, &["probíhá: 1", "Otevřít Labferry", "Ukončit"], &idle),
        sending,
        "the same in another language"
    );
    lab.let_parts_in().await;
    window.call("transfers.cancel", json!({ "ids": [held.id] })).await;
    assert_eq!(icon_saying(&mut panel, &["žádné přenosy", "Otevřít Labferry", "Ukončit"], &sending), idle);
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_comes_back_from_the_tray() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("tray") else { return };
    let mut desk = Desk::set_up(&tools);
    let window = desk.open_window(&[]).await;
    let mut panel = panel(&desk, &tools);
    icon_saying(&mut panel, &["nothing to do", "Open Labferry", "Quit"], "");
    window.call("preferences.change", json!({ "to_tray": true, "notify": true, "language": "" })).await;

    desk.close_by_the_window_manager();
    panel.signal("USR1");
    desk.wait_until_visible();
    assert_eq!(window.call("app.state", json!({})).await["runs_engine"], true, "it went on meanwhile");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_ends_behind_another_window_is_told_once() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("tray") else { return };
    let mut desk = Desk::set_up(&tools);
    let folder = desk.home().join("plate");
    std::fs::create_dir(&folder).unwrap();
    for name in ["a.tif", "b.tif", "c.tif"] {
        write_file(&folder.join(name), 1);
    }
    let alone = desk.home().join("alone.tif");
    write_file(&alone, 1);
    let lab = Lab::start(desk.home()).await;
    let window = desk.open_window(&[]).await;
    let mut panel = panel(&desk, &tools);
    window.call("accounts.add", lab.account("Lab")).await;
    desk.minimise();

    for (source, told) in [
        (&folder, "All verified | 3 files to Lab: 3 of 3 verified."),
        (&alone, "All verified | alone.tif to Lab: 1 of 1 verified."),
    ] {
        let upload = json!({ "sources": [source], "account": "Lab", "place": lab.draft() });
        window.call("uploads.add", upload).await;
        assert_eq!(notice(&mut panel), told);
    }
    window.close().await;
}
