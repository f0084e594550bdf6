//! The built program, a practice lab it runs as a process of its own, and a user with a data folder.

use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// `labferry` as it is in the sources now. A build that is up to date costs a second.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        // This test is target/PROFILE/deps/NAME.
        let profile = test.parent().unwrap().parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", "labferry-cli", "--target-dir"]);
        build.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        // What cargo tells a test about its package would make build scripts run anew, ring's for one.
        for (name, _) in std::env::vars_os() {
            let told = name.to_string_lossy();
            if told.starts_with("CARGO_") && !matches!(&*told, "CARGO_HOME" | "CARGO_TARGET_DIR") {
                build.env_remove(&name);
            }
        }
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "labferry was not built");
        profile.join("labferry").with_extension(std::env::consts::EXE_EXTENSION)
    })
}

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A practice lab.
pub(crate) struct Lab {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) draft: Option<String>,
    control: String,
    process: Option<Running>,
    folder: PathBuf,
    _kept: Option<TempDir>,
}

impl Lab {
    /// A lab with records to look at.
    pub(crate) fn start() -> Self {
        let kept = TempDir::new().unwrap();
        let mut lab = Self::start_in(&kept.path().join("lab"));
        lab._kept = Some(kept);
        lab
    }

    /// A lab whose world is in that folder.
    pub(crate) fn start_in(folder: &Path) -> Self {
        let mut process = Command::new(program())
            .args(["sandbox", "--seed", "--data"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let process = Some(Running(process));
        let told: Value = serde_json::from_str(&line).expect("the lab tells its address");
        let service = &told["services"][0];
        Self {
            url: text(&service["url"]),
            token: text(&service["secrets"]["token"]),
            draft: service["example_place"].as_str().map(str::to_owned),
            control: text(&told["control_url"]),
            process,
            folder: folder.to_path_buf(),
            _kept: None,
        }
    }

    /// Kills the lab; its world stays.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same world and port.
    pub(crate) fn start_again(&mut self) {
        let kept = self._kept.take();
        let url = self.url.clone();
        *self = Self::start_in(&self.folder.clone());
        self._kept = kept;
        assert_eq!(self.url, url, "the lab takes its port again");
    }

    /// The control door's address.
    pub(crate) fn control(&self) -> &str {
        &self.control
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, Some(body))
    }

    /// Scripts faults.
    pub(crate) fn faults(&self, rules: &Value) {
        self.post("/faults", rules);
    }

    /// Lets everything go well again.
    pub(crate) fn clear_faults(&self) {
        self.ask("DELETE", "/faults", None);
    }

    /// What the lab holds under a name.
    pub(crate) fn file(&self, name: &str) -> Option<Value> {
        self.get("/inspect/files").as_array().unwrap().iter().find(|file| file["key"] == name).cloned()
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}{path}", self.control);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Fails where another test has done it, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
            let mut request = client.request(method.parse().unwrap(), url);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
            let text = answer.text().await.unwrap();
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
        })
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It must have ended with 0.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It must have ended with that code and said these words, in one line, with a next step.
    #[track_caller]
    pub(crate) fn complains(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let line = self.stderr.lines().find(|line| words.iter().all(|word| line.contains(word)));
        let line = line.unwrap_or_else(|| panic!("no line with {words:?} in {self:?}"));
        assert!(line.ends_with('.') && line.len() < 700, "no clear sentence: {line}");
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("Error {"), "{self:?}");
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Somebody with a data folder, a folder of files, and an account named `lab`.
pub(crate) struct User {
    pub(crate) folder: TempDir,
    data: PathBuf,
}

impl User {
    /// Without an account.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        Self { folder, data }
    }

    /// Signed in to that lab.
    pub(crate) fn of(lab: &Lab) -> Self {
        let user = Self::new();
        user.add_account("lab", &lab.url, &lab.token).well();
        user
    }

    /// Keeps the data folder elsewhere.
    pub(crate) fn with_data(mut self, data: &Path) -> Self {
        self.data = data.to_path_buf();
        self
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn add_account(&self, name: &str, url: &str, token: &str) -> Ran {
        let mut command =
            self.command(&["account", "add", "nrp", name, "--url", url, "--secret-env", "TOKEN"]);
        Ran::of(&command.env("TOKEN", token).output().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command, in the folder of files, away from the keychain of whoever runs this suite.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LABFERRY_DATA_DIR", &self.data)
            .env("LABFERRY_PASSPHRASE", "a passphrase for the suite")
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    /// Runs with something to read on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // The other side may stop reading: what it says about that is what is looked at.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Ran::of(&output)
    }

    /// Begins and leaves it running.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The rows of the queue, newest first.
    pub(crate) fn queue(&self) -> Vec<Value> {
        self.run(&["queue", "ls", "--json"]).well().json_lines()
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How a process that was begun ended.
pub(crate) fn ended(mut running: Running) -> Ran {
    let read = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            stream.unwrap().read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let stdout = read(running.0.stdout.take().map(|stream| Box::new(stream) as _));
    let stderr = read(running.0.stderr.take().map(|stream| Box::new(stream) as _));
    let code = running.0.wait().unwrap().code();
    Ran { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Bytes without a pattern, the same each time.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut content = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut content);
    content
}

/// Holds back every part until the faults are cleared or the test ends.
pub(crate) fn slow_parts(lab: &Lab, milliseconds: u64) {
    let rule = json!([{ "match": { "method": "PUT" }, "times": 0, "do": { "delay_ms": milliseconds } }]);
    lab.faults(&rule);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
