//! Which crate may name which. A crate earns its place by the import it makes impossible, so every edge is listed.

use std::collections::BTreeMap;
use std::process::Command;

use crate::tree::{project_files, root};

/// What each crate of ours may depend on among our own crates. Anything else is a complaint.
/// `ARCHITECTURE.md` draws the same edges; `connector-*` stands for every connector.
const ALLOWED: [(&str, &[&str]); 14] = [
    ("model", &[]),
    ("provider", &["model"]),
    ("connector-*", &["model", "provider"]),
    ("store", &["model"]),
    ("vault", &["model"]),
    ("watch", &["model"]),
    ("engine", &["model", "provider", "store"]),
    ("app", &["model", "provider", "connector-*", "store", "vault", "watch", "engine", "sandbox"]),
    ("cli", &["app", "sandbox"]),
    ("bridge", &["app"]),
    ("desktop", &["app", "sandbox"]),
    // The sandbox is a second, independent reading of each service: it shares no code with the first.
    ("sandbox", &[]),
    (
        "tests",
        &[
            "model",
            "provider",
            "connector-*",
            "store",
            "vault",
            "watch",
            "engine",
            "app",
            "sandbox",
            "bridge",
        ],
    ),
    ("bench", &["model", "provider", "connector-*", "store", "engine", "app", "sandbox"]),
];

/// Further edges that exist only while a crate's own tests are built.
const ALLOWED_IN_TESTS: [(&str, &[&str]); 0] = [];

/// One package as `cargo metadata` tells it: the names it depends on, and whether for tests only.
struct Package {
    name: String,
    dependencies: Vec<(String, bool)>,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            dependencies: package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .map(|edge| (text(&edge["name"]), edge["kind"] == "dev"))
                .collect(),
        })
        .collect()
}

fn pattern(short: &str) -> &str {
    if short.starts_with("connector-") { "connector-*" } else { short }
}

/// Every edge between our packages that is not listed, every package that is not listed, and every package besides the
/// desktop app that names Tauri.
fn complaints(
    packages: &[Package],
    allowed: &[(&str, &[&str])],
    in_tests: &[(&str, &[&str])],
) -> Vec<String> {
    let allowed: BTreeMap<_, _> = allowed.iter().copied().collect();
    let in_tests: BTreeMap<_, _> = in_tests.iter().copied().collect();
    let mut complaints = Vec::new();
    for package in packages {
        let short = package.name.strip_prefix("labferry-").unwrap_or(&package.name);
        let Some(edges) = allowed.get(pattern(short)) else {
            complaints.push(format!("{}: a new crate; list its edges in tests/tidy/edges.rs", package.name));
            continue;
        };
        for (name, for_tests) in &package.dependencies {
            if name.starts_with("tauri") && short != "desktop" {
                complaints.push(format!("{} names {name}; only labferry-desktop may", package.name));
            }
            let Some(other) = name.strip_prefix("labferry-") else { continue };
            let extra = if *for_tests { in_tests.get(pattern(short)).copied() } else { None };
            let known = edges.iter().chain(extra.unwrap_or_default()).any(|edge| *edge == pattern(other));
            if !known {
                complaints.push(format!("{} depends on {name}, an edge that is not allowed", package.name));
            }
        }
    }
    complaints
}

/// Places in the app crate, other than the one file made for it, that name a connector.
fn connectors_named(files: &[(&str, &str)]) -> Vec<String> {
    let needle = concat!("labferry_", "connector_");
    files
        .iter()
        .filter(|(path, _)| {
            path.starts_with("src-tauri/crates/app/src/") && !path.ends_with("/src/connectors.rs")
        })
        .flat_map(|(path, text)| {
            text.lines().enumerate().filter(|(_, line)| line.contains(needle)).map(move |(index, _)| {
                format!("{path}:{}: names a connector; only app/src/connectors.rs may", index + 1)
            })
        })
        .collect()
}

#[test]
fn project_has_only_the_edges_listed() {
    let packages = packages();
    assert!(packages.iter().any(|package| package.name == "labferry-desktop"), "the workspace was not read");
    assert!(packages.iter().any(|package| package.name == "labferry-engine"), "the workspace was not read");
    crate::expect_none(&complaints(&packages, &ALLOWED, &ALLOWED_IN_TESTS));
}

#[test]
fn project_names_connectors_in_one_file() {
    let files = project_files();
    let files: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    crate::expect_none(&connectors_named(&files));
}

#[cfg(test)]
mod shown_to_complain {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, tests)| ((*name).to_owned(), *tests)).collect();
        Package { name: name.to_owned(), dependencies }
    }

    fn of(name: &str, dependencies: &[(&str, bool)]) -> Vec<String> {
        complaints(&[package(name, dependencies)], &ALLOWED, &ALLOWED_IN_TESTS)
    }

    #[test]
    fn allowed_edges_pass() {
        assert!(of("labferry-engine", &[("labferry-model", false), ("serde", false)]).is_empty());
        assert!(of("labferry-app", &[("labferry-connector-nrp", false)]).is_empty());
        assert!(of("labferry-desktop", &[("tauri", false), ("labferry-app", false)]).is_empty());
    }

    #[test]
    fn an_edge_upwards_fails() {
        assert_eq!(of("labferry-model", &[("labferry-store", false)]).len(), 1);
        assert_eq!(of("labferry-engine", &[("labferry-app", true)]).len(), 1);
    }

    #[test]
    fn one_connector_naming_another_fails() {
        assert_eq!(of("labferry-connector-nrp", &[("labferry-connector-aruna", false)]).len(), 1);
    }

    #[test]
    fn a_sandbox_that_shares_code_fails() {
        assert_eq!(of("labferry-sandbox", &[("labferry-model", false)]).len(), 1);
        assert_eq!(of("labferry-sandbox", &[("labferry-provider", true)]).len(), 1);
    }

    #[test]
    fn tauri_outside_the_desktop_fails() {
        assert_eq!(of("labferry-app", &[("tauri", false)]).len(), 1);
        assert_eq!(of("labferry-cli", &[("tauri-plugin-dialog", false)]).len(), 1);
    }

    #[test]
    fn a_crate_nobody_listed_fails() {
        assert_eq!(of("labferry-shortcut", &[]).len(), 1);
    }

    #[test]
    fn an_edge_for_tests_counts_for_tests_only() {
        let in_tests: [(&str, &[&str]); 1] = [("engine", &["sandbox"])];
        let engine = |tests| [package("labferry-engine", &[("labferry-sandbox", tests)])];
        assert!(complaints(&engine(true), &ALLOWED, &in_tests).is_empty());
        assert_eq!(complaints(&engine(false), &ALLOWED, &in_tests).len(), 1);
    }

    #[test]
    fn a_connector_named_beside_its_file_fails() {
        let line = concat!("use labferry_", "connector_nrp::Nrp;");
        assert!(connectors_named(&[("src-tauri/crates/app/src/connectors.rs", line)]).is_empty());
        assert_eq!(connectors_named(&[("src-tauri/crates/app/src/browse.rs", line)]).len(), 1);
    }
}
