//! What a refusal means: the status first (decided in `provider::http::classify`), refined by the service's code.

use http::HeaderName;
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, http::answer::Refusal};
use serde_json::Value;
use std::time::Duration;

/// The service's code and words; nothing when it was not the service that answered.
pub(crate) fn said(refusal: &Refusal) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(&refusal.body).ok()?;
    let error = body.get("error")?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    Some((text("code"), text("message")))
}

/// The error of a refusal.
pub(crate) fn refused(refusal: &Refusal) -> ProviderError {
    let (code, words) = said(refusal).unwrap_or_default();
    let detail = match (words.is_empty(), code.is_empty()) {
        (false, _) => words,
        (true, false) => code.clone(),
        (true, true) => format!("the service answered {}", refusal.status),
    };
    let error = refusal.error(&detail);
    let refine =
        |code, advice| ProviderError::new(refusal.operation, code, advice).because(refusal.clean(&detail));
    let error = match (code.as_str(), refusal.status.as_u16()) {
        ("auth.invalid_key" | "auth.expired_key", _) => refine(ProblemCode::SignInNeeded, Advice::SignIn),
        ("auth.insufficient_permissions", _) => refine(ProblemCode::NotAllowed, Advice::Stop),
        ("resource.not_found", _) => refine(ProblemCode::NotFound, Advice::Stop),
        // With 429 it is a pace, otherwise an amount.
        ("quota.limit_exceeded", 400..=428 | 430..=499) => refine(ProblemCode::QuotaExceeded, Advice::Stop),
        // The vendor's own client asks again.
        (_, 409) => refine(ProblemCode::ServiceFailed, Advice::Again),
        _ => error,
    };
    ProviderError { advice: told_advice(refusal, error.advice), ..error }
}

/// What the service's two headers say of trying again, as the vendor's own client reads them.
fn told_advice(refusal: &Refusal, advice: Advice) -> Advice {
    let header = |name: &'static str| {
        refusal.headers.get(HeaderName::from_static(name)).and_then(|value| value.to_str().ok())
    };
    let wait = header("retry-after-ms").and_then(|text| text.trim().parse().ok()).map(Duration::from_millis);
    match (header("x-should-retry"), advice, wait) {
        (Some("false"), Advice::Again | Advice::AgainAfter(_), _) => Advice::Stop,
        (_, Advice::Again | Advice::AgainAfter(_), Some(wait)) => Advice::AgainAfter(wait),
        (Some("true"), Advice::Stop, wait) => wait.map_or(Advice::Again, Advice::AgainAfter),
        (_, advice, _) => advice,
    }
}
