//! What every request passes: the rate, the token, and the shape of refusals.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;

use super::Kaleidoscope;
use super::answer::ApiError;

/// The one header a token counts in.
pub(crate) const TOKEN_HEADER: &str = "x-kal-authorization";
const WINDOW_SECONDS: i64 = 60;
/// Bytes of a JSON body.
const JSON_BYTES: usize = 16 * 1024 * 1024;

/// The workspace a request is for.
#[derive(Clone)]
pub(crate) struct Workspace(pub(crate) String);

/// The requests of the running minute.
#[derive(Default)]
pub(crate) struct RateWindow {
    ends: Timestamp,
    requests: u32,
}

/// A JSON body. An empty one that calls itself JSON is refused, as the service's framework does.
pub(crate) struct JsonBody(pub(crate) Value);

impl FromRequest<Arc<Kaleidoscope>> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Kaleidoscope>) -> Result<Self, ApiError> {
        let body = axum::body::to_bytes(request.into_body(), JSON_BYTES).await;
        let body = body.map_err(|_| ApiError::too_large())?;
        if body.is_empty() {
            return Err(ApiError::bad_request(
                "Body cannot be empty when content-type is set to 'application/json'",
            ));
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| ApiError::bad_request(error.to_string()))
    }
}

impl Kaleidoscope {
    fn workspace(&self, headers: &HeaderMap) -> Option<Workspace> {
        let token = headers.get(TOKEN_HEADER)?.to_str().ok()?.strip_prefix("Bearer ")?;
        self.tokens().workspace(token, self.now()).map(Workspace)
    }

    /// Seconds until the next request is welcome, when this one is too many.
    fn is_too_many(&self) -> Option<i64> {
        let limit = self.switches().requests_per_minute?;
        let now = self.now();
        let mut window = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= window.ends {
            let ends = now.as_second() + WINDOW_SECONDS;
            *window = RateWindow { ends: Timestamp::from_second(ends).unwrap_or(now), requests: 0 };
        }
        window.requests = window.requests.saturating_add(1);
        (window.requests > limit).then(|| (window.ends.as_second() - now.as_second()).max(1))
    }
}

/// Counts a request and words its refusal.
pub(crate) async fn worded(
    State(kaleidoscope): State<Arc<Kaleidoscope>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(wait) = kaleidoscope.is_too_many() {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests");
        let mut response = error.shaped(kaleidoscope.switches().errors);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        return response;
    }
    let response = next.run(request).await;
    match response.extensions().get::<ApiError>() {
        Some(error) => error.shaped(kaleidoscope.switches().errors),
        None => response,
    }
}

/// Lets requests with a live token through.
pub(crate) async fn signed_in(
    State(kaleidoscope): State<Arc<Kaleidoscope>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(workspace) = kaleidoscope.workspace(request.headers()) else {
        return ApiError::unauthorized().into_response();
    };
    request.extensions_mut().insert(workspace);
    next.run(request).await
}

pub(crate) async fn nothing_here(method: Method, uri: http::Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", format!("Route {method}:{} not found", uri.path()))
}

/// An array that is always empty: lists the practice workspace has nothing in.
pub(crate) async fn none() -> Json<Vec<Value>> {
    Json(Vec::new())
}
