//! How long the real window's frames take while lists of 100,000 scroll: the other half of `make frames`, which measures
//! Chromium. The lists are the interface's own made-up world, so that nothing but the window is measured.

use crate::{desk::Desk, one_at_a_time, tools::tools, webdriver::Window};
use serde_json::{Value, json};
use std::io::Write as _;

/// A frame longer than this is seen as a stop (goal P7), in milliseconds.
const LONG: f64 = 50.0;

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_a_hundred_thousand_scroll() {
    // Times mean nothing on a machine that does other things: `make frames` asks for them.
    if std::env::var_os("MEASURE").is_none() {
        return;
    }
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("frames") else { return };
    say(&format!(
        "| list | how | frames | half within | 95 % within | longest | over {LONG:.0} ms |\n|---|---|---|---|---|---|---|"
    ));
    for live in ["", "-live"] {
        let told = if live.is_empty() { "" } else { ", ten events a second" };
        for (world, view) in [("large", "table"), ("large", "cards"), ("many", "")] {
            // A window and a desk of its own: the heap of the world before would be collected in the frames of this one.
            let mut desk = Desk::set_up(&tools);
            let window = desk.open_window(&[]).await;
            window.open_with(&format!("fake={world}{live}")).await;
            let what = open(&window, &desk, world, view).await;
            scroll(&window, &desk, &format!("{what}{told}")).await;
            window.close().await;
        }
    }
}

/// Opens the list, fills it and says what it is.
async fn open(window: &Window, desk: &Desk, world: &str, view: &str) -> String {
    if world == "many" {
        window.find("[data-testid=record]").await;
        desk.keys(&["ctrl+shift+j"]);
        window.find("[data-testid=transfer-row]").await;
        let script = "const done = arguments[0], list = document.querySelector('[role=listbox][aria-label=Transfers]');
            const step = () => {
                if (list.scrollHeight >= 100_000 * 48) return done();
                list.scrollTop = list.scrollHeight;
                requestAnimationFrame(step);
            };
            step();";
        window.wait_for(script, json!([])).await;
        return "queue of 100,000 rows".to_owned();
    }
    window.find("[data-testid=record]").await.click().await;
    window.find("[data-testid=file-row]").await;
    desk.keys(&["ctrl+j"]);
    let button = format!(
        "document.querySelector('[data-testid=file-view][aria-label=\"As a {view}\"], [data-testid=file-view][aria-label=\"As {view}\"]')"
    );
    window.run(&format!("{button}?.click()"), json!([])).await;
    window.until(&format!("{button} === null"), json!([])).await;
    format!("listing of 100,000 files as {view}")
}

/// Scrolls in every way there is, and prints what each took.
async fn scroll(window: &Window, desk: &Desk, what: &str) {
    let list = "[role=listbox][aria-label$=files], [role=listbox][aria-label=Transfers]";
    window.drawn().await;
    let (x, y) = window.middle_on_screen(list, desk).await;
    desk.xdotool(&["mousemove", &x.to_string(), &y.to_string()]);

    begin(window).await;
    desk.xdotool(&["click", "--repeat", "90", "--delay", "25", "5"]);
    end(window, what, "wheel").await;

    begin(window).await;
    let jumps = "const [css, done] = arguments, list = document.querySelector(css); let jump = 0;
        const step = () => {
            if (jump === 90) return done();
            list.scrollTop = ((jump++ * 7919) % 97) / 97 * (list.scrollHeight - list.clientHeight);
            requestAnimationFrame(step);
        };
        step();";
    window.wait_for(jumps, json!([list])).await;
    end(window, what, "jumps of the scroll bar").await;

    window.run("document.querySelector(arguments[0]).focus()", json!([list])).await;
    begin(window).await;
    let keys: Vec<_> = std::iter::repeat_n(["End", "Home", "Next", "Next"], 15).flatten().collect();
    desk.xdotool(&[&["key", "--delay", "40"], &keys[..]].concat());
    end(window, what, "End, Home, Page Down").await;
}

async fn begin(window: &Window) {
    let script = "window.frames_seen = []; window.frames_wanted = true;
        let before = performance.now();
        const step = () => {
            const now = performance.now();
            window.frames_seen.push(now - before);
            before = now;
            if (window.frames_wanted) requestAnimationFrame(step);
        };
        requestAnimationFrame(step);";
    window.run(script, json!([])).await;
}

async fn end(window: &Window, what: &str, how: &str) {
    let script = "window.frames_wanted = false; return window.frames_seen.slice(1);";
    let found = window.run(script, json!([])).await;
    let mut frames: Vec<f64> = found.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    frames.sort_by(f64::total_cmp);
    let at = |share: f64| frames[((share * frames.len() as f64) as usize).min(frames.len() - 1)];
    let long = frames.iter().filter(|&&frame| frame > LONG).count();
    say(&format!(
        "| {what} | {how} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {long} |",
        frames.len(),
        at(0.5),
        at(0.95),
        at(1.0)
    ));
}

/// Straight to the terminal: the runner swallows what a passing test prints by the usual way.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
