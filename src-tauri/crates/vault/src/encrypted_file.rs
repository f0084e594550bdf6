//! A file with every account's secrets, encrypted with a passphrase: Argon2id for the key, XChaCha20-Poly1305 for the
//! content. Two processes may share it: each change is read, made and written under a lock.

use crate::error::VaultError;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use labferry_model::{AccountName, Secret, Secrets};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// The file's name in the data folder.
const FILE: &str = "vault.json";
/// The only format so far; it fixes the algorithms and their parameters.
const FORMAT: &str = "labferry-vault-1 argon2id(m=64MiB,t=3,p=4) xchacha20poly1305";
const KEY: usize = 32;
const SALT: usize = 16;
const NONCE: usize = 24;

/// What stands in the file. Everything is hexadecimal.
#[derive(Serialize, Deserialize)]
struct Sealed {
    format: String,
    salt: String,
    nonce: String,
    content: String,
}

type Content = BTreeMap<AccountName, Secrets>;

/// RFC 9106, section 4: the second recommended option, for machines where memory is short.
pub(crate) fn parameters() -> argon2::Result<Params> {
    Params::new(64 * 1024, 3, 4, Some(KEY))
}

/// A key and the salt it was derived with: deriving takes a good part of a second, on purpose.
struct Derived {
    salt: Vec<u8>,
    key: Zeroizing<[u8; KEY]>,
}

/// An encrypted file. Clones share the derived key. Every method blocks.
#[derive(Clone)]
pub(crate) struct EncryptedFile {
    path: PathBuf,
    passphrase: Secret,
    derived: Arc<Mutex<Option<Derived>>>,
}

impl EncryptedFile {
    /// Where the file of that folder is.
    pub(crate) fn path_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Opens it, and makes sure that the passphrase fits one that is there.
    pub(crate) fn open(folder: &Path, passphrase: Secret) -> Result<Self, VaultError> {
        let file = Self { path: Self::path_in(folder), passphrase, derived: Arc::new(Mutex::new(None)) };
        file.load()?;
        Ok(file)
    }

    /// Opens it, and makes it when it is missing.
    pub(crate) fn create(folder: &Path, passphrase: Secret) -> Result<Self, VaultError> {
        let file = Self::open(folder, passphrase)?;
        let lock = file.lock()?;
        if !file.path.exists() {
            file.save(&Content::new())?;
        }
        drop(lock);
        Ok(file)
    }

    pub(crate) fn read(&self, account: &AccountName) -> Result<Option<Secrets>, VaultError> {
        Ok(self.load()?.remove(account))
    }

    pub(crate) fn write(&self, account: &AccountName, secrets: &Secrets) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        let mut content = self.load()?;
        content.insert(account.clone(), secrets.clone());
        self.save(&content)
    }

    pub(crate) fn remove(&self, account: &AccountName) -> Result<(), VaultError> {
        let _lock = self.lock()?;
        let mut content = self.load()?;
        if content.remove(account).is_some() { self.save(&content) } else { Ok(()) }
    }

    /// Held by whoever changes the file, in this process or another. The system frees it with the process.
    fn lock(&self) -> Result<File, VaultError> {
        let path = self.path.with_extension("lock");
        let failed = |source| VaultError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn load(&self) -> Result<Content, VaultError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::new()),
            Err(source) => return Err(VaultError::Io { path: self.path.clone(), source }),
        };
        let sealed: Sealed = serde_json::from_slice(&text).map_err(|error| self.unreadable(error))?;
        if sealed.format != FORMAT {
            return Err(self.unreadable(format!("its format is \"{}\"", sealed.format)));
        }
        let salt = self.bytes(&sealed.salt, "salt", SALT)?;
        let nonce: [u8; NONCE] = self
            .bytes(&sealed.nonce, "nonce", NONCE)?
            .try_into()
            .map_err(|_| self.unreadable("its nonce has another length"))?;
        let content = hex::decode(&sealed.content).map_err(|error| self.unreadable(error))?;
        let payload = Payload { msg: &content, aad: FORMAT.as_bytes() };
        let plain = self
            .cipher(&salt)?
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| VaultError::WrongPassphrase { path: self.path.clone() })?;
        serde_json::from_slice(&plain).map_err(|_| self.unreadable("its content has another shape"))
    }

    fn save(&self, content: &Content) -> Result<(), VaultError> {
        let plain = serde_json::to_vec(content)
            .map(Zeroizing::new)
            .map_err(|_| self.unreadable("its content cannot be written down"))?;
        let known = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let salt = known.as_ref().map(|derived| derived.salt.clone());
        drop(known);
        let salt = match salt {
            Some(salt) => salt,
            None => self.random::<SALT>()?.to_vec(),
        };
        let nonce = self.random::<NONCE>()?;
        let sealed = self
            .cipher(&salt)?
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: FORMAT.as_bytes() })
            .map_err(|_| self.unreadable("it cannot be encrypted"))?;
        let sealed = Sealed {
            format: FORMAT.to_owned(),
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            content: hex::encode(sealed),
        };
        let text = serde_json::to_vec_pretty(&sealed).map_err(|error| self.unreadable(error))?;
        self.replace(&text).map_err(|source| VaultError::Io { path: self.path.clone(), source })
    }

    /// Writes beside the file and takes its place, so that a crash leaves the old or the new one whole.
    fn replace(&self, text: &[u8]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &self.path)?;
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn cipher(&self, salt: &[u8]) -> Result<XChaCha20Poly1305, VaultError> {
        let mut known = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let derived = match known.take() {
            Some(derived) if derived.salt == salt => derived,
            _ => Derived { salt: salt.to_vec(), key: self.derive(salt)? },
        };
        let cipher = XChaCha20Poly1305::new(derived.key.as_ref().into());
        *known = Some(derived);
        Ok(cipher)
    }

    fn derive(&self, salt: &[u8]) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
        let mut key = Zeroizing::new([0; KEY]);
        parameters()
            .and_then(|parameters| {
                Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters).hash_password_into(
                    self.passphrase.reveal().as_bytes(),
                    salt,
                    key.as_mut(),
                )
            })
            .map_err(|error| self.unreadable(error))?;
        Ok(key)
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], VaultError> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(|error| self.unreadable(error))?;
        Ok(bytes)
    }

    fn bytes(&self, text: &str, what: &str, length: usize) -> Result<Vec<u8>, VaultError> {
        match hex::decode(text) {
            Ok(bytes) if bytes.len() == length => Ok(bytes),
            _ => Err(self.unreadable(format!("its {what} is not {length} bytes"))),
        }
    }

    fn unreadable(&self, cause: impl std::fmt::Display) -> VaultError {
        VaultError::Unreadable { path: self.path.clone(), cause: cause.to_string() }
    }
}
