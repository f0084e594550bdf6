//! Transfers that wait for the world: offline accounts are probed, the disk is looked at, and what waits for them goes on by
//! itself.

use crate::{disk_space, engine::Shared, partial_file::PartialFile, settle::still_offline};
use labferry_model::{AccountName, Direction, Event, State, Transfer, TransferId, WaitReason};
use labferry_store::{Change, StoreError};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Between two probes of an account: a link that returns is used within ten seconds.
const PROBE: Duration = Duration::from_secs(8);
/// Rows released at once; the rest follow at the next look.
const ROWS: u32 = 1_000;

/// When the accounts were asked last.
#[derive(Default)]
pub(crate) struct Probes {
    next: Duration,
}

/// Whether a download has no room for what is still to come.
pub(crate) fn disk_is_low(shared: &Shared, transfer: &Transfer) -> bool {
    let there = PartialFile::beside(&transfer.local, transfer.id).allocated();
    let to_come = transfer.size.unwrap_or(0).saturating_sub(there);
    transfer.direction == Direction::Download
        && disk_space::short(&transfer.local, to_come, shared.limits.disk_reserve).is_some()
}

/// Downloads that waited for room on the disk go on when there is some.
async fn let_go_where_there_is_room(shared: &Arc<Shared>) -> Result<(), StoreError> {
    for id in shared.store.held("disk_low", ROWS).await? {
        let Some(transfer) = shared.store.transfer(id).await? else { continue };
        let waits = matches!(transfer.state, State::Waiting { why: WaitReason::DiskLow });
        if waits && !disk_is_low(shared, &transfer) {
            let turn = Event::Held { why: WaitReason::Turn };
            // Refused when a person was faster.
            let _ = shared.store.apply(id, turn, Change::default(), shared.clock.now()).await;
            shared.woken.notify_one();
        }
    }
    Ok(())
}

/// Asks the offline accounts whether they are back, at most every few seconds, and lets their transfers go on.
pub(crate) async fn probe(shared: &Arc<Shared>, probes: &mut Probes) -> Result<(), StoreError> {
    let now = shared.clock.monotonic();
    if now < probes.next {
        return Ok(());
    }
    probes.next = now + PROBE;
    let_go_where_there_is_room(shared).await?;
    let mut waiting: BTreeMap<AccountName, Vec<TransferId>> = BTreeMap::new();
    for id in shared.store.held("offline", ROWS).await? {
        if let Some(transfer) = shared.store.transfer(id).await? {
            waiting.entry(transfer.account).or_default().push(id);
        }
    }
    for (account, ids) in waiting {
        let shared = shared.clone();
        // Beside the scheduler: an account that hangs must not hold the others.
        tokio::spawn(async move {
            let Ok(provider) = shared.accounts.provider(&account).await else { return };
            if provider.check_sign_in().await.as_ref().is_err_and(still_offline) {
                return;
            }
            for id in ids {
                // Any other state means that a person was faster while the account was asked. `Held` and not
                // `ResumeAsked`, which would take a paused transfer up again.
                let offline = |transfer: Transfer| {
                    matches!(transfer.state, State::Waiting { why: WaitReason::Offline { .. } })
                };
                if shared.store.transfer(id).await.ok().flatten().is_some_and(offline) {
                    let turn = Event::Held { why: WaitReason::Turn };
                    let _ = shared.store.apply(id, turn, Change::default(), shared.clock.now()).await;
                }
            }
            shared.woken.notify_one();
        });
    }
    Ok(())
}
