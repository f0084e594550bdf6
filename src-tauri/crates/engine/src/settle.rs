//! What becomes of a transfer that was laid down: whether it waits, begins anew or has failed.

use crate::{
    conditions,
    engine::Shared,
    partial_file::PartialFile,
    replaced,
    retry::{is_offline, item_pause},
    run::{Run, Stop},
    upload_run::ignore_missing,
};
use labferry_model::{
    Clock, Direction, Event, Problem, ProblemCode, State, Transfer, TransferId, WaitReason,
};
use labferry_provider::{Advice, Provider, ProviderError, UploadSession};
use labferry_store::{Change, StoreError};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Times a transfer is sent anew from its first byte because the service lost it or holds other bytes. A service that
/// does it again and again is not going to stop.
const FRESH_STARTS: u32 = 3;

/// The second rest of a source that changes; the first is the queue's.
const SOURCE_REST: Duration = Duration::from_secs(20);

/// How long the end of a run waits for the service to let go of cancelled uploads.
const LAST_MOMENT: Duration = Duration::from_secs(5);

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
        Stop::Failed(problem) | Stop::Service(ProviderError { problem, .. })
            if problem.code == ProblemCode::DiskFull && conditions::disk_is_low(shared, &transfer) =>
        {
            tracing::info!(%id, ?problem, "waits for room on the disk");
            (Event::Held { why: WaitReason::DiskLow }, Change::default())
        }
        Stop::Failed(problem) => (failed(problem, &transfer), Change::default()),
        Stop::SourceChanged => {
            let change = given_up(run, &transfer).await;
            source_changed(shared, &transfer, change)
        }
        Stop::Differs(problem) => {
            let change = given_up(run, &transfer).await;
            (fresh_start(shared, &transfer, problem), change)
        }
        Stop::Service(error) => match error.advice {
            Advice::FreshSession => (fresh_start(shared, &transfer, error.problem), begin_anew(&transfer)),
            _ => {
                let progressed = run.is_some_and(|run| transfer.bytes_done > run.transfer.bytes_done);
                after_failure(shared, &transfer, error, progressed)
            }
        },
    };
    let change = match &event {
        // What was there before is put back, and for that the name must be free.
        Event::Failed { .. } if replaced::is_kept(shared, id) && !change.clear_parts => {
            Change { failing_since: change.failing_since, ..abandoned(shared, &transfer).await }
        }
        _ => change,
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

/// A source that changed is looked at again soon; one that changes every time, such as a log that grows, after as long a
/// rest as it has been changing, up to the longest.
fn source_changed(shared: &Shared, transfer: &Transfer, change: Change) -> (Event, Change) {
    let now = shared.clock.now();
    let since = transfer.failing_since.unwrap_or(now);
    let change = Change { failing_since: Some(Some(since)), ..change };
    if transfer.failing_since.is_none() {
        return (Event::Held { why: WaitReason::SourceChanged }, change);
    }
    let problem = named(Problem::new(ProblemCode::SourceChanged), transfer).because(
        "it changed each time it was sent, as a log does that a program still writes to; it is sent once it rests",
    );
    if now.since(since) >= shared.limits.item_patience {
        return (Event::Failed { problem }, change);
    }
    let rest = now.since(since).max(SOURCE_REST).min(shared.limits.item_pause_most);
    (Event::Held { why: WaitReason::RetryAt { at: now.plus(rest), problem } }, change)
}

/// A run that `progressed` ended the row of failures before it.
fn after_failure(
    shared: &Shared,
    transfer: &Transfer,
    error: ProviderError,
    progressed: bool,
) -> (Event, Change) {
    let now = shared.clock.now();
    let offline = is_offline(&error);
    let problem = named(error.problem, transfer);
    if offline {
        return (Event::Held { why: WaitReason::Offline { problem } }, Change::default());
    }
    match error.advice {
        Advice::SignIn => (Event::Held { why: WaitReason::SignIn { problem } }, Change::default()),
        advice @ (Advice::Again | Advice::AgainAfter(_)) => {
            let since = transfer.failing_since.filter(|_| !progressed).unwrap_or(now);
            if now.since(since) >= shared.limits.item_patience {
                return (Event::Failed { problem }, Change::default());
            }
            let pause = match advice {
                Advice::AgainAfter(after) => after.min(shared.limits.retry_after_most),
                _ => item_pause(&shared.limits, since, now),
            };
            let at = now.plus(pause);
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

/// The same for a transfer whose connector may be at fault itself.
async fn abandoned(shared: &Shared, transfer: &Transfer) -> Change {
    match shared.accounts.provider(&transfer.account).await {
        Ok(provider) if abandon_with(provider.as_ref(), transfer).await => begin_anew(transfer),
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

/// Removes from the service what cancelled uploads left there. One that cannot be reached now keeps its session: it is
/// asked once by each process, and offered as a leftover.
pub(crate) async fn clear_cancelled(
    shared: &Arc<Shared>,
    in_hand: impl Fn(TransferId) -> bool,
    clearing: &mut Clearing,
) -> Result<(), StoreError> {
    while let Some(ended) = clearing.tasks.try_join_next() {
        // A transfer that is cancelled once more is cleared once more.
        if let Ok(Some(id)) = ended {
            clearing.asked.remove(&id);
        }
    }
    for transfer in shared.store.cancelled_with_session(clearing.asked.iter().copied().collect()).await? {
        if in_hand(transfer.id) || !clearing.asked.insert(transfer.id) {
            continue;
        }
        let shared = shared.clone();
        clearing.tasks.spawn(async move {
            let cleared = match transfer.direction {
                Direction::Download => {
                    PartialFile::beside(&transfer.local, transfer.id).remove();
                    true
                }
                Direction::Upload => match shared.accounts.provider(&transfer.account).await {
                    Ok(provider) => abandon_with(provider.as_ref(), &transfer).await,
                    Err(_) => false,
                },
            };
            // Somebody may have asked for it again in the meantime.
            let now = shared.store.transfer(transfer.id).await.ok().flatten();
            if cleared
                && now.is_some_and(|now| now.state == State::Cancelled && now.session == transfer.session)
            {
                let forget = Change { clear_parts: true, plan: transfer.plan.clone(), ..Change::default() };
                if let Err(error) = shared.store.amend(transfer.id, forget).await {
                    tracing::warn!(id = %transfer.id, %error, "a cancelled transfer kept its session");
                }
            }
            cleared.then_some(transfer.id)
        });
    }
    Ok(())
}

/// Cancelled transfers being cleared.
#[derive(Default)]
pub(crate) struct Clearing {
    /// Those that were seen to by this process.
    asked: HashSet<TransferId>,
    tasks: JoinSet<Option<TransferId>>,
}

impl Clearing {
    /// Gives those that were begun a moment to end. One that does not keeps its session for the next start.
    pub(crate) async fn finish(&mut self, clock: &dyn Clock) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = ended => {}
            () = clock.sleep(LAST_MOMENT) => {}
        }
    }
}

/// Whether a problem says that the service cannot be reached.
pub(crate) fn still_offline(error: &ProviderError) -> bool {
    matches!(
        error.problem.code,
        ProblemCode::Unreachable
            | ProblemCode::ConnectionLost
            | ProblemCode::NotSecure
            | ProblemCode::NotTheService
    )
}
