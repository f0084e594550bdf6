//! The computer stays awake while files are on their way, and no longer.

use crate::{desk::Desk, held::upload_in_the_middle, lab::Lab, one_at_a_time, tools::tools, write_file};

#[tokio::test(flavor = "multi_thread")]
async fn the_computer_stays_awake_while_a_file_moves() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("power") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("overnight.bin");
    write_file(&file, 96);
    let lab = Lab::start(desk.home()).await;
    let window = desk.open_window(&[]).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/desktop/sleep_service.py");
    let mut system = desk.start_python(&tools, &[script.as_ref()]);
    assert_eq!(system.line(), "ready");

    let held = upload_in_the_middle(&window, &lab, &file).await;
    assert_eq!(system.line(), "Labferry blocks idle");
    lab.let_parts_in().await;
    window.call("transfers.cancel", serde_json::json!({ "ids": [held.id] })).await;
    assert_eq!(system.line(), "released");
    window.close().await;
}
