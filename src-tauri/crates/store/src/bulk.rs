//! Many transfers at once: the same event for all of a filter, and clearing, in steps that others can wait for.

use crate::{
    columns::{from_json, json},
    error::StoreError,
    store::Store,
    transfer_list::{TransferFilter, choose},
    transfer_row::QueueColumns,
    writer::Work,
};
use labferry_model::{Event, State, Timestamp, TransferId, advance};
use sqlx::Row;
use std::collections::HashMap;

/// Rows changed in one transaction: some 50 ms, so that what else is written meanwhile hardly waits.
const STEP: u32 = 2_000;

/// What a step through many transfers did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Transfers that changed.
    pub changed: u64,
    /// The last one looked at, to go on from; none when there were no more.
    pub last: Option<TransferId>,
}

impl Store {
    /// Lets an event happen to the next few thousand transfers that fit the filter, those for which it is legal, in one
    /// transaction: their next states and one numbered event for each are stored together. The filter's `limit` counts
    /// for nothing. With `anew` the present row of failures of each ends.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; nothing has changed then.
    pub async fn apply_step(
        &self,
        filter: &TransferFilter,
        event: Event,
        anew: bool,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        let filter = TransferFilter { limit: STEP, ..filter.clone() };
        self.write(move |work| Box::pin(work.apply_step(filter, event, anew, now))).await
    }

    /// Removes the next few thousand settled transfers that fit the filter from the list, with their receipts. The
    /// ledger keeps what arrived. The filter's `limit` counts for nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written; nothing is removed then.
    pub async fn clear_step(&self, filter: &TransferFilter) -> Result<Step, StoreError> {
        let filter = TransferFilter { limit: STEP, ..filter.clone() };
        self.write(move |work| {
            Box::pin(async move {
                let found = work.found(&filter).await?;
                let settled: Vec<TransferId> =
                    found.iter().filter(|(_, state)| state.is_settled()).map(|(id, _)| *id).collect();
                sqlx::query("DELETE FROM transfers WHERE id IN (SELECT value FROM json_each(?))")
                    .bind(json(&settled)?)
                    .execute(&mut work.connection)
                    .await?;
                Ok(Step { changed: settled.len() as u64, last: found.last().map(|(id, _)| *id) })
            })
        })
        .await
    }
}

impl Work {
    /// The numbers and states of a filter's rows.
    async fn found(&mut self, filter: &TransferFilter) -> Result<Vec<(TransferId, State)>, StoreError> {
        let mut query = choose(&mut self.connection, "id, state_json", filter).await?;
        let rows = query.build().fetch_all(&mut self.connection).await?;
        rows.iter()
            .map(|row| Ok((TransferId(row.try_get(0)?), from_json("state", row.try_get(1)?)?)))
            .collect()
    }

    async fn apply_step(
        &mut self,
        filter: TransferFilter,
        event: Event,
        anew: bool,
        now: Timestamp,
    ) -> Result<Step, StoreError> {
        let found = self.found(&filter).await?;
        let last = found.last().map(|(id, _)| *id);
        // By the state they come to, which is one for most events.
        let mut next: HashMap<String, (State, Vec<TransferId>)> = HashMap::new();
        for (id, state) in found {
            if let Ok(after) = advance(&state, event.clone()) {
                // A second pause of a paused transfer, say, is no change.
                if after != state {
                    next.entry(json(&after)?).or_insert_with(|| (after, Vec::new())).1.push(id);
                }
            }
        }
        let mut changed = 0;
        for (text, (state, ids)) in next {
            changed += ids.len() as u64;
            self.put_state(&state, &text, &ids, anew, now).await?;
        }
        Ok(Step { changed, last })
    }

    async fn put_state(
        &mut self,
        state: &State,
        text: &str,
        ids: &[TransferId],
        anew: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let queue = QueueColumns::of(state, now);
        let ids = json(ids)?;
        sqlx::query(
            "UPDATE transfers SET state = ?, state_json = ?, reason = ?, live = ?, ready_at = ?, changed = ?,
                 failing_since = CASE WHEN ? THEN NULL ELSE failing_since END
             WHERE id IN (SELECT value FROM json_each(?))",
        )
        .bind(state.name())
        .bind(text)
        .bind(queue.reason)
        .bind(queue.live)
        .bind(queue.ready_at)
        .bind(now.0)
        .bind(anew)
        .bind(&ids)
        .execute(&mut self.connection)
        .await?;
        let events = sqlx::query(
            "INSERT INTO events (at, transfer, state) SELECT ?, value, ? FROM json_each(?) ORDER BY key",
        )
        .bind(now.0)
        .bind(text)
        .bind(&ids)
        .execute(&mut self.connection)
        .await?;
        self.event = Some(events.last_insert_rowid());
        Ok(())
    }
}
