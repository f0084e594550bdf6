//! Access tokens: fetched with the client's credential, renewed with a refresh token that works once.
//!
//! The service revokes a whole family of tokens when a refresh token is presented a second time. So renewal is
//! single-flight and reads the vault first, because another process may have renewed; a refresh token counts as spent from
//! the moment it is sent, whatever becomes of the answer; and a new pair is kept in the vault before it is used. A pair
//! that could not be kept stays in memory until it can: it is the only one that still works. Whenever no refresh token is
//! left the client's credential begins a new family.

use crate::{
    errors,
    sign_in::{CLIENT_SECRET, EXTRA_HEADERS, extra_headers},
};
use async_trait::async_trait;
use http::{HeaderName, HeaderValue};
use labferry_model::{Clock, Problem, ProblemCode, Secret, Secrets, Timestamp};
use labferry_provider::{
    Advice, ProviderError, ProviderResult, SecretKeeper,
    http::{ApiClient, ApiUrl, Call, Reply},
};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const OPERATION: &str = "sign in";

/// Names of what is kept in the vault besides the form's fields.
pub(crate) const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";
const RENEW_AT: &str = "renew_at";
/// Which client, at which address, the tokens are for: a person may change either.
const TOKENS_OF: &str = "tokens_of";

/// A token is renewed this long before it expires, as the official client does.
const MARGIN: Duration = Duration::from_secs(600);

/// A pair of tokens.
#[derive(Debug, Clone)]
struct Pair {
    access: Secret,
    refresh: Secret,
    renew_at: Timestamp,
}

/// The token in use, for the credential of each request.
#[derive(Default)]
pub(crate) struct CurrentToken {
    used: Mutex<Option<(Pair, Headers)>>,
    /// The account's other secrets. They go with no request of the credential, but the service has seen them and may repeat
    /// them in an answer.
    others: Mutex<Secrets>,
}

pub(crate) type Headers = Vec<(HeaderName, HeaderValue)>;

impl CurrentToken {
    fn get(&self) -> Option<(Pair, Headers)> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, pair: Pair, headers: Headers) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some((pair, headers));
    }

    fn set_others(&self, stored: &Secrets) {
        let is_other = |name: &String| [CLIENT_SECRET, EXTRA_HEADERS].contains(&name.as_str());
        let others = stored.iter().filter(|(name, _)| is_other(name));
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) =
            others.map(|(name, secret)| (name.clone(), secret.clone())).collect();
    }
}

#[async_trait]
impl SecretKeeper for CurrentToken {
    async fn read(&self) -> Result<Secrets, Problem> {
        let (pair, _) = self.get().ok_or_else(|| Problem::new(ProblemCode::SignInNeeded))?;
        let mut secrets = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        secrets.extend([(ACCESS.to_owned(), pair.access), (REFRESH.to_owned(), pair.refresh)]);
        Ok(secrets)
    }

    async fn write(&self, _: Secrets) -> Result<(), Problem> {
        Err(Problem::new(ProblemCode::Internal).because("the token in use is changed by renewal only"))
    }
}

/// What a renewal has to remember.
#[derive(Default)]
struct Renewal {
    /// The refresh token that was sent last.
    spent: Option<Secret>,
    /// A pair the vault did not take.
    unkept: Option<Pair>,
    /// The token that was fetched because the one before was refused, until it is seen to work.
    doubtful: Option<Secret>,
}

/// The tokens of one account.
pub(crate) struct Tokens {
    api: ApiClient,
    url: ApiUrl,
    vault: Arc<dyn SecretKeeper>,
    clock: Arc<dyn Clock>,
    client_id: String,
    /// What is kept under [`TOKENS_OF`].
    mark: String,
    current: Arc<CurrentToken>,
    renewal: tokio::sync::Mutex<Renewal>,
}

/// What a request is sent with.
pub(crate) struct Fresh {
    /// The access token, to name it when it is refused.
    pub(crate) token: Secret,
    pub(crate) headers: Headers,
}

impl Tokens {
    pub(crate) fn new(
        api: ApiClient,
        vault: Arc<dyn SecretKeeper>,
        clock: Arc<dyn Clock>,
        client_id: String,
        current: Arc<CurrentToken>,
    ) -> ProviderResult<Self> {
        let url = api.resolve(OPERATION, "auth/oauth/token")?;
        let mark = format!("{client_id} {url}");
        Ok(Self { api, url, vault, clock, client_id, mark, current, renewal: tokio::sync::Mutex::default() })
    }

    /// A token that is good for some time.
    pub(crate) async fn fresh(&self) -> ProviderResult<Fresh> {
        if let Some(fresh) = self.usable() {
            return Ok(fresh);
        }
        let mut renewal = self.renewal.lock().await;
        match self.usable() {
            Some(fresh) => Ok(fresh),
            None => self.renew(&mut renewal, None).await,
        }
    }

    /// Takes note that the service refused this token, and fetches another once.
    ///
    /// # Errors
    /// `SignInNeeded` when the token was fetched because of a refusal itself.
    pub(crate) async fn refused(&self, token: &Secret) -> ProviderResult<()> {
        let mut renewal = self.renewal.lock().await;
        if self.current.get().is_some_and(|(pair, _)| pair.access != *token) {
            return Ok(());
        }
        if renewal.doubtful.as_ref() == Some(token) {
            return Err(ProviderError::new(OPERATION, ProblemCode::SignInNeeded, Advice::SignIn)
                .because("the service gives tokens to this client and then refuses them"));
        }
        let fresh = self.renew(&mut renewal, Some(token)).await?;
        renewal.doubtful = Some(fresh.token);
        Ok(())
    }

    /// Takes note that the service accepted this token.
    pub(crate) async fn accepted(&self, token: &Secret) {
        // A renewal that is under way settles the matter itself.
        if let Ok(mut renewal) = self.renewal.try_lock()
            && renewal.doubtful.as_ref() == Some(token)
        {
            renewal.doubtful = None;
        }
    }

    fn usable(&self) -> Option<Fresh> {
        let (pair, headers) = self.current.get()?;
        (self.clock.now() < pair.renew_at).then_some(Fresh { token: pair.access, headers })
    }

    async fn renew(&self, renewal: &mut Renewal, refused: Option<&Secret>) -> ProviderResult<Fresh> {
        let secrets = self.vault.read().await.map_err(vault_error)?;
        self.current.set_others(&secrets);
        let headers = match secrets.get(EXTRA_HEADERS) {
            Some(lines) => extra_headers(lines.reveal())?,
            None => Vec::new(),
        };
        if let Some(pair) = renewal.unkept.clone() {
            self.keep(renewal, &secrets, pair, &headers).await?;
        } else if let Some(pair) = self.stored(&secrets) {
            self.current.set(pair, headers.clone());
        }
        let known = self.current.get().map(|(pair, _)| pair);
        if let Some(pair) = &known
            && self.clock.now() < pair.renew_at
            && refused != Some(&pair.access)
        {
            return Ok(Fresh { token: pair.access.clone(), headers });
        }
        let refresh =
            known.map(|pair| pair.refresh).filter(|refresh| renewal.spent.as_ref() != Some(refresh));
        let pair = match refresh {
            Some(refresh) => {
                renewal.spent = Some(refresh.clone());
                let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.reveal())];
                match self.ask(&fields, &refresh, &headers).await? {
                    Ok(pair) => pair,
                    // Revoked or expired: begin a new family.
                    Err(_) => self.ask_with_credential(&secrets, &headers).await?,
                }
            }
            None => self.ask_with_credential(&secrets, &headers).await?,
        };
        let token = pair.access.clone();
        self.keep(renewal, &secrets, pair, &headers).await?;
        Ok(Fresh { token, headers })
    }

    /// The pair in the vault, when it is for this client.
    fn stored(&self, secrets: &Secrets) -> Option<Pair> {
        let text = |name: &str| secrets.get(name).map(Secret::reveal).filter(|text| !text.is_empty());
        (text(TOKENS_OF)? == self.mark).then_some(())?;
        Some(Pair {
            access: Secret::new(text(ACCESS)?),
            refresh: Secret::new(text(REFRESH)?),
            renew_at: Timestamp(text(RENEW_AT)?.parse().ok()?),
        })
    }

    /// Stores a pair and then puts it to use.
    async fn keep(
        &self,
        renewal: &mut Renewal,
        secrets: &Secrets,
        pair: Pair,
        headers: &Headers,
    ) -> ProviderResult<()> {
        renewal.unkept = Some(pair.clone());
        let mut secrets = secrets.clone();
        for (name, value) in [
            (ACCESS, pair.access.reveal()),
            (REFRESH, pair.refresh.reveal()),
            (RENEW_AT, &pair.renew_at.0.to_string()),
            (TOKENS_OF, &self.mark),
        ] {
            secrets.insert(name.to_owned(), Secret::new(value));
        }
        self.vault.write(secrets).await.map_err(vault_error)?;
        renewal.unkept = None;
        self.current.set(pair, headers.clone());
        Ok(())
    }

    async fn ask_with_credential(&self, secrets: &Secrets, headers: &Headers) -> ProviderResult<Pair> {
        let refuse =
            |why: &str| ProviderError::new(OPERATION, ProblemCode::SignInNeeded, Advice::SignIn).because(why);
        let secret = secrets
            .get(CLIENT_SECRET)
            .filter(|secret| !secret.reveal().trim().is_empty())
            .ok_or_else(|| refuse("no client secret is stored for this account"))?;
        if secret.reveal().chars().any(char::is_control) {
            return Err(refuse("the stored client secret holds characters that no secret has"));
        }
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_secret", secret.reveal()),
        ];
        self.ask(&fields, secret, headers).await?.map_err(|refused| {
            ProviderError::new(OPERATION, ProblemCode::SignInNeeded, Advice::SignIn)
                .because(format!("the service does not accept the client ID and secret: {refused}"))
        })
    }

    /// One token request. The inner error is a refusal of what was presented.
    async fn ask(
        &self,
        fields: &[(&str, &str)],
        secret: &Secret,
        headers: &Headers,
    ) -> ProviderResult<Result<Pair, String>> {
        let mut call = Call::post(OPERATION).form(fields).secret(secret.reveal());
        for (name, value) in headers {
            call = call.header(name.clone(), value.clone());
        }
        let Reply::Answer(answer) = self.api.send_anonymously(&self.url, call).await? else {
            return Err(ProviderError::new(OPERATION, ProblemCode::NotTheService, Advice::Stop)
                .because("the service sends sign-ins to another address; use that one for the account"));
        };
        let status = answer.status();
        if !status.is_success() {
            let refusal = answer.refusal().await;
            // 404 and 405: whatever this is, it gives no tokens.
            return match status.as_u16() {
                404 | 405 => Err(ProviderError::new(OPERATION, ProblemCode::NotTheService, Advice::Stop)
                    .because(format!("no Kaleidoscope answers there: {status}"))),
                400 | 401 | 403 => Ok(Err(errors::words(&refusal))),
                _ => Err(errors::refused(&refusal)),
            };
        }
        let now = self.clock.now();
        let told: Value = answer.json().await?;
        let text = |name: &str| told.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let lives = told.get("expires_in").and_then(Value::as_u64);
        match (text("access_token"), text("refresh_token"), lives) {
            (Some(access), Some(refresh), Some(lives)) => {
                let lives = Duration::from_secs(lives);
                // A token that lives shorter than the margin is not renewed for every request, but halfway.
                let good = lives.saturating_sub(MARGIN).max(lives / 2);
                let (access, refresh) = (Secret::new(access), Secret::new(refresh));
                Ok(Ok(Pair { access, refresh, renew_at: now.plus(good) }))
            }
            _ => Err(ProviderError::bad_answer(OPERATION, "the answer to the sign-in holds no tokens")),
        }
    }
}

/// A vault that is locked or was lost is for a person to open: nothing failed for good.
fn vault_error(problem: Problem) -> ProviderError {
    let advice = match problem.code {
        ProblemCode::SignInNeeded | ProblemCode::VaultLocked | ProblemCode::VaultFailed => Advice::SignIn,
        _ => Advice::Stop,
    };
    ProviderError { problem, advice, operation: OPERATION, source: None }
}
