//! Options with a fixed set of words.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;

/// A parser for these words, written with `-`, into the type that knows them with `_`.
pub(crate) fn words<T>(all: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(all)
        .try_map(|word| serde_json::from_value::<T>(serde_json::Value::String(word.replace('-', "_"))))
}

/// What happens when a name is taken on the service.
pub(crate) const UPLOAD_CLASH: &[&str] = &["ask", "skip", "rename", "version", "replace"];
/// What happens when a file of the name is here already.
pub(crate) const DOWNLOAD_CLASH: &[&str] = &["ask", "skip", "rename", "replace"];
/// How a file is sent.
pub(crate) const SHAPE: &[&str] = &["auto", "whole", "parts"];
/// Which proof is asked for.
pub(crate) const VERIFY: &[&str] = &["auto", "digest", "read-back", "size"];
