//! The order of the queue: who is next, who waits for what, and moving rows.

use crate::{
    error::StoreError,
    store::Store,
    transfer_row::{self, transfer_columns},
    writer::Work,
};
use labferry_model::{AccountName, RuleId, Timestamp, Transfer, TransferId};

/// Distance between neighbours in a fresh queue: room for 20 rows put between the same two before others must move.
pub(crate) const GAP: i64 = 1 << 20;
/// Rows that are spread again when there is no room between two neighbours.
const SPREAD: i64 = 256;
/// Most rows whose time has come that are made ready in one transaction; the rest follow at the next call.
const PROMOTED: i64 = 1_000;

/// Where a transfer is moved to in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Before all others.
    First,
    /// Behind all others.
    Last,
    /// Before that one, with its priority.
    Before(TransferId),
}

/// First row that may start, of each account that has one. The recursive part hops from account to account through
/// `transfers_ready`, so the cost grows with the accounts and not with the queue.
pub(crate) const NEXT: &str = concat!(
    "WITH RECURSIVE busy (account) AS (
         SELECT min(account) FROM transfers WHERE ready_at = 0
         UNION ALL
         SELECT (SELECT min(account) FROM transfers WHERE ready_at = 0 AND account > busy.account)
         FROM busy WHERE busy.account IS NOT NULL
     ),
     heads (id) AS (
         SELECT (SELECT id FROM transfers WHERE ready_at = 0 AND account = busy.account
                 AND id NOT IN (SELECT value FROM json_each(?1))
                 AND id NOT IN (SELECT transfer FROM watched_files WHERE state = 'queued' AND transfer IS NOT NULL
                     AND folder IN (SELECT value FROM json_each(?3)))
                 ORDER BY priority DESC, position LIMIT 1)
         FROM busy WHERE account IS NOT NULL AND account NOT IN (SELECT value FROM json_each(?2))
     )
     SELECT ",
    transfer_columns!(),
    " FROM transfers WHERE id IN (SELECT id FROM heads) ORDER BY priority DESC, position, id LIMIT 1"
);

/// Whether a row's time has come.
pub(crate) const DUE: &str = "SELECT 1 FROM transfers WHERE ready_at > 0 AND ready_at <= ? LIMIT 1";

/// The earliest time a row waits for.
pub(crate) const EARLIEST: &str = "SELECT min(ready_at) FROM transfers WHERE ready_at > 0";

/// The rows that wait, in order, from an index. Few others are live.
const IN_ORDER: &str = concat!(
    "SELECT ",
    transfer_columns!(),
    " FROM transfers WHERE live = 1 AND state IN ('waiting', 'paused')
     AND position > ifnull((SELECT position FROM transfers WHERE id = ?1), -9223372036854775808)
     ORDER BY position LIMIT ?2"
);

impl Store {
    /// The next transfer to start: the highest priority, then the front of the queue, among those that wait for their
    /// turn, were interrupted, or wait for a time that has come. It stays as it is until an event is applied.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn next_waiting(
        &self,
        now: Timestamp,
        skip: &[TransferId],
        skip_accounts: &[AccountName],
        skip_folders: &[RuleId],
    ) -> Result<Option<Transfer>, StoreError> {
        let mut connection = self.reader().await?;
        let due: Option<i64> = sqlx::query_scalar(DUE)
            .bind(now.0)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        if due.is_some() {
            self.write(move |work| Box::pin(work.promote(now))).await?;
        }
        let skip = crate::columns::json(skip).map_err(|error| self.failed(error))?;
        let accounts = crate::columns::json(skip_accounts).map_err(|error| self.failed(error))?;
        let folders = crate::columns::json(skip_folders).map_err(|error| self.failed(error))?;
        let row = sqlx::query(NEXT)
            .bind(skip)
            .bind(accounts)
            .bind(folders)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        row.as_ref().map(transfer_row::read).transpose().map_err(|error| self.failed(error))
    }

    /// The earliest time that a transfer waits for: when to ask [`Store::next_waiting`] again if nothing else happens.
    /// Transfers that may start now are not counted.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn next_ready_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.reader().await?;
        let at: Option<i64> = sqlx::query_scalar(EARLIEST)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(at.map(Timestamp))
    }

    /// The transfers that wait for something to happen, by the reason's name: `offline`, `sign_in` or `disk_low`.
    /// At most `limit`, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn held(&self, reason: &str, limit: u32) -> Result<Vec<TransferId>, StoreError> {
        let mut connection = self.reader().await?;
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM transfers WHERE reason = ? AND reason NOT IN ('turn', 'interrupted')
             ORDER BY id LIMIT ?",
        )
        .bind(reason)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| self.failed(error))?;
        Ok(ids.into_iter().map(TransferId).collect())
    }

    /// How many transfers wait for that reason, as in [`Store::held`]. It is kept as transfers change.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn count_held(&self, reason: &str) -> Result<u64, StoreError> {
        let mut connection = self.reader().await?;
        let count: Option<i64> = sqlx::query_scalar("SELECT transfers FROM stuck WHERE reason = ?")
            .bind(reason)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// Transfers that wait or are paused, in the order of the queue, behind `after` where one is named; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn in_order(&self, after: Option<TransferId>, limit: u32) -> Result<Vec<Transfer>, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(IN_ORDER)
            .bind(after.map(|id| id.0))
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(transfer_row::read).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Moves a transfer in the queue.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when either transfer is not there.
    pub async fn move_transfer(&self, id: TransferId, to: Move) -> Result<(), StoreError> {
        self.write(move |work| Box::pin(work.move_transfer(id, to))).await
    }

    /// Gives a transfer a priority; those with a higher one go first, 0 is the usual one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such transfer.
    pub async fn set_priority(&self, id: TransferId, priority: i32) -> Result<(), StoreError> {
        self.write(move |work| {
            Box::pin(async move {
                let (_, position) = work.place_of(id).await?;
                work.put(id, i64::from(priority), position).await
            })
        })
        .await
    }
}

impl Work {
    /// Makes rows ready whose time has come, the earliest first.
    async fn promote(&mut self, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE transfers SET ready_at = 0 WHERE id IN
             (SELECT id FROM transfers WHERE ready_at > 0 AND ready_at <= ? ORDER BY ready_at LIMIT ?)",
        )
        .bind(now.0)
        .bind(PROMOTED)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// The position of the last transfer that is not settled; 0 when there is none.
    pub(crate) async fn last_position(&mut self) -> Result<i64, StoreError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(position) FROM transfers WHERE live = 1")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(last.unwrap_or(0))
    }

    async fn move_transfer(&mut self, id: TransferId, to: Move) -> Result<(), StoreError> {
        let (priority, _) = self.place_of(id).await?;
        match to {
            Move::Before(other) if other == id => Ok(()),
            Move::Last => {
                let behind = self.last_position().await? + GAP;
                self.put(id, priority, behind).await
            }
            Move::First => {
                let first: Option<i64> =
                    sqlx::query_scalar("SELECT min(position) FROM transfers WHERE live = 1")
                        .fetch_one(&mut self.connection)
                        .await?;
                self.put(id, priority, first.unwrap_or(0) - GAP).await
            }
            Move::Before(other) => {
                let (priority, mut after) = self.place_of(other).await?;
                let mut before = self.position_before(after).await?;
                if after - before < 2 {
                    self.spread_before(after).await?;
                    after = self.place_of(other).await?.1;
                    before = self.position_before(after).await?;
                }
                self.put(id, priority, before + (after - before) / 2).await
            }
        }
    }

    async fn place_of(&mut self, id: TransferId) -> Result<(i64, i64), StoreError> {
        sqlx::query_as("SELECT priority, position FROM transfers WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&mut self.connection)
            .await?
            .ok_or_else(|| StoreError::NotFound(format!("transfer {id}")))
    }

    async fn put(&mut self, id: TransferId, priority: i64, position: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE transfers SET priority = ?, position = ? WHERE id = ?")
            .bind(priority)
            .bind(position)
            .bind(id.0)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The position in front of that one, or one gap before it when it is the first.
    async fn position_before(&mut self, position: i64) -> Result<i64, StoreError> {
        let before: Option<i64> =
            sqlx::query_scalar("SELECT max(position) FROM transfers WHERE live = 1 AND position < ?")
                .bind(position)
                .fetch_one(&mut self.connection)
                .await?;
        Ok(before.unwrap_or(position - GAP))
    }

    /// Makes room before a position: the rows in front of it are spread over the space they and the next one leave.
    async fn spread_before(&mut self, position: i64) -> Result<(), StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT id, position FROM transfers WHERE live = 1 AND position < ? ORDER BY position DESC LIMIT ?",
        )
        .bind(position)
        .bind(SPREAD)
        .fetch_all(&mut self.connection)
        .await?;
        let Some((_, lowest)) = rows.last() else { return Ok(()) };
        let floor = self.position_before(*lowest).await?;
        let steps = i64::try_from(rows.len()).unwrap_or(SPREAD) + 1;
        let gap = (position - floor) / steps;
        if gap < 2 {
            return Err(StoreError::other("the queue is too dense to move a transfer there"));
        }
        let mut place = position;
        for (id, _) in rows {
            place -= gap;
            sqlx::query("UPDATE transfers SET position = ? WHERE id = ?")
                .bind(place)
                .bind(id)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }
}
