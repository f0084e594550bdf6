//! What a refusal means: the status first (decided in `provider::http::classify`), with the service's words.

use labferry_provider::{ProviderError, http::answer::Refusal};
use serde_json::Value;

/// The service's words, where it has any: `message`, an OAuth error, or the complaints of a validation.
pub(crate) fn words(refusal: &Refusal) -> String {
    let said = serde_json::from_str::<Value>(&refusal.body).ok().and_then(|body| said(&body));
    let plain = refusal.body.trim();
    let words = match said {
        Some(words) => words,
        None if plain.is_empty() || plain.starts_with('<') => {
            format!("the service answered {} without an explanation", refusal.status)
        }
        None => plain.to_owned(),
    };
    refusal.clean(&words)
}

fn said(body: &Value) -> Option<String> {
    match body {
        Value::String(text) => Some(text.clone()),
        Value::Array(complaints) => {
            let all: Vec<_> = complaints.iter().filter_map(said).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        Value::Object(members) => {
            let inner = ["message", "error_description", "error", "errors", "issues", "code"];
            inner.iter().find_map(|name| members.get(*name).and_then(said))
        }
        _ => None,
    }
    .filter(|words| !words.trim().is_empty())
}

/// The error of a refusal.
pub(crate) fn refused(refusal: &Refusal) -> ProviderError {
    refusal.error(&words(refusal))
}

#[cfg(test)]
mod tests {
    use super::said;
    use serde_json::json;

    #[test]
    fn the_service_s_words_are_found_in_every_shape() {
        for (body, words) in [
            (json!({"code": "not_found", "message": "Record not found"}), "Record not found"),
            (json!({"statusCode": 404, "error": "Not Found", "message": "no"}), "no"),
            (json!([{"code": "custom", "path": ["a"], "message": "x"}, {"message": "y"}]), "x; y"),
            (json!({"error": "invalid_client"}), "invalid_client"),
            (json!({"error": {"issues": [{"message": "deep"}]}}), "deep"),
        ] {
            assert_eq!(said(&body).as_deref(), Some(words), "{body}");
        }
        assert_eq!(said(&json!({"statusCode": 500})), None);
    }
}
