//! Asks the services about everything that the ledger says they hold.

use crate::{
    check::{Against, Asking, CheckOutcome, CheckResult, Ours},
    engine::Engine,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_model::{AccountName, Capabilities, Entry, Problem, ProblemCode};
use labferry_provider::Provider;
use labferry_store::LedgerEntry;
use std::{collections::HashMap, sync::Arc};

/// Files asked about at once: a question is one small request, and a service takes eight connections of an account.
const AT_ONCE: usize = 8;

/// Which part of the ledger to check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerCheck {
    /// The account; none for all of them.
    pub account: Option<AccountName>,
    /// [`LedgerChecked::next`] of the page before.
    pub after: Option<i64>,
    /// Files of this page, at most.
    pub limit: u32,
    /// Fetch the content where the service keeps no digest that can be compared.
    pub read_back: bool,
}

/// What a page of the ledger came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerChecked {
    /// One a file, in the order in which they were proven.
    pub outcomes: Vec<CheckOutcome>,
    /// Where the next page begins; none at the end.
    pub next: Option<i64>,
}

/// How to ask about the files of one account, or why that is not possible.
type Door = Result<(Arc<dyn Provider>, Capabilities), Problem>;

impl Engine {
    /// Checks a page of the files in the ledger, each against its newest entry, and renews the proof of those that hold.
    /// An account that cannot be asked spoils its own files only.
    ///
    /// # Errors
    /// The database fails.
    pub async fn check_ledger(&self, request: LedgerCheck) -> Result<LedgerChecked, Problem> {
        let LedgerCheck { account, after, limit, read_back } = request;
        let rows = self.shared().store.ledger_newest(account.as_ref(), after, limit.max(1)).await;
        let rows = rows.map_err(|error| error.problem())?;
        let next = rows.last().map(|row| row.number).filter(|_| rows.len() >= limit.max(1) as usize);
        let mut doors: HashMap<AccountName, Door> = HashMap::new();
        for row in &rows {
            if !doors.contains_key(&row.entry.account) {
                doors.insert(row.entry.account.clone(), self.door(&row.entry.account).await);
            }
        }
        // What is fetched again is held in memory in pieces: one file at a time is enough.
        let at_once = if read_back { 1 } else { AT_ONCE };
        let doors = &doors;
        let work = rows.into_iter().map(|row| async move {
            match doors.get(&row.entry.account) {
                Some(Ok((provider, facts))) => {
                    self.check_entry(&**provider, facts, row.entry, read_back).await
                }
                Some(Err(problem)) => Ok(outcome(row.entry, CheckResult::NotAsked(problem.clone()))),
                None => Err(Problem::new(ProblemCode::Internal)),
            }
        });
        let outcomes = stream::iter(work).buffered(at_once).try_collect().await?;
        Ok(LedgerChecked { outcomes, next })
    }

    async fn door(&self, account: &AccountName) -> Door {
        let provider = self.shared().accounts.provider(account).await?;
        let facts = self.asked(|| provider.capabilities()).await?;
        Ok((provider, facts))
    }

    async fn check_entry(
        &self,
        provider: &dyn Provider,
        facts: &Capabilities,
        entry: LedgerEntry,
        read_back: bool,
    ) -> Result<CheckOutcome, Problem> {
        let found = self.shared().request(&entry.account, || provider.describe(&entry.path)).await;
        let file = match found {
            Ok(Entry::File { file }) => file,
            Ok(Entry::Container { .. }) => return Ok(outcome(entry, CheckResult::Missing)),
            Err(error) if error.is_not_found() => return Ok(outcome(entry, CheckResult::Missing)),
            Err(error) => return Ok(outcome(entry, CheckResult::NotAsked(error.problem))),
        };
        let account = entry.account.clone();
        let asking = Asking { provider, facts, account: &account };
        let ours = Ours::from_ledger(entry.clone());
        match self.check_file(&asking, file, Some(ours), read_back).await {
            Err(problem) if problem.code != ProblemCode::DatabaseFailed => {
                Ok(outcome(entry, CheckResult::NotAsked(problem)))
            }
            result => result,
        }
    }
}

fn outcome(entry: LedgerEntry, result: CheckResult) -> CheckOutcome {
    CheckOutcome {
        account: entry.account,
        path: entry.path,
        name: entry.name,
        size: None,
        result,
        against: Some(Against::Ledger),
        digests: entry.digests,
    }
}
