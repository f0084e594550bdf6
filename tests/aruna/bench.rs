//! A practice lab, an app with an account of its Aruna service, and the connector by itself.

use async_trait::async_trait;
use labferry_app::{App, AppOptions, SystemClock};
use labferry_connector_aruna::Aruna;
use labferry_model::{Entry, Problem, Secret, Secrets};
use labferry_provider::{ActionResult, ConnectRequest, Provider, ProviderResult, SecretKeeper, Service};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;

struct Kept(Secrets);

#[async_trait]
impl SecretKeeper for Kept {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(self.0.clone())
    }

    async fn write(&self, _: Secrets) -> Result<(), Problem> {
        Ok(())
    }
}

pub(crate) struct Bench {
    pub(crate) app: App,
    pub(crate) lab: Sandbox,
    pub(crate) folder: TempDir,
    http: reqwest::Client,
}

impl Bench {
    /// With a seeded lab and an account named `aruna`.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, with a lab that is started otherwise.
    pub(crate) async fn with(change: impl FnOnce(&mut SandboxOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut lab = SandboxOptions::new(folder.path().join("lab"));
        change(&mut lab);
        let lab = Sandbox::start(lab).await.unwrap();
        let options =
            AppOptions { vault_in_memory: true, ..AppOptions::new(folder.path().join("data").as_path()) };
        let app = App::open(options).await.unwrap();
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let bench = Self { app, lab, folder, http };
        let service = bench.service();
        let account =
            json!({ "service": "aruna", "name": "aruna", "url": service.url, "secrets": service.secrets });
        bench.call("accounts.add", account).await;
        bench
    }

    pub(crate) fn service(&self) -> LabService {
        let services = &self.lab.description().services;
        services.iter().find(|service| service.service == "aruna").unwrap().clone()
    }

    /// A connector of its own, which remembers nothing.
    pub(crate) fn connect(&self) -> Arc<dyn Provider> {
        self.connect_with(&self.service().secrets["token"])
    }

    pub(crate) fn connect_with(&self, token: &str) -> Arc<dyn Provider> {
        let request = ConnectRequest {
            url: self.service().url,
            settings: BTreeMap::new(),
            secrets: Arc::new(Kept(Secrets::from([("token".to_owned(), Secret::new(token))]))),
            clock: Arc::new(SystemClock::default()),
            stall: Duration::from_secs(20),
            connect: Duration::from_secs(10),
        };
        Aruna.connect(request).unwrap()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("work").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) async fn call(&self, command: &str, request: Value) -> Value {
        match self.app.call(command, request.clone()).await {
            Ok(answer) => answer,
            Err(problem) => panic!("{command} {request}: {problem:?}"),
        }
    }

    /// Queues transfers, runs them to their end and gives their rows.
    pub(crate) async fn run(&self, command: &str, request: Value) -> Vec<Value> {
        let queued = self.call(command, request).await;
        let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
        assert!(!ids.is_empty(), "{queued}");
        self.app.run_until_settled(&ids).await.unwrap();
        let mut rows = Vec::new();
        for id in ids {
            rows.push(self.call("transfers.show", json!({ "id": id })).await["row"].clone());
        }
        rows
    }

    pub(crate) async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.lab.description().control_url);
        let request = match body {
            Some(body) => self.http.post(url).json(&body),
            None => self.http.get(url),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path} {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn switch(&self, switches: Value) {
        self.control("/switches?service=aruna", Some(switches)).await;
    }

    pub(crate) async fn fault(&self, matching: Value, times: u64, action: Value) {
        self.control("/faults", Some(json!([{ "match": matching, "times": times, "do": action }]))).await;
    }

    /// The inside of a file, by its place.
    pub(crate) async fn inside(&self, place: &str, key: &str) -> Option<Value> {
        let files = self.control("/inspect/files", None).await;
        let is_it = |file: &&Value| {
            file["service"] == "aruna"
                && file["record"] == place
                && file["key"] == key
                && file["status"] == "completed"
        };
        files.as_array().unwrap().iter().filter(is_it).max_by_key(|file| file["revision"].as_i64()).cloned()
    }

    /// Requests of one kind that the Aruna service saw.
    pub(crate) async fn requests(&self, method: &str, path_holds: &str) -> Vec<Value> {
        let all = self.control("/inspect/requests", None).await;
        let is_it = |request: &&Value| {
            request["service"] == "aruna"
                && request["method"] == method
                && request["path"].as_str().unwrap().contains(path_holds)
        };
        all.as_array().unwrap().iter().filter(is_it).cloned().collect()
    }
}

/// A field map of an action.
pub(crate) async fn act(
    provider: &dyn Provider,
    path: &str,
    name: &str,
    fields: &[(&str, &str)],
) -> ProviderResult<ActionResult> {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    provider.run_action(path, name, &fields).await
}

pub(crate) fn metadata(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) async fn names(provider: &dyn Provider, path: &str, query: Option<&str>) -> Vec<String> {
    let request = labferry_provider::ListRequest {
        path: path.into(),
        query: query.map(str::to_owned),
        limit: 100,
        ..Default::default()
    };
    let page = provider.list(&request).await.unwrap();
    page.entries
        .into_iter()
        .map(|entry| match entry {
            Entry::File { file } => file.name,
            Entry::Container { container } => container.path,
        })
        .collect()
}

/// Bytes that repeat late enough for a swapped part to be noticed.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
