//! The vault against a real keychain, and on a computer without one. Each case runs in a process of its own, because the
//! way to the keychain is found once a process.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use labferry_model::{AccountName, Secret, Secrets};
use labferry_vault::{Vault, VaultError, VaultKind};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Set in the inner processes: the folder to work in.
const INNER: &str = "LABFERRY_VAULT_SUITE";
const TOKEN: &str = "tok-5d20c97f41";

fn account() -> AccountName {
    "nrp".parse().unwrap()
}

fn secrets(token: &str) -> Secrets {
    [("token".to_owned(), Secret::new(token))].into()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("labferry-keychain-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("one")).unwrap();
        std::fs::create_dir_all(path.join("two")).unwrap();
        std::fs::create_dir_all(path.join("run")).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folder this process was started for, if it is an inner one.
fn inner() -> Option<PathBuf> {
    std::env::var_os(INNER).map(PathBuf::from)
}

fn on_path(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// Runs one test of this binary in a process of its own.
fn run(mut command: Command, folder: &Path) {
    let output = command.env(INNER, folder).env_remove("DISPLAY").output().unwrap();
    let words =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && words.contains("1 passed"), "{words}");
}

fn no_file_holds(folder: &Path, word: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{}", path.display());
    }
}

#[test]
fn a_keychain_keeps_secrets_beyond_the_process_and_apart_by_folder() {
    if inner().is_some() {
        return;
    }
    let missing: Vec<_> =
        ["dbus-run-session", "gnome-keyring-daemon"].into_iter().filter(|tool| !on_path(tool)).collect();
    if !missing.is_empty() {
        eprintln!("skipped: {} not installed, so there is no keychain to show this with", missing.join(", "));
        return;
    }
    let folder = Folder::new("kept");
    let script = r#"
        eval "$(printf '\n' | gnome-keyring-daemon --unlock --components=secrets)"
        "$1" --exact inner_keychain_writes && exec "$1" --exact inner_keychain_reads
    "#;
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "bash", "-c", script, "bash"]).arg(std::env::current_exe().unwrap());
    command.env("HOME", &folder.0).env("XDG_RUNTIME_DIR", folder.0.join("run")).env_remove("XDG_DATA_HOME");
    run(command, &folder.0);
}

#[tokio::test]
async fn inner_keychain_writes() {
    let Some(folder) = inner() else { return };
    let one = Vault::open(&folder.join("one"), None).await.unwrap();
    assert_eq!(one.kind().await, VaultKind::Keychain);
    assert_eq!(one.read(&account()).await.unwrap(), None);
    one.write(&account(), &secrets(TOKEN)).await.unwrap();
    // Another data folder with an account of the same name, whatever passphrase it is given.
    let two = Vault::open(&folder.join("two"), Some(Secret::new("unused"))).await.unwrap();
    assert_eq!(two.kind().await, VaultKind::Keychain);
    assert_eq!(two.read(&account()).await.unwrap(), None);
    two.write(&account(), &secrets("second")).await.unwrap();
    two.remove(&account()).await.unwrap();
    two.remove(&account()).await.unwrap();
    assert_eq!(one.read(&account()).await.unwrap(), Some(secrets(TOKEN)));
    no_file_holds(&folder.join("one"), TOKEN);

    // What was read a moment ago is used again, but not for long: another process may renew a token.
    let other = Vault::open(&folder.join("one"), None).await.unwrap();
    assert_eq!(other.read(&account()).await.unwrap(), Some(secrets(TOKEN)));
    one.write(&account(), &secrets("renewed")).await.unwrap();
    assert_eq!(
        one.read(&account()).await.unwrap(),
        Some(secrets("renewed")),
        "its own writing is seen at once"
    );
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    assert_eq!(other.read(&account()).await.unwrap(), Some(secrets("renewed")), "and that of others soon");
    other.write(&account(), &secrets(TOKEN)).await.unwrap();
}

#[tokio::test]
async fn inner_keychain_reads() {
    let Some(folder) = inner() else { return };
    let one = Vault::open(&folder.join("one"), None).await.unwrap();
    assert_eq!(one.read(&account()).await.unwrap(), Some(secrets(TOKEN)));
}

#[test]
fn without_a_keychain_nothing_is_kept_in_plain_text() {
    if inner().is_some() {
        return;
    }
    let folder = Folder::new("none");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "inner_no_keychain"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    run(command, &folder.0);
}

#[tokio::test]
async fn inner_no_keychain() {
    let Some(folder) = inner() else { return };
    let vault = Vault::open(&folder.join("one"), None).await.unwrap();
    assert_eq!(vault.kind().await, VaultKind::None);
    let error = vault.write(&account(), &secrets(TOKEN)).await.unwrap_err();
    assert!(matches!(error, VaultError::NoKeychain), "{error}");
    assert!(error.to_string().contains("LABFERRY_PASSPHRASE"), "{error}");
    vault.keep_for_this_run(&account(), secrets(TOKEN));
    assert_eq!(vault.read(&account()).await.unwrap(), Some(secrets(TOKEN)));
    no_file_holds(&folder.join("one"), TOKEN);

    let file = Vault::open(&folder.join("one"), Some(Secret::new("a passphrase"))).await.unwrap();
    assert_eq!(file.kind().await, VaultKind::EncryptedFile);
    file.write(&account(), &secrets(TOKEN)).await.unwrap();
    no_file_holds(&folder.join("one"), TOKEN);
    let closed = Vault::open(&folder.join("one"), None).await.unwrap();
    let error = closed.read(&account()).await.unwrap_err();
    assert!(matches!(error, VaultError::NoPassphrase { .. }), "{error}");
}
