//! The queue: looking at it, and telling transfers to pause, go on, stop or try again.

use crate::{
    app::App,
    problem_text::{invalid, words},
    rows,
    wire::{answers::*, events::AppEvent, requests::*},
};
use labferry_engine::Ask;
use labferry_model::{PartPlan, Problem, ProblemCode, TransferId};
use labferry_store::{Move, TransferFilter};
use std::collections::{BTreeMap, BTreeSet};

/// Rows when the request names no number.
const USUAL_ROWS: u32 = 200;
/// Most parts in a detail.
const MOST_PARTS: u32 = 10_000;
/// Settled rows that a clean-up of the whole list removes. One that failed has to be named: it is the only trace of
/// something that did not arrive.
const FINISHED: &[&str] = rows::DONE;

impl App {
    /// Rows of the queue, newest first.
    ///
    /// # Errors
    /// A filter that does not exist; a database that cannot be read.
    pub async fn transfers_list(&self, request: ListTransfers) -> Result<TransferList, ProblemWords> {
        // Asked for before the rows: an event the rows include may then come twice, never not at all.
        let last_event = self.shared.store.last_event().await?;
        let account = request.account.as_deref().map(crate::app::account_name).transpose()?;
        let filter = TransferFilter {
            states: states_of(&request.filter)?,
            reasons: if request.filter == "needs_you" { rows::HELD.to_vec() } else { Vec::new() },
            batch: request.batch,
            account,
            place: request.place.clone(),
            after: request.after.map(TransferId),
            text: request.text.clone(),
            limit: if request.limit == 0 { USUAL_ROWS } else { request.limit },
            newest_first: true,
            ..TransferFilter::default()
        };
        let unbound = filter.batch.is_none()
            && filter.account.is_none()
            && filter.place.is_none()
            && filter.text.is_none();
        let transfers = if request.in_order {
            if request.filter != "waiting" || !unbound {
                return Err(invalid("only the filter \"waiting\" alone has an order of sending"));
            }
            self.shared.store.in_order(filter.after, filter.limit).await?
        } else {
            self.shared.store.transfers(&filter).await?
        };
        Ok(TransferList {
            rows: self.shared.say_why_each(transfers.into_iter().map(rows::transfer).collect()).await?,
            counts: self.shared.queue_counts().await?,
            last_event,
        })
    }

    /// One transfer with its parts.
    ///
    /// # Errors
    /// A number that is not in the queue.
    pub async fn transfers_show(&self, request: TransferRequest) -> Result<TransferDetail, ProblemWords> {
        let id = TransferId(request.id);
        let transfer = self.shared.store.transfer(id).await?.ok_or_else(|| no_transfer(id))?;
        let receipts: BTreeMap<u32, PartPlan> = self
            .shared
            .store
            .receipts(id)
            .await?
            .into_iter()
            .map(|receipt| (receipt.part.number, receipt.part))
            .collect();
        let parts = match (&transfer.plan, transfer.size) {
            (Some(plan), Some(size)) => (1..=plan.part_count.min(MOST_PARTS))
                .map(|number| {
                    let offset = u64::from(number - 1) * plan.part_size;
                    PartRow {
                        number,
                        length: plan.part_size.min(size.saturating_sub(offset)),
                        received: receipts.contains_key(&number),
                    }
                })
                .collect(),
            _ => Vec::new(),
        };
        Ok(TransferDetail { row: self.shared.say_why(rows::transfer(transfer)).await?, parts })
    }

    /// Pauses transfers.
    ///
    /// # Errors
    /// A transfer that cannot be paused, when it is the only one.
    pub async fn transfers_pause(&self, request: TransferSelection) -> Result<Changed, ProblemWords> {
        let live = [rows::ACTIVE, &["waiting"]].concat();
        self.ask(request, &live, &[], Ask::Pause).await
    }

    /// Lets paused transfers go on.
    ///
    /// # Errors
    /// A transfer that cannot go on, when it is the only one.
    pub async fn transfers_resume(&self, request: TransferSelection) -> Result<Changed, ProblemWords> {
        self.ask(request, &["paused"], &[], Ask::Resume).await
    }

    /// Gives transfers up.
    ///
    /// # Errors
    /// A transfer that is settled, when it is the only one.
    pub async fn transfers_cancel(&self, request: TransferSelection) -> Result<Changed, ProblemWords> {
        let live = [rows::ACTIVE, rows::WAITING].concat();
        self.ask(request, &live, &[], Ask::Cancel).await
    }

    /// Tries failed, cancelled or waiting transfers again. All of them means those that failed and those that wait for
    /// something else than their turn.
    ///
    /// # Errors
    /// A transfer that cannot be tried again, when it is the only one.
    pub async fn transfers_retry(&self, request: TransferSelection) -> Result<Changed, ProblemWords> {
        self.ask(request, &["failed"], rows::STUCK, Ask::Retry).await
    }

    /// Puts a transfer elsewhere in the queue.
    ///
    /// # Errors
    /// A place in the queue that does not exist.
    pub async fn transfers_move(&self, request: MoveTransfer) -> Result<Changed, ProblemWords> {
        let to = match request.to.as_str() {
            "first" => Move::First,
            "last" => Move::Last,
            number => Move::Before(TransferId(number.parse().map_err(|_| {
                invalid(format!(
                    "a transfer is moved to first, last or a transfer's number, not to \"{number}\""
                ))
            })?)),
        };
        self.shared.store.move_transfer(TransferId(request.id), to).await?;
        self.shared.engine.wake();
        self.tell(AppEvent::QueueChanged);
        Ok(Changed { changed: 1 })
    }

    /// Removes settled transfers from the list. All of them means those that are done, skipped or cancelled; a failed
    /// one must be named. The receipts stay.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub async fn transfers_clear(&self, request: TransferSelection) -> Result<Changed, ProblemWords> {
        let changed = match many(&request)? {
            None => {
                let ids = request.ids.into_iter().map(TransferId).collect();
                self.shared.store.clear_transfers(ids).await?
            }
            Some(filter) => {
                let mut filter = TransferFilter { states: Some(FINISHED.to_vec()), ..filter };
                let mut changed = 0;
                loop {
                    let step = self.shared.store.clear_step(&filter).await?;
                    changed += step.changed;
                    let Some(last) = step.last else { break changed };
                    filter.after = Some(last);
                }
            }
        };
        if changed > 0 {
            self.tell(AppEvent::QueueChanged);
        }
        Ok(Changed { changed })
    }

    /// Asks the named transfers, or all of a selection in these states or waiting for these reasons, and counts those that
    /// did it.
    async fn ask(
        &self,
        selection: TransferSelection,
        states: &[&'static str],
        reasons: &[&'static str],
        ask: Ask,
    ) -> Result<Changed, ProblemWords> {
        if let Some(filter) = many(&selection)? {
            let filter =
                TransferFilter { states: Some(states.to_vec()), reasons: reasons.to_vec(), ..filter };
            return Ok(Changed { changed: self.shared.engine.ask_all(&filter, ask).await? });
        }
        let ids: BTreeSet<i64> = selection.ids.into_iter().collect();
        let only = ids.len() == 1;
        let mut changed = 0;
        for id in ids {
            match self.shared.engine.ask(TransferId(id), ask).await {
                Ok(_) => changed += 1,
                Err(problem) if only => return Err(self.why_not(TransferId(id), ask, problem).await?),
                Err(problem) => tracing::debug!(id, ?problem, "a transfer was left as it is"),
            }
        }
        Ok(Changed { changed })
    }
}

/// The filter of a selection that names none by its number.
fn many(selection: &TransferSelection) -> Result<Option<TransferFilter>, ProblemWords> {
    if !selection.all && selection.batch.is_none() && selection.account.is_none() {
        return Ok(None);
    }
    if !selection.ids.is_empty() {
        return Err(invalid("name transfers by their numbers, or a batch, an account or all; not both"));
    }
    let account = selection.account.as_deref().map(crate::app::account_name).transpose()?;
    Ok(Some(TransferFilter { batch: selection.batch, account, ..TransferFilter::default() }))
}

impl App {
    /// Why a transfer did not do what it was asked, with its name and state.
    async fn why_not(
        &self,
        id: TransferId,
        ask: Ask,
        problem: Problem,
    ) -> Result<ProblemWords, ProblemWords> {
        if problem.code != ProblemCode::InvalidRequest {
            return Ok(problem.into());
        }
        let Some(transfer) = self.shared.store.transfer(id).await? else { return Ok(no_transfer(id)) };
        let what = match ask {
            Ask::Pause => "paused",
            Ask::Resume => "resumed",
            Ask::Cancel => "cancelled",
            Ask::Retry => "tried again",
        };
        Ok(invalid(format!("{} is {}, so it cannot be {what}", transfer.name, transfer.state.name())))
    }
}

/// The states of a filter by name.
fn states_of(filter: &str) -> Result<Option<Vec<&'static str>>, ProblemWords> {
    Ok(Some(match filter {
        "" | "all" => return Ok(None),
        "active" => rows::ACTIVE.to_vec(),
        "waiting" => rows::WAITING.to_vec(),
        "needs_you" => rows::FAILED.to_vec(),
        "done" => rows::DONE.to_vec(),
        other => {
            return Err(invalid(format!(
                "there is no filter \"{other}\"; use all, active, waiting, needs_you or done"
            )));
        }
    }))
}

/// A number that is not in the queue.
pub(crate) fn no_transfer(id: TransferId) -> ProblemWords {
    words(
        &Problem::new(ProblemCode::InvalidRequest)
            .about(format!("transfer {id}"))
            .because(format!("there is no transfer {id} in the queue")),
    )
}
