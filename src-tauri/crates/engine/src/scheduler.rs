//! Who is next, and who has to let go.

use crate::{
    conditions::{self, Probes},
    download_run,
    engine::{Shared, Until},
    progress::Meter,
    replaced,
    run::{Run, Stop},
    settle::{self, Clearing},
    small_file::SMALL,
    together::Expected,
    upload_run,
};
use futures_util::FutureExt;
use labferry_model::{
    AccountName, Event, Problem, ProblemCode, ShapeChoice, State, Transfer, TransferId, WaitReason,
    transfer::Direction,
};
use labferry_store::{Change, StoreError};
use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often the database is asked whether another process changed a row: well below the second in which a pause must
/// be felt.
const POLL: Duration = Duration::from_millis(400);
/// How often an engine with nothing in hand looks for cancelled transfers and replaced files that nobody told it of. What
/// this process or another does is told; an open window that waits for the evening should cost next to nothing.
const TIDY: Duration = Duration::from_secs(5);

/// Small uploads that take the place of one file. They cost round trips and not bandwidth: with 8 connections, some 20
/// requests of them wait for a connection at any time at 64 in hand, so that none stands still.
const SMALL_A_PLACE: usize = 32;

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
    account: AccountName,
    target: Target,
    weight: usize,
}

impl InHand {
    /// What is taken by small files and by others, in parts of a place.
    fn taken(&self) -> (usize, usize) {
        self.held.values().fold((0, 0), |(small, large), held| match held.weight {
            SMALL_A_PLACE => (small, large + SMALL_A_PLACE),
            weight => (small + weight, large),
        })
    }

    fn let_go_of(&mut self, id: TransferId, shared: &Shared) -> bool {
        shared.meters().remove(&id);
        self.held.remove(&id).is_some_and(|held| held.token.is_cancelled())
    }
}

/// How much of a place a transfer takes: `SMALL_A_PLACE` is a whole one.
fn weight(transfer: &Transfer) -> usize {
    let small = transfer.direction == Direction::Upload
        && transfer.shape != ShapeChoice::Parts
        && transfer.size.is_some_and(|size| size <= SMALL);
    if small { 1 } else { SMALL_A_PLACE }
}

/// Where a transfer writes. Two at once to the same one would take each other's pending file for their own.
#[derive(Clone, PartialEq, Eq, Hash)]
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
    let kept = replaced::look_after(shared, |_| false).await;
    let laid_down = shared.store.interrupt_active(shared.clock.now()).await;
    result.and(cancelled).and(kept).and(laid_down.map(drop))
}

async fn work(shared: &Arc<Shared>, until: &Until, in_hand: &mut InHand) -> Result<(), StoreError> {
    let mut stopping = shared.stopping.subscribe();
    let mut probes = Probes::default();
    // Kept across the turns: with many small files something else always happens before it is over.
    let mut poll = shared.clock.sleep(POLL);
    let mut unsettled = match until {
        Until::Settled(ids) => ids.clone(),
        Until::Stopped | Until::Idle => Vec::new(),
    };
    // Whether a transfer may have been cancelled since this was last seen to.
    let mut cancelled = true;
    let mut tidied = shared.clock.monotonic();
    loop {
        if *stopping.borrow_and_update() {
            return Ok(());
        }
        shared.keep_pace();
        keep_hours(shared, in_hand).await?;
        // Asked before others are let in: they would be begun only to be dropped.
        if matches!(until, Until::Settled(_)) && all_settled(shared, in_hand, &mut unsettled).await? {
            return Ok(());
        }
        admit(shared, in_hand).await?;
        if std::mem::take(&mut cancelled) {
            tidied = shared.clock.monotonic();
            let held = &in_hand.held;
            settle::clear_cancelled(shared, |id| held.contains_key(&id), &mut in_hand.clearing).await?;
            replaced::look_after(shared, |id| held.contains_key(&id)).await?;
        }
        if in_hand.held.is_empty() && *until == Until::Idle {
            return Ok(());
        }
        if matches!(until, Until::Settled(_)) && all_rest(shared, in_hand, &mut unsettled).await? {
            return Ok(());
        }
        tokio::select! {
            Some(ended) = in_hand.tasks.join_next() => {
                // A worker catches its own panics, so this is a task that nobody started or aborted.
                let mut next = Some(ended);
                // Small files end many at a time.
                while let Some(ended) = next {
                    if let Ok((id, result)) = ended {
                        cancelled |= in_hand.let_go_of(id, shared);
                        result?;
                    }
                    next = in_hand.tasks.try_join_next();
                }
            }
            () = shared.woken.notified() => {
                cancelled = true;
                let_go(shared, in_hand).await?;
            }
            _ = stopping.changed() => {}
            () = &mut poll => {
                poll = shared.clock.sleep(POLL);
                let others = shared.store.changed_by_others().await?;
                cancelled |= others
                    || !in_hand.held.is_empty()
                    || shared.clock.monotonic().saturating_sub(tidied) >= TIDY;
                if others {
                    let_go(shared, in_hand).await?;
                }
                conditions::probe(shared, &mut probes).await?;
            }
        }
    }
}

/// Starts what may start. Small files start in waves, when half of those in hand are done: they are then announced to
/// their service together.
async fn admit(shared: &Arc<Shared>, in_hand: &mut InHand) -> Result<(), StoreError> {
    let (small, large) = in_hand.taken();
    if shared.closed() {
        return Ok(());
    }
    let rules = shared.rules();
    let closed = shared.closed_folders();
    let paused: Vec<AccountName> = rules.paused_accounts.iter().cloned().collect();
    let places = rules.files.max(1) * SMALL_A_PLACE;
    let mut free = places.saturating_sub(small + large);
    if small * 2 > places.saturating_sub(large) {
        return Ok(());
    }
    let mut targets: HashSet<Target> = in_hand.held.values().map(|held| held.target.clone()).collect();
    // One that is in hand is ready only if somebody paused it and let it go on before its worker had let go.
    let mut skip = Vec::new();
    // They begin together, so that each is expected before the first one asks.
    let mut wave = Vec::new();
    while free > 0 {
        let now = shared.clock.now();
        let Some(next) = shared.store.next_waiting(now, &skip, &paused, &closed).await? else { break };
        let (target, weight) = (Target::of(&next), weight(&next));
        if in_hand.held.contains_key(&next.id) || targets.contains(&target) {
            skip.push(next.id);
            continue;
        }
        if weight > free {
            break;
        }
        let change = Change { attempts: Some(next.attempts.saturating_add(1)), ..Change::default() };
        let transfer = match shared.store.apply(next.id, Event::Admitted, change, now).await {
            Ok(transfer) => transfer,
            // Paused or removed since it was chosen.
            Err(StoreError::Illegal(_) | StoreError::NotFound(_)) => {
                skip.push(next.id);
                continue;
            }
            Err(error) => return Err(error),
        };
        let token = CancellationToken::new();
        free -= weight;
        targets.insert(target.clone());
        let account = transfer.account.clone();
        in_hand.held.insert(transfer.id, Held { token: token.clone(), account, target, weight });
        let meter = Meter::new(transfer.id, shared.clock.clone());
        meter.begin(transfer.size.unwrap_or(0), transfer.bytes_done);
        shared.meters().insert(transfer.id, meter.clone());
        let expected = (weight < SMALL_A_PLACE)
            .then(|| shared.announcements.expect((transfer.account.clone(), transfer.place.clone())));
        let shared = shared.clone();
        wave.push(async move {
            let id = transfer.id;
            let work = AssertUnwindSafe(work_on(&shared, transfer, meter, expected)).catch_unwind();
            let result = match token.run_until_cancelled(work).await {
                Some(Ok(result)) => result,
                Some(Err(_)) => settle::stopped(&shared, id, None, panicked(id)).await,
                None => Ok(()),
            };
            (id, result)
        });
    }
    for work in wave {
        in_hand.tasks.spawn(work);
    }
    Ok(())
}

async fn work_on(
    shared: &Arc<Shared>,
    transfer: Transfer,
    meter: Arc<Meter>,
    expected: Option<Expected>,
) -> Result<(), StoreError> {
    let (id, account) = (transfer.id, transfer.account.clone());
    let stop = match connect(shared, transfer, meter, expected, &account).await {
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
    expected: Option<Expected>,
    account: &AccountName,
) -> Result<Run, Stop> {
    let provider = shared.accounts.provider(account).await?;
    let service = shared.store.account(account).await?.map(|account| account.service).unwrap_or_default();
    Ok(Run {
        engine: shared.clone(),
        provider,
        transfer,
        meter,
        retry: shared.retry.clone(),
        service,
        expected,
    })
}

/// Lays down what may not move now: the hours are over, the link is metered, or the account was paused.
async fn keep_hours(shared: &Arc<Shared>, in_hand: &InHand) -> Result<(), StoreError> {
    let closed = shared.closed();
    let rules = shared.rules();
    if !closed && rules.paused_accounts.is_empty() && rules.folders.is_empty() {
        return Ok(());
    }
    let ids: Vec<TransferId> = in_hand.held.keys().copied().collect();
    let folder = shared.wait_for_folder(&ids).await?;
    for (&id, held) in &in_hand.held {
        let may_not = closed || rules.paused_accounts.contains(&held.account) || folder.contains(&id);
        if may_not && !held.token.is_cancelled() {
            shared.lay_down(id).await?;
            held.token.cancel();
        }
    }
    Ok(())
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

/// Whether each of these is settled. Those at the front that are, are taken out.
async fn all_settled(
    shared: &Shared,
    in_hand: &InHand,
    ids: &mut Vec<TransferId>,
) -> Result<bool, StoreError> {
    while let Some(&id) = ids.first() {
        if in_hand.held.contains_key(&id) {
            return Ok(false);
        }
        let transfer = shared.store.transfer(id).await?;
        if transfer.is_some_and(|transfer| !transfer.state.is_settled()) {
            return Ok(false);
        }
        ids.swap_remove(0);
    }
    Ok(true)
}

/// Whether none of these goes on by itself soon. Those that are settled are taken out, and one that is on its way comes to
/// the front, so that the next question is answered by it.
async fn all_rest(shared: &Shared, in_hand: &InHand, ids: &mut Vec<TransferId>) -> Result<bool, StoreError> {
    let mut at = 0;
    while let Some(&id) = ids.get(at) {
        if in_hand.held.contains_key(&id) {
            return Ok(false);
        }
        let transfer = shared.store.transfer(id).await?;
        let hold = transfer.as_ref().and_then(|transfer| shared.hold(&transfer.account));
        let held = hold.is_some() || !shared.wait_for_folder(&[id]).await?.is_empty();
        match transfer.map(|transfer| transfer.state) {
            // The hours or the person who paused the account may let it wait for days.
            Some(State::Waiting { .. }) if held => at += 1,
            None => {
                ids.swap_remove(at);
            }
            Some(state) if state.is_settled() => {
                ids.swap_remove(at);
            }
            Some(State::Waiting {
                why: WaitReason::Turn | WaitReason::Interrupted | WaitReason::SourceChanged,
            }) => {
                ids.swap(0, at);
                return Ok(false);
            }
            Some(state) if state.is_active() => return Ok(false),
            Some(_) => at += 1,
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
