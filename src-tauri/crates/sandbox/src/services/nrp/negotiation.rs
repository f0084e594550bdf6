//! Which form of an answer a caller takes, and which there is: another one is 406.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::answer::ApiError;

const JSON: &str = "application/json";
/// InvenioRDM's own form; Zenodo gives its legacy form to those who do not ask for it.
const OWN: &str = "application/vnd.inveniordm.v1+json";
const DATACITE: &str = "application/vnd.datacite.datacite+json";

/// What an address can answer with; nothing where it is not a matter of forms. Files of published records come as plain
/// JSON only, those of drafts also in InvenioRDM's own form.
fn offered(method: &Method, path: &str) -> &'static [&'static str] {
    let is_content = path.ends_with("/content") || path.contains("-archive");
    if !path.starts_with("/api/") || is_content || method == Method::DELETE {
        &[]
    } else if path.contains("/draft/files") {
        &[JSON, OWN]
    } else if path.contains("/files") {
        &[JSON]
    } else {
        &[JSON, OWN, DATACITE]
    }
}

/// The first of the forms asked for that is offered; the first offered where any will do.
fn chosen(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let asked: Vec<_> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if asked.is_empty() {
        return offered.first().copied();
    }
    asked.iter().flat_map(|text| text.split(',')).find_map(|asked| {
        let asked = asked.split(';').next().unwrap_or(asked).trim();
        match asked {
            "*/*" | "application/*" => offered.first().copied(),
            _ => offered.iter().copied().find(|form| *form == asked),
        }
    })
}

pub(crate) async fn negotiate(request: Request, next: Next) -> Response {
    let offered = offered(request.method(), request.uri().path());
    if offered.is_empty() {
        return next.run(request).await;
    }
    let Some(form) = chosen(request.headers(), offered) else {
        let message = format!("Invalid 'Accept' header. Expected one of: {}", offered.join(", "));
        return ApiError::new(StatusCode::NOT_ACCEPTABLE, message).into_response();
    };
    let mut response = next.run(request).await;
    if form == OWN && response.status().is_success() && response.headers().contains_key(header::CONTENT_TYPE)
    {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(OWN));
    }
    response
}
