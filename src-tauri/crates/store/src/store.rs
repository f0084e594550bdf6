//! Opening the database, and the handle everybody shares.

use crate::{
    data_folder::DataFolder,
    error::StoreError,
    writer::{BoxFuture, Work, Writer},
};
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
    pool::PoolConnection,
    sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// How long a statement waits for another process that writes: longer than the longest transaction of ours.
const BUSY: Duration = Duration::from_secs(10);
/// Connections that read at once. Reads are short; more would only hold memory.
const READERS: u32 = 4;
/// Pages each of them keeps, in KiB as SQLite's negative `cache_size` counts: its default of 2,000 is for a database's only
/// connection, and four such caches are 8 MiB that a long queue fills. The system keeps the pages in any case.
const READER_CACHE: &str = "-512";

/// Every released schema step, oldest first. A step is never edited once it was released; a new one is added.
pub(crate) const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("migrations/0001_first.sql")),
    (2, "large_queues", include_str!("migrations/0002_large_queues.sql")),
    (3, "watched_folders", include_str!("migrations/0003_watched_folders.sql")),
    (4, "put_away", include_str!("migrations/0004_put_away.sql")),
    (5, "sign_in_ends", include_str!("migrations/0005_sign_in_ends.sql")),
    (6, "watched_counts", include_str!("migrations/0006_watched_counts.sql")),
    (7, "copies", include_str!("migrations/0007_copies.sql")),
];

/// The open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    database: PathBuf,
    writer: Writer,
    readers: SqlitePool,
    committed: watch::Receiver<i64>,
    /// The last answer of `PRAGMA data_version`.
    seen: AtomicI64,
}

impl Store {
    /// Opens the database of that folder, makes it when it is missing, and brings an older schema up to date.
    ///
    /// `synchronous` is `NORMAL`. With a write-ahead log that means: a commit is in the operating system's hands when
    /// it is acknowledged, so a process that is killed loses none; a power cut may lose the last commits but leaves an
    /// earlier, whole state, because the log is flushed before it is folded in. A lost commit is then a part sent
    /// twice or a file verified again, never a wrong "verified". `FULL` would flush the disk for every group, many
    /// times a file, to guard against nothing but that.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a schema this program does not know; otherwise what SQLite says of the file.
    pub async fn open(folder: &DataFolder) -> Result<Self, StoreError> {
        let database = folder.database();
        Self::open_file(&database).await.map_err(|error| error.at(&database))
    }

    async fn open_file(database: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let mut connection = SqliteConnection::connect_with(&options.clone().create_if_missing(true)).await?;
        migrate(&mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .min_connections(0)
            .max_connections(READERS)
            .connect_lazy_with(options.pragma("query_only", "ON").pragma("cache_size", READER_CACHE));
        let newest = crate::event_log::newest(&mut connection).await?;
        let (sender, committed) = watch::channel(newest);
        let writer = Writer::start(connection, database, sender);
        let seen = AtomicI64::new(writer.data_version().await?);
        let database = database.to_path_buf();
        Ok(Self { shared: Arc::new(Shared { database, writer, readers, committed, seen }) })
    }

    /// The folder that the database is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.shared.database.parent().unwrap_or(Path::new("."))
    }

    /// Finishes what is queued, folds the write-ahead log in and closes the files. Other clones fail from then on.
    pub async fn close(self) {
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    /// The number of the newest event this process committed, or that was there when it opened the database.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<i64> {
        self.shared.committed.clone()
    }

    /// Whether another process committed since this was last asked.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn changed_by_others(&self) -> Result<bool, StoreError> {
        // The writing connection's own commits do not move its counter, and no other connection of ours commits.
        let version = self.shared.writer.data_version().await?;
        Ok(self.shared.seen.swap(version, Ordering::Relaxed) != version)
    }

    /// Transactions committed since the database was opened. Many commands share one.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.writer.commits()
    }

    /// Runs a command in the writer's transaction and returns once it is committed.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'w> FnOnce(&'w mut Work) -> BoxFuture<'w, Result<T, StoreError>> + Send + 'static,
    {
        self.shared.writer.run(work).await
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.shared.readers.acquire().await.map_err(|error| self.failed(error))
    }

    /// Names the database in a failure.
    pub(crate) fn failed(&self, error: impl Into<StoreError>) -> StoreError {
        error.into().at(&self.shared.database)
    }
}

/// Brings the schema up to date in one transaction, so that two processes that start at once do it once.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = STEPS.last().map_or(0, |step| step.0);
    let found = schema(connection).await?;
    if found == known {
        return Ok(());
    }
    if found > known {
        return Err(StoreError::Newer { path: PathBuf::new(), found, known });
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Not `run`: through its generic connection the compiler no longer sees that opening a store may change threads.
    steps(known).run_direct(None, &mut *transaction, false).await.map_err(StoreError::other)?;
    transaction.commit().await?;
    Ok(())
}

/// The schema's number; 0 for an empty database.
async fn schema(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let exists: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_optional(&mut *connection)
            .await?;
    if exists.is_none() {
        return Ok(0);
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?;
    Ok(newest.unwrap_or(0))
}

/// The steps up to and including that number.
pub(crate) fn steps(last: i64) -> Migrator {
    let migrations = STEPS.iter().filter(|step| step.0 <= last).map(|&(number, name, text)| {
        let text = sqlx::SqlSafeStr::into_sql_str(text);
        Migration::new(number, name.into(), MigrationType::Simple, text, false)
    });
    Migrator::with_migrations(migrations.collect())
}
