//! Status and transport failures to a problem and an advice, decided once. A connector only refines it from the body.

use super::redact::redact;
use crate::error::{Advice, ProviderError};
use http::{
    HeaderMap, StatusCode,
    header::{DATE, RETRY_AFTER},
};
use labferry_model::{ProblemCode, Timestamp};
use std::{error::Error, io, time::Duration};

/// What a refused request means, by its status.
#[must_use]
pub fn status(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> (ProblemCode, Advice) {
    let later = || retry_after(headers, now).map_or(Advice::Again, Advice::AgainAfter);
    match status.as_u16() {
        401 => (ProblemCode::SignInNeeded, Advice::SignIn),
        403 => (ProblemCode::NotAllowed, Advice::Stop),
        404 | 410 => (ProblemCode::NotFound, Advice::Stop),
        408 | 425 => (ProblemCode::ServiceFailed, Advice::Again),
        413 => (ProblemCode::FileTooLarge, Advice::Stop),
        423 => (ProblemCode::RecordLocked, Advice::Stop),
        429 => (ProblemCode::RateLimited, later()),
        // RFC 6585: a captive portal answers this in the service's place.
        511 => (ProblemCode::NotTheService, Advice::Stop),
        507 => (ProblemCode::QuotaExceeded, Advice::Stop),
        501 | 505 => (ProblemCode::ServiceRefused, Advice::Stop),
        503 => (ProblemCode::ServiceFailed, later()),
        500..=599 => (ProblemCode::ServiceFailed, Advice::Again),
        400..=499 => (ProblemCode::ServiceRefused, Advice::Stop),
        _ => (ProblemCode::BadAnswer, Advice::Stop),
    }
}

/// `Retry-After` as a wait from `now`: seconds or an HTTP date (RFC 9110, 10.2.3). A date in the past is no wait. A date is
/// by the service's clock, so that the wait is counted from the answer's own `Date` where it has one: a clock that is off by
/// a day, theirs or ours, changes nothing. The wait may be of any length; the retry loop bounds it.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let theirs = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?));
    Some(http_date(text)?.since(theirs.unwrap_or(now)))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    let millis = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp(i64::try_from(millis).ok()?))
}

/// The `<Code>` of an S3 error document.
#[must_use]
pub fn storage_error_code(document: &str) -> Option<&str> {
    element(document, "Code")
}

/// The text of the first element of that name. Error documents of S3 are flat, so that no XML reader is needed.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let start = document.find(&format!("<{name}>"))? + name.len() + 2;
    let length = document[start..].find('<')?;
    Some(document[start..start + length].trim())
}

/// What a refusal of a storage host means: its S3 error code first, its status otherwise. A refused signature is
/// answered with a fresh link, because an expired link is told in many ways.
#[must_use]
pub fn storage(
    answered: StatusCode,
    headers: &HeaderMap,
    document: &str,
    now: Timestamp,
) -> (ProblemCode, Advice) {
    let (code, advice) = status(answered, headers, now);
    match storage_error_code(document) {
        Some(
            "ExpiredToken"
            | "RequestTimeTooSkewed"
            | "AccessDenied"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "InvalidAccessKeyId"
            | "RequestExpired"
            | "AuthorizationQueryParametersError",
        ) => (ProblemCode::NotAllowed, Advice::FreshLink),
        Some("SlowDown" | "TooManyRequests") => (
            ProblemCode::RateLimited,
            if let Advice::AgainAfter(_) = advice { advice } else { Advice::Again },
        ),
        Some(
            "InternalError"
            | "ServiceUnavailable"
            | "RequestTimeout"
            | "OperationAborted"
            | "IncompleteBody"
            | "BadDigest"
            | "XAmzContentSHA256Mismatch"
            | "XAmzContentChecksumMismatch",
        ) => (
            ProblemCode::ServiceFailed,
            if let Advice::AgainAfter(_) = advice { advice } else { Advice::Again },
        ),
        Some("NoSuchUpload") => (ProblemCode::UploadLost, Advice::FreshSession),
        Some("EntityTooLarge") => (ProblemCode::FileTooLarge, Advice::Stop),
        Some("QuotaExceeded" | "InsufficientStorage") => (ProblemCode::QuotaExceeded, Advice::Stop),
        _ if matches!(answered.as_u16(), 401 | 403) => (ProblemCode::NotAllowed, Advice::FreshLink),
        _ => (code, advice),
    }
}

/// A refusal of a storage host in words: the S3 code and message where there are any.
#[must_use]
pub fn storage_words(answered: StatusCode, document: &str) -> String {
    match (storage_error_code(document), element(document, "Message")) {
        (Some(code), Some(message)) => format!("the storage answered {answered}: {code}, {message}"),
        (Some(code), None) => format!("the storage answered {answered}: {code}"),
        _ => format!("the storage answered {answered}"),
    }
}

/// What a failed request means when no answer came at all. `to` names the address without its query.
#[must_use]
pub fn transport(operation: &'static str, to: &str, error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    let (code, advice, words) = transport_kind(&error);
    ProviderError::new(operation, code, advice)
        .about(to)
        .because(redact(&words))
        .caused_by(redact(&chain(&error)))
}

/// hyper's words for bytes that came before a request was sent.
const SPOKE_FIRST: &str = "received unexpected message from connection";

fn transport_kind(error: &reqwest::Error) -> (ProblemCode, Advice, String) {
    if let Some(tls) = find::<rustls::Error>(error) {
        let words = match tls {
            rustls::Error::InvalidCertificate(reason) => {
                format!("its certificate is not trusted: {reason:?}")
            }
            other => format!("no secure connection: {other}"),
        };
        return (ProblemCode::NotSecure, Advice::Stop, words);
    }
    if let Some(http) = find::<hyper::Error>(error) {
        if http.is_parse() {
            return (ProblemCode::NotTheService, Advice::Stop, format!("no HTTP answer: {http}"));
        }
        if http.is_incomplete_message() {
            let words = "the connection was closed before the answer was complete".to_owned();
            return (ProblemCode::ConnectionLost, Advice::Again, words);
        }
    }
    let deepest = deepest(error);
    // hyper has no other way to tell it; the app's suite holds it with a server that speaks first. Tried again all the
    // same: a proxy that closes an idle connection with a last word looks like this, too.
    if deepest == SPOKE_FIRST {
        let words = "it speaks before it is asked, which no HTTP server does".to_owned();
        return (ProblemCode::NotTheService, Advice::Again, words);
    }
    if error.is_connect() {
        let words =
            if error.is_timeout() { "no answer to the connection attempt".to_owned() } else { deepest };
        return (ProblemCode::Unreachable, Advice::Again, words);
    }
    if error.is_builder() {
        return (ProblemCode::InvalidRequest, Advice::Stop, deepest);
    }
    (ProblemCode::ConnectionLost, Advice::Again, deepest)
}

/// The first error of that type in the chain. An [`io::Error`] hides its inner error from `source()`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(inner) = inner {
            let inner: &(dyn Error + 'static) = inner;
            if let Some(found) = find::<E>(inner) {
                return Some(found);
            }
        }
        next = current.source();
    }
    None
}

fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut current = error;
    while let Some(next) = current.source() {
        current = next;
    }
    current.to_string()
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words = vec![error.to_string()];
    let mut current = error;
    while let Some(next) = current.source() {
        words.push(next.to_string());
        current = next;
    }
    words.dedup();
    words.join(": ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn with_retry_after(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        headers
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        // 784111777 is RFC 9110's own example date.
        let now = Timestamp(784_111_777_000);
        assert_eq!(retry_after(&with_retry_after(" 120 "), now), Some(Duration::from_secs(120)));
        let date = "Sun, 06 Nov 1994 08:50:37 GMT";
        assert_eq!(retry_after(&with_retry_after(date), now), Some(Duration::from_secs(60)));
        let past = "Sun, 06 Nov 1994 08:49:00 GMT";
        assert_eq!(retry_after(&with_retry_after(past), now), Some(Duration::ZERO));
        for bad in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(&with_retry_after(bad), now), None, "{bad}");
        }
    }

    #[test]
    fn a_clock_that_is_off_by_a_day_changes_no_wait() {
        let answered = Timestamp(784_111_777_000);
        let mut headers = with_retry_after("Sun, 06 Nov 1994 08:50:37 GMT");
        headers.insert(DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
        let day = 86_400_000;
        for ours in [answered, Timestamp(answered.0 - day), Timestamp(answered.0 + day)] {
            assert_eq!(retry_after(&headers, ours), Some(Duration::from_secs(60)));
        }
        headers.insert(DATE, "yesterday".parse().unwrap());
        assert_eq!(retry_after(&headers, answered), Some(Duration::from_secs(60)), "a date that is none");
    }

    #[test]
    fn retry_after_counts_on_429_and_503_only() {
        let headers = with_retry_after("7");
        let wait = Advice::AgainAfter(Duration::from_secs(7));
        let advice = |code: u16| status(StatusCode::from_u16(code).unwrap(), &headers, Timestamp(0)).1;
        assert_eq!(advice(429), wait);
        assert_eq!(advice(503), wait);
        assert_eq!(advice(500), Advice::Again);
        assert_eq!(advice(404), Advice::Stop);
    }

    #[test]
    fn storage_codes_win_over_the_status() {
        let of = |code: u16, document: &str| {
            storage(StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), document, Timestamp(0))
        };
        let xml = |code: &str| {
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message></Error>")
        };
        assert_eq!(of(403, &xml("RequestTimeTooSkewed")), (ProblemCode::NotAllowed, Advice::FreshLink));
        assert_eq!(of(400, &xml("ExpiredToken")), (ProblemCode::NotAllowed, Advice::FreshLink));
        assert_eq!(of(403, "garbage"), (ProblemCode::NotAllowed, Advice::FreshLink));
        assert_eq!(of(503, &xml("SlowDown")), (ProblemCode::RateLimited, Advice::Again));
        assert_eq!(of(404, &xml("NoSuchUpload")), (ProblemCode::UploadLost, Advice::FreshSession));
        assert_eq!(of(400, &xml("BadDigest")), (ProblemCode::ServiceFailed, Advice::Again));
        assert_eq!(of(400, &xml("Unheard")), (ProblemCode::ServiceRefused, Advice::Stop));
        assert_eq!(
            storage_words(StatusCode::NOT_FOUND, &xml("A")),
            "the storage answered 404 Not Found: A, m"
        );
        assert_eq!(storage_error_code("<Code>cut"), None);
    }
}
