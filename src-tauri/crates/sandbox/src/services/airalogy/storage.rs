//! The storage that temporary links lead to: `GET` only, with ranges, and no key.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};

use super::Airalogy;
use super::answer::KEY_HEADER;
use crate::services::nrp::download::{Wanted, wanted};
use crate::signed_links::Refusal;

fn fault(status: StatusCode, code: &str, message: &str) -> Response {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

/// Any request to the storage.
pub(crate) async fn answer(State(airalogy): State<Arc<Airalogy>>, request: Request<Body>) -> Response {
    let (parts, _) = request.into_parts();
    if parts.headers.contains_key(KEY_HEADER) || parts.headers.contains_key(header::AUTHORIZATION) {
        return fault(StatusCode::BAD_REQUEST, "InvalidArgument", "Only one auth mechanism allowed");
    }
    if parts.method != Method::GET {
        return fault(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", "The link was made for GET");
    }
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    match airalogy.lab.links.check("GET", host, path, query, airalogy.lab.clock.now()) {
        Ok(()) => {}
        Err(Refusal::Expired) => return fault(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"),
        Err(Refusal::NotSigned) => return fault(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        Err(Refusal::Mismatch) => {
            return fault(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", "The signature does not match");
        }
    }
    let blob = path.strip_prefix("/airalogy/");
    let file = airalogy.world().files.values().find(|file| file.piece.blob.as_deref() == blob).cloned();
    match file {
        Some(file) => content(&airalogy, &file, &parts.headers),
        None => fault(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist."),
    }
}

fn content(airalogy: &Airalogy, file: &super::world::File, headers: &HeaderMap) -> Response {
    let size = file.piece.length;
    let tag = format!("\"{}\"", file.md5);
    let names_tag =
        |name| headers.get(name).is_none_or(|asked: &HeaderValue| asked.as_bytes() == tag.as_bytes());
    if !names_tag(header::IF_MATCH) {
        return fault(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", "The object is another one");
    }
    let asked = if names_tag(header::IF_RANGE) { wanted(headers, size) } else { Wanted::Everything };
    let (status, range) = match asked {
        Wanted::Everything => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Unsatisfiable => {
            return fault(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "InvalidRange",
                "The requested range is not satisfiable",
            );
        }
    };
    let mut told = vec![
        (header::CONTENT_LENGTH, (range.end - range.start).to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, tag),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        told.push((header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1)));
    }
    let body = airalogy.lab.blobs.read(vec![file.piece.clone()], range);
    let mut response = (status, body).into_response();
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
