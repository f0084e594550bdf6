//! The practice lab of a case and its control door.

use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::Mutex;
use tempfile::TempDir;

/// A lab in a folder of its own.
pub(crate) struct Lab {
    folder: TempDir,
    running: Mutex<Option<Sandbox>>,
    control: String,
    http: reqwest::Client,
}

impl Lab {
    /// Starts an empty one.
    pub(crate) async fn start(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = SandboxOptions { seed: false, ..SandboxOptions::new(folder.path()) };
        change(&mut options);
        let sandbox = Sandbox::start(options).await.unwrap();
        let control = sandbox.description().control_url.clone();
        // A client is not built without, although the control door speaks plain HTTP; it may be installed already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { folder, running: Mutex::new(Some(sandbox)), control, http }
    }

    /// What an account of that service needs.
    pub(crate) fn service(&self, key: &str) -> LabService {
        let running = self.running.lock().unwrap();
        let services = &running.as_ref().unwrap().description().services;
        services.iter().find(|service| service.service == key).unwrap().clone()
    }

    /// Who may sign in to that service.
    pub(crate) async fn users(&self, key: &str) -> Vec<Value> {
        self.get(&format!("/inspect/users?service={key}")).await.as_array().unwrap().clone()
    }

    /// Stops it and starts it again on the same folder, at the same addresses and with its switches.
    pub(crate) async fn restart(&self) {
        let keys: Vec<String> = {
            let running = self.running.lock().unwrap();
            running.as_ref().unwrap().description().services.iter().map(|one| one.service.clone()).collect()
        };
        let mut switches = Vec::new();
        for key in &keys {
            let path = format!("/switches?service={key}");
            switches.push((path.clone(), self.get(&path).await));
        }
        let before = self.running.lock().unwrap().take().unwrap();
        let urls = before.description().clone();
        before.stop().await;
        let options = SandboxOptions { seed: false, ..SandboxOptions::new(self.folder.path()) };
        let after = Sandbox::start(options).await.unwrap();
        assert_eq!(after.description().control_url, urls.control_url, "another process took a port");
        assert_eq!(after.description().services[0].url, urls.services[0].url, "another process took a port");
        *self.running.lock().unwrap() = Some(after);
        for (path, switches) in switches {
            self.post(&path, switches).await;
        }
    }

    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(sandbox) = running {
            sandbox.stop().await;
        }
    }

    async fn ask(&self, request: RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.control))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(self.call(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(self.call(Method::POST, path).json(&body)).await
    }

    /// Sets a rule: the requests that `matching` means go wrong this way, once unless `times` says otherwise.
    pub(crate) async fn fault(&self, matching: Value, times: u64, action: Value) {
        self.post("/faults", json!([{ "match": matching, "times": times, "do": action }])).await;
    }

    /// Removes every rule; fails when one never struck, because the case then showed nothing.
    pub(crate) async fn faults_struck(&self) {
        for rule in self.get("/faults").await.as_array().unwrap() {
            assert_ne!(rule["struck"], 0, "a fault never struck: {rule}");
        }
        self.ask(self.call(Method::DELETE, "/faults")).await;
    }

    /// Every request the services saw, oldest first.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        self.get("/inspect/requests").await.as_array().unwrap().clone()
    }

    /// The inside of the one file of that name.
    pub(crate) async fn file(&self, name: &str) -> Option<Value> {
        let files = self.get("/inspect/files").await;
        // Where files are known by ids, the name stands beside.
        files.as_array().unwrap().iter().find(|file| file["key"] == name || file["name"] == name).cloned()
    }
}
