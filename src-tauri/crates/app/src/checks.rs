//! Proving what a service holds without sending it again, and what was proven so far.

use crate::{
    app::App,
    browse::clean,
    rows,
    uploads::absolute,
    wire::{answers::*, requests::*},
};
use labferry_engine::{Against, CheckOutcome, CheckRequest, CheckResult, LedgerCheck};
use labferry_model::Timestamp;
use labferry_store::LedgerRow;
use std::collections::VecDeque;

/// Receipts when the request names no number.
const USUAL_RECEIPTS: usize = 1_000;
/// Files of the ledger checked in one request when it names no number, and at most.
const USUAL_CHECKS: u32 = 100;
const MOST_CHECKS: u32 = 1_000;
/// Ledger entries read at a time.
const STEP: u32 = 5_000;

impl App {
    /// Compares what a service holds with a local copy or with the ledger.
    ///
    /// # Errors
    /// A place or a local copy that is not there, and what the service answers.
    pub async fn checks_run(&self, request: CheckPlace) -> Result<Vec<CheckRow>, ProblemWords> {
        let account = crate::app::account_name(&request.account)?;
        self.shared.connections.account(&account).await?;
        let source = request.source.as_deref().map(absolute).transpose()?;
        let request = CheckRequest {
            account,
            path: clean(&request.path).to_owned(),
            source,
            read_back: request.read_back,
        };
        let outcomes = self.shared.engine.check(request).await?;
        Ok(outcomes.into_iter().map(check_row).collect())
    }

    /// Asks the services about a page of everything that the ledger says they hold, and renews what holds.
    ///
    /// # Errors
    /// An account that there is not, or a database that cannot be read.
    pub async fn checks_ledger(&self, request: CheckLedger) -> Result<CheckedLedger, ProblemWords> {
        let account = request.account.as_deref().map(crate::app::account_name).transpose()?;
        if let Some(account) = &account {
            self.shared.connections.account(account).await?;
        }
        let limit = if request.limit == 0 { USUAL_CHECKS } else { request.limit.min(MOST_CHECKS) };
        let page = LedgerCheck { account, after: request.after, limit, read_back: request.read_back };
        let checked = self.shared.engine.check_ledger(page).await?;
        let rows = checked.outcomes.into_iter().map(check_row).collect();
        Ok(CheckedLedger { rows, next: checked.next })
    }

    /// What was transferred, when, by which account, with which proof; newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn receipts_list(&self, request: ListReceipts) -> Result<Vec<ReceiptRow>, ProblemWords> {
        let limit = if request.limit == 0 { USUAL_RECEIPTS } else { request.limit as usize };
        let mut newest = VecDeque::new();
        let mut after = None;
        loop {
            let since = request.since.map(Timestamp);
            let step = self.shared.store.ledger_list(since, after, STEP).await?;
            let Some(last) = step.last() else { break };
            after = Some(last.number);
            for row in step {
                if newest.len() == limit {
                    newest.pop_back();
                }
                newest.push_front(receipt_row(row));
            }
        }
        Ok(newest.into())
    }
}

fn check_row(outcome: CheckOutcome) -> CheckRow {
    let (result, proof, problem) = match outcome.result {
        CheckResult::Verified(proof) => ("verified", Some(proof.name().to_owned()), None),
        CheckResult::Differs(problem) => ("differs", None, Some(problem.into())),
        CheckResult::Missing => ("missing", None, None),
        CheckResult::Unverifiable => ("unverifiable", None, None),
        CheckResult::Unknown => ("unknown", None, None),
        CheckResult::NotAsked(problem) => ("not_asked", None, Some(problem.into())),
    };
    let against = outcome.against.map(|against| match against {
        Against::Ledger => "ledger".to_owned(),
        Against::Local => "local".to_owned(),
    });
    CheckRow {
        account: outcome.account.to_string(),
        path: outcome.path,
        name: outcome.name,
        size: outcome.size,
        result: result.to_owned(),
        proof,
        against,
        digests: rows::digests(&outcome.digests),
        problem,
    }
}

fn receipt_row(row: LedgerRow) -> ReceiptRow {
    let entry = row.entry;
    ReceiptRow {
        at: entry.at.0,
        checked: row.checked.map(|at| at.0),
        direction: rows::direction(entry.direction),
        account: entry.account.to_string(),
        service: entry.service,
        place: entry.place,
        name: entry.name,
        local: entry.local.display().to_string(),
        size: entry.size,
        proof: entry.proof.name().to_owned(),
        verified: entry.proof.is_green(),
        digests: rows::digests(&entry.digests),
    }
}
