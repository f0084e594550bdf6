//! The folder that holds everything of one Labferry: the database, and the lock of the process that runs the engine.

use crate::error::StoreError;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// A folder that exists and that we may use.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
}

/// The sign that this process watches the folders of a data folder's rules. It ends when this is dropped, or with the
/// process, however that ends.
#[derive(Debug)]
pub struct Watching {
    _lock: File,
}

/// The right to run the engine on a data folder. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Ownership {
    _lock: File,
}

impl DataFolder {
    /// Opens the folder and creates it, readable by its owner alone, when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Io`] naming the folder, when it cannot be created or is no folder.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Io { path: path.to_path_buf(), source };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => failed(io::Error::new(
                io::ErrorKind::NotADirectory,
                "there is a file where a folder is needed",
            )),
            _ => failed(source),
        })?;
        if !fs::metadata(path).map_err(failed)?.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        Ok(Self { path: path.to_path_buf() })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database in it.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("labferry.db")
    }

    /// Takes the folder's lock; `None` when another process has it. The system frees the lock of a process that
    /// died, so a stale lock cannot be.
    ///
    /// # Errors
    /// [`StoreError::Io`] naming the lock file, when it cannot be made or the file system has no locks.
    pub fn try_own(&self) -> Result<Option<Ownership>, StoreError> {
        let (path, lock) = self.lock_file("lock")?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Ownership { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }

    /// Shows every process that this one watches the folders of the rules. Only the owner of the folder may ask for it;
    /// `None` while somebody looks at the lock, which takes microseconds: ask again.
    ///
    /// # Errors
    /// As [`DataFolder::try_own`].
    pub fn try_watch(&self, _owner: &Ownership) -> Result<Option<Watching>, StoreError> {
        let (path, lock) = self.lock_file("watching")?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Watching { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }

    /// Whether a process watches, this one included. True at once when it begins, and false at once when it ends or is
    /// killed.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        // Shared, so that those who look are not taken for one another's watcher.
        let looked = File::open(self.path.join("watching")).map(|lock| lock.try_lock_shared());
        matches!(looked, Ok(Err(TryLockError::WouldBlock)))
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File), StoreError> {
        let path = self.path.join(name);
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        match opened {
            Ok(lock) => Ok((path, lock)),
            Err(source) => Err(StoreError::Io { path, source }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_watched_exactly_while_its_owner_says_so() {
        let folder = crate::tests::Folder::new();
        let folder = DataFolder::open(&folder.0).unwrap();
        assert!(!folder.is_watched());
        let owner = folder.try_own().unwrap().unwrap();
        assert!(!folder.is_watched(), "sending is not watching");
        let watching = folder.try_watch(&owner).unwrap().unwrap();
        assert!(folder.is_watched() && folder.is_watched());
        assert!(folder.try_watch(&owner).unwrap().is_none());
        drop(watching);
        assert!(!folder.is_watched());
    }
}
