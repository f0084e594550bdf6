//! Who calls, how often, and what every answer carries.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use jiff::Timestamp;
use serde_json::Value;

use super::Nrp;
use super::answer::ApiError;
use crate::signed_links::decoded;

/// The limit told where none is switched on: InvenioRDM's for callers with a token.
const TOLD_LIMIT: u32 = 1000;
const WINDOW_SECONDS: i64 = 60;
/// Bytes of a JSON body; a record or a list of inits is far below.
const JSON_BYTES: usize = 16 * 1024 * 1024;

/// Somebody with a token.
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) token: String,
}

/// The requests of the running minute.
#[derive(Default)]
pub(crate) struct RateWindow {
    ends: Timestamp,
    requests: u32,
}

/// The caller's user id; nobody without a token and with a wrong one.
pub(crate) struct Caller(pub(crate) Option<u64>);

impl FromRequestParts<Arc<Nrp>> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, nrp: &Arc<Nrp>) -> Result<Self, Infallible> {
        Ok(Self(nrp.caller(&parts.headers, &parts.uri)))
    }
}

/// A JSON body; null where there is none.
pub(crate) struct JsonBody(pub(crate) Value);

impl FromRequest<Arc<Nrp>> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Nrp>) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.map(|kind| kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase());
        let body = axum::body::to_bytes(request.into_body(), JSON_BYTES).await.map_err(|_| too_large())?;
        if body.is_empty() {
            return Ok(Self(Value::Null));
        }
        if kind.as_deref() != Some("application/json") {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Invalid 'Content-Type' header. Expected one of: application/json",
            ));
        }
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|_| ApiError::bad_request("Unable to decode JSON data in request body."))
    }
}

/// The answer to a body that is too long.
pub(crate) fn too_large() -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "The data value transmitted exceeds the capacity limit.")
}

impl Nrp {
    fn caller(&self, headers: &HeaderMap, uri: &Uri) -> Option<u64> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::to_owned);
        let token = bearer.or_else(|| {
            let query = decoded(uri.query().unwrap_or_default());
            query.into_iter().find(|(name, _)| name == "access_token").map(|(_, token)| token)
        })?;
        self.users.iter().find(|user| user.token == token).map(|user| user.id)
    }

    /// Counts a request; gives limit, what is left, the window's end, and whether it is too many.
    fn count_request(&self) -> (u32, u32, Timestamp, bool) {
        let now = self.now();
        let switched = self.switches().requests_per_minute;
        let limit = switched.unwrap_or(TOLD_LIMIT);
        let mut window = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            let ends = now.as_second() + WINDOW_SECONDS;
            *window = RateWindow { ends: Timestamp::from_second(ends).unwrap_or(now), requests: 0 };
        }
        window.requests = window.requests.saturating_add(1);
        let is_too_many = switched.is_some_and(|limit| window.requests > limit);
        (limit, limit.saturating_sub(window.requests), window.ends, is_too_many)
    }
}

/// Lets a request through or not, and puts on the headers that every answer has, `Retry-After` on a success included.
pub(crate) async fn count(State(nrp): State<Arc<Nrp>>, request: Request, next: Next) -> Response {
    let caller = nrp.caller(request.headers(), request.uri());
    let (limit, left, ends, is_too_many) = nrp.count_request();
    let mut response = if is_too_many {
        let message = format!("{limit} per 1 minute");
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let wait = (ends.as_second() - nrp.now().as_second()).max(1);
    for (name, value) in [
        ("x-ratelimit-limit", i64::from(limit)),
        ("x-ratelimit-remaining", i64::from(left)),
        ("x-ratelimit-reset", ends.as_second()),
        ("retry-after", wait),
    ] {
        headers.insert(name, HeaderValue::from(value));
    }
    if let Some(user) = caller {
        headers.insert("x-user-id", HeaderValue::from(user));
    }
    response
}
