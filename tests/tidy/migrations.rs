//! A migration that a released Labferry has run stays as it is: people's databases hold what it did. New ones are only
//! ever appended.

use crate::tree::{SourceFile, project_files};

/// Migrations of released versions with the SHA-256 of their text, in order. A release appends to this list.
const RELEASED: [(&str, &str); 0] = [];

const FOLDER: &str = "src-tauri/crates/store/src/migrations/";

/// `0003_ledger.sql` is number 3.
fn number(name: &str) -> Option<u32> {
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    let rest = &name[digits.len()..];
    (rest.starts_with('_') && rest.len() > "_.sql".len() && digits.len() == 4).then(|| digits.parse().ok())?
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn complaints(files: &[(&str, &str)], released: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, digest) in released {
        match files.iter().find(|(file, _)| file == name) {
            None => complaints.push(format!("{name}: was released and is gone: databases depend on it")),
            Some((_, text)) if sha256(text) != *digest => {
                complaints.push(format!("{name}: was released and has changed: add a new migration instead"));
            }
            Some(_) => {}
        }
    }
    let newest_released = released.iter().filter_map(|(name, _)| number(name)).max().unwrap_or(0);
    let mut numbers = Vec::new();
    for (name, _) in files {
        let Some(this) = number(name) else {
            complaints.push(format!("{name}: is not named like 0001_words.sql"));
            continue;
        };
        if numbers.contains(&this) {
            complaints.push(format!("{name}: number {this} is taken"));
        }
        numbers.push(this);
        if this <= newest_released && !released.iter().any(|(known, _)| known == name) {
            complaints.push(format!("{name}: stands before a released migration: append it instead"));
        }
    }
    numbers.sort_unstable();
    if numbers.iter().zip(1..).any(|(number, expected)| *number != expected) {
        complaints.push(format!("migrations are numbered {numbers:?}: there is a gap"));
    }
    complaints
}

fn migrations(files: &[SourceFile]) -> Vec<(&str, &str)> {
    files
        .iter()
        .filter_map(|file| Some((file.path.strip_prefix(FOLDER)?, file.text.as_str())))
        .filter(|(name, _)| name.ends_with(".sql"))
        .collect()
}

#[test]
fn project_migrations_are_only_appended() {
    crate::expect_none(&complaints(&migrations(&project_files()), &RELEASED));
}

#[cfg(test)]
mod shown_to_complain {
    use super::*;

    #[test]
    fn a_released_migration_that_changed_or_went_fails() {
        let digest = sha256("create table a (b);");
        let released = [("0001_first.sql", digest.as_str())];
        assert!(complaints(&[("0001_first.sql", "create table a (b);")], &released).is_empty());
        assert_eq!(complaints(&[("0001_first.sql", "create table a (c);")], &released).len(), 1);
        assert_eq!(complaints(&[], &released).len(), 1);
    }

    #[test]
    fn a_number_taken_twice_a_gap_and_a_bad_name_fail() {
        assert!(!complaints(&[("0001_a.sql", ""), ("0001_b.sql", "")], &[]).is_empty());
        assert!(!complaints(&[("0001_a.sql", ""), ("0003_c.sql", "")], &[]).is_empty());
        assert!(!complaints(&[("first.sql", "")], &[]).is_empty());
        assert!(complaints(&[("0001_a.sql", ""), ("0002_b.sql", "")], &[]).is_empty());
    }

    #[test]
    fn the_digest_is_sha256() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
