//! The border between the interface and the system: one command, the listed permissions, and a closed content policy.

use crate::{desk::Desk, one_at_a_time, tools::tools};
use serde_json::json;

/// Asks Tauri for something, past the interface's own code, and answers `ok` or what was said against it.
const ASK: &str = "const done = arguments[2];
    window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).then(() => done('ok'), why => done(JSON.stringify(why)));";

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_may_ask_for_what_is_listed_and_nothing_else() {
    let _turn = one_at_a_time().await;
    let Some(tools) = tools("border") else { return };
    let mut desk = Desk::set_up(&tools);
    let window = desk.open_window(&[]).await;

    let state = window.call("app.state", json!({})).await;
    assert_eq!(state["data_folder"], desk.data_folder().to_str().unwrap());
    assert_eq!(state["runs_engine"], true, "{state}");
    assert_eq!(state["vault"], "encrypted_file", "there is no keychain on this desk: {state}");

    let unknown = window.wait_for(ASK, json!(["call", { "command": "shell.run", "request": {} }])).await;
    assert!(
        unknown.as_str().unwrap().contains("shell.run"),
        "an unknown command is named in a sentence: {unknown}"
    );
    for refused in
        ["plugin:event|emit", "plugin:window|set_title", "plugin:opener|open_path", "plugin:dialog|message"]
    {
        let answer = window.wait_for(ASK, json!([refused, {}])).await;
        assert!(answer.as_str().unwrap().contains("not allowed"), "{refused}: {answer}");
    }
    let elsewhere =
        window.wait_for(ASK, json!(["plugin:opener|open_url", { "url": "file:///etc/passwd" }])).await;
    assert!(elsewhere.as_str().unwrap().contains("Not allowed"), "only pages are opened: {elsewhere}");

    let fetched = "const done = arguments[0];
        fetch('http://127.0.0.1:9/').then(() => done('fetched'), () => {});
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));";
    assert_eq!(
        window.wait_for(fetched, json!([])).await,
        "connect-src",
        "the policy, not the network, said no"
    );
    let injected =
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.injected = 1\">');
        const done = arguments[0];
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));";
    assert_eq!(
        window.wait_for(injected, json!([])).await,
        "script-src-attr",
        "no script comes in with a name"
    );
    window.close().await;
}
