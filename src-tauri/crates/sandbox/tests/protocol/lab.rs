//! A lab in a folder of its own, and a plain HTTP client that knows nothing of Labferry.

use labferry_sandbox::{NrpSwitches, Sandbox, SandboxOptions};
use md5::{Digest, Md5};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Lab {
    pub(crate) folder: TempDir,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) http: reqwest::Client,
}

/// What a record needs to be published.
pub(crate) fn metadata() -> Value {
    json!({
        "title": "Trial", "publication_date": "2026-01-01", "publisher": "P", "resource_type": {"id": "dataset"},
        "creators": [{"person_or_org": {"type": "personal", "family_name": "Doe", "given_name": "J"}}],
    })
}

pub(crate) fn md5_of(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// Bytes that differ everywhere.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

pub(crate) async fn json_of(response: Response, status: u16) -> Value {
    let got = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(got.as_u16(), status, "{text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// A client that follows no redirects.
pub(crate) fn client() -> reqwest::Client {
    // The lab speaks plain HTTP, but a client will not be built without; a second installing is refused and no matter.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::with(NrpSwitches::default(), false).await
    }

    pub(crate) async fn with(switches: NrpSwitches, seed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SandboxOptions { switches, seed, ..SandboxOptions::new(folder.path()) };
        let sandbox = Some(Sandbox::start(options).await.unwrap());
        let http = client();
        Self { folder, sandbox, http }
    }

    /// Stops it and starts it again on the same folder.
    pub(crate) async fn restart(&mut self) {
        self.sandbox.take().unwrap().stop().await;
        self.sandbox = Some(
            Sandbox::start(SandboxOptions { seed: false, ..SandboxOptions::new(self.folder.path()) })
                .await
                .unwrap(),
        );
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let description = self.sandbox.as_ref().unwrap().description();
        if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", description.services[0].url)
        }
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let token = &self.sandbox.as_ref().unwrap().description().services[0].secrets["token"];
        self.anonymous(method, path).bearer_auth(token)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        json_of(self.ask(Method::GET, path).send().await.unwrap(), 200).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        json_of(self.ask(Method::POST, path).json(body).send().await.unwrap(), status).await
    }

    pub(crate) async fn put(&self, path: &str, content: Vec<u8>) -> reqwest::Result<Response> {
        self.ask(Method::PUT, path)
            .header("content-type", "application/octet-stream")
            .body(content)
            .send()
            .await
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.as_ref().unwrap().description().control_url);
        let request = self.http.request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn faults(&self, rules: Value) {
        self.control(Method::POST, "/faults", rules).await;
    }

    pub(crate) async fn switch(&self, switches: Value) {
        self.control(Method::POST, "/switches", switches).await;
    }

    /// A draft that can be published once it has a file: its id.
    pub(crate) async fn draft(&self) -> String {
        let body = json!({"metadata": metadata(), "files": {"enabled": true}});
        let draft = self.post("/api/records", &body, 201).await;
        assert_eq!(draft["errors"], Value::Null);
        draft["id"].as_str().unwrap().to_owned()
    }

    /// Announces one file and gives its entry.
    pub(crate) async fn init(&self, id: &str, init: Value) -> Value {
        let list = self.post(&format!("/api/records/{id}/draft/files"), &json!([init]), 201).await;
        entry(&list, init["key"].as_str().unwrap())
    }

    pub(crate) async fn init_parts(&self, id: &str, key: &str, size: usize, part_size: usize) -> Value {
        let parts = size.div_ceil(part_size);
        let transfer = json!({"type": "M", "parts": parts, "part_size": part_size});
        self.init(id, json!({"key": key, "size": size, "transfer": transfer})).await
    }

    /// A whole `L` upload: the committed entry.
    pub(crate) async fn upload(&self, id: &str, key: &str, content: &[u8]) -> Value {
        let entry = self.init(id, json!({"key": key})).await;
        json_of(self.put(link(&entry, "content"), content.to_vec()).await.unwrap(), 200).await;
        self.post(link(&entry, "commit"), &json!({}), 200).await
    }

    /// What the control door says of one file.
    pub(crate) async fn inspect(&self, id: &str, key: &str) -> Value {
        let files = self.control(Method::GET, "/inspect/files", Value::Null).await;
        let mut files = files.as_array().unwrap().iter();
        files.find(|file| file["record"] == id && file["key"] == key).cloned().unwrap_or_default()
    }

    pub(crate) async fn requests(&self) -> Vec<Value> {
        self.control(Method::GET, "/inspect/requests", Value::Null).await.as_array().unwrap().clone()
    }
}

pub(crate) fn entry(list: &Value, key: &str) -> Value {
    list["entries"].as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone()
}

pub(crate) fn link<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry["links"][name].as_str().unwrap()
}

pub(crate) fn part_link(entry: &Value, number: usize) -> &str {
    entry["links"]["parts"][number - 1]["url"].as_str().unwrap()
}
