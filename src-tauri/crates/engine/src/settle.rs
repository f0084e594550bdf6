//! What becomes of a transfer that was laid down: whether it waits, begins anew or has failed.

use crate::{
    engine::Shared,
    retry::{is_offline, item_pause},
    run::{Run, Stop},
    upload_run::ignore_missing,
};
use labferry_model::{Event, Problem, ProblemCode, State, Transfer, TransferId, WaitReason};
use labferry_provider::{Advice, Provider, ProviderError, UploadSession};
use labferry_store::{Change, StoreError, TransferFilter};
use std::{collections::HashMap, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Times a transfer is sent anew from its first byte because the service lost it or holds other bytes. A service that
/// does it again and again is not going to stop.
const FRESH_STARTS: u32 = 3;

/// Stores what follows from a stop.
pub(crate) async fn stopped(
    shared: &Arc<Shared>,
    id: TransferId,
    run: Option<&Run>,
    stop: Stop,
) -> Result<(), StoreError> {
    tracing::info!(%id, ?stop, "laid down");
    let Some(transfer) = shared.store.transfer(id).await? else { return Ok(()) };
    let (event, change) = match stop {
        Stop::TakenAway => return Ok(()),
        Stop::Store(error) => return Err(error),
        Stop::Failed(problem) => (failed(problem, &transfer), Change::default()),
        Stop::SourceChanged => {
            let change = given_up(run, &transfer).await;
            (Event::Held { why: WaitReason::SourceChanged }, change)
        }
        Stop::Differs(problem) => {
            let change = given_up(run, &transfer).await;
            (fresh_start(shared, &transfer, problem), change)
        }
        Stop::Service(error) => match error.advice {
            Advice::FreshSession => (fresh_start(shared, &transfer, error.problem), begin_anew(&transfer)),
            _ => after_failure(shared, &transfer, error),
        },
    };
    match shared.store.apply(id, event, change, shared.clock.now()).await {
        // Paused or cancelled in the meantime: the person's word counts.
        Err(StoreError::Illegal(_) | StoreError::NotFound(_)) => Ok(()),
        result => result.map(drop),
    }
}

/// Names the file in a problem that does not name anything.
fn named(problem: Problem, transfer: &Transfer) -> Problem {
    problem.about(transfer.local.display().to_string())
}

fn failed(problem: Problem, transfer: &Transfer) -> Event {
    Event::Failed { problem: named(problem, transfer) }
}

/// Forgets the parts but keeps the plan, which says that a pending file of this name is ours.
fn begin_anew(transfer: &Transfer) -> Change {
    Change { clear_parts: true, plan: transfer.plan.clone(), ..Change::default() }
}

fn fresh_start(shared: &Shared, transfer: &Transfer, problem: Problem) -> Event {
    let count = {
        let mut counts = shared.fresh_starts();
        let count = counts.entry(transfer.id).or_default();
        *count += 1;
        *count
    };
    if count < FRESH_STARTS {
        Event::Held { why: WaitReason::Turn }
    } else {
        shared.fresh_starts().remove(&transfer.id);
        failed(problem, transfer)
    }
}

fn after_failure(shared: &Shared, transfer: &Transfer, error: ProviderError) -> (Event, Change) {
    let now = shared.clock.now();
    let offline = is_offline(&error);
    let problem = named(error.problem, transfer);
    if offline {
        return (Event::Held { why: WaitReason::Offline { problem } }, Change::default());
    }
    match error.advice {
        Advice::SignIn => (Event::Held { why: WaitReason::SignIn { problem } }, Change::default()),
        Advice::Again | Advice::AgainAfter(_) => {
            let since = transfer.failing_since.unwrap_or(now);
            if now.since(since) >= shared.limits.item_patience {
                return (Event::Failed { problem }, Change::default());
            }
            let at = now.plus(item_pause(&shared.limits, since, now));
            let change = Change { failing_since: Some(Some(since)), ..Change::default() };
            (Event::Held { why: WaitReason::RetryAt { at, problem } }, change)
        }
        Advice::Stop | Advice::FreshLink | Advice::FreshSession => {
            (Event::Failed { problem }, Change::default())
        }
    }
}

/// Gives the upload up on the service and says what is then forgotten of it. While the service cannot be told, the session
/// is kept: the next run finds by it what lies there, and gives it up again.
async fn given_up(run: Option<&Run>, transfer: &Transfer) -> Change {
    match run {
        Some(run) if abandon_with(run.provider.as_ref(), transfer).await => begin_anew(transfer),
        _ => Change::default(),
    }
}

async fn abandon_with(provider: &dyn Provider, transfer: &Transfer) -> bool {
    let Some(session) = &transfer.session else { return true };
    let Ok(session) = serde_json::from_value::<UploadSession>(session.clone()) else { return true };
    match ignore_missing(provider.abandon_upload(&session).await) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(id = %transfer.id, %error, "the upload could not be given up on the service");
            false
        }
    }
}

/// Removes from the service what cancelled uploads left there. One that cannot be reached now keeps its session and is
/// offered as a leftover.
pub(crate) async fn clear_cancelled(
    shared: &Arc<Shared>,
    in_hand: &HashMap<TransferId, CancellationToken>,
) -> Result<(), StoreError> {
    /// Newest first, and a bounded look: a cancelled row is cleared within a moment of being cancelled.
    const LOOK: u32 = 50;
    let filter = TransferFilter {
        states: Some(vec![State::Cancelled.name()]),
        limit: LOOK,
        newest_first: true,
        ..TransferFilter::default()
    };
    for transfer in shared.store.transfers(&filter).await? {
        if transfer.session.is_none() || in_hand.contains_key(&transfer.id) {
            continue;
        }
        // Forgotten first, so that a service that is down is asked once and not at every turn.
        match shared.store.amend(transfer.id, Change { clear_parts: true, ..Change::default() }).await {
            Err(StoreError::NotFound(_)) => continue,
            result => result?,
        };
        match transfer.direction {
            labferry_model::Direction::Download => {
                crate::partial_file::PartialFile::beside(&transfer.local).remove();
            }
            labferry_model::Direction::Upload => {
                if let Ok(provider) = shared.accounts.provider(&transfer.account).await {
                    tokio::spawn(async move { abandon_with(provider.as_ref(), &transfer).await });
                }
            }
        }
    }
    Ok(())
}

/// Whether a problem says that the service cannot be reached.
pub(crate) fn still_offline(error: &ProviderError) -> bool {
    matches!(
        error.problem.code,
        ProblemCode::Unreachable | ProblemCode::ConnectionLost | ProblemCode::NotTheService
    )
}
