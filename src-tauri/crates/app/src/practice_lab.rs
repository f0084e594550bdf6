//! The practice lab inside this process: what a new user meets first, without any account.
//!
//! Its world lies in the data folder and is found again by the next start, so the accounts stay and only their address
//! is brought up to date. It is started by a person once; from then on whoever needs one of its accounts starts it.

use labferry_model::{AccountName, Clock, Problem, ProblemCode, Secret, Secrets, Timestamp};
use labferry_sandbox::{LabService, Sandbox, SandboxError, SandboxOptions};
use labferry_store::{Account, Store};
use labferry_vault::{Vault, VaultKind};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// The practice lab of one data folder.
pub(crate) struct PracticeLab {
    folder: PathBuf,
    store: Store,
    vault: Vault,
    clock: Arc<dyn Clock>,
    running: Mutex<Option<Sandbox>>,
}

impl PracticeLab {
    pub(crate) fn new(folder: PathBuf, store: Store, vault: Vault, clock: Arc<dyn Clock>) -> Self {
        Self { folder, store, vault, clock, running: Mutex::new(None) }
    }

    /// Starts the lab unless it runs, here or in another process on the same data folder, and gives its accounts.
    /// They are added when they are missing.
    pub(crate) async fn start(&self) -> Result<Vec<Account>, Problem> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            match Sandbox::start(SandboxOptions::new(&self.folder)).await {
                Ok(lab) => {
                    // A millisecond apart, so that accounts keep the lab's order: the first is what a new user meets.
                    let mut created = self.clock.now();
                    for service in &lab.description().services {
                        self.settle_account(service, created).await?;
                        created = created.plus(Duration::from_millis(1));
                    }
                    *running = Some(lab);
                }
                // Its accounts lead to the process that runs it.
                Err(SandboxError::InUse { .. }) => {}
                Err(error) => return Err(problem(&error)),
            }
        }
        let accounts = self.store.accounts().await.map_err(|error| error.problem())?;
        Ok(accounts.into_iter().filter(|account| account.practice).collect())
    }

    /// Whether this process runs it.
    pub(crate) async fn is_running(&self) -> bool {
        self.running.lock().await.is_some()
    }

    /// The address through which faults are scripted, while this process runs it.
    pub(crate) async fn control_url(&self) -> Option<String> {
        self.running.lock().await.as_ref().map(|lab| lab.description().control_url.clone())
    }

    pub(crate) async fn stop(&self) {
        if let Some(lab) = self.running.lock().await.take() {
            lab.stop().await;
        }
    }

    /// Adds the account of a service, or brings the one that is there up to date.
    async fn settle_account(&self, service: &LabService, now: Timestamp) -> Result<(), Problem> {
        let accounts = self.store.accounts().await.map_err(|error| error.problem())?;
        let ours = accounts.iter().find(|account| account.practice && account.service == service.service);
        let name = match ours {
            Some(account) => account.name.clone(),
            None => free_name(&service.service, &accounts)?,
        };
        let secrets: Secrets =
            service.secrets.iter().map(|(field, text)| (field.clone(), Secret::new(text))).collect();
        match self.vault.kind().await {
            // A practice token is worth nothing, so that a computer without a keychain can practise too.
            VaultKind::None => self.vault.keep_for_this_run(&name, secrets),
            // What a service added to them, such as a token it rotates, stays.
            _ if self.vault.read(&name).await.ok().flatten().is_some_and(|kept| holds(&kept, &secrets)) => {}
            _ => {
                if let Err(error) = self.vault.write(&name, &secrets).await {
                    tracing::info!(%error, "the practice token is kept for this run only");
                    self.vault.keep_for_this_run(&name, secrets);
                }
            }
        }
        let account = Account {
            name,
            service: service.service.clone(),
            url: service.url.clone(),
            settings: service.settings.clone(),
            created: ours.map_or(now, |account| account.created),
            practice: true,
            // The lab gives out new tokens whenever it starts.
            expiry: None,
        };
        let kept = match ours {
            Some(there) if *there == account => Ok(()),
            Some(_) => self.store.update_account(&account).await,
            None => self.store.add_account(&account).await,
        };
        kept.map_err(|error| error.problem())
    }
}

fn holds(kept: &Secrets, secrets: &Secrets) -> bool {
    secrets.iter().all(|(name, secret)| kept.get(name) == Some(secret))
}

/// `practice-nrp`, or with a number when a person took that name.
fn free_name(service: &str, accounts: &[Account]) -> Result<AccountName, Problem> {
    let taken = |name: &str| accounts.iter().any(|account| account.name.as_str() == name);
    let name = std::iter::once(format!("practice-{service}"))
        .chain((2_u32..).map(|number| format!("practice-{service}-{number}")))
        .find(|name| !taken(name))
        .unwrap_or_default();
    name.parse().map_err(|error: labferry_model::ids::InvalidName| {
        Problem::new(ProblemCode::Internal).because(error.to_string())
    })
}

fn problem(error: &SandboxError) -> Problem {
    let code = match error {
        SandboxError::Folder { .. } => ProblemCode::FolderNotWritable,
        SandboxError::Content { .. }
        | SandboxError::DataProxy { .. }
        | SandboxError::InUse { .. }
        | SandboxError::Port { .. } => ProblemCode::InvalidRequest,
    };
    Problem::new(code).about("the practice lab").because(error.to_string())
}
