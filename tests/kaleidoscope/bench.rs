//! A lab, an account of its Kaleidoscope, and the secrets of that account under the test's eyes.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_app::SystemClock;
use labferry_connector_kaleidoscope::Kaleidoscope;
use labferry_model::{Metadata, PartPlan, PartReceipt, Problem, ProblemCode, RemoteFile, Secret, Secrets};
use labferry_provider::{
    ConnectRequest, PartBody, Provider, ProviderResult, SecretKeeper, Service, ShapeWish, UploadRequest,
    UploadSession,
};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

pub(crate) struct Bench {
    pub(crate) service: LabService,
    pub(crate) vault: Arc<TestVault>,
    sandbox: Sandbox,
    _folder: TempDir,
    http: reqwest::Client,
}

/// Secrets in memory; writing can be made to fail.
pub(crate) struct TestVault {
    secrets: Mutex<Secrets>,
    failures: AtomicU32,
    writes: AtomicU32,
}

impl TestVault {
    pub(crate) fn new(secrets: &BTreeMap<String, String>) -> Arc<Self> {
        let secrets = secrets.iter().map(|(name, text)| (name.clone(), Secret::new(text))).collect();
        Arc::new(Self {
            secrets: Mutex::new(secrets),
            failures: AtomicU32::new(0),
            writes: AtomicU32::new(0),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.secrets.lock().unwrap().get(name).map(|secret| secret.reveal().to_owned())
    }

    pub(crate) fn set(&self, name: &str, text: &str) {
        self.secrets.lock().unwrap().insert(name.to_owned(), Secret::new(text));
    }

    /// The next writes fail.
    pub(crate) fn fail(&self, times: u32) {
        self.failures.store(times, Ordering::Relaxed);
    }

    pub(crate) fn writes(&self) -> u32 {
        self.writes.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SecretKeeper for TestVault {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(self.secrets.lock().unwrap().clone())
    }

    async fn write(&self, secrets: Secrets) -> Result<(), Problem> {
        let fails = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fails).is_ok() {
            return Err(Problem::new(ProblemCode::VaultFailed).because("the keychain is locked"));
        }
        *self.secrets.lock().unwrap() = secrets;
        self.writes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Bench {
    /// An empty lab.
    pub(crate) async fn start() -> Self {
        Self::with(false).await
    }

    /// A lab with something to look at.
    pub(crate) async fn seeded() -> Self {
        Self::with(true).await
    }

    async fn with(seed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SandboxOptions { seed, ..SandboxOptions::new(folder.path()) };
        let sandbox = Sandbox::start(options).await.unwrap();
        let services = &sandbox.description().services;
        let service = services.iter().find(|service| service.service == "kaleidoscope").unwrap().clone();
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { vault: TestVault::new(&service.secrets), service, sandbox, _folder: folder, http }
    }

    /// A connector that shares the bench's vault, as another process would.
    pub(crate) fn connect(&self) -> Arc<dyn Provider> {
        self.connect_with(&self.service.url, Arc::clone(&self.vault) as _)
    }

    pub(crate) fn connect_with(&self, url: &str, secrets: Arc<dyn SecretKeeper>) -> Arc<dyn Provider> {
        let request = ConnectRequest {
            url: url.to_owned(),
            settings: self.service.settings.clone(),
            secrets,
            clock: Arc::new(SystemClock::default()),
            stall: Duration::from_secs(20),
            connect: Duration::from_secs(10),
        };
        Kaleidoscope.connect(request).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.description().control_url);
        let answer = self.http.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) {
        let url = format!("{}{path}", self.sandbox.description().control_url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    pub(crate) async fn switch(&self, changes: Value) {
        self.post("/switches?service=kaleidoscope", changes).await;
    }

    pub(crate) async fn fault(&self, matching: Value, action: Value) {
        self.fault_times(1, matching, action).await;
    }

    pub(crate) async fn fault_times(&self, times: u32, matching: Value, action: Value) {
        self.post("/faults", json!([{ "match": matching, "times": times, "do": action }])).await;
    }

    pub(crate) async fn pass_time(&self, seconds: i64) {
        self.post("/clock/advance", json!({ "seconds": seconds })).await;
    }

    /// Requests of that method whose path ends so.
    pub(crate) async fn requests(&self, method: &str, ending: &str) -> Vec<Value> {
        let all = self.get("/inspect/requests").await;
        let is_meant =
            |seen: &&Value| seen["method"] == method && seen["path"].as_str().unwrap().ends_with(ending);
        all.as_array().unwrap().iter().filter(is_meant).cloned().collect()
    }

    /// Families of tokens given out, and how many were revoked.
    pub(crate) async fn families(&self) -> (u64, u64) {
        let users = self.get("/inspect/users?service=kaleidoscope").await;
        (users[0]["families"].as_u64().unwrap(), users[0]["revoked"].as_u64().unwrap())
    }

    /// The stored files of that name.
    pub(crate) async fn stored(&self, name: &str) -> Vec<Value> {
        let files = self.get("/inspect/files").await;
        files.as_array().unwrap().iter().filter(|file| file["key"] == name).cloned().collect()
    }

    /// A new record in a new activity, as a path.
    pub(crate) async fn record(&self, provider: &dyn Provider) -> String {
        let activity = provider.create("", &fields(json!({ "title": "An experiment" }))).await.unwrap();
        let keys = fields(json!({ "Sample ID": format!("S-{:08x}", fastrand::u32(..)) }));
        provider.create(&activity.path, &keys).await.unwrap().path
    }

    pub(crate) async fn stop(self) {
        self.sandbox.stop().await;
    }
}

pub(crate) fn fields(value: Value) -> Metadata {
    value.as_object().unwrap().clone()
}

/// Bytes that differ from place to place.
pub(crate) fn bytes(seed: u64, length: usize) -> Bytes {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

pub(crate) fn request(place: &str, name: &str, size: usize) -> UploadRequest {
    UploadRequest {
        container: place.into(),
        name: name.into(),
        size: size as u64,
        shape: ShapeWish::whole(size as u64),
        media_type: None,
        metadata: Metadata::new(),
    }
}

/// The whole file as its one part.
pub(crate) async fn send(
    provider: &dyn Provider,
    session: &UploadSession,
    content: &Bytes,
) -> ProviderResult<PartReceipt> {
    let pieces: Vec<_> = content.chunks(70_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let body = PartBody { length: content.len() as u64, md5: None, stream: stream::iter(pieces).boxed() };
    let part = PartPlan { number: 1, offset: 0, length: content.len() as u64 };
    provider.send_part(session, part, body).await
}

/// Begin, send, finish.
pub(crate) async fn put(provider: &dyn Provider, place: &str, name: &str, content: &Bytes) -> RemoteFile {
    let session = provider.begin_upload(&request(place, name, content.len())).await.unwrap();
    let receipt = send(provider, &session, content).await.unwrap();
    provider.finish_upload(&session, &[receipt]).await.unwrap()
}

/// A file's bytes.
pub(crate) async fn fetch(provider: &dyn Provider, path: &str) -> Bytes {
    let download = provider.open_download(path, None, None).await.unwrap();
    assert_eq!(download.offset, 0);
    let pieces: Vec<Bytes> = download.stream.try_collect().await.unwrap();
    pieces.concat().into()
}
