//! How long a file may be. A long file is usually two files; the limit is where somebody must decide.

use crate::tree::{SourceFile, project_files};

/// Lines of one production Rust file, its inline tests not counted.
const RUST_LINES: usize = 600;
/// Lines of one Svelte component, markup and styles included.
const SVELTE_LINES: usize = 300;

/// Files allowed to be longer, with the length they had when listed. The list only shrinks: a file that grew past its
/// figure fails, and so does an entry that is no longer needed.
const EXCEPTIONS: [(&str, usize); 0] = [];

/// The budget of a file, or nothing where none applies: tests, generated files, other languages.
fn budget(path: &str) -> Option<usize> {
    let is_test = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    if path.ends_with(".rs") && !is_test {
        return Some(RUST_LINES);
    }
    (path.ends_with(".svelte") && !is_test).then_some(SVELTE_LINES)
}

/// Lines up to an inline test module, which stands at a file's end.
fn production_lines(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let tests_begin = (0..lines.len()).find(|&at| {
        lines[at] == "#[cfg(test)]"
            && lines[at + 1..]
                .iter()
                .find(|line| !line.starts_with("#["))
                .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    });
    tests_begin.unwrap_or(lines.len())
}

fn complaints(files: &[SourceFile], exceptions: &[(&str, usize)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let Some(budget) = budget(&file.path) else { continue };
        let lines = production_lines(&file.text);
        match exceptions.iter().find(|(path, _)| *path == file.path) {
            None if lines > budget => {
                complaints.push(format!("{}: {lines} lines, {budget} are allowed: split it", file.path));
            }
            Some((_, listed)) if lines > *listed => {
                complaints.push(format!("{}: grew from {listed} to {lines} lines: split it", file.path));
            }
            Some(_) if lines <= budget => {
                complaints.push(format!("{}: is within {budget} lines now: take it off the list", file.path));
            }
            _ => {}
        }
    }
    for (path, _) in exceptions {
        if !files.iter().any(|file| file.path == *path) {
            complaints.push(format!("{path}: is gone: take it off the list"));
        }
    }
    complaints
}

#[test]
fn project_files_are_within_their_budgets() {
    let files = project_files();
    let counted = files.iter().filter(|file| budget(&file.path).is_some()).count();
    assert!(counted > 10, "only {counted} files have a budget: the tree was not read");
    crate::expect_none(&complaints(&files, &EXCEPTIONS));
}

#[cfg(test)]
mod shown_to_complain {
    use super::*;

    fn file(path: &str, lines: usize) -> SourceFile {
        SourceFile { path: path.to_owned(), text: "x\n".repeat(lines) }
    }

    #[test]
    fn one_line_over_fails() {
        assert!(complaints(&[file("src-tauri/crates/engine/src/plan.rs", RUST_LINES)], &[]).is_empty());
        assert_eq!(complaints(&[file("src-tauri/crates/engine/src/plan.rs", RUST_LINES + 1)], &[]).len(), 1);
        assert_eq!(complaints(&[file("ui/src/features/browse/List.svelte", SVELTE_LINES + 1)], &[]).len(), 1);
    }

    #[test]
    fn tests_and_other_languages_have_no_budget() {
        let files =
            [file("tests/faults/main.rs", 5000), file("a/src/tests.rs", 5000), file("notes/long.md", 5000)];
        assert!(complaints(&files, &[]).is_empty());
    }

    #[test]
    fn inline_tests_do_not_count_but_code_after_other_attributes_does() {
        let mut text = "x\n".repeat(RUST_LINES);
        text.push_str("#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests {\n    fn more() {}\n}\n");
        assert_eq!(production_lines(&text), RUST_LINES);
        assert_eq!(production_lines("#[cfg(test)]\nuse std::fs;\nfn still_counted() {}\n"), 3);
    }

    #[test]
    fn the_list_only_shrinks() {
        let path = "src-tauri/src/lib.rs";
        assert!(complaints(&[file(path, 700)], &[(path, 700)]).is_empty());
        assert_eq!(complaints(&[file(path, 701)], &[(path, 700)]).len(), 1, "grew");
        assert_eq!(complaints(&[file(path, 100)], &[(path, 700)]).len(), 1, "no longer needed");
        assert_eq!(complaints(&[], &[(path, 700)]).len(), 1, "gone");
    }
}
