//! One vault for all front ends: it finds out where secrets can be kept here, and keeps them there.

use crate::{encrypted_file::EncryptedFile, error::VaultError, keychain::Keychain};
use labferry_model::{AccountName, Secret, Secrets};
use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Where secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultKind {
    /// The system's keychain.
    Keychain,
    /// A file encrypted with a passphrase, in the data folder.
    EncryptedFile,
    /// Memory: gone with the process.
    Memory,
    /// Nowhere: what is only for this run is kept, anything else refused.
    None,
}

impl VaultKind {
    /// The name used in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::EncryptedFile => "encrypted_file",
            Self::Memory => "memory",
            Self::None => "none",
        }
    }
}

enum Place {
    Keychain(Keychain),
    File(EncryptedFile),
    Memory,
    /// With the encrypted file that is there and has no passphrase, if there is one.
    Nowhere(Option<PathBuf>),
}

struct Shared {
    place: Place,
    /// Secrets that are not meant to outlive the process.
    this_run: Mutex<BTreeMap<AccountName, Secrets>>,
}

/// The secrets of one data folder's accounts. Clones share them.
#[derive(Clone)]
pub struct Vault {
    shared: Arc<Shared>,
}

impl Vault {
    /// The vault of a data folder. An encrypted file that is there is used when its passphrase is given; otherwise the
    /// system's keychain when one answers in time; otherwise a new encrypted file when a passphrase is given;
    /// otherwise a vault that refuses to keep anything beyond this run.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Unreadable`] or [`VaultError::Io`] about an encrypted file.
    pub async fn open(folder: &Path, passphrase: Option<Secret>) -> Result<Self, VaultError> {
        let path = EncryptedFile::path_in(folder);
        let there = path.exists();
        let file = {
            let folder = folder.to_path_buf();
            move |passphrase| blocking(move || EncryptedFile::open(&folder, passphrase))
        };
        if let (true, Some(passphrase)) = (there, &passphrase) {
            return Ok(Self::keeping(Place::File(file(passphrase.clone()).await?)));
        }
        let keychain = match folder_mark(folder) {
            Ok(mark) => Keychain::probe(mark).await,
            Err(source) => Err(VaultError::Io { path: folder.to_path_buf(), source }),
        };
        let place = match (keychain, passphrase) {
            (Ok(keychain), _) => Place::Keychain(keychain),
            (Err(_), Some(passphrase)) => Place::File(file(passphrase).await?),
            (Err(error), None) => {
                tracing::info!(%error, "there is no keychain to use");
                Place::Nowhere(there.then_some(path))
            }
        };
        Ok(Self::keeping(place))
    }

    /// A vault in the folder's encrypted file, whatever keychain there is. From then on [`Vault::open`] prefers it.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Unreadable`] or [`VaultError::Io`].
    pub async fn encrypted_file(folder: &Path, passphrase: Secret) -> Result<Self, VaultError> {
        let folder = folder.to_path_buf();
        let file = blocking(move || EncryptedFile::create(&folder, passphrase)).await?;
        Ok(Self::keeping(Place::File(file)))
    }

    /// A vault that forgets everything with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::keeping(Place::Memory)
    }

    fn keeping(place: Place) -> Self {
        Self { shared: Arc::new(Shared { place, this_run: Mutex::default() }) }
    }

    /// Where secrets are kept.
    #[must_use]
    pub fn kind(&self) -> VaultKind {
        match &self.shared.place {
            Place::Keychain(_) => VaultKind::Keychain,
            Place::File(_) => VaultKind::EncryptedFile,
            Place::Memory => VaultKind::Memory,
            Place::Nowhere(_) => VaultKind::None,
        }
    }

    /// The secrets of an account as they are now; none when it has none here.
    ///
    /// # Errors
    /// A vault that cannot be reached or opened.
    pub async fn read(&self, account: &AccountName) -> Result<Option<Secrets>, VaultError> {
        if let Some(secrets) = self.this_run().get(account) {
            return Ok(Some(secrets.clone()));
        }
        match &self.shared.place {
            Place::Keychain(keychain) => keychain.read(account).await,
            Place::File(file) => {
                let (file, account) = (file.clone(), account.clone());
                blocking(move || file.read(&account)).await
            }
            Place::Memory | Place::Nowhere(None) => Ok(None),
            Place::Nowhere(Some(path)) => Err(VaultError::NoPassphrase { path: path.clone() }),
        }
    }

    /// Keeps the secrets of an account in place of those it had; returns once they are kept.
    ///
    /// # Errors
    /// [`VaultError::NoKeychain`] where there is no place to keep them; a vault that cannot be reached or written.
    pub async fn write(&self, account: &AccountName, secrets: &Secrets) -> Result<(), VaultError> {
        if self.kept_for_this_run(account, secrets) {
            return Ok(());
        }
        match &self.shared.place {
            Place::Keychain(keychain) => keychain.write(account, secrets).await,
            Place::File(file) => {
                let (file, account, secrets) = (file.clone(), account.clone(), secrets.clone());
                blocking(move || file.write(&account, &secrets)).await
            }
            Place::Memory | Place::Nowhere(None) => Err(VaultError::NoKeychain),
            Place::Nowhere(Some(path)) => Err(VaultError::NoPassphrase { path: path.clone() }),
        }
    }

    /// Forgets the secrets of an account; it is no failure when there are none.
    ///
    /// # Errors
    /// A vault that cannot be reached or written.
    pub async fn remove(&self, account: &AccountName) -> Result<(), VaultError> {
        self.this_run().remove(account);
        match &self.shared.place {
            Place::Keychain(keychain) => keychain.remove(account).await,
            Place::File(file) => {
                let (file, account) = (file.clone(), account.clone());
                blocking(move || file.remove(&account)).await
            }
            Place::Memory | Place::Nowhere(_) => Ok(()),
        }
    }

    /// Keeps secrets until the process ends and nowhere else, such as those of the practice lab.
    pub fn keep_for_this_run(&self, account: &AccountName, secrets: Secrets) {
        self.this_run().insert(account.clone(), secrets);
    }

    /// Keeps secrets in memory, where that is their place already.
    fn kept_for_this_run(&self, account: &AccountName, secrets: &Secrets) -> bool {
        let mut this_run = self.this_run();
        let here = matches!(self.shared.place, Place::Memory) || this_run.contains_key(account);
        if here {
            this_run.insert(account.clone(), secrets.clone());
        }
        here
    }

    fn this_run(&self) -> std::sync::MutexGuard<'_, BTreeMap<AccountName, Secrets>> {
        self.shared.this_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(call)
        .await
        .unwrap_or_else(|_| Err(VaultError::Keychain("the call was cut short".to_owned())))
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
    Ok(fs::read_to_string(&path)?.trim().to_owned())
}
