//! The bridge as a browser sees it, and as a page that has no business there sees it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use futures_util::StreamExt as _;
use labferry_app::{App, AppOptions};
use labferry_bridge::{Bridge, BridgeError, BridgeOptions};
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

struct Bench {
    app: App,
    bridge: Bridge,
    client: reqwest::Client,
    folder: PathBuf,
}

async fn bench(name: &str) -> Bench {
    let folder = std::env::temp_dir().join(format!("labferry-bridge-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("ui/assets")).unwrap();
    std::fs::write(folder.join("ui/index.html"), "<title>Labferry</title>").unwrap();
    std::fs::write(folder.join("ui/assets/app.js"), "start()").unwrap();
    std::fs::write(folder.join("secret.txt"), "outside").unwrap();
    let data_folder = folder.join("data");
    let app = App::open(AppOptions { vault_in_memory: true, ..AppOptions::new(&data_folder) }).await.unwrap();
    let options =
        BridgeOptions { port: 0, ui: Some(folder.join("ui")), files: data_folder.join("browser-files") };
    let bridge = Bridge::start(app.clone(), options).await.unwrap();
    // The connectors' transport does this for itself; a client built here has to ask for it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    Bench { app, bridge, client, folder }
}

impl Bench {
    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(format!("{}{path}", self.bridge.url()))
    }

    async fn command(&self, command: &str, request: Value) -> (u16, Value) {
        let answer = self
            .post("/command")
            .bearer_auth(self.bridge.token())
            .json(&json!({ "command": command, "request": request }))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn end(self) {
        self.bridge.stop().await;
        self.app.stop().await;
        let _ = std::fs::remove_dir_all(self.folder);
    }
}

#[tokio::test]
async fn commands_are_answered_and_problems_come_as_words() {
    let bench = bench("commands").await;
    let (status, state) = bench.command("app.state", json!({})).await;
    assert_eq!((status, &state["runs_engine"]), (200, &json!(true)));
    let (status, problem) = bench.command("browse.list", json!({ "account": "nobody" })).await;
    assert_eq!((status, &problem["code"]), (422, &json!("invalid_request")));
    assert!(problem["message"].as_str().unwrap().contains("nobody"), "{problem}");
    let bad = bench
        .post("/command")
        .bearer_auth(bench.bridge.token())
        .header("content-type", "application/json")
        .body("{\"command\": 7, \"secret\": \"tok-1\"}")
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), 400);
    assert!(!bad.text().await.unwrap().contains("tok-1"));
    bench.end().await;
}

#[tokio::test]
async fn without_the_token_or_from_another_page_nothing_is_answered() {
    let bench = bench("guard").await;
    let body = json!({ "command": "app.state" });
    let token = bench.bridge.token().to_owned();
    // Another last digit, whatever it is: the token is random.
    let (begin, last) = token.split_at(token.len() - 1);
    let wrong = format!("{begin}{}", if last == "0" { "1" } else { "0" });
    for (given, status) in [(None, 401), (Some(wrong.as_str()), 401), (Some(token.as_str()), 200)] {
        let request = bench.post("/command").json(&body);
        let request = if let Some(given) = given { request.bearer_auth(given) } else { request };
        assert_eq!(request.send().await.unwrap().status(), status, "{given:?}");
    }
    let port = bench.bridge.url().rsplit(':').next().unwrap().to_owned();
    for (header, value, status) in [
        ("host", "evil.example".to_owned(), 403),
        ("host", "127.0.0.1:1".to_owned(), 403),
        ("host", format!("localhost:{port}"), 200),
        ("origin", "http://evil.example".to_owned(), 403),
        ("origin", "null".to_owned(), 403),
        ("origin", format!("http://127.0.0.1:{port}"), 200),
    ] {
        let request = bench.post("/command").bearer_auth(&token).header(header, &value).json(&body);
        assert_eq!(request.send().await.unwrap().status(), status, "{header}: {value}");
    }
    bench.end().await;
}

#[tokio::test]
async fn events_are_heard_with_the_token_only() {
    let bench = bench("events").await;
    let address = bench.bridge.url().replace("http://", "ws://");
    assert!(tokio_tungstenite::connect_async(format!("{address}/events?token=nonsense")).await.is_err());
    let mut foreign =
        format!("{address}/events?token={}", bench.bridge.token()).into_client_request().unwrap();
    foreign.headers_mut().insert("origin", "http://evil.example".parse().unwrap());
    assert!(tokio_tungstenite::connect_async(foreign).await.is_err());

    let url = format!("{address}/events?token={}", bench.bridge.token());
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let (status, accounts) = bench.command("practice_lab.start", json!({})).await;
    assert_eq!(status, 200, "{accounts}");
    let heard = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => break serde_json::from_str::<Value>(&text).unwrap(),
            other => assert!(!other.is_close(), "closed before an event"),
        }
    };
    assert_eq!(heard["type"], "accounts_changed");
    bench.end().await;
}

#[tokio::test]
async fn a_browsers_file_is_kept_under_its_own_name_and_nowhere_else() {
    let bench = bench("files").await;
    let content = vec![7_u8; 5 << 20];
    let give = |name: &str| {
        let name: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        bench.post(&format!("/files?name={name}")).bearer_auth(bench.bridge.token()).body(content.clone())
    };
    let taken: Value = give("scan 07.czi").send().await.unwrap().json().await.unwrap();
    let path = PathBuf::from(taken["path"].as_str().unwrap());
    assert!(path.starts_with(bench.folder.join("data/browser-files")) && path.ends_with("scan 07.czi"));
    assert_eq!(std::fs::read(&path).unwrap(), content);
    let again: Value = give("scan 07.czi").send().await.unwrap().json().await.unwrap();
    assert_ne!(again["path"], taken["path"], "equal names do not meet");
    for bad in ["../up.txt", "/etc/passwd", "..", ""] {
        assert_eq!(give(bad).send().await.unwrap().status(), 400, "{bad:?}");
    }
    assert_eq!(bench.post("/files?name=x").body("x").send().await.unwrap().status(), 401);
    bench.end().await;
}

#[tokio::test]
async fn the_interface_is_served_and_nothing_beside_it() {
    let bench = bench("pages").await;
    let get = |path: &str| bench.client.get(format!("{}{path}", bench.bridge.url())).send();
    let page = get("/").await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.text().await.unwrap().contains("Labferry"));
    let script = get("/assets/app.js").await.unwrap();
    assert!(script.headers()["content-type"].to_str().unwrap().contains("javascript"));
    for outside in ["/..%2fsecret.txt", "/%2e%2e/secret.txt", "/nothing.html"] {
        assert_eq!(get(outside).await.unwrap().status(), 404, "{outside}");
    }
    let none = BridgeOptions { ui: Some(bench.folder.join("nothing")), ..BridgeOptions::default() };
    let Err(error) = Bridge::start(bench.app.clone(), none).await else { panic!("it started") };
    assert!(matches!(error, BridgeError::NoInterface(_)), "{error}");
    bench.end().await;
}
