//! What can go wrong with the store, told from SQLite's result codes.

use labferry_model::{Illegal, Problem, ProblemCode};
use std::{
    io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Why the store could not do what was asked. Nothing was changed then.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database has a schema this program does not know.
    #[error(
        "the database {} was written by a newer version of Labferry (its schema is {found}, this version knows {known}); update Labferry, or use another data folder",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The newest schema number in the database.
        found: i64,
        /// The newest schema number of this program.
        known: i64,
    },
    /// Another program held the database for longer than we wait.
    #[error("the database {} is held by another program; try again when that one is done", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// The disk has no room left.
    #[error("the disk that holds the database {} is full; free some space and try again", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The database or its folder cannot be written.
    #[error("the database {} cannot be written; check the permissions of its folder", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "the database {} is damaged ({cause}); move the file away to start anew, or bring back a copy of it",
        path.display()
    )]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// SQLite's or the reader's own words.
        cause: String,
    },
    /// The file system said no.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// There is one of that name already; the text says what.
    #[error("{0} exists already")]
    Exists(String),
    /// It is still needed; the text says what and by whom.
    #[error("{0}")]
    InUse(String),
    /// There is no such thing; the text says what.
    #[error("there is no {0}")]
    NotFound(String),
    /// The event makes no sense in the transfer's state.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Anything else.
    #[error("the database {} failed: {cause}", path.display())]
    Other {
        /// The database.
        path: PathBuf,
        /// What happened, in SQLite's own words.
        cause: String,
    },
}

impl StoreError {
    /// The problem a front end shows for it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let code = match self {
            Self::Newer { .. } => ProblemCode::DatabaseNewer,
            Self::Full { .. } => ProblemCode::DiskFull,
            Self::ReadOnly { .. } => ProblemCode::FolderNotWritable,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    ProblemCode::FolderNotWritable
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProblemCode::DiskFull,
                _ => ProblemCode::DatabaseFailed,
            },
            Self::Locked { .. } | Self::Corrupt { .. } | Self::Other { .. } => ProblemCode::DatabaseFailed,
            Self::Exists(_) | Self::InUse(_) | Self::NotFound(_) | Self::Illegal(_) => {
                ProblemCode::InvalidRequest
            }
        };
        let problem = Problem::new(code).because(self.to_string());
        match self.path() {
            Some(path) => problem.about(path.display().to_string()),
            None => problem,
        }
    }

    /// The file or folder it concerns.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Newer { path, .. }
            | Self::Locked { path }
            | Self::Full { path }
            | Self::ReadOnly { path }
            | Self::Corrupt { path, .. }
            | Self::Io { path, .. }
            | Self::Other { path, .. } => Some(path),
            Self::Exists(_) | Self::InUse(_) | Self::NotFound(_) | Self::Illegal(_) => None,
        }
    }

    /// Names the database where the place that failed did not know it.
    pub(crate) fn at(mut self, database: &Path) -> Self {
        if let Self::Newer { path, .. }
        | Self::Locked { path }
        | Self::Full { path }
        | Self::ReadOnly { path }
        | Self::Corrupt { path, .. }
        | Self::Io { path, .. }
        | Self::Other { path, .. } = &mut self
            && path.as_os_str().is_empty()
        {
            *path = database.to_path_buf();
        }
        self
    }

    /// The same failure for another command of the transaction that failed.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Locked { path } => Self::Locked { path: path.clone() },
            Self::Full { path } => Self::Full { path: path.clone() },
            Self::ReadOnly { path } => Self::ReadOnly { path: path.clone() },
            Self::Corrupt { path, cause } => Self::Corrupt { path: path.clone(), cause: cause.clone() },
            Self::Io { path, source } => {
                Self::Io { path: path.clone(), source: io::Error::new(source.kind(), source.to_string()) }
            }
            other => {
                let path = other.path().map(Path::to_path_buf).unwrap_or_default();
                Self::Other { path, cause: other.to_string() }
            }
        }
    }

    /// A stored value that cannot be read back.
    pub(crate) fn unreadable(column: &str, cause: impl std::fmt::Display) -> Self {
        Self::Corrupt { path: PathBuf::new(), cause: format!("{column}: {cause}") }
    }

    /// A cause without a code of its own.
    pub(crate) fn other(cause: impl std::fmt::Display) -> Self {
        Self::Other { path: PathBuf::new(), cause: cause.to_string() }
    }
}

/// Primary result codes: <https://www.sqlite.org/rescode.html>. Extended codes carry them in the low byte.
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let path = PathBuf::new();
        if let sqlx::Error::ColumnDecode { index, source } = &error {
            return Self::unreadable(index, source);
        }
        let sqlx::Error::Database(database) = &error else { return Self::other(error) };
        let cause = database.message().to_owned();
        match database.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff) {
            Some(5 | 6) => Self::Locked { path },
            Some(8) => Self::ReadOnly { path },
            Some(13) => Self::Full { path },
            Some(11 | 26) => Self::Corrupt { path, cause },
            Some(10 | 14) => Self::Io { path, source: io::Error::other(cause) },
            _ => Self::Other { path, cause },
        }
    }
}
