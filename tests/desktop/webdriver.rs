//! The few calls of the W3C WebDriver protocol this suite needs, as WebKitWebDriver answers them.

use crate::desk::{Desk, WINDOW};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// Longest wait for anything the window is asked for. Generous: a loaded machine is no reason to fail.
const PATIENCE: Duration = Duration::from_secs(120);
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A window under a driver's hand.
pub(crate) struct Window {
    http: reqwest::Client,
    session: String,
}

impl Window {
    /// Starts the app under the driver that listens at `driver`.
    pub(crate) async fn open(driver: &str, app: &Path, arguments: &[String]) -> Self {
        let http = crate::http();
        let options = json!({ "binary": app, "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let answer = send(http.post(format!("{driver}/session")).json(&wanted)).await;
        let id = answer["sessionId"].as_str().expect("a session id");
        let window = Self { session: format!("{driver}/session/{id}"), http };
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        window.post("timeouts", json!({ "script": patience, "pageLoad": patience, "implicit": 0 })).await;
        window
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        send(self.http.post(format!("{}/{what}", self.session)).json(&body)).await
    }

    /// Runs a function's body in the page and answers what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Runs a function's body whose last argument is to be called with the answer, and waits for that.
    pub(crate) async fn wait_for(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/async", json!({ "script": script, "args": arguments })).await
    }

    /// Waits until the JavaScript `expression` is true, looking again whenever the page changes, and answers its value.
    /// `arguments` stand in it as `given[0]` and so on.
    pub(crate) async fn until(&self, expression: &str, arguments: Value) -> Value {
        let script = format!(
            r"const given = arguments[0], done = arguments[1];
              let observer, timer;
              const look = () => {{
                  const value = ({expression});
                  if (!value) return false;
                  observer?.disconnect(); clearTimeout(timer);
                  done({{ value }});
                  return true;
              }};
              if (!look()) {{
                  observer = new MutationObserver(look);
                  observer.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
                  timer = setTimeout(() => {{
                      observer.disconnect();
                      done({{ page: document.body.innerText }});
                  }}, {});
              }}",
            PATIENCE.as_millis() - 5000
        );
        let answer = self.wait_for(&script, json!([arguments])).await;
        assert!(
            answer["page"].is_null(),
            "never became true: {expression}\nthe page says:\n{}",
            answer["page"].as_str().unwrap_or_default()
        );
        answer["value"].clone()
    }

    /// Shows the interface anew, with that query in its address.
    pub(crate) async fn open_with(&self, query: &str) {
        let page = self.run("return location.origin + location.pathname", json!([])).await;
        self.post("url", json!({ "url": format!("{}?{query}", page.as_str().unwrap()) })).await;
    }

    /// Gives one command to the app behind the window, as the interface does.
    pub(crate) async fn call(&self, command: &str, request: Value) -> Value {
        let script = "const done = arguments[2];
            window.__TAURI_INTERNALS__.invoke('call', { command: arguments[0], request: arguments[1] })
                .then(answer => done({ answer }), problem => done({ problem }));";
        let answer = self.wait_for(script, json!([command, request])).await;
        assert!(answer["problem"].is_null(), "{command}: {}", answer["problem"]);
        answer["answer"].clone()
    }

    /// The transfer's row, once an event says that it is done or failed.
    pub(crate) async fn settled(&self, id: i64) -> Value {
        let script = "const [id, done] = arguments, tauri = window.__TAURI_INTERNALS__;
            const show = () => tauri.invoke('call', { command: 'transfers.show', request: { id } })
                .then(({ row }) => ['done', 'failed', 'cancelled'].includes(row.state) && done(row));
            const handler = tauri.transformCallback(show);
            tauri.invoke('plugin:event|listen', { event: 'labferry://event', target: { kind: 'Any' }, handler }).then(show);";
        self.wait_for(script, json!([id])).await
    }

    /// Waits for the first element that matches.
    pub(crate) async fn find(&self, css: &str) -> Element<'_> {
        self.until("document.querySelector(given[0]) !== null", json!([css])).await;
        let found = self.post("element", json!({ "using": "css selector", "value": css })).await;
        Element { window: self, path: format!("element/{}", found[ELEMENT].as_str().expect("an element")) }
    }

    /// Opens an account and the oldest draft in it.
    pub(crate) async fn open_a_draft(&self, account: &str) {
        let row = "[...document.querySelectorAll('[data-testid=account]')].find(row => row.innerText.includes(GIVEN))";
        self.until(&row.replace("GIVEN", "given[0]"), json!([account])).await;
        self.run(&format!("({}).click()", row.replace("GIVEN", "arguments[0]")), json!([account])).await;
        let draft = "[...document.querySelectorAll('[data-testid=record]')].findLast(row => /draft/i.test(row.innerText))";
        self.until(draft, json!([])).await;
        self.run(&format!("({draft}).click()"), json!([])).await;
        self.find("[data-testid=upload-button]").await;
    }

    /// Waits until what the page holds has been on screen for some frames: drawing lags behind on a busy machine.
    pub(crate) async fn drawn(&self) {
        let script = "const done = arguments[0]; let frames = 30;
            const frame = () => frames-- > 0 ? requestAnimationFrame(frame) : done(); frame();";
        self.wait_for(script, json!([])).await;
    }

    /// The middle of an element in the screen's coordinates.
    pub(crate) async fn middle_on_screen(&self, css: &str, desk: &Desk) -> (i64, i64) {
        let (left, top) = desk.inner_corner(WINDOW);
        let script = "const box = document.querySelector(arguments[0]).getBoundingClientRect();
            return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];";
        let middle = self.run(script, json!([css])).await;
        (left + middle[0].as_i64().unwrap(), top + middle[1].as_i64().unwrap())
    }

    /// Ends the session, which ends the app.
    pub(crate) async fn close(self) {
        send(self.http.delete(&self.session)).await;
    }
}

/// One element of the page.
pub(crate) struct Element<'a> {
    window: &'a Window,
    path: String,
}

impl Element<'_> {
    pub(crate) async fn click(&self) {
        self.window.post(&format!("{}/click", self.path), json!({})).await;
    }

    pub(crate) async fn type_text(&self, text: &str) {
        self.window.post(&format!("{}/value", self.path), json!({ "text": text })).await;
    }
}

async fn send(request: reqwest::RequestBuilder) -> Value {
    let answer = request.timeout(PATIENCE).send().await.expect("the driver answers");
    let status = answer.status();
    let body: Value = answer.json().await.expect("the driver answers JSON");
    assert!(status.is_success(), "the driver says {status}: {}", body["value"]["message"]);
    body["value"].clone()
}
