//! The only place that writes. Commands queue here; those that are waiting when a transaction begins share it, each in
//! its own savepoint, so that one that fails takes no other with it. A caller gets its answer after the commit.

use crate::error::StoreError;
use sqlx::SqliteConnection;
use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot, watch};

/// Most commands in one transaction: bounds how long the first of them waits for the last.
const GROUP: usize = 256;
/// Commands that may wait before callers are held back.
const QUEUE: usize = 1024;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a command works with inside its transaction.
pub(crate) struct Work {
    /// The writing connection.
    pub(crate) connection: SqliteConnection,
    /// The newest event number written in this transaction.
    pub(crate) event: Option<i64>,
}

/// A command and the way back to its caller.
trait Command: Send {
    /// Runs it; false when it failed and must be undone.
    fn run<'w>(&'w mut self, work: &'w mut Work) -> BoxFuture<'w, bool>;
    /// Tells the caller: its own result, or why the transaction as a whole failed.
    fn answer(self: Box<Self>, transaction: Result<(), StoreError>);
}

struct Pending<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Command for Pending<T, F>
where
    T: Send,
    F: for<'w> FnOnce(&'w mut Work) -> BoxFuture<'w, Result<T, StoreError>> + Send,
{
    fn run<'w>(&'w mut self, work: &'w mut Work) -> BoxFuture<'w, bool> {
        Box::pin(async move {
            let Some(command) = self.work.take() else { return false };
            let result = command(work).await;
            let kept = result.is_ok();
            self.result = Some(result);
            kept
        })
    }

    fn answer(self: Box<Self>, transaction: Result<(), StoreError>) {
        let own = self.result.unwrap_or_else(|| Err(StoreError::other("the command did not run")));
        // A command's own failure says more than that of the transaction it was in.
        let answer = match (own, transaction) {
            (Ok(_), Err(error)) => Err(error),
            (own, _) => own,
        };
        // A caller that stopped waiting does not undo what it asked for.
        let _ = self.reply.send(answer);
    }
}

enum Message {
    Command(Box<dyn Command>),
    DataVersion(oneshot::Sender<Result<i64, StoreError>>),
    Close(oneshot::Sender<()>),
}

/// The way to the writer task.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    database: Arc<Path>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the writer task on that connection.
    pub(crate) fn start(
        connection: SqliteConnection,
        database: &Path,
        committed: watch::Sender<i64>,
    ) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task {
            work: Work { connection, event: None },
            database: database.to_path_buf(),
            committed,
            commits: Arc::clone(&commits),
        };
        tokio::spawn(task.serve(queue));
        Self { queue: sender, database: database.into(), commits }
    }

    /// Runs `work` in a transaction and returns once that is committed.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'w> FnOnce(&'w mut Work) -> BoxFuture<'w, Result<T, StoreError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let command = Pending { work: Some(work), result: None, reply };
        self.queue.send(Message::Command(Box::new(command))).await.map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())?.map_err(|error| error.at(&self.database))
    }

    /// SQLite's counter of commits made by others, as this connection sees it.
    pub(crate) async fn data_version(&self) -> Result<i64, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::DataVersion(reply)).await.map_err(|_| self.gone())?;
        answer.await.map_err(|_| self.gone())?.map_err(|error| error.at(&self.database))
    }

    /// Finishes what is queued and closes the connection. Later calls fail.
    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Message::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }

    /// Transactions committed so far.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn gone(&self) -> StoreError {
        StoreError::other("it was closed").at(&self.database)
    }
}

struct Task {
    work: Work,
    database: PathBuf,
    committed: watch::Sender<i64>,
    commits: Arc<AtomicU64>,
}

impl Task {
    async fn serve(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(GROUP);
        let mut closed = None;
        while closed.is_none() {
            // Callers that are ready to send do so now, and share the transaction.
            tokio::task::yield_now().await;
            if queue.recv_many(&mut messages, GROUP).await == 0 {
                break;
            }
            let mut commands = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Command(command) => commands.push(command),
                    Message::DataVersion(reply) => {
                        let _ = reply.send(data_version(&mut self.work.connection).await);
                    }
                    Message::Close(reply) => closed = Some(reply),
                }
            }
            if !commands.is_empty() {
                self.transaction(commands).await;
            }
        }
        queue.close();
        // Closing folds the write-ahead log into the database when no other process has it open.
        if let Err(error) = sqlx::Connection::close(self.work.connection).await {
            tracing::warn!(database = %self.database.display(), %error, "the database did not close cleanly");
        }
        if let Some(reply) = closed {
            let _ = reply.send(());
        }
    }

    /// Runs all commands in one transaction, then answers each.
    async fn transaction(&mut self, mut commands: Vec<Box<dyn Command>>) {
        self.work.event = None;
        let outcome = self.run_group(&mut commands).await;
        if outcome.is_err() {
            // SQLite may have rolled back by itself (a full disk); then there is nothing left to undo.
            let _ = execute(&mut self.work.connection, "ROLLBACK").await;
        } else {
            self.commits.fetch_add(1, Ordering::Relaxed);
            if let Some(event) = self.work.event {
                self.committed.send_replace(event);
            }
        }
        let failure = outcome.err().map(|error| error.at(&self.database));
        for command in commands {
            command.answer(failure.as_ref().map_or(Ok(()), |error| Err(error.again())));
        }
    }

    async fn run_group(&mut self, commands: &mut [Box<dyn Command>]) -> Result<(), StoreError> {
        execute(&mut self.work.connection, "BEGIN IMMEDIATE").await?;
        // Alone, a command is undone by undoing the transaction.
        if let [only] = commands {
            let statement = if only.run(&mut self.work).await { "COMMIT" } else { "ROLLBACK" };
            return execute(&mut self.work.connection, statement).await;
        }
        // Each statement is a hop to SQLite's thread and back, so what belongs together goes together.
        let mut opening = "SAVEPOINT command";
        for command in commands {
            execute(&mut self.work.connection, opening).await?;
            let event = self.work.event;
            if !command.run(&mut self.work).await {
                self.work.event = event;
                execute(&mut self.work.connection, "ROLLBACK TO command").await?;
            }
            opening = "RELEASE command; SAVEPOINT command";
        }
        execute(&mut self.work.connection, "RELEASE command; COMMIT").await
    }
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), StoreError> {
    sqlx::query(statement).execute(connection).await?;
    Ok(())
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await?)
}
