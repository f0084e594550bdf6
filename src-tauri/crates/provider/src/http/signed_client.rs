//! The client for links that carry their own permission: it has no credential, so it cannot leak one.

use super::{answer::Answer, call::Call, call::Payload, transport::Transport};
use crate::error::{ProviderError, ProviderResult};
use http::{Method, StatusCode, header::LOCATION};
use std::fmt;
use url::Url;

/// Most redirects followed from one link; storage hosts use one, to another region.
const MOST_REDIRECTS: usize = 3;

/// Most characters of a link's path that are shown: enough to recognise it, too few to use it where the path
/// itself is the permission.
const SHOWN_PATH: usize = 24;

/// A link that works without an account. Printing it shows where it leads and hides what makes it work.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedUrl(Url);

impl SignedUrl {
    /// Takes a link a service gave; `None` unless it is an `http` or `https` address with a host.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Url::parse(text).ok().and_then(Self::from_url)
    }

    pub(crate) fn from_url(url: Url) -> Option<Self> {
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(Self(url))
    }

    /// The host it leads to.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// One value of its query, such as `X-Amz-Expires`.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.0
            .query_pairs()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.into_owned())
    }

    /// The whole link, signature included. It is a secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.host())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        let path: String = self.0.path().chars().take(SHOWN_PATH).collect();
        f.write_str(&path)?;
        if path.len() < self.0.path().len() {
            f.write_str("…")?;
        }
        if self.0.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedUrl({self})")
    }
}

/// Sends requests to signed links only.
#[derive(Clone)]
pub struct SignedClient {
    transport: Transport,
}

impl SignedClient {
    /// A client over the account's connections.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// Sends one request. A `GET` follows a few redirects, never from `https` to `http`.
    ///
    /// # Errors
    /// No answer, or a redirect that cannot be followed.
    pub async fn send(&self, link: &SignedUrl, call: Call) -> ProviderResult<Answer> {
        let (operation, method, headers) = (call.operation, call.method.clone(), call.headers.clone());
        let repeatable = method == Method::GET && matches!(call.payload, Payload::None);
        let mut answer = self.once(link, call).await?;
        let mut at = link.clone();
        for _ in 0..MOST_REDIRECTS {
            if !answer.status().is_redirection() || answer.status() == StatusCode::NOT_MODIFIED {
                return Ok(answer);
            }
            let target =
                answer.header(&LOCATION).and_then(|to| at.0.join(to).ok()).and_then(SignedUrl::from_url);
            match target {
                Some(target) if repeatable && (at.0.scheme() == "http" || target.0.scheme() == "https") => {
                    at = target;
                }
                _ => break,
            }
            let mut again = Call::new(operation, method.clone());
            again.headers = headers.clone();
            answer = self.once(&at, again).await?;
        }
        if answer.status().is_redirection() {
            let words = format!("the storage answered {} with nowhere to go", answer.status());
            return Err(ProviderError::bad_answer(operation, words).about(at.to_string()));
        }
        Ok(answer)
    }

    async fn once(&self, link: &SignedUrl, mut call: Call) -> ProviderResult<Answer> {
        let mut scrub = std::mem::take(&mut call.scrub);
        for (_, value) in link.0.query_pairs() {
            // Shorter values (a date, a number of seconds) are no secrets and would garble words.
            if value.len() >= 16 {
                scrub.add(&value);
            }
        }
        self.transport.send(&link.0, link.to_string(), call, scrub).await
    }
}
