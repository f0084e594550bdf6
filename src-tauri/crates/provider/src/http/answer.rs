//! An answer whose headers have arrived and whose body has not been read yet.

use super::{
    bounded::{JSON_CEILING, REFUSAL_CEILING, read_start, read_within, too_long},
    classify,
    redact::Scrub,
    stall_watchdog::StallWatchdog,
};
use crate::{
    error::{Advice, ProviderError, ProviderResult},
    provider::ByteStream,
};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, StatusCode};
use labferry_model::{ProblemCode, Timestamp};
use serde::de::DeserializeOwned;

/// An answer: status and headers, with the body still to come.
pub struct Answer {
    pub(crate) operation: &'static str,
    pub(crate) shown_address: String,
    pub(crate) response: reqwest::Response,
    pub(crate) watchdog: StallWatchdog,
    pub(crate) scrub: Scrub,
    pub(crate) received: Timestamp,
}

/// An answer that says no, with the start of its body.
#[derive(Debug)]
pub struct Refusal {
    /// The call that was refused.
    pub operation: &'static str,
    /// The status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The start of the body, at most 64 KiB, lossy UTF-8. May repeat secrets: clean it before showing.
    pub body: String,
    /// When it arrived.
    pub received: Timestamp,
    scrub: Scrub,
}

impl Refusal {
    /// Foreign text without the secrets of this request.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.scrub.clean(text)
    }

    /// The error by the status alone, in the words of `detail`.
    #[must_use]
    pub fn error(&self, detail: &str) -> ProviderError {
        let (code, advice) = classify::status(self.status, &self.headers, self.received);
        ProviderError::new(self.operation, code, advice).because(self.clean(detail))
    }

    /// The error of a storage host, by its S3 error document.
    #[must_use]
    pub fn storage_error(&self) -> ProviderError {
        let (code, advice) = classify::storage(self.status, &self.headers, &self.body, self.received);
        let words = classify::storage_words(self.status, &self.body);
        ProviderError::new(self.operation, code, advice).because(self.clean(&words))
    }
}

impl Answer {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// One header as text; `None` when it is missing, no text, or there several times with different values: of two ETags
    /// or two lengths nobody knows which one counts (RFC 9110, 5.3), so that none does.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        let mut values = self.response.headers().get_all(name).iter();
        let first = values.next()?;
        values.all(|value| value == first).then(|| first.to_str().ok())?
    }

    /// Foreign text without the secrets of this request.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.scrub.clean(text)
    }

    /// The body as it arrives. A connection that stands still or breaks fails the stream.
    #[must_use]
    pub fn into_stream(self) -> ByteStream {
        let Self { operation, shown_address, response, watchdog, .. } = self;
        let body = response.bytes_stream().boxed();
        stream::unfold(Some((body, shown_address, watchdog)), move |state| async move {
            let (mut body, address, watchdog) = state?;
            match watchdog.guard(body.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some((body, address, watchdog)))),
                Ok(Some(Err(error))) => Some((Err(classify::transport(operation, &address, error)), None)),
                Err(stalled) => Some((Err(stalled_error(operation, &address, stalled.0)), None)),
            }
        })
        .boxed()
    }

    /// The body read as JSON, at most 16 MiB.
    ///
    /// # Errors
    /// `BadAnswer` for a longer body or one that is not of that shape; a broken connection.
    pub async fn json<T: DeserializeOwned>(self) -> ProviderResult<T> {
        let (operation, scrub) = (self.operation, self.scrub.clone());
        if self.response.content_length().is_some_and(|length| length > JSON_CEILING as u64) {
            return Err(too_long(operation, JSON_CEILING));
        }
        let body = read_within(operation, JSON_CEILING, self.into_stream()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            ProviderError::bad_answer(operation, scrub.clean(&format!("not the documented JSON: {error}")))
        })
    }

    /// The start of the body as text, at most 64 KiB.
    pub async fn start_of_text(self) -> String {
        let body = read_start(REFUSAL_CEILING, self.into_stream()).await;
        String::from_utf8_lossy(&body).into_owned()
    }

    /// Reads the start of the body of an answer that says no.
    pub async fn refusal(self) -> Refusal {
        let (operation, status, headers) = (self.operation, self.status(), self.headers().clone());
        let (scrub, received) = (self.scrub.clone(), self.received);
        Refusal { operation, status, headers, body: self.start_of_text().await, received, scrub }
    }
}

pub(crate) fn stalled_error(operation: &'static str, to: &str, stall: std::time::Duration) -> ProviderError {
    ProviderError::new(operation, ProblemCode::ConnectionLost, Advice::Again)
        .about(to)
        .because(format!("no byte moved for {} seconds", stall.as_secs_f32()))
}
