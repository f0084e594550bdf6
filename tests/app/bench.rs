//! A data folder, a lab beside it, and calls by name.

use labferry_app::{App, AppOptions, Own, Secret};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A folder that is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("labferry-app-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Every file below it.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An app with one account of a lab that lives in a folder of its own.
pub(crate) struct Bench {
    pub(crate) app: App,
    pub(crate) lab: Sandbox,
    pub(crate) data: Folder,
    pub(crate) work: Folder,
    world: Folder,
}

pub(crate) const PASSPHRASE: &str = "a passphrase for tests";

/// Opens the data folder of a process that has just vanished.
pub(crate) async fn open_after(data: &Folder) -> App {
    loop {
        // Its lock is free once the last of its tasks is dropped.
        let app = App::open(options(data)).await.unwrap();
        if app.owns() {
            return app;
        }
        app.stop().await;
        tokio::task::yield_now().await;
    }
}

pub(crate) fn options(data: &Folder) -> AppOptions {
    AppOptions { vault_in_memory: true, ..AppOptions::new(data.path()) }
}

/// Options with an encrypted file that is there already, so that no keychain of this computer is touched.
pub(crate) async fn with_file(data: &Folder) -> AppOptions {
    labferry_vault::Vault::encrypted_file(data.path(), Secret::new(PASSPHRASE)).await.unwrap();
    AppOptions { passphrase: Some(Secret::new(PASSPHRASE)), own: Own::IfFree, ..AppOptions::new(data.path()) }
}

impl Bench {
    /// With an account named `nrp`.
    pub(crate) async fn new() -> Self {
        let bench = Self::without_account().await;
        bench.call("accounts.add", bench.account("nrp")).await;
        bench
    }

    /// The same with a vault that outlives the process.
    pub(crate) async fn lasting() -> Self {
        let (data, work, world) = (Folder::new(), Folder::new(), Folder::new());
        let lab = Sandbox::start(SandboxOptions::new(world.path())).await.unwrap();
        let app = App::open(with_file(&data).await).await.unwrap();
        let bench = Self { app, lab, data, work, world };
        bench.call("accounts.add", bench.account("nrp")).await;
        bench
    }

    /// One that is lasting, in another process as it were.
    #[allow(dead_code, reason = "the suite of watched folders needs it")]
    pub(crate) async fn reopened(mut self) -> Self {
        self.app.stop().await;
        self.app = App::open(with_file(&self.data).await).await.unwrap();
        self
    }

    pub(crate) async fn without_account() -> Self {
        let (data, work, world) = (Folder::new(), Folder::new(), Folder::new());
        let lab = Sandbox::start(SandboxOptions::new(world.path())).await.unwrap();
        let app = App::open(options(&data)).await.unwrap();
        Self { app, lab, data, work, world }
    }

    /// The folder of the lab's world.
    pub(crate) fn world(&self) -> PathBuf {
        self.world.path().to_path_buf()
    }

    /// The request that adds the lab's account under that name.
    pub(crate) fn account(&self, name: &str) -> Value {
        self.account_of("nrp", name)
    }

    /// The same for another service of the lab.
    pub(crate) fn account_of(&self, key: &str, name: &str) -> Value {
        let services = &self.lab.description().services;
        let service = services.iter().find(|service| service.service == key).unwrap();
        json!({
            "service": service.service, "name": name, "url": service.url, "secrets": service.secrets,
            "settings": service.settings,
        })
    }

    /// The lab's repository.
    pub(crate) fn service(&self) -> &LabService {
        self.lab.description().services.iter().find(|service| service.service == "nrp").unwrap()
    }

    /// The lab's practice token.
    pub(crate) fn token(&self) -> String {
        self.service().secrets["token"].clone()
    }

    pub(crate) async fn call(&self, command: &str, request: Value) -> Value {
        match self.app.call(command, request.clone()).await {
            Ok(answer) => answer,
            Err(problem) => panic!("{command} {request}: {problem:?}"),
        }
    }

    /// The problem a command answers with.
    pub(crate) async fn refusal(
        &self,
        command: &str,
        request: Value,
    ) -> labferry_app::wire::answers::ProblemWords {
        match self.app.call(command, request.clone()).await {
            Ok(answer) => panic!("{command} {request} answered {answer}"),
            Err(problem) => problem,
        }
    }

    /// A fresh draft of ours.
    pub(crate) async fn draft(&self) -> String {
        let request = json!({ "account": "nrp", "path": "", "metadata": { "title": "A test record" } });
        self.call("records.create", request).await["path"].as_str().unwrap().to_owned()
    }

    /// Queues uploads and gives the whole answer.
    pub(crate) async fn put(&self, sources: &[&Path], place: &str) -> Value {
        let request = json!({ "sources": sources, "account": "nrp", "place": place });
        self.call("uploads.add", request).await
    }

    /// Runs until these transfers are at rest, and gives their rows.
    pub(crate) async fn settle(&self, queued: &Value) -> Vec<Value> {
        let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
        self.app.run_until_settled(&ids).await.unwrap();
        let mut rows = Vec::new();
        for id in ids {
            rows.push(self.call("transfers.show", json!({ "id": id })).await["row"].clone());
        }
        rows
    }
}

/// A plain client, for what people do beside the app.
pub(crate) fn client() -> reqwest::Client {
    // The connectors' transport does this for itself; a client built here has to ask for it.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
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
