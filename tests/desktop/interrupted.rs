//! After a kill the window says at its next start what was interrupted, and leaves to the person what becomes of it.

use crate::{desk::Desk, held::upload_in_the_middle, lab::Lab, one_at_a_time, tools::tools, write_file};
use serde_json::json;

const NOTE: &str = "[data-testid=interrupted]";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_is_said_at_the_next_start_looked_at_and_discarded() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("interrupted") else { return };
    let mut desk = Desk::set_up(&tools);
    let file = desk.home().join("night run.bin");
    write_file(&file, 96);
    let lab = Lab::start(desk.home()).await;

    let window = desk.open_window(&[]).await;
    let held = upload_in_the_middle(&window, &lab, &file).await;
    desk.kill_window();

    // The service still takes nothing in, so the transfer cannot be done before somebody has looked.
    let window = desk.open_window(&[]).await;
    window.find(NOTE).await;
    let says = "/^1 transfer was interrupted/.test(document.querySelector(given[0]).innerText.trim())";
    window.until(says, json!([NOTE])).await;
    window.find("[data-testid=interrupted-review]").await.click().await;
    let listed = "document.querySelector('[data-testid=transfer-row]')?.innerText.includes('night run') && !document.querySelector(given[0])";
    window.until(listed, json!([NOTE])).await;

    // Once more, and thrown away this time: the question says how many, and the file here stays.
    desk.kill_window();
    let window = desk.open_window(&[]).await;
    // The note moves until the list below it is there, and a click goes to a place on the screen.
    window.find(NOTE).await;
    window.find("[data-testid=transfer-row]").await;
    window.drawn().await;
    window.find(&format!("{NOTE} button:nth-of-type(3)")).await.click().await;
    let asks = "/Cancel 1 unfinished transfer/.test(document.querySelector('dialog[open]')?.innerText ?? '')";
    window.until(asks, json!([])).await;
    window.find("dialog[open] [type=submit]").await.click().await;
    let row = window.settled(held.id).await;
    assert_eq!(row["state"], "cancelled", "{row}");
    assert!(file.is_file(), "what is discarded is the transfer, not the file");
    window.close().await;

    let window = desk.open_window(&[]).await;
    window.find("[data-testid=drawer]").await;
    assert_eq!(window.call("app.state", json!({})).await["interrupted"], 0, "said once, not for ever");
    window.close().await;
}
