//! The system's keychain: Secret Service, Keychain or Credential Manager. Every call may block on a prompt, so each
//! runs beside the async threads and is given up after a while.

use crate::error::VaultError;
use keyring::{Entry, Error};
use labferry_model::{AccountName, Secrets};
use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// The name of our entries.
const SERVICE: &str = "Labferry";
/// How long a call may take: a healthy keychain answers in milliseconds, a locked one waits for a person.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// How long what was read may be used again. A token goes with each of hundreds of requests a second, and each look into
/// the keychain costs a round trip to another process, a quarter of a small file's time (docs/performance.md); what another
/// process of ours changes is seen as soon as a person would look.
const FRESH: Duration = Duration::from_secs(2);

/// The entries of one data folder.
#[derive(Clone)]
pub(crate) struct Keychain {
    /// Tells the entries of one data folder from those of another.
    folder: String,
    /// What was read a moment ago.
    recent: Arc<Mutex<BTreeMap<AccountName, (Instant, Secrets)>>>,
}

impl Keychain {
    /// Begins to look for a keychain that answers and really keeps what it is given: a session without a default
    /// collection reads well and refuses every write. The look may wait for a person.
    pub(crate) fn look(folder: PathBuf) -> JoinHandle<Result<Self, VaultError>> {
        tokio::task::spawn_blocking(move || {
            let mark =
                folder_mark(&folder).map_err(|source| VaultError::Io { path: folder.clone(), source })?;
            let probe = || {
                let entry = Entry::new(SERVICE, &entry_name(&mark, "probe of the keychain"))?;
                entry.set_password("probe")?;
                let kept = entry.get_password()?;
                entry.delete_credential()?;
                if kept == "probe" { Ok(()) } else { Err(Error::NoEntry) }
            };
            probe().map_err(|error| VaultError::Keychain(words(&error)))?;
            Ok(Self { folder: mark, recent: Arc::default() })
        })
    }

    pub(crate) async fn read(&self, account: &AccountName) -> Result<Option<Secrets>, VaultError> {
        if let Some((at, secrets)) = self.recent().get(account)
            && at.elapsed() < FRESH
        {
            return Ok(Some(secrets.clone()));
        }
        let asked = Instant::now();
        let name = entry_name(&self.folder, account.as_str());
        let text = bounded(move || match Entry::new(SERVICE, &name)?.get_password() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
        .await?;
        // The text is a secret: say where it fails and nothing of it.
        let secrets: Option<Secrets> = text
            .map(|text| {
                serde_json::from_str(&text).map_err(|_| {
                    VaultError::Keychain(format!("its entry for \"{account}\" is not one of ours"))
                })
            })
            .transpose()?;
        if let Some(secrets) = &secrets {
            let mut recent = self.recent();
            // What was written meanwhile is newer than what was read.
            if recent.get(account).is_none_or(|(at, _)| *at < asked) {
                recent.insert(account.clone(), (asked, secrets.clone()));
            }
        }
        Ok(secrets)
    }

    pub(crate) async fn write(&self, account: &AccountName, secrets: &Secrets) -> Result<(), VaultError> {
        let name = entry_name(&self.folder, account.as_str());
        let text = serde_json::to_string(secrets)
            .map(Zeroizing::new)
            .map_err(|_| VaultError::Keychain("the entry could not be written down".to_owned()))?;
        let kept = bounded(move || Entry::new(SERVICE, &name)?.set_password(&text)).await;
        match &kept {
            Ok(()) => self.recent().insert(account.clone(), (Instant::now(), secrets.clone())),
            // What it holds now is its own to say.
            Err(_) => self.recent().remove(account),
        };
        kept
    }

    pub(crate) async fn remove(&self, account: &AccountName) -> Result<(), VaultError> {
        let name = entry_name(&self.folder, account.as_str());
        let removed = bounded(move || match Entry::new(SERVICE, &name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
        .await;
        self.recent().remove(account);
        removed
    }

    fn recent(&self) -> MutexGuard<'_, BTreeMap<AccountName, (Instant, Secrets)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry_name(folder: &str, account: &str) -> String {
    format!("{account} ({folder})")
}

/// Runs a blocking call beside the async threads. One that hangs keeps its thread until the prompt is answered; the
/// caller goes on.
async fn bounded<T: Send + 'static>(
    call: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, VaultError> {
    match tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(call)).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => Err(VaultError::Keychain(words(&error))),
        Ok(Err(_)) => Err(VaultError::Keychain("the call was cut short".to_owned())),
        Err(_) => Err(VaultError::KeychainSilent(PATIENCE.as_secs())),
    }
}

/// The keychain's own words, without what an entry holds.
fn words(error: &Error) -> String {
    match error {
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "an entry of ours cannot be read back".to_owned(),
        other => other.to_string(),
    }
}

/// A mark of the data folder, made once: two folders on one computer may have accounts of the same name, and a folder
/// may be moved.
fn folder_mark(folder: &Path) -> io::Result<String> {
    let path = folder.join("vault.mark");
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => file.write_all(hex::encode(random).as_bytes())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let mark = fs::read_to_string(&path)?;
    // Another process may be writing it just now; the next look finds it whole.
    if mark.len() != 2 * random.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "vault.mark is not whole"));
    }
    Ok(mark)
}
