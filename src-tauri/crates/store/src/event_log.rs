//! The numbered log of state changes. A listener names the last number it saw and gets the rest.

use crate::{
    columns::{from_json, json},
    error::StoreError,
    store::Store,
    writer::Work,
};
use labferry_model::{State, Timestamp, TransferId};
use sqlx::{Row, SqliteConnection};

/// One committed state change.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedEvent {
    /// Its number: ascending, never used twice; numbers may be missing.
    pub number: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The transfer.
    pub transfer: TransferId,
    /// The state it came to.
    pub state: State,
}

impl Store {
    /// The events after that number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn events_after(&self, number: i64, limit: u32) -> Result<Vec<LoggedEvent>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "SELECT number, at, transfer, state FROM events WHERE number > ? ORDER BY number LIMIT ?",
        )
        .bind(number)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        let read = |row: &sqlx::sqlite::SqliteRow| -> Result<LoggedEvent, StoreError> {
            Ok(LoggedEvent {
                number: row.try_get(0)?,
                at: Timestamp(row.try_get(1)?),
                transfer: TransferId(row.try_get(2)?),
                state: from_json("state", row.try_get(3)?)?,
            })
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// The number of the newest event, 0 when there was none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn last_event(&self) -> Result<i64, StoreError> {
        let mut connection = self.reader().await?;
        newest(&mut connection).await.map_err(|error| self.failed(error))
    }

    /// The number of the oldest event kept. A listener that saw less than the one before it has missed some and needs
    /// a fresh list.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn first_event(&self) -> Result<Option<i64>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query_scalar("SELECT min(number) FROM events")
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Forgets all but about the newest `keep` events, and says how many it forgot.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn prune_events(&self, keep: u64) -> Result<u64, StoreError> {
        // In small steps: each is a transaction others wait for.
        const STEP: i64 = 5_000;
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        let mut forgotten = 0;
        loop {
            let step = self
                .write(move |work| {
                    Box::pin(async move {
                        let done = sqlx::query(
                            "DELETE FROM events WHERE number IN (SELECT number FROM events
                             WHERE number <= (SELECT max(number) FROM events) - ? ORDER BY number LIMIT ?)",
                        )
                        .bind(keep)
                        .bind(STEP)
                        .execute(&mut work.connection)
                        .await?;
                        Ok(done.rows_affected())
                    })
                })
                .await?;
            forgotten += step;
            if step == 0 {
                return Ok(forgotten);
            }
        }
    }
}

impl Work {
    /// Logs a state change as part of this transaction.
    pub(crate) async fn log(
        &mut self,
        id: TransferId,
        state: &State,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query("INSERT INTO events (at, transfer, state) VALUES (?, ?, ?)")
            .bind(at.0)
            .bind(id.0)
            .bind(json(state)?)
            .execute(&mut self.connection)
            .await?;
        self.event = Some(done.last_insert_rowid());
        Ok(())
    }
}

/// The newest number given out, also when its event was pruned since.
pub(crate) async fn newest(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let number: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        .fetch_optional(connection)
        .await?;
    Ok(number.unwrap_or(0))
}
