//! Refusals, in the shapes the service may word them in.

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use super::switches::ErrorShape;

/// A refusal; the shape is put on by the layer that every request passes.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found"))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Invalid or expired access token")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Request body is too large")
    }

    pub(crate) fn shaped(&self, shape: ErrorShape) -> Response {
        let Self { status, code, message } = self;
        match shape {
            ErrorShape::CodeAndMessage => {
                (*status, Json(json!({"code": code, "message": message}))).into_response()
            }
            ErrorShape::Framework => {
                let error = status.canonical_reason().unwrap_or_default();
                let body = json!({"statusCode": status.as_u16(), "error": error, "message": message});
                (*status, Json(body)).into_response()
            }
            ErrorShape::Validation => {
                (*status, Json(json!([{"code": code, "path": [], "message": message}]))).into_response()
            }
            ErrorShape::Html => {
                let page = format!(
                    "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
                );
                (*status, Html(page)).into_response()
            }
        }
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the practice lab's disk refused");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal Server Error")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
