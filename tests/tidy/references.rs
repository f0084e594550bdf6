//! The project stands alone: its text refers to nothing outside the checkout, neither a folder on somebody's machine
//! nor a document that a reader does not have.

use crate::tree::{SourceFile, project_files};

/// What may not stand in any text file. Written in two pieces, so that this list does not complain about itself.
const NOT_HERE: [(&str, &str); 6] = [
    (concat!("/ro", "ot/"), "a folder on somebody's machine"),
    (concat!("/work", "/"), "a folder on somebody's machine"),
    (concat!("sha", "red/design"), "a document outside the checkout"),
    (concat!("sha", "red/providers"), "a document outside the checkout"),
    (concat!("sha", "red/research"), "a document outside the checkout"),
    (concat!("../sha", "red"), "a document outside the checkout"),
];

/// Lock files hold addresses and digests that others wrote.
const WRITTEN_BY_OTHERS: [&str; 2] = ["Cargo.lock", "package-lock.json"];

fn complaints(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !WRITTEN_BY_OTHERS.contains(&file.path.as_str())) {
        for (index, line) in file.text.lines().enumerate() {
            for (needle, what) in NOT_HERE {
                if stands_alone(line, needle) {
                    complaints.push(format!("{}:{}: names {needle}: {what}", file.path, index + 1));
                }
            }
        }
    }
    complaints
}

/// Whether the line holds the needle where a path begins: a folder of the same name further down a path, or in an
/// address, is something else.
fn stands_alone(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !needle.starts_with('/')
            || !before.is_some_and(|letter| letter.is_alphanumeric() || ".-_~}".contains(letter))
    })
}

#[test]
fn project_text_refers_to_nothing_outside() {
    crate::expect_none(&complaints(&project_files()));
}

#[cfg(test)]
mod shown_to_complain {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        complaints(&[SourceFile { path: path.to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn every_entry_is_found_where_it_stands() {
        for (needle, _) in NOT_HERE {
            assert!(of("notes/one.md", &format!("see `{needle}x`")) >= 1, "{needle}");
            assert!(of("src-tauri/src/lib.rs", &format!("//! {needle}x")) >= 1, "{needle}");
        }
    }

    #[test]
    fn a_folder_of_the_same_name_further_down_is_fine() {
        assert_eq!(of("notes/one.md", concat!("ui/work", "/x and https://example.org/ro", "ot/")), 0);
        assert_eq!(of("Cargo.lock", concat!("/ro", "ot/")), 0);
    }
}
