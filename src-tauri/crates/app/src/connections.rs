//! From an account to the connector that speaks for it, made once and kept while the account stays as it is.

use crate::{connectors, practice_lab::PracticeLab};
use async_trait::async_trait;
use labferry_engine::Connections;
use labferry_model::{AccountName, Clock, Limits, Problem, ProblemCode, Secrets};
use labferry_provider::{ConnectRequest, Provider, Registry, SecretKeeper, Service};
use labferry_store::{Account, Store};
use labferry_vault::Vault;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A connector and the account it was made for.
type Known = HashMap<AccountName, (Account, Arc<dyn Provider>)>;

/// The connectors of all accounts.
pub(crate) struct AccountConnections {
    store: Store,
    vault: Vault,
    clock: Arc<dyn Clock>,
    limits: Limits,
    registry: Registry,
    lab: Arc<PracticeLab>,
    known: Mutex<Known>,
}

impl AccountConnections {
    pub(crate) fn new(
        store: Store,
        vault: Vault,
        clock: Arc<dyn Clock>,
        limits: Limits,
        lab: Arc<PracticeLab>,
    ) -> Self {
        let registry = connectors::registry();
        Self { store, vault, clock, limits, registry, lab, known: Mutex::default() }
    }

    /// The services this build knows.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The stored account of that name.
    pub(crate) async fn account(&self, name: &AccountName) -> Result<Account, Problem> {
        let found = self.store.account(name).await.map_err(|error| error.problem())?;
        found.ok_or_else(|| {
            Problem::new(ProblemCode::InvalidRequest)
                .about(name.as_str())
                .because(format!("there is no account named \"{name}\"; add it first"))
        })
    }

    /// A connector for an account that need not be stored, with secrets from that keeper. Sends nothing.
    pub(crate) fn connect(
        &self,
        account: &Account,
        secrets: Arc<dyn SecretKeeper>,
    ) -> Result<Arc<dyn Provider>, Problem> {
        let request = ConnectRequest {
            url: account.url.clone(),
            settings: account.settings.clone(),
            secrets,
            clock: Arc::clone(&self.clock),
            stall: self.limits.stall,
            connect: self.limits.connect,
        };
        self.service(&account.service)?
            .connect(request)
            .map_err(|error| error.problem.about(account.url.clone()))
    }

    /// The service of that key.
    pub(crate) fn service(&self, key: &str) -> Result<&Arc<dyn Service>, Problem> {
        self.registry.get(key).ok_or_else(|| {
            let known: Vec<_> = self.registry.forms().into_iter().map(|form| form.service).collect();
            Problem::new(ProblemCode::InvalidRequest).about(key).because(format!(
                "there is no service \"{key}\" in this version; it knows {}",
                known.join(", ")
            ))
        })
    }

    /// Forgets the connector of an account.
    pub(crate) fn forget(&self, name: &AccountName) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[async_trait]
impl Connections for AccountConnections {
    async fn provider(&self, name: &AccountName) -> Result<Arc<dyn Provider>, Problem> {
        // Another process may have changed the account: the row is looked at each time, which costs a point read.
        let mut account = self.account(name).await?;
        if account.practice && !self.lab.is_running().await {
            // The lab may come up at another address than the last time.
            self.lab.start().await?;
            account = self.account(name).await?;
        }
        if let Some((made_for, provider)) =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name)
            && *made_for == account
        {
            return Ok(Arc::clone(provider));
        }
        let keeper = VaultKeeper { vault: self.vault.clone(), account: name.clone() };
        let provider = self.connect(&account, Arc::new(keeper))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.clone(), (account, Arc::clone(&provider)));
        Ok(provider)
    }
}

/// The vault's entry of one account.
struct VaultKeeper {
    vault: Vault,
    account: AccountName,
}

#[async_trait]
impl SecretKeeper for VaultKeeper {
    async fn read(&self) -> Result<Secrets, Problem> {
        let secrets = self.vault.read(&self.account).await.map_err(|error| error.problem())?;
        secrets.ok_or_else(|| {
            Problem::new(ProblemCode::SignInNeeded)
                .about(self.account.as_str())
                .because("no token or key is kept for this account on this computer")
        })
    }

    async fn write(&self, secrets: Secrets) -> Result<(), Problem> {
        self.vault.write(&self.account, &secrets).await.map_err(|error| error.problem())
    }
}

/// Secrets on trial: those of an account that is not added yet.
pub(crate) struct TrialKeeper(pub(crate) Mutex<Secrets>);

impl TrialKeeper {
    /// The secrets as the service left them.
    pub(crate) fn secrets(&self) -> Secrets {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl SecretKeeper for TrialKeeper {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(self.secrets())
    }

    async fn write(&self, secrets: Secrets) -> Result<(), Problem> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = secrets;
        Ok(())
    }
}
