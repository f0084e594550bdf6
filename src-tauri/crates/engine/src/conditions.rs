//! Transfers that wait for the world: offline accounts are probed, and go on by themselves when they answer.

use crate::{engine::Shared, settle::still_offline};
use labferry_model::{AccountName, Event, State, Transfer, TransferId, WaitReason};
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

/// Asks the offline accounts whether they are back, at most every few seconds, and lets their transfers go on.
pub(crate) async fn probe(shared: &Arc<Shared>, probes: &mut Probes) -> Result<(), StoreError> {
    let now = shared.clock.monotonic();
    if now < probes.next {
        return Ok(());
    }
    probes.next = now + PROBE;
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
