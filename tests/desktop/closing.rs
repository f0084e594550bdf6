//! One window for one data folder, and an end that leaves the folder free and the transfers where they were.

use crate::{
    desk::Desk,
    held::{received, upload_in_the_middle},
    lab::Lab,
    one_at_a_time,
    tools::tools,
    write_file,
};
use labferry_app::{App, AppOptions, Own};
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

    assert!(desk.start_again(&[]).success());
    desk.wait_until_visible();
    assert_eq!(window.call("app.state", json!({})).await["runs_engine"], true, "the first goes on");
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_given_to_a_second_start_are_asked_about_in_the_first_window() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("closing") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("100 % wärme#3.tif");
    write_file(&file, 1);
    let window = desk.open_window(&["--practice-lab"]).await;
    window.find("[data-testid=account]").await;

    assert!(desk.start_again(&[&file]).success());
    window.find("[data-testid=offered]").await;
    window.open_a_draft("practice-nrp").await;
    window.find("[data-testid=offered-send]").await.click().await;
    window.until("document.querySelector('dialog[open]')?.innerText.includes('1.0 MiB')", json!([])).await;
    let list = window.call("transfers.list", json!({})).await;
    assert_eq!(list["rows"], json!([]), "nothing is sent before somebody says so");
    window.find("dialog[open] [type=submit]").await.click().await;
    window
        .until(
            "document.querySelector('[data-testid=transfer-row]')?.innerText.includes('wärme#3')",
            json!([]),
        )
        .await;
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
    until_free(&folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_opens_with_the_size_it_was_left_with() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("closing") else { return };
    let mut desk = Desk::set_up(&tools);
    let window = desk.open_window(&[]).await;
    window.call("app.state", json!({})).await;
    let sized = "const [width, height, done] = arguments;
        const look = () => innerWidth === width && innerHeight === height ? done(true) : requestAnimationFrame(look);
        look();";
    desk.resize(970, 640);
    window.wait_for(sized, json!([970, 640])).await;
    desk.close_by_the_window_manager();
    until_free(&DataFolder::open(&desk.data_folder()).unwrap()).await;

    let again = desk.open_window(&[]).await;
    again.call("app.state", json!({})).await;
    again.wait_for(sized, json!([970, 640])).await;
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_closed_while_it_sends_notes_where_it_is() {
    notes_where_it_is(Desk::close_by_the_window_manager).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_ended_by_the_system_while_it_sends_notes_where_it_is() {
    notes_where_it_is(Desk::end_by_the_system).await;
}

async fn notes_where_it_is(end: impl FnOnce(&Desk)) {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("closing") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("evening.bin");
    write_file(&file, 96);
    let lab = Lab::start(desk.home()).await;
    let window = desk.open_window(&[]).await;
    let held = upload_in_the_middle(&window, &lab, &file).await;

    end(&desk);
    until_free(&DataFolder::open(&desk.data_folder()).unwrap()).await;
    let options =
        AppOptions { own: Own::Never, vault_in_memory: true, ..AppOptions::new(desk.data_folder()) };
    let left = App::open(options).await.unwrap();
    let shown = left.call("transfers.show", json!({ "id": held.id })).await.unwrap();
    let (state, why) = (&shown["row"]["state"], &shown["row"]["waiting"]);
    assert_eq!((state, why), (&json!("waiting"), &json!("interrupted")), "{shown}");
    assert_eq!(received(&shown), held.received, "what had arrived is known to have arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_on_a_data_folder_in_use_says_who_sends() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("closing") else { return };
    let mut desk = Desk::set_up(&tools);
    let _owner =
        DataFolder::open(&desk.data_folder()).unwrap().try_own().unwrap().expect("nobody else is here yet");
    let window = desk.open_window(&[]).await;
    assert_eq!(window.call("app.state", json!({})).await["runs_engine"], false);
    window.until("/another labferry/i.test(document.body.innerText)", json!([])).await;
    window.close().await;
}

/// Comes back when no process owns the folder. The system frees the lock of a process that ends, and tells nobody.
async fn until_free(folder: &DataFolder) {
    let freed = tokio::time::timeout(Duration::from_secs(60), async {
        while folder.try_own().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    freed.await.expect("the folder is free once the window is closed");
}
