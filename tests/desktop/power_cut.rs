//! The window is killed while it sends, and started again.

use crate::{desk::Desk, held::upload_in_the_middle, lab::Lab, one_at_a_time, tools::tools, write_file};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_window_goes_on_with_the_parts_that_are_missing() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("power_cut") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("long run.bin");
    let sha256 = write_file(&file, 160);
    let lab = Lab::start(desk.home()).await;

    let window = desk.open_window(&[]).await;
    let held = upload_in_the_middle(&window, &lab, &file).await;
    assert_eq!(held.parts, 10, "160 MiB go in parts of 16");
    desk.kill_window();
    lab.let_parts_in().await;

    let window = desk.open_window(&[]).await;
    let row = window.settled(held.id).await;
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert_eq!(row["digests"]["sha256"], sha256.as_str());

    let stored = lab.file("long run.bin").await;
    assert_eq!(stored["sha256"], sha256.as_str(), "the lab holds the bytes that are on disk");
    let parts = stored["parts"].as_array().unwrap();
    assert_eq!(parts.len(), held.parts);
    for part in parts.iter().filter(|part| held.received.contains(&part["number"].as_u64().unwrap())) {
        assert_eq!(part["times_received"], 1, "it had arrived before the cut and was sent again: {part}");
    }
    window.close().await;
}
