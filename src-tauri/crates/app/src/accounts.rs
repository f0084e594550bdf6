//! Accounts: added after a sign-in test, their settings in the database, their secrets in the vault.

use crate::{
    app::{App, account_name},
    connections::TrialKeeper,
    expiry,
    problem_text::invalid,
    rows,
    wire::{answers::*, events::AppEvent, requests::*},
};
use labferry_engine::Ask;
use labferry_model::{AccountName, ProblemCode, Secret, Secrets};
use labferry_provider::{ProviderError, ServiceForm};
use labferry_store::Account;
use std::sync::{Arc, Mutex};

impl App {
    /// The services this build knows, with the form of an account.
    ///
    /// # Errors
    /// None at present.
    pub async fn account_services(&self, _: Empty) -> Result<Vec<ServiceRow>, ProblemWords> {
        Ok(self.shared.connections.registry().forms().into_iter().map(service_row).collect())
    }

    /// The accounts, in the order they were added.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub async fn account_list(&self, _: Empty) -> Result<Vec<AccountRow>, ProblemWords> {
        let accounts = self.shared.store.accounts().await?;
        Ok(accounts.iter().map(|account| self.account_row(account)).collect())
    }

    /// Adds an account once its sign-in worked. Adding one again, with the same service and address, signs it in anew:
    /// its secrets and settings are replaced, and transfers that waited for that go on.
    ///
    /// # Errors
    /// A name that another account has, a form that is not filled in, a sign-in that fails, a vault that cannot keep the
    /// secret. Everything is as it was then.
    pub async fn account_add(&self, request: AddAccount) -> Result<AccountRow, ProblemWords> {
        self.may_change().await?;
        let name = account_name(&request.name)?;
        let form = self.shared.connections.service(&request.service)?.form();
        let secrets = filled_in(&form, &request)?;
        let url = match (request.url.trim(), &form.default_url) {
            ("", Some(usual)) => usual.clone(),
            ("", None) => return Err(invalid(format!("the address of {} is missing", form.title))),
            (given, _) => given.to_owned(),
        };
        let there = self.shared.store.account(&name).await?;
        let same = |there: &Account| {
            there.service == form.service && there.url.trim_end_matches('/') == url.trim_end_matches('/')
        };
        if let Some(other) = there.as_ref().filter(|there| !same(there)) {
            return Err(invalid(format!(
                "there is an account named \"{name}\" already, at {}; remove it first, or choose another name",
                other.url
            )));
        }
        let expiry = match expiry::told(&form, &secrets) {
            None => expiry::entered(request.expires)?,
            told => told,
        };
        let account = Account {
            name: name.clone(),
            service: form.service.clone(),
            url,
            settings: request.settings.clone(),
            created: there.as_ref().map_or_else(|| self.shared.clock.now(), |there| there.created),
            practice: there.as_ref().is_some_and(|there| there.practice),
            expiry,
        };
        // The service may rotate a secret while it is tried: what is kept is what it left.
        let keeper = Arc::new(TrialKeeper(Mutex::new(secrets)));
        let provider = self.shared.connections.connect(&account, keeper.clone())?;
        provider.check_sign_in().await.map_err(|error| saying_part(about_address(error, &account.url)))?;
        self.shared.vault.write(&name, &keeper.secrets()).await?;
        if there.is_some() {
            self.shared.store.update_account(&account).await?;
            self.shared.connections.forget(&name);
            self.signed_in_anew(&name).await?;
        } else if let Err(error) = self.shared.store.add_account(&account).await {
            self.shared.vault.remove(&name).await?;
            return Err(error.into());
        }
        self.tell(AppEvent::AccountsChanged);
        Ok(self.account_row(&account))
    }

    /// Lets go on what waited for this account's sign-in.
    async fn signed_in_anew(&self, name: &AccountName) -> Result<(), ProblemWords> {
        for id in self.shared.store.held("sign_in", u32::MAX).await? {
            let transfer = self.shared.store.transfer(id).await?;
            if transfer.is_some_and(|transfer| transfer.account == *name) {
                // One that a person cancelled meanwhile stays as it is.
                drop(self.shared.engine.ask(id, Ask::Resume).await);
            }
        }
        Ok(())
    }

    /// Tries an account's sign-in and says what it can do.
    ///
    /// # Errors
    /// An account that is not there, and what the service answers; the facts of that say which part failed.
    pub async fn account_test(&self, request: AccountRequest) -> Result<SignInAnswer, ProblemWords> {
        let (name, provider) = self.provider(&request.account).await?;
        let part = |error: ProviderError| saying_part(error.about(name.as_str().to_owned()));
        let signed_in = provider.check_sign_in().await.map_err(part)?;
        let capabilities = provider.capabilities().await.map_err(part)?;
        Ok(SignInAnswer {
            user: signed_in.user,
            server: signed_in.server,
            capabilities: rows::capabilities(&capabilities),
        })
    }

    /// Removes an account and its secrets from this computer; the service keeps what it has.
    ///
    /// # Errors
    /// An account whose transfers are not settled; a vault that cannot be reached.
    pub async fn account_remove(&self, request: AccountRequest) -> Result<Changed, ProblemWords> {
        self.may_change().await?;
        let name = account_name(&request.account)?;
        self.shared.connections.account(&name).await?;
        let removed = self.shared.store.remove_account(&name).await?;
        self.shared.connections.forget(&name);
        self.shared.vault.remove(&name).await?;
        self.tell(AppEvent::AccountsChanged);
        Ok(Changed { changed: u64::from(removed) })
    }

    pub(crate) fn account_row(&self, account: &Account) -> AccountRow {
        let service = self.shared.connections.registry().get(&account.service);
        let title = service.map_or_else(|| account.service.clone(), |service| service.form().title);
        rows::account(account, title, self.shared.clock.now())
    }
}

/// A sign-in that failed, in terms of the address a person typed: something else may be there, and answer.
fn about_address(mut error: ProviderError, url: &str) -> ProviderError {
    let no_service = [ProblemCode::NotFound, ProblemCode::BadAnswer].contains(&error.problem.code);
    if no_service {
        error.problem.code = ProblemCode::NotTheService;
    }
    error.problem.subject = Some(url.to_owned());
    error
}

/// A sign-in test's problem, with the part of it that failed: what comes before that part worked.
fn saying_part(error: ProviderError) -> ProblemWords {
    use ProblemCode as P;
    let part = match error.problem.code {
        P::VaultLocked | P::VaultFailed => "keychain",
        P::Unreachable | P::ConnectionLost | P::NotTheService | P::InvalidRequest => "address",
        P::NotSecure => "tls",
        P::SignInNeeded => "credential",
        P::NotAllowed => "rights",
        _ => "service",
    };
    let mut words = ProblemWords::from(error);
    if let Some(facts) = &mut words.facts {
        facts.failed_part = Some(part.to_owned());
    }
    words
}

/// Holds the form against what was filled in, and gives the secrets.
fn filled_in(form: &ServiceForm, request: &AddAccount) -> Result<Secrets, ProblemWords> {
    for field in &form.fields {
        let here = if field.secret { &request.secrets } else { &request.settings };
        let filled = here.get(&field.name).is_some_and(|value| !value.trim().is_empty());
        if field.required && !filled {
            return Err(invalid(format!(
                "\"{}\" is missing; {} needs it ({})",
                field.name, form.title, form.where_to_find
            )));
        }
    }
    let known =
        |name: &str, secret| form.fields.iter().any(|field| field.name == name && field.secret == secret);
    for name in request.settings.keys() {
        if known(name, true) {
            return Err(invalid(format!("\"{name}\" is a secret and must not be given as a setting")));
        }
        if !known(name, false) {
            return Err(invalid(format!("{} has no setting \"{name}\"", form.title)));
        }
    }
    if let Some(name) = request.secrets.keys().find(|name| !known(name, true)) {
        return Err(invalid(format!("{} has no secret \"{name}\"", form.title)));
    }
    Ok(request
        .secrets
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (name.clone(), Secret::new(value.trim())))
        .collect())
}

fn service_row(form: ServiceForm) -> ServiceRow {
    ServiceRow {
        service: form.service,
        title: form.title,
        default_url: form.default_url,
        url_help: form.url_help,
        where_to_find: form.where_to_find,
        fields: form
            .fields
            .into_iter()
            .map(|field| FieldRow {
                name: field.name,
                label: field.label,
                help: field.help,
                secret: field.secret,
                required: field.required,
            })
            .collect(),
    }
}
