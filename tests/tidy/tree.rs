//! The project's own text files, read from the folder this suite was built in.

use std::path::{Path, PathBuf};

/// A file's path below the project's top, with `/` between its parts, and its text.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Folders that hold what was built, fetched or generated (the same as `.gitignore`), never what somebody wrote.
const NOT_OURS: [&str; 7] =
    [".git", "target", "node_modules", "dist", "gen", "test-results", "playwright-report"];

/// Every text file of the project; files that are not UTF-8 (icons, pictures) are left out.
pub(crate) fn project_files() -> Vec<SourceFile> {
    let top = root();
    let mut files = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                folders.push(entry.path());
            } else if kind.is_file()
                && name != ".git"
                && let Ok(text) = std::fs::read_to_string(entry.path())
            {
                let path = entry.path().strip_prefix(&top).unwrap().to_string_lossy().replace('\\', "/");
                files.push(SourceFile { path, text });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

#[test]
fn project_files_finds_itself_and_skips_what_was_built() {
    let files = project_files();
    assert!(files.iter().any(|file| file.path == "tests/tidy/tree.rs" && file.text.contains("NOT_OURS")));
    assert!(files.iter().any(|file| file.path == "Cargo.toml"));
    assert!(
        !files.iter().any(|file| file.path.starts_with("target/") || file.path.contains("node_modules/"))
    );
}
