//! What stands before every service: notes the request, lets the scripted faults strike, then hands on to the service.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

use crate::faults::{Action, Asked, Side};
use crate::metered::{Meter, Tampering, metered};
use crate::request_log::Seen;
use crate::server::Lab;
use crate::services::LabServer;
use crate::signed_links::decoded;
use crate::strange;

/// One way into the lab.
pub(crate) struct Door {
    pub(crate) lab: Arc<Lab>,
    pub(crate) server: Arc<dyn LabServer>,
    /// `service` or `storage`.
    pub(crate) name: &'static str,
    pub(crate) router: Router,
}

/// The connection is to be dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("dropped by a fault rule")]
pub(crate) struct Dropped;

impl Door {
    /// Answers one request, or says that the connection must be dropped.
    pub(crate) async fn pass(&self, request: Request<Body>) -> Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        let actions = self.lab.faults.strike(&Asked {
            service: self.server.key(),
            door: self.name,
            method: parts.method.as_str(),
            path: parts.uri.path(),
        });
        let seen = Arc::new(self.note(&parts, &actions));
        self.lab.log.add(Arc::clone(&seen));

        for action in &actions {
            if let Some(delay) = action.delay_ms {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            if action.expire_links {
                self.lab.expire_links();
            }
        }
        let is_head = parts.method == Method::HEAD;
        let body = metered(body, Arc::clone(&seen.received), tampering(&actions, Side::Request));
        let response = match actions.iter().find_map(|action| action.status.map(|status| (status, action))) {
            Some((status, action)) => {
                read_away(body).await;
                scripted(status, action)
            }
            None => answer(&self.router, Request::from_parts(parts, body)).await,
        };
        let response = match actions.iter().find_map(|action| action.answer) {
            Some(how) => strange::changed(response, how).await,
            None => response,
        };
        let was_cut = seen.received.was_cut.load(Ordering::Relaxed);
        if was_cut || actions.iter().any(|action| action.lose_answer) {
            return Err(Dropped);
        }
        let response = match actions.iter().any(|action| action.wrong_digests) {
            true => with_wrong_digests(response, &seen).await,
            false => response,
        };
        // Nobody else answers this request.
        let _ = seen.answer.set((response.status().as_u16(), self.lab.clock.now()));
        Ok(watched(response, is_head, &seen, tampering(&actions, Side::Response)))
    }

    fn note(&self, parts: &http::request::Parts, actions: &[Action]) -> Seen {
        let mut query = decoded(parts.uri.query().unwrap_or_default());
        // A signed link is a secret, also where requests are shown.
        query.retain(|(name, _)| name != "X-Amz-Signature" && name != "access_token");
        Seen {
            service: self.server.key(),
            door: self.name,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            part: self.server.part_of(parts.uri.path(), &query),
            query,
            host: text(&parts.headers, &header::HOST),
            range: text(&parts.headers, &header::RANGE),
            had_authorization: CREDENTIALS.iter().any(|name| parts.headers.contains_key(*name)),
            headers: shown(&parts.headers),
            at: self.lab.clock.now(),
            received: Arc::default(),
            sent: Arc::default(),
            answer: OnceLock::new(),
            wrong_digests: AtomicU16::new(0),
            faults: actions.iter().filter_map(|action| serde_json::to_value(action).ok()).collect(),
        }
    }
}

/// Changes the first digit of every digest in a JSON answer. Other answers stay as they are.
async fn with_wrong_digests(response: Response<Body>, seen: &Seen) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.contains("json")) {
        return Response::from_parts(parts, body);
    }
    // What a service says of its files in one answer is far below this.
    let mut text = match axum::body::to_bytes(body, LARGEST_ANSWER).await {
        Ok(bytes) => bytes.to_vec(),
        Err(_) => Vec::new(),
    };
    let changed = spoil_digests(&mut text);
    seen.wrong_digests.store(changed, Ordering::Relaxed);
    Response::from_parts(parts, Body::from(text))
}

/// Longest answer that is looked through for digests, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;

/// How many digests there were.
fn spoil_digests(text: &mut [u8]) -> u16 {
    let mut changed = 0;
    for piece in text.split_mut(|byte| !byte.is_ascii_hexdigit()) {
        if matches!(piece.len(), 32 | 64)
            && let Some(digit) = piece.first_mut()
        {
            *digit = if *digit == b'0' { b'1' } else { b'0' };
            changed += 1;
        }
    }
    changed
}

/// Headers that carry a credential of one of the services.
const CREDENTIALS: [&str; 4] = ["authorization", "airalogy-api-key", "x-api-key", "x-kal-authorization"];

/// The headers, with no more than the scheme of the one that is meant to hold a credential.
fn shown(headers: &HeaderMap) -> BTreeMap<String, String> {
    let value = |name: &header::HeaderName, value: &http::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if *name == header::AUTHORIZATION {
            text.split(' ').next().unwrap_or_default().to_owned()
        } else if CREDENTIALS.contains(&name.as_str()) {
            "(a key)".to_owned()
        } else {
            text
        }
    };
    headers.iter().map(|(name, text)| (name.to_string(), value(name, text))).collect()
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn tampering(actions: &[Action], side: Side) -> Tampering {
    let mut struck = actions.iter().filter(|action| action.side == side);
    Tampering {
        cut_after: struck.clone().filter_map(|action| action.cut_after).min(),
        flip: struck.find_map(|action| action.flip),
    }
}

async fn read_away(body: Body) {
    let mut stream = body.into_data_stream();
    while let Some(Ok(_)) = stream.next().await {}
}

async fn answer(router: &Router, request: Request<Body>) -> Response<Body> {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => {
            let never: Infallible = never;
            match never {}
        }
    }
}

fn scripted(status: u16, action: &Action) -> Response<Body> {
    let (kind, body) = match &action.body {
        Some(Value::String(text)) => ("text/plain; charset=utf-8", text.clone()),
        Some(json) => ("application/json", json.to_string()),
        None => {
            ("application/json", format!(r#"{{"status": {status}, "message": "Scripted by a fault rule."}}"#))
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    for (name, value) in &action.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse()) {
            headers.insert(name, value);
        }
    }
    response
}

/// Counts the answer's bytes and lets faults at them. A watched body has no known length, so it is told beforehand.
fn watched(response: Response<Body>, is_head: bool, seen: &Seen, tampering: Tampering) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let is_bodiless = is_head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if is_bodiless {
        return Response::from_parts(parts, body);
    }
    if let Some(length) = body.size_hint().exact()
        && !parts.headers.contains_key(header::CONTENT_LENGTH)
    {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    let sent: Arc<Meter> = Arc::clone(&seen.sent);
    Response::from_parts(parts, metered(body, sent, tampering))
}

#[cfg(test)]
mod tests {
    use super::spoil_digests;

    #[test]
    fn digests_are_made_wrong_and_nothing_else() {
        let md5 = "0cc175b9c0f1b6a831c399e269772661";
        let id = "0190c7a1-1111-7222-8333-444455556666";
        let mut text =
            format!(r#"{{"checksum": "md5:{md5}", "id": "{id}", "sha256": "{md5}{md5}"}}"#).into_bytes();
        let length = text.len();
        assert_eq!(spoil_digests(&mut text), 2);
        let text = String::from_utf8_lossy(&text);
        assert_eq!(text.len(), length);
        assert!(
            text.contains(id) && text.contains("md5:1cc175b9") && !text.contains(&format!(":{md5}")),
            "{text}"
        );
    }
}
