//! Proves what a service holds without sending anything again.

use crate::{
    engine::Engine,
    hash_ahead::{self, Hashes},
    read_back::ReadingBack,
    source_file,
    verify::{self, Verdict},
};
use labferry_model::{
    AccountName, Capabilities, DigestSet, Entry, FileStatus, Problem, Proof, RemoteDigest, RemoteFile,
};
use labferry_provider::{ListRequest, Provider, ProviderResult};
use labferry_store::LedgerEntry;
use std::{collections::HashSet, future::Future, path::PathBuf};

/// Lines asked for at once when a record is checked.
const PAGE: u32 = 200;

/// What to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRequest {
    /// Whose account.
    pub account: AccountName,
    /// A file, or a container for all files in it.
    pub path: String,
    /// A local copy to compare with; otherwise the ledger's digests are used.
    pub source: Option<PathBuf>,
    /// Fetch the content where the service keeps no digest that can be compared.
    pub read_back: bool,
}

/// What our side of the comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The digests kept when the file was transferred.
    Ledger,
    /// A local file.
    Local,
}

/// What a check showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// The same bytes.
    Verified(Proof),
    /// Other bytes.
    Differs(Problem),
    /// The file is not there.
    Missing,
    /// The service tells nothing that can be compared.
    Unverifiable,
    /// We have nothing to compare with.
    Unknown,
    /// The service could not be asked. Only a check of the ledger goes on after that.
    NotAsked(Problem),
}

/// The check of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// Whose account.
    pub account: AccountName,
    /// The file's path with the connector.
    pub path: String,
    /// Its name in the container.
    pub name: String,
    /// Bytes on the service, where told.
    pub size: Option<u64>,
    /// What it showed.
    pub result: CheckResult,
    /// What it was compared with.
    pub against: Option<Against>,
    /// Our digests.
    pub digests: DigestSet,
}

/// Our side of a comparison.
pub(crate) struct Ours {
    size: u64,
    hashes: Hashes,
    against: Against,
}

impl Ours {
    pub(crate) fn from_ledger(entry: LedgerEntry) -> Self {
        Self { size: entry.size, hashes: Hashes::of_whole(entry.digests), against: Against::Ledger }
    }
}

/// Whom to ask.
pub(crate) struct Asking<'a> {
    pub(crate) provider: &'a dyn Provider,
    pub(crate) facts: &'a Capabilities,
    pub(crate) account: &'a AccountName,
}

impl Engine {
    /// Checks a file, or every file of a container.
    ///
    /// # Errors
    /// The account, the service or the local copy cannot be read. What is wrong with a single file stands in its outcome.
    pub async fn check(&self, request: CheckRequest) -> Result<Vec<CheckOutcome>, Problem> {
        let provider = self.shared().accounts.provider(&request.account).await?;
        let facts = self.asked(|| provider.capabilities()).await?;
        let mut outcomes = Vec::new();
        for file in self.files(&*provider, &request.path).await? {
            let ours = match &request.source {
                Some(source) => Some(local(source, &facts, &file.digests).await?),
                None => self.ledger(&request.account, &file).await?,
            };
            let asking = Asking { provider: &*provider, facts: &facts, account: &request.account };
            outcomes.push(self.check_file(&asking, file, ours, request.read_back).await?);
        }
        if outcomes.is_empty() && request.source.is_some() {
            let name = request.path.rsplit('/').next().unwrap_or_default().to_owned();
            outcomes.push(CheckOutcome {
                account: request.account,
                path: request.path,
                name,
                size: None,
                result: CheckResult::Missing,
                against: Some(Against::Local),
                digests: DigestSet::default(),
            });
        }
        Ok(outcomes)
    }

    pub(crate) async fn asked<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, Problem>
    where
        F: Future<Output = ProviderResult<T>>,
    {
        self.shared().retry.patient().run(attempt).await.map_err(|error| error.problem)
    }

    /// The file at that path, or the files of the container there; none when nothing is there.
    async fn files(&self, provider: &dyn Provider, path: &str) -> Result<Vec<RemoteFile>, Problem> {
        let found = self
            .asked(|| async {
                match provider.describe(path).await {
                    Err(error) if error.is_not_found() && path.contains('/') => Ok(None),
                    result => result.map(Some),
                }
            })
            .await?;
        match found {
            None => return Ok(Vec::new()),
            Some(Entry::File { file }) => return Ok(vec![file]),
            Some(Entry::Container { .. }) => {}
        }
        let (mut files, mut seen) = (Vec::new(), HashSet::new());
        let mut request = ListRequest { path: path.to_owned(), limit: PAGE, ..ListRequest::default() };
        loop {
            let page = self.asked(|| provider.list(&request)).await?;
            files.extend(page.entries.into_iter().filter_map(|entry| match entry {
                Entry::File { file } => Some(file),
                Entry::Container { .. } => None,
            }));
            // Pages that name each other in a circle would never end. A page of folders alone is no end.
            match page.next {
                Some(next) if seen.insert(next.clone()) => request.page = Some(next),
                _ => return Ok(files),
            }
        }
    }

    async fn ledger(&self, account: &AccountName, file: &RemoteFile) -> Result<Option<Ours>, Problem> {
        let entry =
            self.shared().store.ledger_find(account, &file.path).await.map_err(|error| error.problem())?;
        Ok(entry.map(Ours::from_ledger))
    }

    pub(crate) async fn check_file(
        &self,
        asking: &Asking<'_>,
        file: RemoteFile,
        ours: Option<Ours>,
        read_back: bool,
    ) -> Result<CheckOutcome, Problem> {
        let &Asking { provider, facts, account } = asking;
        let outcome = |file: RemoteFile, result, ours: Option<Ours>| CheckOutcome {
            account: account.clone(),
            path: file.path,
            name: file.name,
            size: file.size,
            result,
            against: ours.as_ref().map(|ours| ours.against),
            digests: ours.map(|ours| ours.hashes.digests).unwrap_or_default(),
        };
        let Some(ours) = ours else { return Ok(outcome(file, CheckResult::Unknown, None)) };
        if matches!(file.status, FileStatus::Pending | FileStatus::Failed) {
            return Ok(outcome(file, CheckResult::Missing, Some(ours)));
        }
        let result = match verify::compare(&file, ours.size, &ours.hashes) {
            Verdict::Same(proof) => CheckResult::Verified(proof),
            Verdict::Different(problem) => CheckResult::Differs(problem),
            Verdict::Unknown | Verdict::Unfinished if read_back => {
                let back = ReadingBack::new(self.shared(), provider, account, facts);
                let theirs =
                    back.fetch(&file.path, file.size, |_| {}).await.map_err(|error| error.problem)?;
                match verify::judge_read_back(
                    &file.name,
                    ours.size,
                    ours.hashes.digests.sha256.as_deref(),
                    &theirs,
                ) {
                    Ok(proof) => CheckResult::Verified(proof),
                    Err(problem) => CheckResult::Differs(problem),
                }
            }
            Verdict::Unknown | Verdict::Unfinished => CheckResult::Unverifiable,
        };
        if let CheckResult::Verified(proof) = &result {
            self.renew(account, &file.path, &ours, proof).await?;
        }
        Ok(outcome(file, result, Some(ours)))
    }
}

impl Engine {
    /// Notes in the ledger that what it says was proven again.
    async fn renew(
        &self,
        account: &AccountName,
        path: &str,
        ours: &Ours,
        proof: &Proof,
    ) -> Result<(), Problem> {
        let store = &self.shared().store;
        let same = match ours.against {
            Against::Ledger => true,
            // A local file may be another one than the one that was sent then.
            Against::Local => {
                let entry = store.ledger_find(account, path).await.map_err(|error| error.problem())?;
                let sha256 = ours.hashes.digests.sha256.as_deref();
                sha256.is_some() && entry.is_some_and(|entry| entry.digests.sha256.as_deref() == sha256)
            }
        };
        if same {
            let now = self.shared().clock.now();
            let renewed = store.ledger_set_proof(account, path, proof, now).await;
            renewed.map_err(|error| error.problem())?;
        }
        Ok(())
    }
}

async fn local(
    path: &std::path::Path,
    facts: &Capabilities,
    theirs: &[RemoteDigest],
) -> Result<Ours, Problem> {
    let found = source_file::fingerprint(path).await?;
    let hashes = hash_ahead::hash_to_compare(path, found.size, &facts.digests, theirs).await?;
    Ok(Ours { size: found.size, hashes, against: Against::Local })
}
