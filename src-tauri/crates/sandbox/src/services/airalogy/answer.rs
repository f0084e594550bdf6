//! Errors in the service's three shapes, and what every answer carries.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Airalogy;

/// The header that carries the key.
pub(crate) const KEY_HEADER: HeaderName = HeaderName::from_static("airalogy-api-key");

/// A refusal.
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) Value);

impl Refused {
    pub(crate) fn text(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(status, Value::String(detail.into()))
    }

    /// Something required is missing.
    pub(crate) fn missing(place: &str, field: &str) -> Self {
        let detail =
            json!([{ "type": "missing", "loc": [place, field], "msg": "Field required", "input": null }]);
        Self(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Any fault of the server; unknown files among them.
    pub(crate) fn internal() -> Self {
        let detail = json!({
            "code": "internal_server_error",
            "message": "The server could not complete this request.",
            "request_id": Uuid::new_v4(),
        });
        Self(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    pub(crate) fn too_large() -> Response {
        let page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
        (StatusCode::PAYLOAD_TOO_LARGE, [(header::CONTENT_TYPE, "text/html")], page).into_response()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "detail": self.1 }))).into_response()
    }
}

/// The key must be there, and be right.
pub(crate) fn check_key(airalogy: &Airalogy, headers: &HeaderMap) -> Result<(), Refused> {
    match headers.get(KEY_HEADER) {
        None => Err(Refused::missing("header", "airalogy-api-key")),
        Some(key) if key.as_bytes() == airalogy.key.as_bytes() => Ok(()),
        Some(_) => Err(Refused::text(StatusCode::UNAUTHORIZED, "Unauthorized")),
    }
}

pub(crate) async fn nothing_here() -> Refused {
    Refused::text(StatusCode::NOT_FOUND, "Not Found")
}

pub(crate) async fn method_not_allowed() -> Refused {
    Refused::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

pub(crate) async fn no_head() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Every answer names its request.
pub(crate) async fn name_request(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}
