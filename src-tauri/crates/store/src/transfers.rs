//! Transfers: adding them, and the one way their state changes.

use crate::{
    columns::{bytes, json, json_option, path_bytes, word},
    error::StoreError,
    ledger::{self, LedgerEntry},
    store::Store,
    transfer_row::{self, QueueColumns, transfer_columns},
    writer::Work,
};
use labferry_model::{
    DigestSet, Event, Fingerprint, State, Timestamp, Transfer, TransferId, advance, transfer::NewTransfer,
    transfer::StoredPlan, transfer_state::WaitReason,
};
use serde_json::json;
use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};
use std::path::{Path, PathBuf};

/// Rows added in one transaction: some 50 ms.
const ADDED: usize = 2_000;

/// What is stored together with a state change. `None` leaves a column as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Bytes of the file.
    pub size: Option<u64>,
    /// Bytes that arrived, where no part's receipt says so.
    pub bytes_done: Option<u64>,
    /// Its name on the service.
    pub name: Option<String>,
    /// The file on this computer.
    pub local: Option<PathBuf>,
    /// The source as it was when checked.
    pub fingerprint: Option<Fingerprint>,
    /// The plan.
    pub plan: Option<StoredPlan>,
    /// The connector's storable session.
    pub session: Option<serde_json::Value>,
    /// Digests of the bytes moved.
    pub digests: Option<DigestSet>,
    /// How many times it was started.
    pub attempts: Option<u32>,
    /// When the present row of failures began; `Some(None)` ends it.
    pub failing_since: Option<Option<Timestamp>>,
    /// Forgets receipts, plan and session and begins at byte 0 again. Done first: a plan or session given here is kept.
    pub clear_parts: bool,
    /// What the ledger gets.
    pub ledger: Option<LedgerEntry>,
}

impl Store {
    /// Queues transfers behind all others, as one batch. They wait for their turn. More than a few thousand are added in
    /// several transactions, so that the first may start and others may write meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; of a large batch the rows before the failure then stay.
    pub async fn add_transfers(
        &self,
        transfers: Vec<NewTransfer>,
        now: Timestamp,
    ) -> Result<Vec<TransferId>, StoreError> {
        let mut ids = Vec::with_capacity(transfers.len());
        let mut batch = None;
        for chunk in transfers.chunks(ADDED) {
            let rows = rows_of(chunk).map_err(|error| self.failed(error))?;
            let (its, added) = self.write(move |work| Box::pin(work.add(rows, batch, now))).await?;
            batch = Some(its);
            ids.extend(added);
        }
        Ok(ids)
    }

    /// The transfer of that number.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn transfer(&self, id: TransferId) -> Result<Option<Transfer>, StoreError> {
        let mut connection = self.reader().await?;
        transfer_row::fetch(&mut connection, id).await.map_err(|error| self.failed(error))
    }

    /// The transfers that were queued for the same account, direction, container, name and local file as one of these and
    /// are not done, skipped or cancelled.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn unfinished_like(&self, new: &[NewTransfer]) -> Result<Vec<Transfer>, StoreError> {
        let mut connection = self.reader().await?;
        let mut found = Vec::new();
        for chunk in new.chunks(ADDED) {
            let rows = rows_of(chunk);
            let rows = sqlx::query(LIKE)
                .bind(rows.map_err(|error| self.failed(error))?)
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| self.failed(error))?;
            for row in &rows {
                found.push(transfer_row::read(row).map_err(|error| self.failed(error))?);
            }
        }
        Ok(found)
    }

    /// Whether a transfer of that local file has not ended, or failed and can be tried again. Looks at every row.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn is_unfinished(&self, local: &Path) -> Result<bool, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM transfers WHERE local = ? AND state NOT IN ('done', 'skipped', 'cancelled'))",
        )
        .bind(path_bytes(local))
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.failed(error))
    }

    /// Lets an event happen to a transfer: the next state, its numbered event and `change` are stored together or not
    /// at all. Returns the transfer as it is then.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] when the event makes no sense in the transfer's state; [`StoreError::NotFound`] when
    /// there is no such transfer. Nothing has changed then.
    pub async fn apply(
        &self,
        id: TransferId,
        event: Event,
        change: Change,
        now: Timestamp,
    ) -> Result<Transfer, StoreError> {
        self.apply_all(id, vec![event], change, now).await
    }

    /// Lets several events happen to a transfer, one after the other, each legal in the state that the one before led to.
    /// The state they come to, one numbered event for it, and `change` are stored together or not at all.
    ///
    /// # Errors
    /// As [`Store::apply`], for any of the events.
    pub async fn apply_all(
        &self,
        id: TransferId,
        events: Vec<Event>,
        change: Change,
        now: Timestamp,
    ) -> Result<Transfer, StoreError> {
        self.write(move |work| Box::pin(work.apply(id, events, change, now))).await
    }

    /// Stores `change` without a state change, such as a session that the service renewed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such transfer.
    pub async fn amend(&self, id: TransferId, change: Change) -> Result<Transfer, StoreError> {
        self.write(move |work| {
            Box::pin(async move {
                let mut transfer = work.existing(id).await?;
                work.change(&mut transfer, change).await?;
                Ok(transfer)
            })
        })
        .await
    }

    /// At start: every transfer that a worker of an earlier process had in hand waits again. Returns their numbers.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub async fn interrupt_active(&self, now: Timestamp) -> Result<Vec<TransferId>, StoreError> {
        self.write(move |work| {
            Box::pin(async move {
                let ids: Vec<i64> = sqlx::query_scalar(
                    "SELECT id FROM transfers
                     WHERE state IN ('checking', 'planned', 'moving', 'finishing', 'verifying') ORDER BY id",
                )
                .fetch_all(&mut work.connection)
                .await?;
                let ids: Vec<TransferId> = ids.into_iter().map(TransferId).collect();
                for &id in &ids {
                    work.apply(id, vec![Event::Interrupted], Change::default(), now).await?;
                }
                Ok(ids)
            })
        })
        .await
    }

    /// Removes those of these transfers that are settled from the list, with their receipts, and says how many. The
    /// ledger keeps what arrived.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; nothing is removed then.
    pub async fn clear_transfers(&self, ids: Vec<TransferId>) -> Result<u64, StoreError> {
        let ids = json(&ids)?;
        self.write(move |work| Box::pin(work.clear(ids))).await
    }
}

impl Work {
    /// Removes those of these transfers, a JSON array of numbers, that are settled.
    pub(crate) async fn clear(&mut self, ids: String) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM transfers WHERE id IN (SELECT value FROM json_each(?))
             AND state IN ('done', 'skipped', 'failed', 'cancelled')",
        )
        .bind(ids)
        .execute(&mut self.connection)
        .await?;
        Ok(done.rows_affected())
    }

    /// Adds rows, which travel to SQLite as one JSON text: one statement for many rows, and a bounded text.
    pub(crate) async fn add(
        &mut self,
        rows: String,
        batch: Option<i64>,
        now: Timestamp,
    ) -> Result<(i64, Vec<TransferId>), StoreError> {
        let batch = match batch {
            Some(batch) => batch,
            None => sqlx::query("INSERT INTO batches (created) VALUES (?)")
                .bind(now.0)
                .execute(&mut self.connection)
                .await?
                .last_insert_rowid(),
        };
        let state = State::Waiting { why: WaitReason::Turn };
        let queue = QueueColumns::of(&state, now);
        let behind = self.last_position().await? + crate::queue::GAP;
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT max(id) FROM transfers").fetch_one(&mut self.connection).await?;
        sqlx::query(
            "INSERT INTO transfers (batch, state, state_json, reason, live, ready_at, position, created, changed,
                 direction, account, place, name, local, size, on_clash, shape, verify, metadata, digests)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 + key * ?8, ?9, ?9, value ->> 0, value ->> 1, value ->> 2,
                 value ->> 3, unhex(value ->> 4), value ->> 5, value ->> 6, value ->> 7, value ->> 8, value -> 9,
                 '{}'
             FROM json_each(?10) ORDER BY key",
        )
        .bind(batch)
        .bind(state.name())
        .bind(json(&state)?)
        .bind(queue.reason)
        .bind(queue.live)
        .bind(queue.ready_at)
        .bind(behind)
        .bind(crate::queue::GAP)
        .bind(now.0)
        .bind(rows)
        .execute(&mut self.connection)
        .await?;
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM transfers WHERE id > ? ORDER BY id")
            .bind(newest.unwrap_or(0))
            .fetch_all(&mut self.connection)
            .await?;
        let events = sqlx::query(
            "INSERT INTO events (at, transfer, state)
             SELECT ?, id, state_json FROM transfers WHERE id > ? ORDER BY id",
        )
        .bind(now.0)
        .bind(newest.unwrap_or(0))
        .execute(&mut self.connection)
        .await?;
        self.event = Some(events.last_insert_rowid());
        Ok((batch, ids.into_iter().map(TransferId).collect()))
    }

    pub(crate) async fn existing(&mut self, id: TransferId) -> Result<Transfer, StoreError> {
        let found = transfer_row::fetch(&mut self.connection, id).await?;
        found.ok_or_else(|| StoreError::NotFound(format!("transfer {id}")))
    }

    async fn apply(
        &mut self,
        id: TransferId,
        events: Vec<Event>,
        change: Change,
        now: Timestamp,
    ) -> Result<Transfer, StoreError> {
        let mut transfer = self.existing(id).await?;
        for event in events {
            transfer.state = advance(&transfer.state, event)?;
        }
        transfer.changed = now;
        let queue = QueueColumns::of(&transfer.state, now);
        let columns = self.absorb(&mut transfer, change).await?;
        let update = if columns {
            bind_columns(sqlx::query(COLUMNS_AND_STATE), &transfer)?
        } else {
            sqlx::query(STATE)
        };
        update
            .bind(transfer.state.name())
            .bind(json(&transfer.state)?)
            .bind(queue.reason)
            .bind(queue.live)
            .bind(queue.ready_at)
            .bind(now.0)
            .bind(id.0)
            .execute(&mut self.connection)
            .await?;
        self.log(id, &transfer.state, now).await?;
        Ok(transfer)
    }

    async fn change(&mut self, transfer: &mut Transfer, change: Change) -> Result<(), StoreError> {
        if self.absorb(transfer, change).await? {
            let update = bind_columns(sqlx::query(COLUMNS), transfer)?;
            update.bind(transfer.id.0).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Does what of a change lies outside the transfer's row, takes the rest over, and says whether the row has changed.
    async fn absorb(&mut self, transfer: &mut Transfer, change: Change) -> Result<bool, StoreError> {
        let Change {
            size,
            bytes_done,
            name,
            local,
            fingerprint,
            plan,
            session,
            digests,
            attempts,
            failing_since,
            clear_parts,
            ledger,
        } = change;
        if let Some(mut entry) = ledger {
            entry.transfer.get_or_insert(transfer.id);
            ledger::add(&mut self.connection, &entry).await?;
        }
        let columns = clear_parts
            || size.is_some()
            || bytes_done.is_some()
            || name.is_some()
            || local.is_some()
            || fingerprint.is_some()
            || plan.is_some()
            || session.is_some()
            || digests.is_some()
            || attempts.is_some()
            || failing_since.is_some();
        if !columns {
            return Ok(false);
        }
        if clear_parts {
            sqlx::query("DELETE FROM receipts WHERE transfer = ?")
                .bind(transfer.id.0)
                .execute(&mut self.connection)
                .await?;
            (transfer.plan, transfer.session, transfer.bytes_done) = (None, None, 0);
        }
        transfer.size = size.or(transfer.size);
        transfer.bytes_done = bytes_done.unwrap_or(transfer.bytes_done);
        transfer.name = name.unwrap_or_else(|| std::mem::take(&mut transfer.name));
        transfer.local = local.unwrap_or_else(|| std::mem::take(&mut transfer.local));
        transfer.fingerprint = fingerprint.or_else(|| transfer.fingerprint.take());
        transfer.plan = plan.or_else(|| transfer.plan.take());
        transfer.session = session.or_else(|| transfer.session.take());
        transfer.digests = digests.unwrap_or_else(|| std::mem::take(&mut transfer.digests));
        transfer.attempts = attempts.unwrap_or(transfer.attempts);
        transfer.failing_since = failing_since.unwrap_or(transfer.failing_since);
        Ok(true)
    }
}

/// Everything of a transfer that may change but its state, as [`bind_columns`] binds it.
macro_rules! columns {
    () => {
        "size = ?, name = ?, local = ?, bytes_done = ?, attempts = ?, failing_since = ?, digests = ?, fingerprint = ?,
         plan = ?, session = ?"
    };
}

/// Its state, as `Work::apply` binds it.
macro_rules! state {
    () => {
        "state = ?, state_json = ?, reason = ?, live = ?, ready_at = ?, changed = ?"
    };
}

const COLUMNS: &str = concat!("UPDATE transfers SET ", columns!(), " WHERE id = ?");
const STATE: &str = concat!("UPDATE transfers SET ", state!(), " WHERE id = ?");
// One statement for both, so that the indices and sums are brought up to date once.
const COLUMNS_AND_STATE: &str = concat!("UPDATE transfers SET ", columns!(), ", ", state!(), " WHERE id = ?");

/// Unfinished rows like those in a JSON array of new ones: one look at `transfers_by_place` each.
pub(crate) const LIKE: &str = concat!(
    "SELECT ",
    transfer_columns!(),
    " FROM transfers WHERE id IN (
         SELECT t.id FROM json_each(?) AS new CROSS JOIN transfers AS t
         ON t.account = new.value ->> 1 AND t.place = new.value ->> 2 AND t.name = new.value ->> 3
         WHERE t.direction = new.value ->> 0 AND t.local = unhex(new.value ->> 4)
         AND t.state NOT IN ('done', 'skipped', 'cancelled')
     ) ORDER BY id"
);

/// A statement being filled.
type Update = Query<'static, Sqlite, SqliteArguments>;

fn bind_columns(update: Update, transfer: &Transfer) -> Result<Update, StoreError> {
    Ok(update
        .bind(transfer.size.map(bytes).transpose()?)
        .bind(transfer.name.clone())
        .bind(path_bytes(&transfer.local))
        .bind(bytes(transfer.bytes_done)?)
        .bind(i64::from(transfer.attempts))
        .bind(transfer.failing_since.map(|at| at.0))
        .bind(json(&transfer.digests)?)
        .bind(json_option(transfer.fingerprint.as_ref())?)
        .bind(json_option(transfer.plan.as_ref())?)
        .bind(json_option(transfer.session.as_ref())?))
}

/// Bytes as SQLite's `unhex` reads them.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// New transfers as the JSON text that `Work::add` unpacks.
pub(crate) fn rows_of(new: &[NewTransfer]) -> Result<String, StoreError> {
    json(&new.iter().map(row).collect::<Result<Vec<_>, _>>()?)
}

/// A new transfer as the JSON array that `Work::add` unpacks.
fn row(new: &NewTransfer) -> Result<serde_json::Value, StoreError> {
    let local = hex_of(&path_bytes(&new.local));
    Ok(json!([
        word(&new.direction)?,
        new.account.as_str(),
        new.place,
        new.name,
        local,
        new.size.map(bytes).transpose()?,
        word(&new.on_clash)?,
        word(&new.shape)?,
        word(&new.verify)?,
        new.metadata,
    ]))
}
