//! Sums of what came together.

use crate::{
    columns::{count_at, json_option_at},
    error::StoreError,
    store::Store,
    transfer_row::{self, transfer_columns},
};
use labferry_model::{State, Transfer};
use sqlx::Row;

/// One batch of the queue.
#[derive(Debug, Clone)]
pub struct BatchSum {
    /// Its number.
    pub batch: i64,
    /// One of its transfers.
    pub one: Transfer,
    /// Its transfers, put together by state.
    pub parts: Vec<BatchPart>,
}

/// The transfers of a batch that stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchPart {
    /// The state's name.
    pub state: String,
    /// Why they wait, if they do.
    pub reason: Option<String>,
    /// The state itself with its proof, of those that are done.
    pub done: Option<State>,
    /// How many.
    pub transfers: u64,
    /// Known sizes, in bytes.
    pub bytes: u64,
    /// Bytes in parts whose receipts are stored.
    pub bytes_done: u64,
}

/// Hops from batch to batch through `transfers_by_batch`: the cost grows with the batches that are asked for.
const NUMBERS: &str = "WITH RECURSIVE of_queue (batch) AS (
         SELECT max(batch) FROM transfers WHERE batch < ?1
         UNION ALL
         SELECT (SELECT max(batch) FROM transfers WHERE batch < of_queue.batch) FROM of_queue WHERE batch IS NOT NULL
     )
     SELECT batch FROM of_queue WHERE batch IS NOT NULL LIMIT ?2";

/// Reads each row of the batch: about a second for a million.
const PARTS: &str =
    "SELECT state, reason, CASE WHEN state = 'done' THEN state_json END AS done, count(*) AS transfers,
         sum(ifnull(size, 0)) AS bytes, sum(bytes_done) AS bytes_done
     FROM transfers WHERE batch = ? GROUP BY 1, 2, 3";

impl Store {
    /// The batches that still have transfers in the queue, the newest first, at most `limit`; only those before `after`
    /// where one is named.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn batches(&self, after: Option<i64>, limit: u32) -> Result<Vec<BatchSum>, StoreError> {
        let mut connection = self.reader().await?;
        let numbers: Vec<i64> = sqlx::query_scalar(NUMBERS)
            .bind(after.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        let mut batches = Vec::with_capacity(numbers.len());
        for batch in numbers {
            let parts = sqlx::query(PARTS)
                .bind(batch)
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| self.failed(error))?;
            let one = sqlx::query(concat!(
                "SELECT ",
                transfer_columns!(),
                " FROM transfers WHERE batch = ? LIMIT 1"
            ))
            .bind(batch)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
            // It may have been cleared between the two.
            let Some(one) = one else { continue };
            let read = || -> Result<BatchSum, StoreError> {
                Ok(BatchSum {
                    batch,
                    one: transfer_row::read(&one)?,
                    parts: parts.iter().map(part).collect::<Result<_, _>>()?,
                })
            };
            batches.push(read().map_err(|error| self.failed(error))?);
        }
        Ok(batches)
    }
}

fn part(row: &sqlx::sqlite::SqliteRow) -> Result<BatchPart, StoreError> {
    Ok(BatchPart {
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
        done: json_option_at(row, "done")?,
        transfers: count_at(row, "transfers")?,
        bytes: count_at(row, "bytes")?,
        bytes_done: count_at(row, "bytes_done")?,
    })
}
