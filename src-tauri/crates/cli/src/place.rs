//! Places, `ACCOUNT:PATH`, and fields, `KEY=VALUE`.

use crate::exit::{Failure, usage};
use serde_json::{Map, Value};
use std::{path::Path, str::FromStr};

/// A place on a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account: String,
    /// Without slashes around it; empty for the account itself.
    pub(crate) path: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let why = "write ACCOUNT:PATH, such as lab:abcd-1234, or ACCOUNT: for the account itself";
        match text.split_once(':') {
            Some((account, path)) if !account.is_empty() && !account.contains(['/', '\\']) => {
                Ok(Self { account: account.to_owned(), path: path.trim_matches('/').to_owned() })
            }
            _ => Err(format!("\"{text}\" is not a place: {why}")),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.account, self.path)
    }
}

impl Place {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        text.parse().map_err(|sentence| usage(capitalised(&format!("{sentence}."))))
    }

    /// Whether text with a colon is a file here rather than a place: a file of that name, or a drive's letter.
    pub(crate) fn is_local(text: &str) -> bool {
        text.parse::<Self>().is_err()
            || Path::new(text).exists()
            || (cfg!(windows) && text.as_bytes().get(1) == Some(&b':'))
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `KEY=VALUE`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// Metadata from `KEY=VALUE`, where the value is text, and `KEY:=VALUE`, where it is JSON. A later one replaces an
/// earlier one.
pub(crate) fn metadata(fields: &[(String, String)]) -> Result<Map<String, Value>, Failure> {
    let mut metadata = Map::new();
    for (key, value) in fields {
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => {
                let value = serde_json::from_str(value)
                    .map_err(|error| usage(format!("The value of \"{key}\" is not JSON: {error}.")))?;
                (key, value)
            }
            None => (key.as_str(), Value::String(value.clone())),
        };
        metadata.insert(key.to_owned(), value);
    }
    Ok(metadata)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_account_and_a_path() {
        let place = |account: &str, path: &str| Ok(Place { account: account.into(), path: path.into() });
        assert_eq!("lab:ab-1/a b:c.tif".parse(), place("lab", "ab-1/a b:c.tif"));
        assert_eq!("lab:".parse(), place("lab", ""));
        assert_eq!("lab:/ab-1/".parse(), place("lab", "ab-1"));
        for none in ["", "lab", ":path", "./lab:x", "dir/lab:x"] {
            assert!(none.parse::<Place>().is_err(), "{none}");
        }
    }

    #[test]
    fn a_field_is_text_unless_it_says_json() {
        let fields = ["title=A=B", "year:=2026", "tags:=[\"x\"]"].map(|text| key_value(text).unwrap());
        let expected = serde_json::json!({ "title": "A=B", "year": 2026, "tags": ["x"] });
        assert_eq!(Value::Object(metadata(&fields).unwrap()), expected);
        assert!(metadata(&[("x:".into(), "{".into())]).is_err());
        assert!(key_value("=x").is_err() && key_value("x").is_err());
    }
}
