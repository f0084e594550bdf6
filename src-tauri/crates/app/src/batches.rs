//! The queue by batch: what came with one drop or one command, as one line.

use crate::{
    app::App,
    rows,
    wire::{answers::*, requests::*},
};
use labferry_model::State;
use labferry_store::BatchSum;

/// Batches when the request names no number, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 500;

impl App {
    /// The batches of the queue, newest first. Those that were cleared are not told.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn transfers_batches(&self, request: ListBatches) -> Result<Vec<BatchRow>, ProblemWords> {
        let limit = if request.limit == 0 { USUAL } else { request.limit.min(MOST) };
        let batches = self.shared.store.batches(request.after, limit).await?;
        Ok(batches.into_iter().map(row).collect())
    }
}

fn row(batch: BatchSum) -> BatchRow {
    let mut row = BatchRow {
        batch: batch.batch,
        created: batch.one.created.0,
        direction: rows::direction(batch.one.direction),
        account: batch.one.account.to_string(),
        place: batch.one.place,
        name: batch.one.name,
        counts: QueueCounts::default(),
        verified: 0,
        paused: 0,
        bytes: 0,
        bytes_done: 0,
    };
    for part in batch.parts {
        let state = part.state.as_str();
        let counts = &mut row.counts;
        counts.all += part.transfers;
        row.bytes += part.bytes;
        row.bytes_done += if state == "done" { part.bytes } else { part.bytes_done };
        if rows::ACTIVE.contains(&state) {
            counts.active += part.transfers;
        } else if rows::WAITING.contains(&state) {
            counts.waiting += part.transfers;
        } else if rows::FAILED.contains(&state) {
            counts.needs_you += part.transfers;
        } else {
            counts.done += part.transfers;
        }
        if state == "paused" {
            row.paused += part.transfers;
        }
        if part.reason.as_deref().is_some_and(|reason| rows::HELD.contains(&reason)) {
            counts.needs_you += part.transfers;
        }
        if part.done.as_ref().is_some_and(State::is_green) {
            row.verified += part.transfers;
        }
    }
    row
}
