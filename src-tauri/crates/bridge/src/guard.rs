//! Who is let in.

use crate::Shared;
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, HOST, ORIGIN},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

/// Requests that name another host are of a page that had a name of its own point here; those of another origin are of
/// another page.
pub(crate) async fn address(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let names = [format!("127.0.0.1:{}", shared.port), format!("localhost:{}", shared.port)];
    let headers = request.headers();
    let host = text(headers.get(HOST));
    if !names.iter().any(|name| host == Some(name)) {
        return (StatusCode::FORBIDDEN, "this host name is not served here").into_response();
    }
    let same_origin = |origin: &str| {
        origin.strip_prefix("http://").is_some_and(|origin| names.iter().any(|name| name == origin))
    };
    if headers.get(ORIGIN).is_some_and(|origin| !origin.to_str().is_ok_and(same_origin)) {
        return (StatusCode::FORBIDDEN, "other pages are not served here").into_response();
    }
    next.run(request).await
}

/// The token, in the header or, where a browser cannot set one (a WebSocket), in the query.
pub(crate) async fn token(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let in_query = request.uri().path() == "/events";
    let given = bearer(request.headers()).or_else(|| {
        let query = request.uri().query().filter(|_| in_query)?;
        query.split('&').find_map(|pair| pair.strip_prefix("token="))
    });
    if given.is_some_and(|given| same(given.as_bytes(), shared.token.as_bytes())) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, "the token is missing or wrong").into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers.get(AUTHORIZATION))?.strip_prefix("Bearer ")
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

/// Takes as long for a nearly right token as for any other.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
