//! The client that carries the credential, bound to one origin.

use super::{
    answer::Answer,
    call::Call,
    redact::{Scrub, redact},
    signed_client::SignedUrl,
    transport::Transport,
};
use crate::{
    error::{Advice, ProviderError, ProviderResult},
    sign_in::SecretKeeper,
};
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, LOCATION},
};
use labferry_model::ProblemCode;
use serde::de::DeserializeOwned;
use std::{fmt, sync::Arc};
use url::Url;

/// Most redirects followed inside the origin; services use one or two.
const MOST_REDIRECTS: usize = 5;

/// How a request says who sends it: a header made from one of the account's secrets, read anew for each request.
#[derive(Clone)]
pub struct Credential {
    keeper: Arc<dyn SecretKeeper>,
    field: &'static str,
    header: HeaderName,
    prefix: &'static str,
}

impl Credential {
    /// `Authorization: Bearer <secret>`, from the secret of that name.
    #[must_use]
    pub fn bearer(keeper: Arc<dyn SecretKeeper>, field: &'static str) -> Self {
        Self::header(keeper, field, AUTHORIZATION, "Bearer ")
    }

    /// `<header>: <prefix><secret>`, for services with a header of their own.
    #[must_use]
    pub fn in_header(
        keeper: Arc<dyn SecretKeeper>,
        field: &'static str,
        header: HeaderName,
        prefix: &'static str,
    ) -> Self {
        Self { keeper, field, header, prefix }
    }

    /// That header with the secret behind `prefix`, from the secret of that name.
    #[must_use]
    pub fn header(
        keeper: Arc<dyn SecretKeeper>,
        field: &'static str,
        header: HeaderName,
        prefix: &'static str,
    ) -> Self {
        Self { keeper, field, header, prefix }
    }

    /// Adds the header to a call, and the secret to what errors must not repeat.
    async fn add_to(&self, call: &mut Call, scrub: &mut Scrub) -> ProviderResult<()> {
        let refuse = |words: &str| {
            ProviderError::new(call.operation, ProblemCode::SignInNeeded, Advice::SignIn).because(words)
        };
        let secrets = self.keeper.read().await.map_err(|problem| {
            // A keychain that is locked or was lost is for a person to open: nothing failed for good.
            let advice = match problem.code {
                ProblemCode::SignInNeeded | ProblemCode::VaultLocked | ProblemCode::VaultFailed => {
                    Advice::SignIn
                }
                _ => Advice::Stop,
            };
            ProviderError { problem, advice, operation: call.operation, source: None }
        })?;
        let secret = secrets.get(self.field).map(|secret| secret.reveal().trim()).unwrap_or_default();
        if secret.is_empty() {
            return Err(refuse("no token is stored for this account"));
        }
        let mut value = HeaderValue::from_str(&format!("{}{secret}", self.prefix))
            .map_err(|_| refuse("the stored token holds characters that no token has"))?;
        value.set_sensitive(true);
        // A careless service repeats what it knows of the account in an answer, and not only what this request carried.
        secrets.values().for_each(|secret| scrub.add(secret.reveal().trim()));
        call.headers.insert(self.header.clone(), value);
        Ok(())
    }
}

/// An address of the client's own origin; only [`ApiClient::resolve`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

impl ApiUrl {
    /// Path and query: all that is needed to make the address again for the same account.
    #[must_use]
    pub fn relative(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }

    /// Replaces one value of the query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        let kept: Vec<(String, String)> = self
            .0
            .query_pairs()
            .filter(|(key, _)| key != name)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        self.0.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
        self
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(self.0.as_str()))
    }
}

impl fmt::Debug for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiUrl({self})")
    }
}

/// What a call led to.
pub enum Reply {
    /// The service answered itself.
    Answer(Answer),
    /// It sends us to another origin; the credential stays here.
    Redirected(SignedUrl),
}

/// Sends requests to one origin, with the credential.
#[derive(Clone)]
pub struct ApiClient {
    origin: Url,
    credential: Credential,
    transport: Transport,
}

impl ApiClient {
    /// A client for the origin of `service`.
    ///
    /// # Errors
    /// An address that is not `http` or `https` with a host.
    pub fn new(service: &Url, credential: Credential, transport: Transport) -> ProviderResult<Self> {
        let mut origin = service.clone();
        let usable = matches!(service.scheme(), "http" | "https")
            && service.has_host()
            && origin.set_username("").is_ok()
            && origin.set_password(None).is_ok();
        if !usable {
            return Err(ProviderError::new("connect", ProblemCode::InvalidRequest, Advice::Stop)
                .about(redact(service.as_str()))
                .because("the address must start with https:// or http:// and name a host"));
        }
        origin.set_query(None);
        origin.set_fragment(None);
        Ok(Self { origin, credential, transport })
    }

    /// An address of this origin from a link or path: a path is taken from the service's address, a whole link must
    /// name the same host. A link with the same host under another scheme or port (a service behind a proxy that
    /// does not know its own address) is taken to this origin, never followed to the other.
    ///
    /// # Errors
    /// `BadAnswer` for a link to another host, or one that is no link, or one with `.` or `..` in its path.
    pub fn resolve(&self, operation: &'static str, link: &str) -> ProviderResult<ApiUrl> {
        let url = self.origin.join(link).map_err(|error| {
            ProviderError::bad_answer(operation, "the service gave a link that is none").caused_by(error)
        })?;
        if url.host() != self.origin.host() || !matches!(url.scheme(), "http" | "https") {
            return Err(ProviderError::bad_answer(
                operation,
                format!(
                    "the service's links lead to {}, not to {}: use that address for the account if it is the same service",
                    shown_origin(&url),
                    shown_origin(&self.origin)
                ),
            ));
        }
        let path = link.split(['?', '#']).next().unwrap_or_default();
        if path.contains(char::is_control) || path.split(['/', '\\']).any(is_dot_segment) {
            return Err(ProviderError::bad_answer(operation, "the service gave a link with \"..\" in it"));
        }
        let mut own = self.origin.clone();
        own.set_path(url.path());
        own.set_query(url.query());
        Ok(ApiUrl(own))
    }

    /// Sends one request. `GET` and `HEAD` follow a few redirects inside the origin.
    ///
    /// # Errors
    /// No answer; no credential; a redirect loop.
    pub async fn send(&self, url: &ApiUrl, mut call: Call) -> ProviderResult<Reply> {
        let operation = call.operation;
        let mut scrub = std::mem::take(&mut call.scrub);
        self.credential.add_to(&mut call, &mut scrub).await?;
        self.follow(url, call, scrub).await.map_err(|error| match error.problem.subject {
            Some(_) => error,
            None => ProviderError { operation, ..error }.about(url.to_string()),
        })
    }

    /// Sends one request without the credential: for what a service tells everybody.
    ///
    /// # Errors
    /// As [`ApiClient::send`].
    pub async fn send_anonymously(&self, url: &ApiUrl, mut call: Call) -> ProviderResult<Reply> {
        let scrub = std::mem::take(&mut call.scrub);
        self.follow(url, call, scrub).await
    }

    /// Sends one request that the service must answer itself.
    ///
    /// # Errors
    /// As [`ApiClient::send`], and a redirect to another origin.
    pub async fn answer(&self, url: &ApiUrl, call: Call) -> ProviderResult<Answer> {
        let operation = call.operation;
        match self.send(url, call).await? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Redirected(link) => Err(redirected_error(operation, &link)),
        }
    }

    /// Sends one request and reads the JSON of a successful answer; a refusal goes through `refuse`.
    ///
    /// # Errors
    /// As [`ApiClient::answer`], what `refuse` makes of a refusal, and a body of another shape.
    pub async fn json<T: DeserializeOwned>(
        &self,
        url: &ApiUrl,
        call: Call,
        refuse: impl Fn(&super::answer::Refusal) -> ProviderError,
    ) -> ProviderResult<T> {
        let answer = self.answer(url, call).await?;
        if answer.status().is_success() { answer.json().await } else { Err(refuse(&answer.refusal().await)) }
    }

    async fn follow(&self, url: &ApiUrl, call: Call, scrub: Scrub) -> ProviderResult<Reply> {
        let (operation, method, headers) = (call.operation, call.method.clone(), call.headers.clone());
        let mut at = url.0.clone();
        if !self.is_ours(&at) {
            return Err(ProviderError::new(operation, ProblemCode::Internal, Advice::Stop)
                .because("the address belongs to another account's service"));
        }
        let mut next = call;
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.transport.send(&at, redact(at.as_str()), next, scrub.clone()).await?;
            if !answer.status().is_redirection() || answer.status() == StatusCode::NOT_MODIFIED {
                return Ok(Reply::Answer(answer));
            }
            let target = answer.header(&LOCATION).and_then(|to| at.join(to).ok());
            let Some(target) = target else {
                let words = format!("the service answered {} without saying where to", answer.status());
                return Err(ProviderError::bad_answer(operation, words));
            };
            if !self.is_ours(&target) {
                let link = SignedUrl::from_url(target).ok_or_else(|| {
                    ProviderError::bad_answer(operation, "the service redirects to no web address")
                })?;
                return Ok(Reply::Redirected(link));
            }
            if method != Method::GET && method != Method::HEAD {
                let words = format!("the service redirects a {method} to {}", redact(target.as_str()));
                return Err(ProviderError::bad_answer(operation, words));
            }
            at = target;
            next = Call::new(operation, method.clone());
            next.headers = headers.clone();
        }
        Err(ProviderError::bad_answer(operation, "the service redirects in a circle"))
    }

    fn is_ours(&self, url: &Url) -> bool {
        url.scheme() == self.origin.scheme()
            && url.host() == self.origin.host()
            && url.port_or_known_default() == self.origin.port_or_known_default()
    }
}

/// `.` and `..` in every spelling that an address resolves away (WHATWG URL, "single-dot" and "double-dot").
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn shown_origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or("nowhere");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

fn redirected_error(operation: &'static str, link: &SignedUrl) -> ProviderError {
    ProviderError::bad_answer(
        operation,
        format!(
            "the service sends us on to {link}: use that address for the account if it is the same service"
        ),
    )
}
