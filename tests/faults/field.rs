//! One lab with all five services, one data folder, and a fresh engine and connector for every start.

use crate::{
    bench::{Kept, One, RealClock},
    shapes::Shape,
    small_parts::SmallParts,
};
use labferry_connector_airalogy::Airalogy;
use labferry_connector_aruna::Aruna;
use labferry_connector_aymara::Aymara;
use labferry_connector_kaleidoscope::Kaleidoscope;
use labferry_connector_nrp::Nrp;
use labferry_engine::{Engine, Until};
use labferry_model::{
    ClashPolicy, Clock, Direction, Limits, Metadata, State, Timestamp, Transfer, TransferId, VerifyChoice,
    transfer::NewTransfer,
};
use labferry_provider::{ConnectRequest, Provider, Service};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use labferry_store::{DataFolder, Store};
use serde_json::{Value, json};
use std::{
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Bytes of a part.
pub(crate) const PART: u64 = 4_000;
/// How many times as fast the engine's clock runs as the wall's.
const SPEED: u32 = 200;

/// A clock that runs faster, so that pauses of seconds cost milliseconds and still pass in order.
pub(crate) struct FastClock(Instant);

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed() * SPEED
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration / SPEED))
    }
}

pub(crate) struct Field {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    clock: Arc<FastClock>,
    lab: Sandbox,
    http: reqwest::Client,
}

fn connector(shape: Shape) -> Arc<dyn Service> {
    match shape.service() {
        "nrp" => Arc::new(Nrp),
        "airalogy" => Arc::new(Airalogy),
        "aymara" => Arc::new(Aymara),
        "aruna" => Arc::new(Aruna),
        _ => Arc::new(Kaleidoscope),
    }
}

impl Field {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lab = Sandbox::start(SandboxOptions::new(folder.path().join("lab"))).await.unwrap();
        let store = Store::open(&DataFolder::open(&folder.path().join("data")).unwrap()).await.unwrap();
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self { folder, store, clock: Arc::new(FastClock(Instant::now())), lab, http }
    }

    pub(crate) fn service(&self, shape: Shape) -> LabService {
        let services = &self.lab.description().services;
        services.iter().find(|service| service.service == shape.service()).unwrap().clone()
    }

    /// Where files of that way go.
    pub(crate) fn place(&self, shape: Shape) -> String {
        self.service(shape).example_place.unwrap()
    }

    /// A connector that remembers nothing, as a fresh process has it.
    fn connect(&self, shape: Shape) -> Arc<dyn Provider> {
        let service = self.service(shape);
        let mut settings = service.settings.clone();
        settings.extend(shape.setting().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let request = ConnectRequest {
            url: service.url.clone(),
            settings,
            secrets: Arc::new(Kept::of(&service)),
            // The lab signs its links by the wall's clock.
            clock: Arc::new(RealClock(Instant::now())),
            stall: Duration::from_secs(5),
            connect: Duration::from_secs(5),
        };
        Arc::new(SmallParts(connector(shape).connect(request).unwrap()))
    }

    pub(crate) fn engine(&self, shape: Shape) -> Engine {
        let limits = Limits {
            part_size: PART,
            backoff_first: Duration::from_millis(200),
            backoff_most: Duration::from_secs(2),
            item_pause_first: Duration::from_secs(1),
            item_pause_most: Duration::from_secs(2),
            disk_reserve: 0,
            ..Limits::default()
        };
        Engine::new(self.store.clone(), Arc::new(One(self.connect(shape))), self.clock.clone(), limits)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn add(
        &self,
        shape: Shape,
        direction: Direction,
        place: &str,
        name: &str,
        local: PathBuf,
        on_clash: ClashPolicy,
    ) -> TransferId {
        let new = NewTransfer {
            direction,
            account: "lab".parse().unwrap(),
            place: place.to_owned(),
            name: name.to_owned(),
            local,
            size: None,
            on_clash,
            shape: shape.choice(),
            verify: VerifyChoice::Auto,
            metadata: Metadata::new(),
        };
        self.store.add_transfers(vec![new], self.clock.now()).await.unwrap()[0]
    }

    pub(crate) async fn transfer(&self, id: TransferId) -> Transfer {
        self.store.transfer(id).await.unwrap().unwrap()
    }

    /// Works until the transfer rests.
    pub(crate) async fn settle(&self, shape: Shape, id: TransferId) -> State {
        let engine = self.engine(shape);
        engine.recover().await.unwrap();
        engine.run(Until::Settled(vec![id])).await.unwrap();
        self.transfer(id).await.state
    }

    /// Works and is stopped dead after so long, as a killed process is.
    pub(crate) async fn work_for(&self, shape: Shape, id: TransferId, time: Duration) {
        let engine = self.engine(shape);
        engine.recover().await.unwrap();
        let running = tokio::spawn(async move { engine.run(Until::Settled(vec![id])).await });
        tokio::time::sleep(time).await;
        running.abort();
        let _ = running.await;
    }

    async fn control(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Response {
        let url = format!("{}{path}", self.lab.description().control_url);
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) {
        let answer = self.control("POST", path, Some(body)).await;
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let text = self.control("GET", path, None).await.error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn switch(&self, shape: Shape) {
        self.post(&format!("/switches?service={}", shape.service()), shape.switches()).await;
    }

    pub(crate) async fn clear_faults(&self) {
        self.control("DELETE", "/faults", None).await.error_for_status().unwrap();
    }

    /// What the services were asked since it was asked for last.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        let requests = self.list("/inspect/requests").await;
        self.control("DELETE", "/inspect/requests", None).await.error_for_status().unwrap();
        requests
    }

    /// Whether a removal was answered with a success and not done, since the requests were asked for last.
    pub(crate) async fn lied_about_removal(&self) -> bool {
        let lied = |request: &Value| {
            let faults = request["faults"].as_array().unwrap();
            request["method"] == "DELETE" && faults.iter().any(|fault| fault["status"] == 200)
        };
        self.list("/inspect/requests").await.iter().any(lied)
    }

    /// Whether a complete object of that name is one that no session knows: its announcement got no answer, and as the objects
    /// of a path share its bytes (Aruna, whole) it got those that were sent for the next one. Damaged ones stay.
    pub(crate) async fn a_strangers_object(&self, shape: Shape, begin: &str) -> bool {
        let requests = self.list("/inspect/requests").await;
        let is_known = |id: &str| {
            let staging = format!("/object/{id}/staging/");
            requests.iter().any(|request| request["path"].as_str().unwrap().contains(&staging))
        };
        let files = self.stored(shape, begin).await;
        let mut ids = files.iter().filter(|file| file["status"] == "completed").map(|file| &file["object"]);
        ids.any(|id| id.as_str().is_some_and(|id| !is_known(id)))
    }

    /// Everything on the service whose name begins so.
    pub(crate) async fn stored(&self, shape: Shape, begin: &str) -> Vec<Value> {
        let mut files = self.list("/inspect/files").await;
        let begins = |name: &Value| name.as_str().is_some_and(|name| name.starts_with(begin));
        files.retain(|file| {
            file["service"] == shape.service() && (begins(&file["key"]) || begins(&file["name"]))
        });
        files
    }

    /// The stored bytes of one of these.
    pub(crate) async fn bytes(&self, file: &Value) -> Option<Vec<u8>> {
        let text = |field: &str| file[field].as_str().unwrap_or_default().replace('/', "%2F");
        let key = if file["file_id"].is_string() { text("file_id") } else { text("key") };
        let url = format!("/inspect/file/{}/{key}/content", text("record"));
        let answer = self.control("GET", &url, None).await;
        let found = answer.status().is_success();
        found.then_some(answer.bytes().await.unwrap().to_vec())
    }

    pub(crate) async fn stop(self) {
        self.store.close().await;
        self.lab.stop().await;
    }
}

/// What a fault of the lab's log is counted as; `None` when its offset lay behind the end of what passed.
pub(crate) fn kind_of(fault: &Value, request: &Value) -> Option<&'static str> {
    let is_answer = fault["side"] == "response";
    let passed = request[if is_answer { "bytes_sent" } else { "bytes_received" }].as_u64().unwrap();
    if let Some(offset) = fault["flip"].as_u64() {
        return (passed > offset).then_some(if is_answer {
            "flipped byte, answer"
        } else {
            "flipped byte, request"
        });
    }
    if let Some(offset) = fault["cut_after"].as_u64() {
        return (passed >= offset).then_some(if is_answer { "short answer" } else { "short request" });
    }
    if fault["wrong_digests"] == true {
        return (request["wrong_digests"].as_u64() > Some(0)).then_some("wrong digest");
    }
    if let Some(status) = fault["status"].as_u64() {
        return Some(if status < 400 { "a success that lies, or drops a part" } else { "status" });
    }
    if fault["lose_answer"] == true {
        return Some("lost answer");
    }
    Some(if fault["expire_links"] == true { "expired links" } else { "wait" })
}

fn one_of<T: Clone>(random: &mut fastrand::Rng, all: &[T]) -> T {
    all[random.usize(0..all.len())].clone()
}

/// A fault by chance, of requests of that way. The file has so many bytes.
pub(crate) fn random_rule(
    random: &mut fastrand::Rng,
    shape: Shape,
    direction: Direction,
    size: u64,
) -> Value {
    let side = if random.bool() { "request" } else { "response" };
    // Half of all offsets strike short bodies, too.
    let offset = if random.bool() { random.u64(0..200) } else { random.u64(0..size.max(1)) };
    let lies = [json!({}), json!("<html>Maintenance</html>"), json!(""), json!([]), json!(null)];
    let action = match random.u8(0..16) {
        0..=3 => json!({ "flip": offset, "side": side }),
        4..=5 => json!({ "cut_after": offset, "side": side }),
        6..=8 => json!({ "status": 200, "body": one_of(random, &lies) }),
        9..=10 => json!({ "lose_answer": true }),
        11 => json!({ "wrong_digests": true }),
        12 => {
            let status = one_of(random, &[408, 425, 429, 503]);
            json!({ "status": status, "headers": { "Retry-After": "1" } })
        }
        13 => json!({ "status": one_of(random, &[500, 502, 503, 504, 401, 403]) }),
        14 => json!({ "delay_ms": random.u64(1..10) }),
        _ => json!({ "expire_links": true }),
    };
    let mut matching = match (direction, random.u8(0..4)) {
        (Direction::Upload, 0..=1) => shape.sends(),
        (Direction::Download, 0..=1) => json!({ "method": "GET" }),
        (_, 2) => json!({ "door": one_of(random, &["service", "storage"]) }),
        _ => json!({ "method": one_of(random, &["GET", "POST", "PUT", "PATCH", "DELETE"]) }),
    };
    matching["service"] = shape.service().into();
    matching["nth"] = random.u32(1..4).into();
    json!({ "match": matching, "times": random.u32(1..5), "do": action })
}
