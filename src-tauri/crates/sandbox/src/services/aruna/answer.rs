//! Refusals as the gateway words them: the number of a gRPC code, a message, and no details.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// A refusal.
#[derive(Debug)]
pub(crate) struct ApiError {
    code: u8,
    message: String,
}

impl ApiError {
    fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(3, message)
    }

    /// No such route; a missing object is never told this way.
    pub(crate) fn no_route() -> Self {
        Self::new(5, "Not Found")
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(7, message)
    }

    /// No right to it, which is also the answer for a collection or project that does not exist.
    pub(crate) fn permission() -> Self {
        Self::denied("Permission denied")
    }

    /// The data proxy could not end a multipart upload.
    pub(crate) fn aborted(message: impl Into<String>) -> Self {
        Self::new(10, message)
    }

    pub(crate) fn method() -> Self {
        Self::new(12, "Method Not Allowed")
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(13, message)
    }

    /// An id nothing is stored under, or a token that was deleted.
    pub(crate) fn no_record() -> Self {
        Self::internal("Record not found")
    }

    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(16, message)
    }

    /// The answer to an object that is not in the collection named.
    pub(crate) fn not_in_collection() -> Self {
        Self::invalid("Object does not exist in collection")
    }

    fn status(&self) -> StatusCode {
        match self.code {
            3 => StatusCode::BAD_REQUEST,
            5 => StatusCode::NOT_FOUND,
            7 => StatusCode::FORBIDDEN,
            10 => StatusCode::CONFLICT,
            12 => StatusCode::NOT_IMPLEMENTED,
            16 => StatusCode::UNAUTHORIZED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the practice lab's disk refused");
        Self::internal("internal data proxy error")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message, "details": []});
        let mut response = (self.status(), Json(body)).into_response();
        if self.code == 16
            && let Ok(value) = HeaderValue::from_str(&self.message)
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
