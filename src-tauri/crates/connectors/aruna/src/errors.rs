//! What a refusal means. The gateway tells much by its words only: this is the one place that reads them.

use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, http::answer::Refusal};
use serde_json::Value;

/// Words for something that is not there. There is no 404 for it.
const NOT_THERE: [&str; 4] =
    ["does not exist in collection", "Record not found", "not referenced", "object not found"];
/// Words for a token that is wrong or over.
const TOKEN: [&str; 4] =
    ["Typeconversion for JWT failed", "Token expired", "Error during auth flow", "Missing Token"];
/// Words for an object or collection that takes no change.
const LOCKED: [&str; 2] = ["pinned collection", "read-only"];

/// The message of a refusal.
pub(crate) fn message(refusal: &Refusal) -> String {
    let body: Option<Value> = serde_json::from_str(&refusal.body).ok();
    let message = body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    match message.map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => message.to_owned(),
        None => format!("the service answered {} without an explanation", refusal.status),
    }
}

fn says(message: &str, words: &[&str]) -> bool {
    words.iter().any(|words| message.contains(words))
}

/// Whether a refusal may be due to a token that was deleted or is not the service's.
pub(crate) fn may_be_the_token(refusal: &Refusal) -> bool {
    let message = message(refusal);
    match refusal.status.as_u16() {
        403 => message == "Permission denied",
        500 => message.contains("Record not found"),
        _ => false,
    }
}

/// Whether a refused call says that the object waits for no bytes any more.
pub(crate) fn is_past_staging(error: &ProviderError) -> bool {
    error.problem.detail.as_deref().is_some_and(|detail| detail.contains("not in staging phase"))
}

/// The error of a refusal.
pub(crate) fn refused(refusal: &Refusal) -> ProviderError {
    let message = message(refusal);
    let error = refusal.error(&message);
    let refine =
        |code, advice| ProviderError::new(refusal.operation, code, advice).because(refusal.clean(&message));
    match refusal.status.as_u16() {
        400 | 403 if says(&message, &TOKEN) => refine(ProblemCode::SignInNeeded, Advice::SignIn),
        400 | 500 if says(&message, &NOT_THERE) => refine(ProblemCode::NotFound, Advice::Stop),
        400 if message.contains("already has a staging object") => {
            refine(ProblemCode::PendingFile, Advice::Stop)
        }
        400 if says(&message, &LOCKED) => refine(ProblemCode::RecordLocked, Advice::Stop),
        409 => refine(ProblemCode::ServiceFailed, Advice::Again),
        499 => refine(ProblemCode::ServiceFailed, Advice::Again),
        500 if message.contains("duplicate key") => refine(ProblemCode::NameTaken, Advice::Stop),
        // The path is known to every v1 server, so what answers is none.
        501 => refine(ProblemCode::NotTheService, Advice::Stop),
        _ => error,
    }
}

/// The error of a data proxy that refuses.
pub(crate) fn storage(refusal: &Refusal) -> ProviderError {
    let error = refusal.storage_error();
    let words = error.problem.detail.clone().unwrap_or_default();
    let refine = |code, advice| ProviderError::new(refusal.operation, code, advice).because(words.clone());
    match labferry_provider::http::classify::storage_error_code(&refusal.body) {
        Some("NotSignedUp") => refine(ProblemCode::SignInNeeded, Advice::SignIn),
        // The clock of whoever signs is ahead of the one that checks.
        Some("InvalidRequest") if words.contains("date") => refine(ProblemCode::ServiceFailed, Advice::Again),
        // The declared hash differs from what arrived, which may be the way's fault.
        Some("InvalidDigest") => refine(ProblemCode::DigestMismatch, Advice::Again),
        Some("UnexpectedContent") => refine(ProblemCode::ConnectionLost, Advice::Again),
        _ => error,
    }
}
