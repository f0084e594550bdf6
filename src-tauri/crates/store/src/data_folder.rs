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
        let path = self.path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| StoreError::Io { path: path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Ownership { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
        }
    }
}
