//! The storage host behind signed links: takes parts, gives objects, in S3's manner. It knows no tokens and refuses them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use uuid::Uuid;

use super::Nrp;
use super::download::{bytes, wanted};
use super::entry_json::object_path;
use super::transfer::keep_part;
use super::world::Content;
use crate::blobs::ReceiveError;
use crate::clock::short_time;
use crate::signed_links::{Refusal, decoded};

/// Bytes of the largest part S3 takes.
const LARGEST_PART: u64 = 5 * 1024 * 1024 * 1024;

/// An error document.
struct Fault {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    more: String,
}

impl Fault {
    fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message, more: String::new() }
    }

    fn internal() -> Self {
        Self::new(500, "InternalError", "We encountered an internal error. Please try again.")
    }

    fn no_such_upload() -> Self {
        Self::new(404, "NoSuchUpload", "The specified multipart upload does not exist.")
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{}<RequestId>{}</RequestId></Error>",
            self.code,
            self.message,
            self.more,
            Uuid::new_v4().simple()
        );
        (self.status, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
    }
}

/// Any request to the storage host.
pub(crate) async fn answer(State(nrp): State<Arc<Nrp>>, request: Request<Body>) -> Response {
    serve(&nrp, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn serve(nrp: &Nrp, request: Request<Body>) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    check_link(nrp, &parts.method, &parts.headers, parts.uri.path(), query)?;
    let query = decoded(query);
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    match (&parts.method, value("uploadId"), value("partNumber")) {
        (&Method::PUT, Some(upload), Some(number)) => {
            let number =
                number.parse().ok().filter(|number| (1..=10_000).contains(number)).ok_or_else(|| {
                    Fault::new(
                        400,
                        "InvalidArgument",
                        "Part number must be an integer between 1 and 10000, inclusive",
                    )
                })?;
            put_part(nrp, upload, number, &parts.headers, body).await
        }
        (&Method::GET, None, None) => get_object(nrp, parts.uri.path(), &parts.headers, &value),
        _ => Err(Fault::new(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )),
    }
}

fn check_link(nrp: &Nrp, method: &Method, headers: &HeaderMap, path: &str, query: &str) -> Result<(), Fault> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(Fault::new(
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or \
             the Authorization header should be specified",
        ));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let now = nrp.now();
    nrp.lab.links.check(method.as_str(), host, path, query, now).map_err(|refusal| match refusal {
        Refusal::NotSigned => Fault::new(403, "AccessDenied", "Access Denied"),
        Refusal::Mismatch => Fault::new(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        ),
        Refusal::Expired => Fault {
            more: format!("<ServerTime>{}</ServerTime>", short_time(now)),
            ..Fault::new(403, "AccessDenied", "Request has expired")
        },
    })
}

async fn put_part(
    nrp: &Nrp,
    upload: &str,
    number: u32,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    if nrp.world().upload_place(upload).is_none() {
        return Err(Fault::no_such_upload());
    }
    if !headers.contains_key(header::CONTENT_LENGTH) {
        return Err(Fault::new(
            411,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        ));
    }
    let told_md5 = match headers.get("content-md5") {
        None => None,
        Some(text) => {
            Some(STANDARD.decode(text.as_bytes()).ok().filter(|md5| md5.len() == 16).ok_or_else(|| {
                Fault::new(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
            })?)
        }
    };
    let arrived = nrp.lab.blobs.receive(body, LARGEST_PART).await.map_err(|error| match error {
        ReceiveError::Broken => Fault::new(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        ReceiveError::TooLarge => {
            Fault::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        }
        ReceiveError::Disk(_) => Fault::internal(),
    })?;
    if told_md5.is_some_and(|told| hex::encode(told) != arrived.md5) {
        return Err(Fault::new(
            400,
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
        ));
    }
    let tag = format!("\"{}\"", arrived.md5);
    keep_part(nrp, upload, number, arrived).map_err(|_| Fault::no_such_upload())?;
    Ok((StatusCode::OK, [(header::ETAG, tag)]).into_response())
}

fn get_object<'a>(
    nrp: &Nrp,
    path: &str,
    headers: &HeaderMap,
    value: &impl Fn(&str) -> Option<&'a str>,
) -> Result<Response, Fault> {
    let content =
        stored(nrp, path).ok_or_else(|| Fault::new(404, "NoSuchKey", "The specified key does not exist."))?;
    let whole = content.checksum.as_deref().map(|checksum| checksum.trim_start_matches("md5:"));
    let tag = content.storage_tag.as_deref().or(whole).map(|tag| format!("\"{tag}\""));
    if let (Some(asked), Some(tag)) = (headers.get(header::IF_MATCH), &tag)
        && asked.as_bytes() != tag.as_bytes()
    {
        return Err(Fault::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        ));
    }
    let mut response = bytes(nrp, &content, &Method::GET, wanted(headers, content.size))
        .ok_or_else(|| Fault::new(416, "InvalidRange", "The requested range is not satisfiable"))?;
    let told = [
        (header::CONTENT_TYPE, value("response-content-type")),
        (header::CONTENT_DISPOSITION, value("response-content-disposition")),
        (header::ACCEPT_RANGES, Some("bytes")),
        (header::ETAG, tag.as_deref()),
    ];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn stored(nrp: &Nrp, path: &str) -> Option<Content> {
    let world = nrp.world();
    let files = world
        .records()
        .flat_map(|record| record.draft.iter().chain(&record.published))
        .flat_map(|edition| edition.files.values());
    files.filter(|file| object_path(&file.file_id) == path).find_map(|file| file.content.clone())
}
