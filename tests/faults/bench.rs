//! A practice lab, a data folder and an engine, in this process.

use labferry_connector_nrp::Nrp;
use labferry_engine::{Connections, Engine, Until};
use labferry_model::{
    AccountName, ClashPolicy, Clock, Direction, Limits, Metadata, Problem, Secret, Secrets, ShapeChoice,
    State, Timestamp, TransferId, VerifyChoice, transfer::NewTransfer,
};
use labferry_provider::{ConnectRequest, Provider, SecretKeeper, Service};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions, Storage};
use labferry_store::{DataFolder, Store};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// S3's floor for parts, and so the smallest the repository takes.
pub(crate) const PART: usize = 5 << 20;

pub(crate) struct RealClock(pub(crate) Instant);

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Secrets that only the test keeps.
pub(crate) struct Kept(pub(crate) Secrets);

impl Kept {
    pub(crate) fn of(service: &LabService) -> Self {
        let secret = |(name, text): (&String, &String)| (name.clone(), Secret::new(text.clone()));
        Self(service.secrets.iter().map(secret).collect())
    }
}

#[async_trait::async_trait]
impl SecretKeeper for Kept {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(self.0.clone())
    }

    async fn write(&self, _: Secrets) -> Result<(), Problem> {
        Ok(())
    }
}

/// The connector of the one account there is.
pub(crate) struct One(pub(crate) Arc<dyn Provider>);

#[async_trait::async_trait]
impl Connections for One {
    async fn provider(&self, _: &AccountName) -> Result<Arc<dyn Provider>, Problem> {
        Ok(self.0.clone())
    }
}

/// How a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// One request.
    Whole,
    /// Parts through the service.
    Parts,
    /// Parts to a storage host, by signed links.
    SignedParts,
}

pub(crate) const WAYS: [Way; 3] = [Way::Whole, Way::Parts, Way::SignedParts];

pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    provider: Arc<dyn Provider>,
    clock: Arc<RealClock>,
    lab: Option<Sandbox>,
    control: String,
    pub(crate) draft: String,
    http: reqwest::Client,
}

impl Bench {
    /// A lab whose service takes files that way.
    pub(crate) async fn new(way: Way) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("labferry-faults-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut options = SandboxOptions::new(folder.join("lab"));
        options.seed = false;
        options.switches.storage = if way == Way::SignedParts { Storage::Signed } else { Storage::Api };
        options.switches.files_per_record = 100_000;
        let lab = Sandbox::start(options).await.unwrap();
        let service = lab.description().services[0].clone();
        let clock = Arc::new(RealClock(Instant::now()));
        let limits = Limits {
            part_size: PART as u64,
            adaptive: false,
            tries: 4,
            backoff_first: Duration::from_millis(2),
            backoff_most: Duration::from_millis(10),
            retry_after_most: Duration::from_millis(20),
            stall: Duration::from_secs(2),
            item_pause_first: Duration::from_millis(10),
            item_pause_most: Duration::from_millis(10),
            digest_patience: Duration::from_secs(2),
            disk_reserve: 0,
            ..Limits::default()
        };
        let request = ConnectRequest {
            url: service.url.clone(),
            settings: BTreeMap::new(),
            secrets: Arc::new(Kept::of(&service)),
            clock: clock.clone(),
            stall: limits.stall,
            connect: limits.connect,
        };
        let provider = Nrp.connect(request).unwrap();
        let title = json!({ "title": "Faults" });
        let draft = provider.create("", title.as_object().unwrap()).await.unwrap().path;
        let store = Store::open(&DataFolder::open(&folder.join("data")).unwrap()).await.unwrap();
        let control = lab.description().control_url.clone();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { folder, store, limits, provider, clock, lab: Some(lab), control, draft, http }
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) async fn add(
        &self,
        direction: Direction,
        name: &str,
        way: Way,
        verify: VerifyChoice,
    ) -> TransferId {
        let new = NewTransfer {
            direction,
            account: "lab".parse().unwrap(),
            place: self.draft.clone(),
            name: name.into(),
            local: self.folder.join(if direction == Direction::Upload {
                name.into()
            } else {
                format!("got-{name}")
            }),
            size: None,
            on_clash: ClashPolicy::Ask,
            shape: if way == Way::Whole { ShapeChoice::Whole } else { ShapeChoice::Parts },
            verify,
            metadata: Metadata::new(),
        };
        self.store.add_transfers(vec![new], self.clock.now()).await.unwrap()[0]
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::new(
            self.store.clone(),
            Arc::new(One(self.provider.clone())),
            self.clock.clone(),
            self.limits.clone(),
        )
    }

    pub(crate) async fn state(&self, id: TransferId) -> State {
        self.store.transfer(id).await.unwrap().unwrap().state
    }

    /// Works until the transfer rests.
    pub(crate) async fn settle(&self, id: TransferId) -> State {
        let engine = self.engine();
        engine.recover().await.unwrap();
        engine.run(Until::Settled(vec![id])).await.unwrap();
        self.state(id).await
    }

    pub(crate) async fn faults(&self, rules: Value) {
        let url = format!("{}/faults", self.control);
        let answer = self.http.post(url).body(rules.to_string()).header("content-type", "application/json");
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub(crate) async fn clear_faults(&self) {
        self.http
            .delete(format!("{}/faults", self.control))
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
    }

    /// What the service has stored under that name.
    pub(crate) async fn stored(&self, name: &str) -> Option<Vec<u8>> {
        let url = format!("{}/inspect/file/{}/{name}/content", self.control, self.draft);
        let answer = self.http.get(url).send().await.unwrap();
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return None;
        }
        Some(answer.error_for_status().unwrap().bytes().await.unwrap().to_vec())
    }

    /// Green means that the service holds these bytes.
    pub(crate) async fn judge(&self, id: TransferId, name: &str, content: &[u8], what: &str) {
        if self.state(id).await.is_green() {
            assert!(
                self.stored(name).await.as_deref() == Some(content),
                "{what}: green, and not the same bytes"
            );
        }
    }

    /// Once nothing goes wrong any more the file must arrive, with a person's "retry" where it asked for one.
    pub(crate) async fn must_arrive(&self, id: TransferId, name: &str, content: &[u8], what: &str) {
        self.clear_faults().await;
        for _ in 0..5 {
            match self.settle(id).await {
                state if state.is_green() => break,
                state if state.is_settled() || matches!(state, State::Waiting { .. }) => {
                    self.engine().ask(id, labferry_engine::Ask::Retry).await.unwrap();
                }
                state => panic!("{what}: {state:?}"),
            }
        }
        let state = self.state(id).await;
        assert!(state.is_green(), "{what}: {state:?}");
        self.judge(id, name, content, what).await;
    }

    pub(crate) async fn stop(mut self) {
        if let Some(lab) = self.lab.take() {
            lab.stop().await;
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Content in which no two stretches are alike, by seed.
pub(crate) fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64, Marsaglia 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
