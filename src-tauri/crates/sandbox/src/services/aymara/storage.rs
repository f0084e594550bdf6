//! The storage that links lead to: takes whole objects, gives them with ranges, and knows no keys.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};

use super::Aymara;
use super::answer::KEY_HEADER;
use super::frames::{frame_of, picture};
use crate::blobs::ReceiveError;
use crate::services::nrp::download::{Wanted, wanted};
use crate::signed_links::Refusal;

/// Bytes of the largest object S3 takes in one request.
const LARGEST: u64 = 5 << 30;

fn fault(status: StatusCode, code: &str, message: &str) -> Response {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
}

/// Any request to the storage.
pub(crate) async fn answer(State(aymara): State<Arc<Aymara>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(KEY_HEADER) || parts.headers.contains_key(header::AUTHORIZATION) {
        return fault(StatusCode::BAD_REQUEST, "InvalidArgument", "Only one auth mechanism allowed");
    }
    let mismatch =
        || fault(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", "The request signature does not match");
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    match aymara.lab.links.check(parts.method.as_str(), host, path, query, aymara.lab.clock.now()) {
        Ok(()) => {}
        Err(Refusal::Expired) => return fault(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"),
        Err(Refusal::NotSigned) => return fault(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        Err(Refusal::Mismatch) => return mismatch(),
    }
    let object = path.strip_prefix("/aymara/").unwrap_or_default();
    match parts.method {
        Method::GET => get(&aymara, object, &parts.headers),
        Method::PUT => put(&aymara, object, &parts.headers, body).await,
        _ => mismatch(),
    }
}

async fn put(aymara: &Aymara, object: &str, headers: &HeaderMap, body: Body) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(length) = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) else {
        let words = "You must provide the Content-Length HTTP header.";
        return fault(StatusCode::LENGTH_REQUIRED, "MissingContentLength", words);
    };
    if length > LARGEST {
        let words = "Your proposed upload exceeds the maximum allowed size";
        return fault(StatusCode::BAD_REQUEST, "EntityTooLarge", words);
    }
    let announced = {
        let world = aymara.world();
        let file = world.files.iter().find(|(_, file)| file.object == object);
        file.map(|(uuid, file)| (*uuid, file.content_type.clone(), file.type_was_named))
    };
    let Some((uuid, content_type, type_was_named)) = announced else {
        return fault(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist");
    };
    if aymara.switches().bind_content_type
        && type_was_named
        && text(header::CONTENT_TYPE) != Some(content_type.as_str())
    {
        let words = "The request signature does not match: Content-Type is signed";
        return fault(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", words);
    }
    let internal = || fault(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "We encountered an error.");
    let arrived = match aymara.lab.blobs.receive(body, LARGEST).await {
        Ok(arrived) if arrived.size == length => arrived,
        Ok(_) | Err(ReceiveError::Broken | ReceiveError::TooLarge) => {
            return fault(StatusCode::BAD_REQUEST, "IncompleteBody", "The body is not as long as announced");
        }
        Err(ReceiveError::Disk(_)) => return internal(),
    };
    let md5 = arrived.md5.clone();
    let Ok(piece) = arrived.keep() else { return internal() };
    let mut world = aymara.world();
    if let Some(file) = world.files.get_mut(&uuid) {
        // The service itself learns nothing of it; the storage takes bytes also for what was removed meanwhile.
        let before = file.content.replace((piece, md5.clone()));
        if let Some(blob) = before.and_then(|(piece, _)| piece.blob) {
            aymara.lab.blobs.remove(&blob);
        }
    }
    if world.save().is_err() {
        return internal();
    }
    (StatusCode::OK, [(header::ETAG, format!("\"{md5}\""))]).into_response()
}

fn get(aymara: &Aymara, object: &str, headers: &HeaderMap) -> Response {
    if let Some((_, number)) = frame_of(object) {
        return ([(header::CONTENT_TYPE, "image/bmp")], picture(number)).into_response();
    }
    let content = {
        let world = aymara.world();
        let file = world.files.values().find(|file| file.object == object);
        file.and_then(|file| Some((file.content_type.clone(), file.content.clone()?)))
    };
    let Some((content_type, (piece, md5))) = content else {
        return fault(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
    };
    let size = piece.length;
    let tag = format!("\"{md5}\"");
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
            let words = "The requested range is not satisfiable";
            return fault(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", words);
        }
    };
    let mut told = vec![
        (header::CONTENT_LENGTH, (range.end - range.start).to_string()),
        (header::CONTENT_TYPE, content_type),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, tag),
    ];
    if status == StatusCode::PARTIAL_CONTENT {
        let told_range = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        told.push((header::CONTENT_RANGE, told_range));
    }
    let mut response = (status, aymara.lab.blobs.read(vec![piece], range)).into_response();
    for (name, value) in told {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
