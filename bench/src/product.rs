//! The program as people use it: the built `labferry`, with a data folder of its own, and the practice lab it runs.

use crate::{Outcome, http};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// The key that links to the S3 server are signed with.
pub(crate) const KEY_ID: &str = "benchkey";
pub(crate) const SECRET: &str = "benchsecret";

/// Where `labferry` is: told by `.ci/bench`, else beside this program.
pub(crate) fn program() -> Outcome<PathBuf> {
    let told = std::env::var_os("LABFERRY_PROGRAM").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("labferry"));
    told.or_else(beside)
        .filter(|path| path.exists())
        .ok_or_else(|| "there is no labferry: `make bench` builds it, or LABFERRY_PROGRAM names it".into())
}

/// Whether `.ci/bench` started a session with a keychain of its own, as desktops have.
pub(crate) fn has_keychain() -> bool {
    std::env::var_os("LABFERRY_BENCH_KEYCHAIN").is_some()
}

/// Somebody with a data folder.
pub(crate) struct User {
    program: PathBuf,
    data: PathBuf,
}

impl User {
    /// With nothing in the data folder yet.
    pub(crate) fn new(data: &Path) -> Outcome<Self> {
        Ok(Self { program: program()?, data: data.to_path_buf() })
    }

    /// A command, away from the keychain and the settings of whoever runs this.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env("LABFERRY_DATA_DIR", &self.data).env_remove("LABFERRY_LOG");
        if has_keychain() {
            command.env_remove("LABFERRY_PASSPHRASE");
        } else {
            command
                .env("LABFERRY_PASSPHRASE", "a passphrase for the bench")
                .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        }
        command
    }

    /// Runs a command to its good end and gives what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome<String> {
        ended(&mut self.command(arguments))
    }

    /// Adds an account under the name `lab`.
    pub(crate) fn sign_in(&self, service: &str, url: &str, token: &str) -> Outcome<()> {
        let mut command =
            self.command(&["account", "add", service, "lab", "--url", url, "--secret-env", "TOKEN"]);
        ended(command.env("TOKEN", token)).map(drop)
    }

    pub(crate) fn settings(&self, settings: &[&str]) -> Outcome<()> {
        self.run(&[&["settings"], settings].concat()).map(drop)
    }
}

fn ended(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}: {said}", output.status).into())
}

/// A practice lab in a process of its own; it ends with this.
pub(crate) struct Lab {
    child: Child,
    told: Value,
}

impl Lab {
    /// With its world in that folder. `proxy` is the address of the S3 server that keeps what is sent to Aruna.
    pub(crate) fn start(folder: &Path, proxy: Option<&str>) -> Outcome<Self> {
        let mut command = Command::new(program()?);
        command.args(["sandbox", "--seed", "--data"]).arg(folder);
        if let Some(url) = proxy {
            command.args(["--data-proxy", url, "--proxy-key", KEY_ID]);
            command.args(["--proxy-secret-env", "BENCH_SECRET"]).env("BENCH_SECRET", SECRET);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let lab = Self { child, told: serde_json::from_str(&line).unwrap_or_default() };
        if lab.told.is_null() { Err("the practice lab did not start".into()) } else { Ok(lab) }
    }

    /// Address, token and a place to send to.
    pub(crate) fn service(&self, key: &str) -> Outcome<(String, String, String)> {
        let services = self.told["services"].as_array().ok_or("the lab names no services")?;
        let found = services.iter().find(|service| service["service"] == key);
        let found = found.ok_or_else(|| format!("the lab does not speak {key}"))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok((text(&found["url"]), text(&found["secrets"]["token"]), text(&found["example_place"])))
    }

    /// Asks the door for those who try it.
    pub(crate) fn control(&self, method: &str, path: &str) -> Outcome<Value> {
        let url = self.told["control_url"].as_str().unwrap_or_default();
        http::ask(method, &format!("{url}{path}"), None)
    }

    /// Processor seconds it has used so far, where the system tells.
    pub(crate) fn cpu(&self) -> f64 {
        crate::machine::cpu_of(self.child.id())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
