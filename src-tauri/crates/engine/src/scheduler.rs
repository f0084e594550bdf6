//! Who is next, and who has to let go.

use crate::{
    conditions::{self, Probes},
    download_run,
    engine::{Shared, Until},
    progress::Meter,
    run::{Run, Stop},
    settle::{self, Clearing},
    upload_run,
};
use futures_util::FutureExt;
use labferry_model::{
    AccountName, Event, Problem, ProblemCode, State, Transfer, TransferId, WaitReason, transfer::Direction,
};
use labferry_store::{Change, StoreError};
use std::{collections::HashMap, panic::AssertUnwindSafe, path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether another process changed a row: well below the second in which a pause must
/// be felt.
const POLL: Duration = Duration::from_millis(400);

/// What is in hand.
#[derive(Default)]
struct InHand {
    tasks: JoinSet<(TransferId, Result<(), StoreError>)>,
    held: HashMap<TransferId, Held>,
    clearing: Clearing,
}

/// One transfer in hand.
struct Held {
    token: CancellationToken,
    target: Target,
}

/// Where a transfer writes. Two at once to the same one would take each other's pending file for their own.
#[derive(PartialEq, Eq)]
enum Target {
    Service(AccountName, String, String),
    Local(PathBuf),
}

impl Target {
    fn of(transfer: &Transfer) -> Self {
        match transfer.direction {
            Direction::Upload => {
                Self::Service(transfer.account.clone(), transfer.place.clone(), transfer.name.clone())
            }
            Direction::Download => Self::Local(transfer.local.clone()),
        }
    }
}

pub(crate) async fn run(shared: &Arc<Shared>, until: Until) -> Result<(), StoreError> {
    let _running = shared.running.lock().await;
    let mut in_hand = InHand::default();
    let result = work(shared, &until, &mut in_hand).await;
    // Whatever ended the work, nothing stays in hand.
    for held in in_hand.held.values() {
        held.token.cancel();
    }
    while in_hand.tasks.join_next().await.is_some() {}
    shared.meters().clear();
    let cancelled = settle::clear_cancelled(shared, |_| false, &mut in_hand.clearing).await;
    in_hand.clearing.finish(&*shared.clock).await;
    let laid_down = shared.store.interrupt_active(shared.clock.now()).await;
    result.and(cancelled).and(laid_down.map(drop))
}

async fn work(shared: &Arc<Shared>, until: &Until, in_hand: &mut InHand) -> Result<(), StoreError> {
    let mut stopping = shared.stopping.subscribe();
    let mut probes = Probes::default();
    // Kept across the turns: with many small files something else always happens before it is over.
    let mut poll = shared.clock.sleep(POLL);
    loop {
        if *stopping.borrow_and_update() {
            return Ok(());
        }
        admit(shared, in_hand).await?;
        let held = &in_hand.held;
        settle::clear_cancelled(shared, |id| held.contains_key(&id), &mut in_hand.clearing).await?;
        if in_hand.held.is_empty() && *until == Until::Idle {
            return Ok(());
        }
        if let Until::Settled(ids) = until
            && all_rest(shared, ids).await?
        {
            return Ok(());
        }
        tokio::select! {
            Some(ended) = in_hand.tasks.join_next() => {
                // A worker catches its own panics, so this is a task that nobody started or aborted.
                let Ok((id, result)) = ended else { continue };
                in_hand.held.remove(&id);
                shared.meters().remove(&id);
                result?;
            }
            () = shared.woken.notified() => let_go(shared, in_hand).await?,
            _ = stopping.changed() => {}
            () = &mut poll => {
                poll = shared.clock.sleep(POLL);
                if shared.store.changed_by_others().await? {
                    let_go(shared, in_hand).await?;
                }
                conditions::probe(shared, &mut probes).await?;
            }
        }
    }
}

/// Starts what may start.
async fn admit(shared: &Arc<Shared>, in_hand: &mut InHand) -> Result<(), StoreError> {
    let mut skip: Vec<TransferId> = in_hand.held.keys().copied().collect();
    while in_hand.held.len() < shared.limits.files.max(1) {
        let now = shared.clock.now();
        let Some(next) = shared.store.next_waiting(now, &skip, &[]).await? else { break };
        let target = Target::of(&next);
        skip.push(next.id);
        if in_hand.held.values().any(|held| held.target == target) {
            continue;
        }
        let change = Change { attempts: Some(next.attempts.saturating_add(1)), ..Change::default() };
        let transfer = match shared.store.apply(next.id, Event::Admitted, change, now).await {
            Ok(transfer) => transfer,
            // Paused or removed since it was chosen.
            Err(StoreError::Illegal(_) | StoreError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let token = CancellationToken::new();
        in_hand.held.insert(transfer.id, Held { token: token.clone(), target });
        let meter = Meter::new(transfer.id, shared.clock.clone());
        meter.begin(transfer.size.unwrap_or(0), transfer.bytes_done);
        shared.meters().insert(transfer.id, meter.clone());
        let shared = shared.clone();
        in_hand.tasks.spawn(async move {
            let id = transfer.id;
            let work = AssertUnwindSafe(work_on(&shared, transfer, meter)).catch_unwind();
            let result = match token.run_until_cancelled(work).await {
                Some(Ok(result)) => result,
                Some(Err(_)) => settle::stopped(&shared, id, None, panicked(id)).await,
                None => Ok(()),
            };
            (id, result)
        });
    }
    Ok(())
}

async fn work_on(shared: &Arc<Shared>, transfer: Transfer, meter: Arc<Meter>) -> Result<(), StoreError> {
    let (id, account) = (transfer.id, transfer.account.clone());
    let stop = match connect(shared, transfer, meter, &account).await {
        Err(stop) => Some((None, stop)),
        Ok(mut run) => {
            let result = match run.transfer.direction {
                Direction::Upload => upload_run::run(&mut run).await,
                Direction::Download => download_run::run(&mut run).await,
            };
            result.err().map(|stop| (Some(run), stop))
        }
    };
    match stop {
        None => {
            shared.fresh_starts().remove(&id);
            Ok(())
        }
        Some((run, stop)) => settle::stopped(shared, id, run.as_ref(), stop).await,
    }
}

async fn connect(
    shared: &Arc<Shared>,
    transfer: Transfer,
    meter: Arc<Meter>,
    account: &AccountName,
) -> Result<Run, Stop> {
    let provider = shared.accounts.provider(account).await?;
    let service = shared.store.account(account).await?.map(|account| account.service).unwrap_or_default();
    Ok(Run { engine: shared.clone(), provider, transfer, meter, retry: shared.retry.clone(), service })
}

/// Drops the workers of rows that somebody paused, cancelled or removed.
async fn let_go(shared: &Arc<Shared>, in_hand: &InHand) -> Result<(), StoreError> {
    for (&id, held) in &in_hand.held {
        let still_ours = shared.store.transfer(id).await?.is_some_and(|transfer| transfer.state.is_active());
        if !still_ours {
            held.token.cancel();
        }
    }
    Ok(())
}

/// Whether none of these goes on by itself soon.
async fn all_rest(shared: &Shared, ids: &[TransferId]) -> Result<bool, StoreError> {
    for &id in ids {
        let rests = match shared.store.transfer(id).await?.map(|transfer| transfer.state) {
            None => true,
            Some(State::Waiting { why }) => {
                !matches!(why, WaitReason::Turn | WaitReason::Interrupted | WaitReason::SourceChanged)
            }
            Some(state) => !state.is_active(),
        };
        if !rests {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A fault of ours in one transfer fails that transfer and no other.
fn panicked(id: TransferId) -> Stop {
    tracing::error!(%id, "a worker panicked");
    Stop::Failed(
        Problem::new(ProblemCode::Internal).because("the worker of this transfer failed; see the log"),
    )
}
