//! Errors in the service's one shape, and whom a key belongs to.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::{Aymara, User};

/// The header that carries the key.
pub(crate) const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// A refusal: status, code and words.
pub(crate) struct Refused(pub(crate) StatusCode, pub(crate) &'static str, pub(crate) String);

impl Refused {
    pub(crate) fn invalid(words: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, "validation.invalid_request", words.into())
    }

    /// A value of the wrong form.
    pub(crate) fn format(words: impl Into<String>) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, "validation.invalid_format", words.into())
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, "resource.not_found", format!("{what} not found"))
    }

    pub(crate) fn conflict(words: &str) -> Self {
        Self(StatusCode::CONFLICT, "resource.conflict", words.to_owned())
    }

    pub(crate) fn internal() -> Self {
        Self(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server.internal_error",
            "An internal error occurred".to_owned(),
        )
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = json!({ "code": self.1, "message": self.2, "details": {} });
        (self.0, Json(json!({ "error": error, "request_id": Uuid::new_v4() }))).into_response()
    }
}

/// Whose key a request carries.
pub(crate) fn user<'a>(aymara: &'a Aymara, headers: &HeaderMap) -> Result<&'a User, Refused> {
    let invalid =
        || Refused(StatusCode::UNAUTHORIZED, "auth.invalid_key", "Invalid or missing API key".to_owned());
    let key = headers.get(KEY_HEADER).ok_or_else(invalid)?;
    aymara.users.iter().find(|user| user.key.as_bytes() == key.as_bytes()).ok_or_else(invalid)
}

pub(crate) async fn nothing_here() -> Refused {
    Refused::not_found("Route")
}

pub(crate) async fn method_not_allowed() -> Refused {
    Refused(StatusCode::METHOD_NOT_ALLOWED, "validation.invalid_request", "Method Not Allowed".to_owned())
}

/// Needs no key.
pub(crate) async fn health() -> StatusCode {
    StatusCode::OK
}
