//! Which folder of the interface may import what: one folder knows Tauri, screens do not know one another, and
//! components know neither the stores nor the host.

use crate::tree::{SourceFile, project_files};

/// What a source file imports, as written, with the line it stands on.
fn specifiers(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("//") || trimmed.starts_with('*') {
            continue;
        }
        for opening in ["from ", "import ", "import(", "require("] {
            for (at, _) in line.match_indices(opening) {
                let rest = line[at + opening.len()..].trim_start();
                let Some(quote) = rest.chars().next().filter(|first| matches!(first, '\'' | '"' | '`'))
                else {
                    continue;
                };
                if let Some(end) = rest[1..].find(quote) {
                    found.push((index + 1, rest[1..=end].to_owned()));
                }
            }
        }
    }
    found
}

/// The path below the project's top a specifier means; package names are given back as they are.
fn resolve(from: &str, specifier: &str) -> String {
    if let Some(rest) = specifier.strip_prefix("$lib/").or(specifier.strip_prefix("@/")) {
        return format!("ui/src/{rest}");
    }
    if !specifier.starts_with('.') {
        return specifier.to_owned();
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The screen a path belongs to: `ui/src/features/browse/…` is `browse`.
fn feature(path: &str) -> Option<&str> {
    path.strip_prefix("ui/src/features/")?.split('/').next()
}

/// Why `path` must not import `target`, if it must not.
fn objection(path: &str, target: &str) -> Option<&'static str> {
    if target.starts_with("@tauri-apps/") && !path.starts_with("ui/src/host/") {
        return Some("only ui/src/host may know Tauri");
    }
    if let (Some(own), Some(other)) = (feature(path), feature(target))
        && own != other
    {
        return Some("a screen must not import another; move what both need to components or stores");
    }
    let lower = ["ui/src/stores/", "ui/src/host/", "ui/src/features/"];
    if path.starts_with("ui/src/components/") && lower.iter().any(|folder| target.starts_with(folder)) {
        return Some("a component gets what it shows as properties: no store, no host, no screen");
    }
    None
}

fn complaints(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let is_source = [".ts", ".js", ".svelte"].iter().any(|ending| file.path.ends_with(ending));
        if !file.path.starts_with("ui/src/") || !is_source {
            continue;
        }
        for (line, specifier) in specifiers(&file.text) {
            let target = resolve(&file.path, &specifier);
            if let Some(why) = objection(&file.path, &target) {
                complaints.push(format!("{}:{line}: imports {specifier}: {why}", file.path));
            }
        }
    }
    complaints
}

#[test]
fn project_imports_stay_in_their_folders() {
    crate::expect_none(&complaints(&project_files()));
}

#[cfg(test)]
mod shown_to_complain {
    use super::*;

    fn of(path: &str, line: &str) -> usize {
        complaints(&[SourceFile { path: path.to_owned(), text: line.to_owned() }]).len()
    }

    #[test]
    fn tauri_is_for_the_host_only() {
        let line = "import { invoke } from '@tauri-apps/api/core';";
        assert_eq!(of("ui/src/host/tauri_host.ts", line), 0);
        assert_eq!(of("ui/src/stores/accounts.ts", line), 1);
        assert_eq!(of("ui/src/main.ts", "const core = await import(\"@tauri-apps/api/core\");"), 1);
    }

    #[test]
    fn screens_do_not_import_one_another() {
        let browse = "ui/src/features/browse/Browse.svelte";
        assert_eq!(of(browse, "import Row from '../transfers/Row.svelte';"), 1);
        assert_eq!(of(browse, "import Row from './Row.svelte';"), 0);
        assert_eq!(of(browse, "import Row from '../../components/Row.svelte';"), 0);
        assert_eq!(of(browse, "import Row from '$lib/features/history/Row.svelte';"), 1);
    }

    #[test]
    fn components_know_no_store_and_no_host() {
        let row = "ui/src/components/Row.svelte";
        assert_eq!(of(row, "import { accounts } from '../stores/accounts';"), 1);
        assert_eq!(of(row, "import type { Host } from '../host/host';"), 1);
        assert_eq!(of(row, "import '../styles/tokens.css';"), 0);
        assert_eq!(of(row, "import type { Transfer } from '../bindings/Transfer';"), 0);
    }

    #[test]
    fn an_import_over_several_lines_is_seen_and_a_comment_is_not() {
        assert_eq!(of("ui/src/main.ts", "import {\n  invoke,\n} from '@tauri-apps/api/core';\n"), 1);
        assert_eq!(of("ui/src/main.ts", "// import { invoke } from '@tauri-apps/api/core';\n"), 0);
    }
}
