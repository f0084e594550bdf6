//! What a refusal means: the status first (decided in `provider::http::classify`), refined by the service's words.

use crate::api_types::complaints;
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, http::answer::Refusal};
use serde_json::Value;

/// The words of InvenioRDM's message when nothing but a missing right is the cause. A wrong token, no token and
/// somebody else's draft are all answered with it.
const DENIED: &str = "Permission denied.";

/// What the service said, in one line.
fn words(refusal: &Refusal) -> (String, Vec<String>) {
    let Ok(body) = serde_json::from_str::<Value>(&refusal.body) else {
        return (format!("the service answered {} without an explanation", refusal.status), Vec::new());
    };
    let message = body.get("message").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let errors = complaints(body.get("errors").unwrap_or(&Value::Null));
    (message, errors)
}

/// Whether a refusal may be due to the token.
pub(crate) fn may_be_the_token(refusal: &Refusal) -> bool {
    refusal.status.as_u16() == 403 && words(refusal).0 == DENIED
}

/// Whether a refused announcement may be about its transfer type: the repository takes no multipart uploads from us.
/// A type that is not permitted is refused with the same words as a file that is not.
pub(crate) fn refuses_multipart(refusal: &Refusal) -> bool {
    let (message, errors) = words(refusal);
    let names_it = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("transfer") || text.contains("multipart")
    };
    match refusal.status.as_u16() {
        400 => names_it(&message) || errors.iter().any(|error| names_it(error)),
        403 => names_it(&message) || message == DENIED,
        _ => false,
    }
}

/// The error of a refusal.
pub(crate) fn refused(refusal: &Refusal) -> ProviderError {
    let (message, errors) = words(refusal);
    let detail = match (message.is_empty(), errors.is_empty()) {
        (true, true) => format!("the service answered {}", refusal.status),
        (true, false) => errors.join("; "),
        (false, true) => message.clone(),
        (false, false) => format!("{message} {}", errors.join("; ")),
    };
    let error = refusal.error(&detail);
    let refine =
        |code, advice| ProviderError::new(refusal.operation, code, advice).because(refusal.clean(&detail));
    let says = |part: &str| detail.contains(part);
    match refusal.status.as_u16() {
        400 if says("quota exceeded") || says("Maximum file size exceeded") => {
            refine(ProblemCode::QuotaExceeded, Advice::Stop)
        }
        400 if says("already exists") => refine(ProblemCode::PendingFile, Advice::FreshSession),
        400 if says("max amount per record") => refine(ProblemCode::TooManyFiles, Advice::Stop),
        400 if says("Empty files are not accepted") => refine(ProblemCode::EmptyFileRefused, Advice::Stop),
        400 if says("File is smaller than expected") => refine(ProblemCode::ConnectionLost, Advice::Again),
        400 if says("does not support multipart") => refine(ProblemCode::UploadLost, Advice::FreshSession),
        403 if says("locked") => refine(ProblemCode::RecordLocked, Advice::Stop),
        403 if says("Files are not enabled") => refine(ProblemCode::ServiceRefused, Advice::Stop),
        _ => error,
    }
}

/// A 200 whose body says that the transfer failed.
pub(crate) fn failed_inside(operation: &'static str, errors: &Value) -> Option<ProviderError> {
    let said = complaints(errors);
    (!said.is_empty()).then(|| {
        ProviderError::new(operation, ProblemCode::ServiceFailed, Advice::Again).because(said.join("; "))
    })
}
