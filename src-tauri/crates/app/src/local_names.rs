//! Where files of a service go below a chosen folder. No two get names that any desktop system takes for the same one.

use labferry_engine::preflight::{local_name_for, numbered};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};
use unicode_normalization::UnicodeNormalization as _;

/// The names that are given out.
#[derive(Default)]
pub(crate) struct LocalNames {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl LocalNames {
    /// Keeps a folder, and those it lies in, from being taken for a file.
    pub(crate) fn keep_folder(&mut self, path: &Path) {
        self.folders.extend(path.ancestors().map(key));
    }

    /// Keeps a file's name from being given out.
    pub(crate) fn keep_file(&mut self, path: &Path) {
        self.files.insert(key(path));
    }

    /// A name for a file of a service in that folder, and whether it differs from the service's: each part of it made safe,
    /// and numbered when the name is given out already.
    pub(crate) fn file(&mut self, below: &Path, remote: &str) -> (PathBuf, bool) {
        let mut name = local_name_for(remote).name;
        let inside_a_file =
            |path: &Path| path.ancestors().skip(1).any(|folder| self.files.contains(&key(folder)));
        if inside_a_file(&below.join(&name)) {
            // What is a folder here is a file there: without the folder both have a place.
            name = local_name_for(&name.replace('/', "_")).name;
        }
        let free = |path: &PathBuf| {
            let key = key(path);
            !self.files.contains(&key) && !self.folders.contains(&key)
        };
        let first = below.join(&name);
        let numbers = (2_u32..).map(|number| below.join(numbered(&name, number)));
        let path = std::iter::once(first.clone()).chain(numbers).find(free).unwrap_or(first);
        self.keep_file(&path);
        if let Some(folder) = path.parent() {
            self.keep_folder(folder);
        }
        let changed = path.strip_prefix(below).ok() != Some(Path::new(remote));
        (path, changed)
    }

    /// The same for a folder. Folders of the same name get numbers as files do.
    pub(crate) fn folder(&mut self, below: &Path, remote: &str) -> PathBuf {
        let (path, _) = self.file(below, remote);
        self.files.remove(&key(&path));
        self.keep_folder(&path);
        path
    }
}

/// What two names have in common that a file system may take for one: Windows and macOS do not tell upper from lower case, and
/// macOS not the ways to write an accent.
fn key(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.nfd().flat_map(char::to_lowercase).nfd().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_file_system_takes_for_one_are_told_apart() {
        let mut names = LocalNames::default();
        let mut given = Vec::new();
        for remote in [
            "scan.tif",
            "Scan.TIF",
            "caf\u{e9}.csv",
            "cafe\u{301}.csv",
            "CAFE\u{301}.csv",
            "run",
            "run/a.csv",
            "x/y",
            "x",
            "../scan.tif",
            "aux.h",
            "\0",
        ] {
            given.push(names.file(Path::new("to"), remote).0);
        }
        let given: Vec<&str> = given.iter().filter_map(|path| path.to_str()).collect();
        assert_eq!(
            given,
            [
                "to/scan.tif",
                "to/Scan (2).TIF",
                "to/caf\u{e9}.csv",
                "to/cafe\u{301} (2).csv",
                "to/CAFE\u{301} (3).csv",
                "to/run",
                "to/run_a.csv",
                "to/x/y",
                "to/x (2)",
                "to/__/scan.tif",
                "to/_aux.h",
                "to/_",
            ]
        );
    }

    #[test]
    fn only_what_differs_is_told_and_long_names_stay_apart() {
        let mut names = LocalNames::default();
        assert!(!names.file(Path::new(""), "a/b.csv").1);
        assert!(names.file(Path::new(""), "A/B.csv").1);
        let long = "n".repeat(64 << 10);
        let (first, second) = (names.file(Path::new(""), &long).0, names.file(Path::new(""), &long).0);
        assert!(first != second && second.as_os_str().len() <= 255, "{second:?}");
        assert_eq!(names.folder(Path::new(""), "R"), Path::new("R"));
        assert_eq!(names.folder(Path::new(""), "r"), Path::new("r (2)"));
        assert!(!names.file(Path::new("R"), "inside").1);
    }
}
