//! What a refusal means. `detail` is a text, a list or an object.

use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, http::answer::Refusal};
use serde_json::Value;

/// The service's words, in one line.
fn words(refusal: &Refusal) -> String {
    let Ok(body) = serde_json::from_str::<Value>(&refusal.body) else {
        return format!("the service answered {}", refusal.status);
    };
    match body.get("detail").unwrap_or(&Value::Null) {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(line).collect::<Vec<_>>().join("; "),
        Value::Object(detail) => {
            let text = |name| detail.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("{} (request {})", text("message"), text("request_id"))
        }
        // The vendor's demonstration server.
        _ => body
            .get("message")
            .and_then(Value::as_str)
            .map_or_else(|| format!("the service answered {}", refusal.status), str::to_owned),
    }
}

fn line(item: &Value) -> Option<String> {
    let place: Vec<&str> = item.get("loc")?.as_array()?.iter().filter_map(Value::as_str).collect();
    Some(format!("{}: {}", place.join("."), item.get("msg").and_then(Value::as_str).unwrap_or_default()))
}

/// The error of a refusal.
pub(crate) fn refused(refusal: &Refusal) -> ProviderError {
    let said = words(refusal);
    let error = refusal.error(&said);
    let refine =
        |code, advice| ProviderError::new(refusal.operation, code, advice).because(refusal.clean(&said));
    match refusal.status.as_u16() {
        400 if said.contains("Permission denied") => refine(ProblemCode::NotAllowed, Advice::Stop),
        422 if said.contains("airalogy-api-key") => refine(ProblemCode::SignInNeeded, Advice::SignIn),
        404 => refine(ProblemCode::NotFound, Advice::Stop),
        _ => error,
    }
}

/// A refusal of a request that names a file: unknown files are answered like any fault of the server.
pub(crate) fn refused_file(refusal: &Refusal) -> ProviderError {
    let error = refused(refusal);
    if refusal.status.as_u16() == 500 {
        let why = "the service does not know a file of that id, or failed; it answers both alike";
        return ProviderError::new(refusal.operation, ProblemCode::NotFound, Advice::Stop).because(why);
    }
    error
}
