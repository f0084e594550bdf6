//! What names, labels, hashes and folders must look like.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::answer::ApiError;
use super::asked::{Fields, KeyValue};
use super::object_json::{ALGORITHMS, DATA_CLASSES};

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z0-9\-]+$").ok());
static SUB_PATH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(/?[a-z0-9\-]+)+/?$").ok());

fn fits(rule: &LazyLock<Option<Regex>>, text: &str) -> bool {
    rule.as_ref().is_some_and(|rule| rule.is_match(text))
}

/// A project's or collection's name.
pub(crate) fn name(fields: &Fields) -> Result<String, ApiError> {
    let name = fields.text("name")?;
    if fits(&NAME, &name) {
        Ok(name)
    } else {
        Err(ApiError::invalid("Invalid name, only a-z, 0-9 and - are allowed"))
    }
}

/// A folder, without slashes at its ends.
pub(crate) fn sub_path(text: &str) -> Result<String, ApiError> {
    if text.is_empty() || text == "/" {
        return Ok(String::new());
    }
    if fits(&SUB_PATH, text) {
        Ok(text.trim_matches('/').to_owned())
    } else {
        Err(ApiError::invalid("Invalid path, only a-z, 0-9, - and / are allowed"))
    }
}

/// Labels or hooks.
pub(crate) fn pairs(fields: &Fields, name: &str) -> Result<Vec<KeyValue>, ApiError> {
    let pairs = fields.pairs(name)?;
    let is_reserved = |pair: &KeyValue| pair.key.to_ascii_lowercase().contains("aruna");
    if pairs.iter().any(|pair| is_reserved(pair) || pair.key.is_empty() || pair.value.len() > 255) {
        return Err(ApiError::invalid("labels or hooks are invalid"));
    }
    Ok(pairs)
}

/// A declared hash. An empty one is `Some(None)`: it wipes what was declared before.
pub(crate) fn hash(fields: &Fields) -> Result<Option<Option<(String, String)>>, ApiError> {
    let Some(hash) = fields.message("hash")? else { return Ok(None) };
    let algorithm = hash.member("alg", &ALGORITHMS)?;
    let text = hash.text("hash")?;
    if text.is_empty() {
        return Ok(Some(None));
    }
    let length = match algorithm {
        "HASHALGORITHM_MD5" => 32,
        "HASHALGORITHM_SHA256" => 64,
        _ => return Err(ApiError::invalid("Invalid hash algorithm")),
    };
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != length || !is_hex {
        return Err(ApiError::invalid("Invalid hash, lower-case hexadecimal is expected"));
    }
    Ok(Some(Some((algorithm.to_owned(), text))))
}

/// A data class; none told is private.
pub(crate) fn data_class(fields: &Fields) -> Result<&'static str, ApiError> {
    Ok(match fields.member("dataclass", &DATA_CLASSES)? {
        "DATA_CLASS_UNSPECIFIED" => "DATA_CLASS_PRIVATE",
        class => class,
    })
}

/// Where an object's content came from.
pub(crate) fn source(fields: &Fields) -> Result<Option<Value>, ApiError> {
    let Some(source) = fields.message("source")? else { return Ok(None) };
    let kind = source.member(
        "sourceType",
        &[(0, "SOURCE_TYPE_UNSPECIFIED"), (1, "SOURCE_TYPE_URL"), (2, "SOURCE_TYPE_DOI")],
    )?;
    if kind == "SOURCE_TYPE_UNSPECIFIED" {
        return Err(ApiError::invalid("Invalid source type"));
    }
    Ok(Some(json!({"identifier": source.text("identifier")?, "sourceType": kind})))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::sub_path;

    #[test]
    fn folders_are_lower_case_digits_and_hyphens() {
        assert_eq!(sub_path("/batch-3/x/").unwrap(), "batch-3/x");
        assert_eq!(sub_path("").unwrap(), "");
        for bad in ["Batch", "a_b", "a.b", "a b", "a//b", "ü"] {
            assert!(sub_path(bad).is_err(), "{bad}");
        }
    }
}
