//! Requests the way a gRPC gateway reads them: two spellings of every name, 64-bit numbers as text or number, enums by
//! name or number, real booleans only, unknown fields ignored.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use serde_json::{Map, Value};

use super::answer::ApiError;
use crate::signed_links::decoded;

/// Bytes of a JSON body.
const JSON_BYTES: usize = 4 * 1024 * 1024;

/// A body's fields under their lowerCamelCase names; none for an empty body.
#[derive(Debug, Default, Clone)]
pub(crate) struct Fields(Map<String, Value>);

/// A query string's parameters under their lowerCamelCase names.
pub(crate) struct Query(Vec<(String, String)>);

/// A label or hook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    pub(crate) value: String,
}

fn wrong(name: &str) -> ApiError {
    ApiError::invalid(format!("proto: invalid value for field {name}"))
}

/// `page_size` as `pageSize`.
fn camel(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut is_up = false;
    for c in name.chars() {
        if c == '_' {
            is_up = true;
        } else if std::mem::take(&mut is_up) {
            text.push(c.to_ascii_uppercase());
        } else {
            text.push(c);
        }
    }
    text
}

fn renamed(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(name, value)| (camel(&name), renamed(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(renamed).collect()),
        other => other,
    }
}

impl Fields {
    fn of(value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            Value::Null => Ok(Self::default()),
            _ => Err(ApiError::invalid("proto: syntax error: unexpected token")),
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, ApiError> {
        match self.value(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(wrong(name)),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(wrong(name)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<i64, ApiError> {
        match self.value(name) {
            None => Ok(0),
            Some(Value::String(text)) => text.parse().map_err(|_| wrong(name)),
            Some(value) => value.as_i64().ok_or_else(|| wrong(name)),
        }
    }

    /// The name of an enum's member, out of `(number, name)`; the first where nothing is told.
    pub(crate) fn member(
        &self,
        name: &str,
        members: &[(i64, &'static str)],
    ) -> Result<&'static str, ApiError> {
        let found = match self.value(name) {
            None => members.first(),
            Some(Value::String(text)) => members.iter().find(|(_, member)| member == text),
            Some(value) => {
                let number = value.as_i64().ok_or_else(|| wrong(name))?;
                members.iter().find(|(own, _)| *own == number)
            }
        };
        found.map(|(_, member)| *member).ok_or_else(|| wrong(name))
    }

    pub(crate) fn message(&self, name: &str) -> Result<Option<Self>, ApiError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self(map.clone()))),
            Some(_) => Err(wrong(name)),
        }
    }

    pub(crate) fn messages(&self, name: &str) -> Result<Vec<Self>, ApiError> {
        self.list(name)?
            .iter()
            .map(|value| value.as_object().cloned().map(Self).ok_or_else(|| wrong(name)))
            .collect()
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        self.list(name)?
            .iter()
            .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(name)))
            .collect()
    }

    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<KeyValue>, ApiError> {
        self.messages(name)?
            .iter()
            .map(|pair| Ok(KeyValue { key: pair.text("key")?, value: pair.text("value")? }))
            .collect()
    }

    fn list(&self, name: &str) -> Result<&[Value], ApiError> {
        match self.value(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(wrong(name)),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let body = axum::body::to_bytes(request.into_body(), JSON_BYTES)
            .await
            .map_err(|_| ApiError::invalid("the body could not be read"))?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        let value = serde_json::from_slice(&body)
            .map_err(|error| ApiError::invalid(format!("proto: syntax error: {error}")))?;
        Self::of(renamed(value))
    }
}

impl Query {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            "" | "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
            "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
            _ => Err(wrong(name)),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<i64, ApiError> {
        match self.text(name) {
            "" => Ok(0),
            text => text.parse().map_err(|_| wrong(name)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let all: Vec<_> = decoded(parts.uri.query().unwrap_or_default())
            .into_iter()
            .map(|(name, value)| (camel(&name), value))
            .collect();
        // A list of messages has no form in a query string, so labels cannot be filtered by over REST.
        if all.iter().any(|(name, _)| name.ends_with(".labels.labels")) {
            return Err(ApiError::invalid("unsupported field type in query: labels.labels"));
        }
        Ok(Self(all))
    }
}
