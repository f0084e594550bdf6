//! Answers as InvenioRDM words them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

const INTERNAL: &str = "The server encountered an internal error and was unable to complete your request. Either the \
                        server is overloaded or there is an error in the application.";

/// A refusal.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    errors: Vec<Value>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: Vec::new() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Also the answer to a missing or wrong token, and to somebody else's draft.
    pub(crate) fn permission_denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Permission denied.")
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn unknown_id() -> Self {
        Self::not_found("The persistent identifier does not exist.")
    }

    /// The server's answer to many ordinary mistakes.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL)
    }

    pub(crate) fn validation(errors: Vec<Value>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: "A validation error occurred.".to_owned(), errors }
    }

    /// One field that is wrong.
    pub(crate) fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::validation(vec![field_error(field, message)])
    }
}

/// An entry of `errors`.
pub(crate) fn field_error(field: impl Into<String>, message: impl Into<String>) -> Value {
    json!({"field": field.into(), "messages": [message.into()]})
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "the practice lab's disk refused");
        Self::internal()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({"status": self.status.as_u16(), "message": self.message});
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        (self.status, Json(body)).into_response()
    }
}
