//! A lab in this process, a user whose `labferry` is killed, and the moments at which that happens.

use crate::{
    bench::{Ran, User, ended},
    shapes::{SHAPES, Shape},
};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longest wait for a request that the child has yet to make.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a request is held while its sender is killed.
const HELD_MS: u64 = 3_000;

pub(crate) struct Ground {
    pub(crate) user: User,
    runtime: Runtime,
    lab: Option<Sandbox>,
    http: reqwest::Client,
    /// Requests of the last undisturbed run of a way.
    requests: HashMap<(&'static str, &'static str), u64>,
    /// The file of each way that is fetched, its place and its bytes.
    remote: HashMap<&'static str, (String, Vec<u8>)>,
    _folder: TempDir,
}

impl Ground {
    /// With an account for every way a service takes files.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = SandboxOptions::new(folder.path().join("lab"));
        let lab = runtime.block_on(Sandbox::start(options)).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let ground = Self {
            user: User::new(),
            runtime,
            lab: Some(lab),
            http,
            requests: HashMap::new(),
            remote: HashMap::new(),
            _folder: folder,
        };
        for shape in SHAPES {
            let LabService { url, secrets, mut settings, .. } = ground.service(shape);
            settings.extend(shape.setting().map(|(name, value)| (name.to_owned(), value.to_owned())));
            let settings: Vec<String> =
                settings.iter().map(|(name, value)| format!("--set={name}={value}")).collect();
            let account = shape.account();
            let (name, secret) = secrets.first_key_value().unwrap();
            let variable = format!("{name}=SECRET");
            let mut arguments =
                vec!["account", "add", shape.service(), &account, "--url", &url, "--secret-env", &variable];
            arguments.extend(settings.iter().map(String::as_str));
            let mut command = ground.user.command(&arguments);
            Ran::of(&command.env("SECRET", secret).output().unwrap()).well();
        }
        ground
    }

    fn service(&self, shape: Shape) -> LabService {
        let services = &self.lab.as_ref().unwrap().description().services;
        services.iter().find(|service| service.service == shape.service()).unwrap().clone()
    }

    /// Where files of that way go, for the command line.
    pub(crate) fn place(&self, shape: Shape) -> String {
        format!("{}:{}", shape.account(), self.service(shape).example_place.unwrap())
    }

    /// What is fetched of that way, where something was sent already.
    pub(crate) fn content(&self, shape: Shape) -> Option<Vec<u8>> {
        self.remote.get(shape.name()).map(|(_, content)| content.clone())
    }

    /// The place of the file that is fetched, which is sent once for all rounds.
    pub(crate) fn remote(&mut self, shape: Shape, content: &[u8]) -> String {
        if let Some((place, _)) = self.remote.get(shape.name()) {
            return place.clone();
        }
        let name = format!("{}.bin", shape.account());
        let local = self.user.write(&name, content);
        let place = self.place(shape);
        self.user.run(&["put", &name, &place]).well();
        std::fs::remove_file(&local).unwrap();
        self.requests();
        let files = self.stored(shape, &name);
        let key = ["file_id", "key"].iter().find_map(|field| files[0][field].as_str()).unwrap();
        let remote = format!("{place}/{key}");
        self.remote.insert(shape.name(), (remote.clone(), content.to_vec()));
        remote
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (bool, Vec<u8>) {
        let url = format!("{}{path}", self.lab.as_ref().unwrap().description().control_url);
        self.runtime.block_on(async {
            let mut request = self.http.request(method.parse().unwrap(), url);
            if let Some(body) = body {
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            (answer.status().is_success(), answer.bytes().await.unwrap().to_vec())
        })
    }

    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        serde_json::from_slice(&self.ask("GET", path, None).1).unwrap()
    }

    pub(crate) fn switch(&self, shape: Shape) {
        let path = format!("/switches?service={}", shape.service());
        assert!(self.ask("POST", &path, Some(shape.switches())).0);
    }

    /// What the services were asked since the last time.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let requests = self.list("/inspect/requests");
        self.ask("DELETE", "/inspect/requests", None);
        requests
    }

    /// Everything of that name on the service.
    pub(crate) fn stored(&self, shape: Shape, name: &str) -> Vec<Value> {
        let mut files = self.list("/inspect/files");
        files.retain(|file| {
            file["service"] == shape.service() && (file["key"] == name || file["name"] == name)
        });
        files
    }

    /// The stored bytes of one of these.
    pub(crate) fn bytes(&self, file: &Value) -> Option<Vec<u8>> {
        let text = |field: &str| file[field].as_str().unwrap_or_default().replace('/', "%2F");
        let key = if file["file_id"].is_string() { text("file_id") } else { text("key") };
        let path = format!("/inspect/file/{}/{key}/content", text("record"));
        let (found, bytes) = self.ask("GET", &path, None);
        found.then_some(bytes)
    }

    /// Runs to the end and remembers how many requests that takes.
    pub(crate) fn run(&mut self, shape: Shape, kind: &'static str, arguments: &[&str]) -> (Ran, Vec<Value>) {
        let ran = self.user.run(arguments);
        let requests = self.requests();
        let usual = self.requests.entry((shape.name(), kind)).or_default();
        *usual = (*usual).max(requests.len() as u64);
        (ran, requests)
    }

    /// Begins the command and kills it −9: when the service sees its n-th request, before or after the service does its
    /// work, or some time after the first one. Gives what the services were asked; none when it was faster than the kill.
    pub(crate) fn kill(
        &self,
        shape: Shape,
        kind: &'static str,
        arguments: &[&str],
        random: &mut fastrand::Rng,
    ) -> (Option<&'static str>, Vec<Value>) {
        let usual = self.requests.get(&(shape.name(), kind)).copied().unwrap_or(6).max(2);
        let nth = random.u64(1..=usual);
        let (moment, nth, action, later) = match random.u8(0..4) {
            0 => ("before a request was answered", nth, json!({ "delay_ms": HELD_MS }), 0),
            1 => ("after a request was worked on, before its answer", nth, json!({ "lose_answer": true }), 2),
            _ => ("at a random instant", 1, json!({ "delay_ms": 1 }), random.u64(0..120)),
        };
        let matching = json!({ "service": shape.service(), "nth": nth });
        assert!(self.ask("POST", "/faults", Some(json!([{ "match": matching, "do": action }]))).0);
        let mut running = self.user.begin(arguments);
        let begun = Instant::now();
        let struck = loop {
            if self.list("/faults")[0]["struck"] != 0 {
                break true;
            }
            if running.0.try_wait().unwrap().is_some() {
                break false;
            }
            assert!(begun.elapsed() < PATIENCE, "{}: {arguments:?} asks nothing", shape.name());
            sleep(Duration::from_millis(3));
        };
        if struck {
            sleep(Duration::from_millis(later));
        }
        let was_alive = running.0.try_wait().unwrap().is_none();
        let _ = running.0.kill();
        if !was_alive {
            // A fault that was no kill: what the command said is for the next run to mend.
            drop(ended(running));
        }
        self.ask("DELETE", "/faults", None);
        (was_alive.then_some(moment), self.requests())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(lab) = self.lab.take() {
            self.runtime.block_on(lab.stop());
        }
    }
}
