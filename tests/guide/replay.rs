//! Runs a page's lines in one shell, with what a line may use.

use crate::{
    bench::{Lab, User, program},
    page::Page,
};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf, process::Command};

/// A practice lab, and somebody with an account of each of its services.
pub(crate) struct Replay {
    lab: Lab,
    user: User,
    services: Vec<Service>,
}

/// A service of the lab.
#[derive(Clone)]
pub(crate) struct Service {
    key: String,
    pub(crate) url: String,
    pub(crate) place: String,
    secrets: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
}

impl Service {
    fn of(told: &Value) -> Self {
        let texts = |member: &str| {
            let fields = told[member].as_object().unwrap().iter();
            fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
        };
        let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
        Self {
            key: text("service"),
            url: text("url"),
            place: text("example_place"),
            secrets: texts("secrets"),
            settings: texts("settings"),
        }
    }

    pub(crate) fn secret(&self, name: &str) -> &str {
        &self.secrets[name]
    }

    fn variable(&self) -> String {
        format!("PRACTICE_{}", self.key.to_uppercase())
    }
}

impl Replay {
    pub(crate) fn new() -> Self {
        let lab = Lab::start();
        let user = User::new();
        let services =
            lab.get("/description")["services"].as_array().unwrap().iter().map(Service::of).collect();
        std::fs::create_dir(user.path("scratch")).unwrap();
        let replay = Self { lab, user, services };
        for service in &replay.services {
            replay.sign_in(service);
        }
        replay
    }

    pub(crate) fn service(&self, key: &str) -> Service {
        self.services.iter().find(|service| service.key == key).unwrap().clone()
    }

    /// Where the lines run.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.user.path("scratch")
    }

    fn sign_in(&self, service: &Service) {
        let name = format!("practice-{}", service.key);
        let mut arguments = vec!["account", "add", &service.key, &name, "--url", &service.url];
        let settings: Vec<String> =
            service.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        let secrets: Vec<String> =
            service.secrets.keys().map(|name| format!("{name}=GUIDE_{}", name.to_uppercase())).collect();
        arguments.extend(secrets.iter().flat_map(|secret| ["--secret-env", secret]));
        let mut command = self.user.command(&arguments);
        for (name, secret) in &service.secrets {
            command.env(format!("GUIDE_{}", name.to_uppercase()), secret);
        }
        crate::bench::Ran::of(&command.output().unwrap()).well();
    }

    /// Runs every line; what went wrong names the page and the line.
    pub(crate) fn run(&self, page: &Page) -> Result<(), String> {
        let mut script = String::from("set -u -o pipefail\n");
        for line in &page.lines {
            // The line's own number is told before it runs: it may end the shell.
            script.push_str(&format!("__line={}\n", line.number));
            script.push_str(&format!(
                "trap 'echo \"line {} ended the shell\" >&2; exit 1' EXIT\n",
                line.number
            ));
            script.push_str(&format!("{}\n__exit=$?\n", line.text));
            script.push_str(&format!(
                "[ $__exit -eq {0} ] || {{ trap - EXIT; echo \"line $__line ended with $__exit, not with {0}\" >&2; exit 1; }}\n",
                line.exit
            ));
        }
        script.push_str("trap - EXIT\nexit 0\n");
        let file = self.user.write("page.sh", script.as_bytes());
        let before = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(program().parent().unwrap().to_path_buf());
        let path = std::env::join_paths(folders.chain(std::env::split_paths(&before))).unwrap();
        let mut command = Command::new("bash");
        command.arg("--noprofile").arg("--norc").arg(file);
        // What the bench gives every command.
        let like = self.user.command(&[]);
        for (name, value) in like.get_envs() {
            command.env(name, value.unwrap());
        }
        command.current_dir(self.scratch()).env("PATH", path).stdin(std::process::Stdio::null());
        command.env("PRACTICE_CONTROL", self.lab.control());
        for service in &self.services {
            command.env(service.variable(), &service.place);
            command.env(format!("{}_URL", service.variable()), &service.url);
        }
        let output = command.output().expect("Bash runs the lines");
        if output.status.success() {
            return Ok(());
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let number =
            stderr.rsplit_once("line ").map_or("?", |(_, rest)| rest.split(' ').next().unwrap().trim());
        let said = page.lines.iter().find(|line| line.number.to_string() == number);
        let said = said.map_or("", |line| line.text.as_str());
        Err(format!(
            "{}.md:{number}: {said}\n-- what it printed:\n{stdout}\n-- and said:\n{stderr}",
            page.name
        ))
    }
}
