//! Answers of another shape than documented, made from the right ones.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures_util::stream;
use http::{Response, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A JSON answer longer than this is left as it is.
const LONGEST: usize = 16 << 20;
/// What an endless answer ends with after all: a gigabyte, in pieces of this size.
const PIECE: usize = 1 << 16;
const PIECES: usize = 1 << 14;

/// How an answer is changed. All but the last are about JSON answers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strange {
    /// Every object has members that nobody documented.
    UnknownMembers,
    /// Every object has lost all its members.
    NoMembers,
    /// Texts are numbers, numbers are texts, lists are objects.
    OtherTypes,
    /// A gigabyte of JSON.
    Endless,
    /// A web page, with the right status.
    WebPage,
}

/// The changed answer.
pub(crate) async fn changed(response: Response<Body>, how: Strange) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("json")));
    if !is_json && how != Strange::WebPage {
        return Response::from_parts(parts, body);
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = match how {
        Strange::Endless => endless(),
        Strange::WebPage => {
            let kind = header::HeaderValue::from_static("text/html; charset=utf-8");
            parts.headers.insert(header::CONTENT_TYPE, kind);
            parts.headers.remove(header::CONTENT_RANGE);
            parts.headers.remove(header::ETAG);
            parts.status = http::StatusCode::OK;
            Body::from("<!doctype html><title>Welcome</title><p>Please sign in to the network.")
        }
        _ => match to_bytes(body, LONGEST).await {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(value) => Body::from(reshaped(value, how).to_string()),
                Err(_) => Body::from(bytes),
            },
            Err(_) => Body::empty(),
        },
    };
    Response::from_parts(parts, body)
}

fn endless() -> Body {
    let first = std::iter::once(Bytes::from_static(b"[\"\""));
    let piece = Bytes::from(",\"filler\"".repeat(PIECE / 9));
    let rest = std::iter::repeat_n(piece, PIECES);
    let end = std::iter::once(Bytes::from_static(b"]"));
    Body::from_stream(stream::iter(first.chain(rest).chain(end).map(Ok::<_, std::io::Error>)))
}

fn reshaped(value: Value, how: Strange) -> Value {
    match (value, how) {
        (Value::Object(_), Strange::NoMembers) => json!({}),
        (Value::Object(members), _) => {
            let mut members: serde_json::Map<String, Value> =
                members.into_iter().map(|(name, value)| (name, reshaped(value, how))).collect();
            if how == Strange::UnknownMembers {
                members.insert("x_added_lately".to_owned(), json!({ "deep": [1, { "er": null }] }));
                members.insert("a_flag".to_owned(), Value::Bool(true));
            }
            Value::Object(members)
        }
        (Value::Array(items), Strange::OtherTypes) => {
            let members = (0..).zip(items).map(|(at, item): (u32, _)| (at.to_string(), reshaped(item, how)));
            Value::Object(members.collect())
        }
        (Value::Array(items), _) => items.into_iter().map(|item| reshaped(item, how)).collect(),
        (Value::String(text), Strange::OtherTypes) => json!(text.len()),
        (Value::Number(number), Strange::OtherTypes) => json!(format!("number {number}")),
        (Value::Bool(is), Strange::OtherTypes) => json!([is]),
        (Value::Null, Strange::OtherTypes) => json!(0),
        (value, _) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_get_another_shape() {
        let value = json!({ "id": "a", "list": [{ "n": 1 }], "none": null });
        assert_eq!(
            reshaped(value.clone(), Strange::OtherTypes),
            json!({ "id": 1, "list": { "0": { "n": "number 1" } }, "none": 0 })
        );
        assert_eq!(reshaped(value.clone(), Strange::NoMembers), json!({}));
        let more = reshaped(value, Strange::UnknownMembers);
        assert_eq!((&more["id"], &more["list"][0]["a_flag"]), (&json!("a"), &json!(true)));
    }
}
