//! One window for one data folder, and an end that leaves the folder free.

use crate::{desk::Desk, one_at_a_time, tools::tools};
use labferry_store::DataFolder;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_shows_the_first_window_and_ends() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("closing") else { return };
    let mut desk = Desk::set_up(&tools);
    let window = desk.open_window(&[]).await;
    desk.wait_until_visible();
    desk.minimise();

    assert!(desk.start_again().success());
    desk.wait_until_visible();
    assert_eq!(window.call("app.state", json!({})).await["runs_engine"], true, "the first goes on");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_window_ends_labferry_and_frees_its_data_folder() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("closing") else { return };
    let mut desk = Desk::set_up(&tools);
    let window = desk.open_window(&[]).await;
    window.call("app.state", json!({})).await;
    let folder = DataFolder::open(&desk.data_folder()).unwrap();
    assert!(folder.try_own().unwrap().is_none(), "the window's process owns the folder");

    desk.close_by_the_window_manager();
    // The system frees the lock when the process ends, and tells nobody.
    let freed = tokio::time::timeout(Duration::from_secs(60), async {
        while folder.try_own().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    freed.await.expect("the folder is free once the window is closed");
}
