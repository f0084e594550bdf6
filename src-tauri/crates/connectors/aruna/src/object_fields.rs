//! What a person may say of an object besides its bytes: labels, hooks, data class, expected hash, source.

use crate::api_types::KeyValue;
use labferry_model::{Algorithm, Digest, Metadata, ProblemCode};
use labferry_provider::{Advice, ProviderError, ProviderResult};
use serde_json::{Value, json};

/// Longest value of a label in bytes.
const VALUE_LIMIT: usize = 255;

/// The classes, as people and as the service write them.
const CLASSES: [&str; 4] = ["public", "private", "confidential", "protected"];

/// What is sent with a new object or a new revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ObjectFields {
    pub(crate) labels: Option<Vec<KeyValue>>,
    pub(crate) hooks: Option<Vec<KeyValue>>,
    pub(crate) data_class: Option<String>,
    /// The expected hash, as the service writes it.
    pub(crate) hash: Option<Value>,
    pub(crate) source: Option<Value>,
}

fn wrong(operation: &'static str, field: &str, why: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop).about(field).because(why)
}

/// Labels or hooks from `{"key": "value"}`, a list of `{"key", "value"}`, or lines of `key=value`.
pub(crate) fn pairs(operation: &'static str, field: &str, value: &Value) -> ProviderResult<Vec<KeyValue>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    let shape = || wrong(operation, field, "write them as key=value, one a line, or as a JSON object");
    let pairs: Vec<KeyValue> = match value {
        Value::Null => Vec::new(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| Some(KeyValue { key: key.clone(), value: text(value)? }))
            .collect::<Option<_>>()
            .ok_or_else(shape)?,
        Value::Array(list) => list
            .iter()
            .map(|pair| Some(KeyValue { key: text(pair.get("key")?)?, value: text(pair.get("value")?)? }))
            .collect::<Option<_>>()
            .ok_or_else(shape)?,
        Value::String(lines) => {
            let lines = lines.trim();
            if lines.starts_with(['{', '[']) {
                let parsed: Value = serde_json::from_str(lines).map_err(|_| shape())?;
                return self::pairs(operation, field, &parsed);
            }
            lines
                .split(['\n', ';'])
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(|line| line.split_once('='))
                .map(|pair| {
                    pair.map(|(key, value)| KeyValue { key: key.trim().into(), value: value.trim().into() })
                })
                .collect::<Option<_>>()
                .ok_or_else(shape)?
        }
        _ => return Err(shape()),
    };
    for pair in &pairs {
        if pair.key.is_empty() {
            return Err(wrong(operation, field, "one of them has no key"));
        }
        if pair.key.to_ascii_lowercase().contains("aruna") {
            return Err(wrong(operation, &pair.key, "keys with \"aruna\" in them are the service's own"));
        }
        if pair.value.len() > VALUE_LIMIT {
            return Err(wrong(operation, &pair.key, "its value has more than 255 bytes"));
        }
    }
    Ok(pairs)
}

/// `private` or `DATA_CLASS_PRIVATE`, as the service writes it.
pub(crate) fn data_class(operation: &'static str, text: &str) -> ProviderResult<String> {
    let plain = text.trim().to_ascii_lowercase();
    let plain = plain.strip_prefix("data_class_").unwrap_or(&plain);
    if CLASSES.contains(&plain) {
        Ok(format!("DATA_CLASS_{}", plain.to_ascii_uppercase()))
    } else {
        Err(wrong(operation, "data_class", "it is one of public, private, confidential, protected"))
    }
}

/// `sha256:HEX`, `md5:HEX` or the bare digits, as the service writes it.
pub(crate) fn hash(operation: &'static str, text: &str) -> ProviderResult<Value> {
    let text = text.trim();
    let (name, hex) = text.split_once(':').unwrap_or(("", text));
    let parsed = match name.to_ascii_lowercase().as_str() {
        "sha256" | "sha-256" => Digest::parse(Algorithm::Sha256, hex),
        "md5" => Digest::parse(Algorithm::Md5, hex),
        "" => Digest::parse(Algorithm::Sha256, hex).or_else(|| Digest::parse(Algorithm::Md5, hex)),
        _ => None,
    };
    let digest = parsed.ok_or_else(|| {
        wrong(operation, "hash", "write it as sha256:HEX with 64 or md5:HEX with 32 digits")
    })?;
    let name = match digest.algorithm {
        Algorithm::Md5 => "HASHALGORITHM_MD5",
        Algorithm::Sha256 => "HASHALGORITHM_SHA256",
    };
    Ok(json!({"alg": name, "hash": digest.hex}))
}

impl ObjectFields {
    /// From metadata: `labels`, `hooks`, `data_class`, `hash`, `source`; anything else is a mistake somebody should hear of.
    pub(crate) fn read(operation: &'static str, metadata: &Metadata) -> ProviderResult<Self> {
        let mut fields = Self::default();
        for (name, value) in metadata {
            let text = || value.as_str().ok_or_else(|| wrong(operation, name, "it has to be text"));
            match name.as_str() {
                "labels" => fields.labels = Some(pairs(operation, name, value)?),
                "hooks" => fields.hooks = Some(pairs(operation, name, value)?),
                "data_class" | "dataclass" => fields.data_class = Some(data_class(operation, text()?)?),
                "hash" => fields.hash = Some(hash(operation, text()?)?),
                "source" => {
                    let kind =
                        if text()?.starts_with("http") { "SOURCE_TYPE_URL" } else { "SOURCE_TYPE_DOI" };
                    fields.source = Some(json!({"identifier": text()?, "sourceType": kind}));
                }
                _ => {
                    return Err(wrong(
                        operation,
                        name,
                        "an object takes labels, hooks, data_class, hash and source; other facts go into labels",
                    ));
                }
            }
        }
        Ok(fields)
    }

    /// The stage object of that name and size.
    pub(crate) fn stage(&self, key: &str, size: u64) -> Value {
        let (folder, filename) = key.rsplit_once('/').unwrap_or(("", key));
        json!({
            "filename": filename,
            "subPath": folder,
            "contentLen": size.to_string(),
            "source": self.source,
            "dataclass": self.data_class.as_deref().unwrap_or("DATA_CLASS_PRIVATE"),
            "labels": self.labels.as_deref().unwrap_or_default(),
            "hooks": self.hooks.as_deref().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_taken_in_every_form_people_write() {
        let one = vec![KeyValue { key: "sample".into(), value: "S 17".into() }];
        for form in [
            json!({"sample": "S 17"}),
            json!([{"key": "sample", "value": "S 17"}]),
            json!("sample=S 17\n"),
            json!("{\"sample\": \"S 17\"}"),
        ] {
            assert_eq!(pairs("t", "labels", &form).unwrap(), one, "{form}");
        }
        for bad in [json!("sample"), json!({"Aruna-x": "1"}), json!({"": "1"}), json!({"a": []}), json!(1)] {
            assert!(pairs("t", "labels", &bad).is_err(), "{bad}");
        }
        assert!(pairs("t", "labels", &json!({"a": "x".repeat(256)})).is_err());
    }

    #[test]
    fn hashes_and_classes_become_the_service_s_own_words() {
        let md5 = "5D41402ABC4B2A76B9719D911017C592";
        let expected = json!({"alg": "HASHALGORITHM_MD5", "hash": md5.to_lowercase()});
        assert_eq!(hash("t", &format!("md5:{md5}")).unwrap(), expected);
        assert_eq!(hash("t", md5).unwrap(), expected);
        assert!(hash("t", "sha256:00").is_err() && hash("t", "crc:00").is_err());
        assert_eq!(data_class("t", "Public").unwrap(), "DATA_CLASS_PUBLIC");
        assert!(data_class("t", "secret").is_err());
    }
}
