//! `nrp-cmd` with a configuration, a working folder and a home of its own.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use labferry_sandbox::{LabService, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

/// A command of the client that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(180);

/// The client's path, or nothing with a word about it.
pub(crate) fn program() -> Option<PathBuf> {
    static SAID: Once = Once::new();
    installed("LABFERRY_NRP_CMD", "nrp-cmd", "3.12", &SAID)
}

/// The path that a variable tells, or nothing with a word about the client that it should lead to.
pub(crate) fn installed(variable: &str, client: &str, python: &str, said: &Once) -> Option<PathBuf> {
    let why = match std::env::var_os(variable).map(PathBuf::from) {
        Some(path) if path.exists() => return Some(path),
        Some(path) => format!("there is no {}", path.display()),
        None => format!("{variable} is not set"),
    };
    // Once, and straight to the handle: what a passing test prints is not shown.
    said.call_once(|| {
        let text = format!(
            "\ncontract: SKIPPED, the official client {client} is not installed ({why}); '.ci/setup test' installs it \
             where Python is {python} or newer\n"
        );
        let _ = std::io::stderr().write_all(text.as_bytes());
    });
    None
}

/// One of the lab's services.
pub(crate) fn service<'a>(sandbox: &'a Sandbox, key: &str) -> &'a LabService {
    let mut services = sandbox.description().services.iter();
    services.find(|service| service.service == key).expect("the lab speaks the service")
}

pub(crate) struct OfficialClient {
    program: PathBuf,
    folder: TempDir,
}

impl OfficialClient {
    /// Signed in to the service.
    pub(crate) fn new(program: PathBuf, folder: TempDir, service: &LabService) -> Self {
        // Retries at once: the client waits its figure times the number of the attempt.
        let configuration = json!({
            "repositories": [{
                "alias": "lab",
                "url": service.url,
                "token": service.secrets["token"],
                "verify_tls": true,
                "retry_count": 3,
                "retry_after_seconds": 0,
            }],
            "default_alias": "lab",
            "per_directory_variables": true,
        });
        for name in ["sources", "downloads", "home"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("client.json"), configuration.to_string()).unwrap();
        Self { program, folder }
    }

    /// Where a file to send lies.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("sources").join(name)
    }

    /// Where the client puts what it downloads.
    pub(crate) fn downloaded(&self, name: &str) -> PathBuf {
        self.folder.path().join("downloads").join(name)
    }

    /// Runs a command and reads the JSON it writes.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Value {
        let output = self.folder.path().join("answer.json");
        let _ = std::fs::remove_file(&output);
        let mut all = arguments.to_vec();
        all.extend(["--output-format", "json", "--output", output.to_str().unwrap()]);
        self.tell(&all).await;
        let text =
            std::fs::read(&output).unwrap_or_else(|error| panic!("{arguments:?} wrote nothing: {error}"));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// Runs a command.
    pub(crate) async fn tell(&self, arguments: &[&str]) {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.folder.path().join("downloads"))
            .env("NRP_CMD_CONFIG_PATH", self.folder.path().join("client.json"))
            .env("HOME", self.folder.path().join("home"))
            .kill_on_drop(true);
        for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        let output = tokio::time::timeout(LONGEST, command.output())
            .await
            .unwrap_or_else(|_| panic!("{arguments:?} did not end within {LONGEST:?}"))
            .expect("the client starts");
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?} failed: {said}");
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks the lab's control door.
pub(crate) async fn control(sandbox: &Sandbox, method: reqwest::Method, path: &str, body: Value) -> Value {
    // The door speaks plain HTTP, but a client will not be built without; a second installing is refused and no matter.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}{path}", sandbox.description().control_url);
    let request = reqwest::Client::new().request(method, url);
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = request.send().await.expect("the control door answers");
    assert!(response.status().is_success(), "{path}: {}", response.status());
    serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null)
}
