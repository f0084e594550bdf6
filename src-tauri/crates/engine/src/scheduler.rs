//! Who is next, and who has to let go.

use crate::{
    conditions::{self, Probes},
    download_run,
    engine::{Shared, Until},
    progress::Meter,
    run::{Run, Stop},
    settle, upload_run,
};
use labferry_model::{AccountName, Event, State, Transfer, TransferId, WaitReason, transfer::Direction};
use labferry_store::{Change, StoreError};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether another process changed a row: well below the second in which a pause must
/// be felt.
const POLL: Duration = Duration::from_millis(400);

/// What is in hand.
struct InHand {
    tasks: JoinSet<(TransferId, Result<(), StoreError>)>,
    tokens: HashMap<TransferId, CancellationToken>,
}

pub(crate) async fn run(shared: &Arc<Shared>, until: Until) -> Result<(), StoreError> {
    let _running = shared.running.lock().await;
    let mut in_hand = InHand { tasks: JoinSet::new(), tokens: HashMap::new() };
    let result = work(shared, &until, &mut in_hand).await;
    // Whatever ended the work, nothing stays in hand.
    for token in in_hand.tokens.values() {
        token.cancel();
    }
    while in_hand.tasks.join_next().await.is_some() {}
    let laid_down = shared.store.interrupt_active(shared.clock.now()).await;
    result.and(laid_down.map(drop))
}

async fn work(shared: &Arc<Shared>, until: &Until, in_hand: &mut InHand) -> Result<(), StoreError> {
    let mut stopping = shared.stopping.subscribe();
    let mut probes = Probes::default();
    loop {
        if *stopping.borrow_and_update() {
            return Ok(());
        }
        admit(shared, in_hand).await?;
        settle::clear_cancelled(shared, &in_hand.tokens).await?;
        if in_hand.tokens.is_empty() && *until == Until::Idle {
            return Ok(());
        }
        if let Until::Settled(ids) = until
            && all_rest(shared, ids).await?
        {
            return Ok(());
        }
        tokio::select! {
            Some(ended) = in_hand.tasks.join_next() => {
                let Ok((id, result)) = ended else {
                    // A worker that panicked: its row is still active in the database, and ours to lay down.
                    return Err(panicked(shared, in_hand).await);
                };
                in_hand.tokens.remove(&id);
                shared.meters().remove(&id);
                result?;
            }
            () = shared.woken.notified() => let_go(shared, in_hand).await?,
            _ = stopping.changed() => {}
            () = shared.clock.sleep(POLL) => {
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
    while in_hand.tokens.len() < shared.limits.files.max(1) {
        let skip: Vec<TransferId> = in_hand.tokens.keys().copied().collect();
        let now = shared.clock.now();
        let Some(next) = shared.store.next_waiting(now, &skip, &[]).await? else { break };
        let change = Change { attempts: Some(next.attempts.saturating_add(1)), ..Change::default() };
        let transfer = match shared.store.apply(next.id, Event::Admitted, change, now).await {
            Ok(transfer) => transfer,
            // Paused or removed since it was chosen.
            Err(StoreError::Illegal(_) | StoreError::NotFound(_)) => continue,
            Err(error) => return Err(error),
        };
        let token = CancellationToken::new();
        in_hand.tokens.insert(transfer.id, token.clone());
        let meter = Meter::new(transfer.id, shared.clock.clone());
        meter.begin(transfer.size.unwrap_or(0), transfer.bytes_done);
        shared.meters().insert(transfer.id, meter.clone());
        let shared = shared.clone();
        in_hand.tasks.spawn(async move {
            let id = transfer.id;
            let result = token.run_until_cancelled(work_on(&shared, transfer, meter)).await;
            (id, result.unwrap_or(Ok(())))
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
    for (&id, token) in &in_hand.tokens {
        let still_ours = shared.store.transfer(id).await?.is_some_and(|transfer| transfer.state.is_active());
        if !still_ours {
            token.cancel();
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

async fn panicked(shared: &Shared, in_hand: &InHand) -> StoreError {
    tracing::error!(in_hand = in_hand.tokens.len(), "a worker panicked; everything in hand is laid down");
    match shared.store.interrupt_active(shared.clock.now()).await {
        Err(error) => error,
        Ok(_) => StoreError::Other {
            path: std::path::PathBuf::new(),
            cause: "a worker of the engine failed; see the log".to_owned(),
        },
    }
}
