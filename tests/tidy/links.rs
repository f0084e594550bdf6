//! What the project's text points to exists: links between documents, and documents named in comments.

use std::collections::BTreeSet;

use crate::tree::{SourceFile, project_files, root};

/// The relative targets of a Markdown text's links, with their lines; addresses and anchors are somebody else's.
fn markdown_targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            let Some(end) = rest.find(')') else { continue };
            let target = rest[..end].split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                targets.push((index + 1, target.to_owned()));
            }
        }
    }
    targets
}

/// Documents a comment names, such as `docs/adr/0001-….md`, written from the project's top.
fn documents_named(text: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for (at, _) in line.match_indices("docs/") {
            let starts_a_word = line[..at].chars().next_back().is_none_or(|before| " `(\"'".contains(before));
            let letters = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
            let word: String = line[at..].chars().take_while(|letter| letters(*letter)).collect();
            if starts_a_word && word.ends_with(".md") {
                named.push((index + 1, word));
            }
        }
    }
    named
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `folder` and `target` joined, with `.` and `..` worked off.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

fn complaints(files: &[SourceFile], exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = BTreeSet::new();
    for file in files {
        let mut targets = Vec::new();
        if file.path.ends_with(".md") {
            for (line, target) in markdown_targets(&file.text) {
                targets.push((line, joined(folder_of(&file.path), &target)));
            }
        }
        if file.path != "tests/tidy/links.rs" {
            targets.extend(documents_named(&file.text));
        }
        for (line, target) in targets {
            if !exists(&target) {
                complaints.insert(format!("{}:{line}: points to {target}, which is not there", file.path));
            }
        }
    }
    complaints.into_iter().collect()
}

#[test]
fn project_links_lead_somewhere() {
    let top = root();
    crate::expect_none(&complaints(&project_files(), |path| top.join(path).exists()));
}

/// Names of `pictures` that no document of `files` shows.
fn unshown(files: &[SourceFile], pictures: &[String]) -> Vec<String> {
    let shown: BTreeSet<String> = files
        .iter()
        .filter(|file| file.path.ends_with(".md"))
        .flat_map(|file| {
            markdown_targets(&file.text).into_iter().map(|(_, target)| joined(folder_of(&file.path), &target))
        })
        .collect();
    let lost = pictures.iter().filter(|name| !shown.contains(&format!("docs/pictures/{name}")));
    lost.map(|name| format!("docs/pictures/{name} is shown by no document")).collect()
}

/// A clone should stay small: so many bytes may the documents' pictures have together, some 50 KiB each.
const PICTURES: u64 = 800 * 1024;

#[test]
fn project_pictures_are_shown_and_small() {
    let entries = std::fs::read_dir(root().join("docs/pictures")).unwrap();
    let found: Vec<(String, u64)> = entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .collect();
    crate::expect_none(&unshown(
        &project_files(),
        &found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(),
    ));
    let all: u64 = found.iter().map(|(_, bytes)| bytes).sum();
    assert!(all <= PICTURES, "docs/pictures has {all} bytes, more than {PICTURES}");
}

#[cfg(test)]
mod shown_to_complain {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        let files = [SourceFile { path: path.to_owned(), text: text.to_owned() }];
        complaints(&files, |path| path == "docs/there.md" || path == "README.md")
    }

    #[test]
    fn a_link_to_nothing_fails() {
        assert_eq!(of("README.md", "[a](docs/gone.md) and [b](docs/there.md#part)").len(), 1);
        assert_eq!(of("docs/adr/one.md", "[up](../there.md) [top](../../README.md) [no](there.md)").len(), 1);
    }

    #[test]
    fn a_comment_that_names_a_missing_document_fails() {
        assert_eq!(of("src-tauri/src/lib.rs", "//! see docs/gone.md").len(), 1);
        assert_eq!(of("src-tauri/src/lib.rs", "//! (docs/there.md says why)").len(), 0);
    }

    #[test]
    fn a_picture_nobody_shows_fails() {
        let guide = SourceFile {
            path: "docs/guide/window.md".to_owned(),
            text: "![seen](../pictures/seen.webp)".to_owned(),
        };
        let lost = unshown(&[guide], &["seen.webp".to_owned(), "lost.webp".to_owned()]);
        assert_eq!(lost, ["docs/pictures/lost.webp is shown by no document"]);
    }

    #[test]
    fn addresses_are_left_alone() {
        assert!(of("README.md", "[a](https://example.org/docs/gone.md) [b](#below)").is_empty());
    }
}
