//! One vault for all front ends: it finds out where secrets can be kept here, and keeps them there.

use crate::{
    encrypted_file::EncryptedFile,
    error::VaultError,
    keychain::{Keychain, PATIENCE},
};
use labferry_model::{AccountName, Secret, Secrets};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use tokio::{sync::Mutex as AsyncMutex, task::JoinHandle};

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
}

struct Shared {
    folder: PathBuf,
    passphrase: Option<Secret>,
    /// Where secrets are kept, once that was found. Not finding it is not remembered: somebody may unlock the keychain.
    place: OnceLock<Place>,
    /// A look for the keychain that has not ended: it may show a prompt, and a second look would show another.
    looking: AsyncMutex<Option<JoinHandle<Result<Keychain, VaultError>>>>,
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
    /// otherwise nothing is kept beyond this run. The keychain is looked for when the first secret is needed, because
    /// it may ask somebody to unlock it.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Unreadable`] or [`VaultError::Io`] about an encrypted file.
    pub async fn open(folder: &Path, passphrase: Option<Secret>) -> Result<Self, VaultError> {
        let place = OnceLock::new();
        if let Some(passphrase) = passphrase.as_ref().filter(|_| EncryptedFile::path_in(folder).exists()) {
            // The place is empty until here.
            let _ = place.set(Place::File(open_file(folder, passphrase).await?));
        }
        Ok(Self::keeping(folder, passphrase, place))
    }

    /// A vault in the folder's encrypted file, whatever keychain there is. From then on [`Vault::open`] prefers it.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], [`VaultError::Unreadable`] or [`VaultError::Io`].
    pub async fn encrypted_file(folder: &Path, passphrase: Secret) -> Result<Self, VaultError> {
        let (owned, secret) = (folder.to_path_buf(), passphrase.clone());
        let file = blocking(move || EncryptedFile::create(&owned, secret)).await?;
        Ok(Self::keeping(folder, Some(passphrase), OnceLock::from(Place::File(file))))
    }

    /// A vault that forgets everything with the process.
    #[must_use]
    pub fn memory() -> Self {
        Self::keeping(Path::new(""), None, OnceLock::from(Place::Memory))
    }

    fn keeping(folder: &Path, passphrase: Option<Secret>, place: OnceLock<Place>) -> Self {
        let folder = folder.to_path_buf();
        let looking = AsyncMutex::new(None);
        Self { shared: Arc::new(Shared { folder, passphrase, place, looking, this_run: Mutex::default() }) }
    }

    /// Where secrets are kept. Looks for the keychain when that was not done yet.
    pub async fn kind(&self) -> VaultKind {
        match self.place().await {
            Ok(Place::Keychain(_)) => VaultKind::Keychain,
            Ok(Place::File(_)) => VaultKind::EncryptedFile,
            Ok(Place::Memory) => VaultKind::Memory,
            Err(error) => {
                tracing::debug!(%error, "there is no place for secrets");
                VaultKind::None
            }
        }
    }

    /// The place for secrets, found at the first call.
    async fn place(&self) -> Result<&Place, VaultError> {
        let shared = &self.shared;
        let mut looking = shared.looking.lock().await;
        if let Some(place) = shared.place.get() {
            return Ok(place);
        }
        let look = looking.get_or_insert_with(|| Keychain::look(shared.folder.clone()));
        let found = match tokio::time::timeout(PATIENCE, look).await {
            Ok(ended) => {
                *looking = None;
                ended
                    .unwrap_or_else(|_| Err(VaultError::Keychain("the look for it was cut short".to_owned())))
            }
            Err(_) => Err(VaultError::KeychainSilent(PATIENCE.as_secs())),
        };
        let path = EncryptedFile::path_in(&shared.folder);
        let place = match (found, &shared.passphrase) {
            (Ok(keychain), _) => Place::Keychain(keychain),
            (Err(_), Some(passphrase)) => Place::File(open_file(&shared.folder, passphrase).await?),
            (Err(_), None) if path.exists() => return Err(VaultError::NoPassphrase { path }),
            (Err(silent @ VaultError::KeychainSilent(_)), None) => return Err(silent),
            (Err(error), None) => {
                tracing::info!(%error, "there is no keychain to use");
                return Err(VaultError::NoKeychain);
            }
        };
        Ok(shared.place.get_or_init(|| place))
    }

    /// The secrets of an account as they are now; none when it has none here.
    ///
    /// # Errors
    /// A vault that cannot be reached or opened.
    pub async fn read(&self, account: &AccountName) -> Result<Option<Secrets>, VaultError> {
        if let Some(secrets) = self.this_run().get(account) {
            return Ok(Some(secrets.clone()));
        }
        match self.place().await {
            Ok(Place::Keychain(keychain)) => keychain.read(account).await,
            Ok(Place::File(file)) => {
                let (file, account) = (file.clone(), account.clone());
                blocking(move || file.read(&account)).await
            }
            Ok(Place::Memory) | Err(VaultError::NoKeychain) => Ok(None),
            Err(error) => Err(error),
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
        match self.place().await? {
            Place::Keychain(keychain) => keychain.write(account, secrets).await,
            Place::File(file) => {
                let (file, account, secrets) = (file.clone(), account.clone(), secrets.clone());
                blocking(move || file.write(&account, &secrets)).await
            }
            Place::Memory => {
                self.keep_for_this_run(account, secrets.clone());
                Ok(())
            }
        }
    }

    /// Forgets the secrets of an account; it is no failure when there are none.
    ///
    /// # Errors
    /// A vault that cannot be reached or written.
    pub async fn remove(&self, account: &AccountName) -> Result<(), VaultError> {
        self.this_run().remove(account);
        match self.place().await {
            Ok(Place::Keychain(keychain)) => keychain.remove(account).await,
            Ok(Place::File(file)) => {
                let (file, account) = (file.clone(), account.clone());
                blocking(move || file.remove(&account)).await
            }
            Ok(Place::Memory) | Err(VaultError::NoKeychain) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Keeps secrets until the process ends and nowhere else, such as those of the practice lab.
    pub fn keep_for_this_run(&self, account: &AccountName, secrets: Secrets) {
        self.this_run().insert(account.clone(), secrets);
    }

    /// Keeps secrets in memory, where that is their place already.
    fn kept_for_this_run(&self, account: &AccountName, secrets: &Secrets) -> bool {
        let mut this_run = self.this_run();
        let here = this_run.contains_key(account);
        if here {
            this_run.insert(account.clone(), secrets.clone());
        }
        here
    }

    fn this_run(&self) -> std::sync::MutexGuard<'_, BTreeMap<AccountName, Secrets>> {
        self.shared.this_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open_file(folder: &Path, passphrase: &Secret) -> Result<EncryptedFile, VaultError> {
    let (folder, passphrase) = (folder.to_path_buf(), passphrase.clone());
    blocking(move || EncryptedFile::open(&folder, passphrase)).await
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(call)
        .await
        .unwrap_or_else(|_| Err(VaultError::Keychain("the call was cut short".to_owned())))
}
