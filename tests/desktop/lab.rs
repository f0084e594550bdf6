//! A practice lab outside the window, so that it lives on when the window dies, and its control door.

use labferry_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use std::path::Path;

/// A running lab.
pub(crate) struct Lab {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Lab {
    pub(crate) async fn start(folder: &Path) -> Self {
        let sandbox = Sandbox::start(SandboxOptions::new(folder.join("lab"))).await.unwrap();
        Self { sandbox, http: crate::http() }
    }

    fn control(&self, door: &str) -> String {
        format!("{}{door}", self.sandbox.description().control_url)
    }

    /// What the command `accounts.add` needs for an account of that name.
    pub(crate) fn account(&self, name: &str) -> Value {
        let service = self.service();
        json!({ "service": service.service, "name": name, "url": service.url, "secrets": service.secrets, "settings": service.settings })
    }

    /// A draft that takes files.
    pub(crate) fn draft(&self) -> String {
        self.service().example_place.clone().expect("a seeded lab has a draft")
    }

    fn service(&self) -> &labferry_sandbox::LabService {
        self.sandbox
            .description()
            .services
            .iter()
            .find(|service| service.service == "nrp")
            .expect("the lab speaks nrp")
    }

    /// From the `nth` part on, the service takes none in: it waits for longer than any test.
    pub(crate) async fn hold_parts_from(&self, nth: u64) {
        let rules = json!([{ "match": { "method": "PUT", "nth": nth }, "times": 0, "do": { "delay_ms": 3_600_000 } }]);
        let answer = self.http.post(self.control("/faults")).json(&rules).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    pub(crate) async fn let_parts_in(&self) {
        self.http.delete(self.control("/faults")).send().await.unwrap().error_for_status().unwrap();
    }

    /// The stored file of that key, with its parts.
    pub(crate) async fn file(&self, key: &str) -> Value {
        let files: Vec<Value> =
            self.http.get(self.control("/inspect/files")).send().await.unwrap().json().await.unwrap();
        files.into_iter().find(|file| file["key"] == key).unwrap_or_else(|| panic!("the lab holds no {key}"))
    }
}
