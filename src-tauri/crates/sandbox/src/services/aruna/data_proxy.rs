//! The data proxy: the small part of S3 that the service's links need. It knows no tokens and refuses them.
//!
//! It finds an object by bucket and key, not by id: a `PUT` after the object became available begins a new revision.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::percent_decode_str;

use super::Aruna;
use super::finalise::mismatch;
use super::staging::{blank, make_available, tag};
use super::switches::{Etags, Ranges};
use super::world::{Content, Object, Status, World};
use crate::blobs::{Arrived, ReceiveError, length};
use crate::clock::short_time;
use crate::services::nrp::download::{Wanted, wanted};
use crate::signed_links::{Refusal, decoded};

/// Bytes of the largest part and of the largest single request.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;
/// Up to here v1 answers a range with one byte too many.
const SMALL: u64 = 5 * 1024 * 1024;

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
        Self::new(500, "InternalError", "Internal Error")
    }

    fn not_implemented() -> Self {
        Self::new(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented.",
        )
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message>{}</Error>",
            self.code, self.message, self.more
        );
        (self.status, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
    }
}

/// Any request to the data proxy.
pub(crate) async fn answer(State(aruna): State<Arc<Aruna>>, request: Request<Body>) -> Response {
    serve(&aruna, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn serve(aruna: &Arc<Aruna>, request: Request<Body>) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    check_link(aruna, &parts.method, &parts.headers, parts.uri.path(), query)?;
    let query = decoded(query);
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let (bucket, key) = path
        .trim_start_matches('/')
        .split_once('/')
        .ok_or_else(|| Fault::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    match (&parts.method, value("uploadId"), value("partNumber")) {
        (&Method::PUT, Some(upload), Some(number)) => {
            let number = number.parse().ok().filter(|number| (1..=10_000).contains(number));
            let number = number.ok_or_else(|| {
                Fault::new(400, "InvalidArgument", "Part number must be an integer between 1 and 10000")
            })?;
            let arrived = receive(aruna, &parts.headers, body).await?;
            put_part(aruna, bucket, key, &upload, number, arrived)
        }
        (&Method::PUT, None, None) => {
            let told = (text(&parts.headers, "content-md5"), text(&parts.headers, "x-amz-checksum-sha256"));
            let arrived = receive(aruna, &parts.headers, body).await?;
            let aruna = Arc::clone(aruna);
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            // The whole is hashed before the answer.
            tokio::task::spawn_blocking(move || put_object(&aruna, &bucket, &key, arrived, &told))
                .await
                .map_err(|_| Fault::internal())?
        }
        (&Method::GET | &Method::HEAD, None, None) => {
            get_object(aruna, bucket, key, &parts.method, &parts.headers)
        }
        _ => Err(Fault::not_implemented()),
    }
}

fn check_link(
    aruna: &Aruna,
    method: &Method,
    headers: &HeaderMap,
    path: &str,
    query: &str,
) -> Result<(), Fault> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(Fault::new(400, "InvalidArgument", "Only one auth mechanism allowed"));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let now = aruna.now();
    aruna.lab.links.check(method.as_str(), host, path, query, now).map_err(|refusal| match refusal {
        Refusal::NotSigned => Fault::new(403, "AccessDenied", "Access Denied"),
        Refusal::Mismatch => Fault::new(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ),
        Refusal::Expired => Fault {
            more: format!("<ServerTime>{}</ServerTime>", short_time(now)),
            ..Fault::new(403, "AccessDenied", "Request has expired")
        },
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn receive(aruna: &Aruna, headers: &HeaderMap, body: Body) -> Result<Arrived, Fault> {
    let told: Option<u64> = text(headers, "content-length").and_then(|length| length.parse().ok());
    if told.is_none_or(|length| length == 0) {
        return Err(Fault::new(
            411,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        ));
    }
    aruna.lab.blobs.receive(body, LARGEST).await.map_err(|error| match error {
        ReceiveError::Broken => {
            Fault::new(400, "UnexpectedContent", "This request does not support content.")
        }
        ReceiveError::TooLarge => {
            Fault::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        }
        ReceiveError::Disk(_) => Fault::internal(),
    })
}

/// Staging objects are looked for by key, in any collection; the bucket only breaks a tie.
fn staged<'a>(world: &'a World, bucket: &str, key: &str) -> Option<&'a Object> {
    let by_key = || world.objects.values().filter(|object| object.is_staging() && object.key() == key);
    let is_here = |object: &&Object| world.bucket(&object.home).as_deref() == Some(bucket);
    by_key().find(is_here).or_else(|| by_key().next())
}

fn put_object(
    aruna: &Aruna,
    bucket: &str,
    key: &str,
    arrived: Arrived,
    (told_md5, told_sha256): &(Option<String>, Option<String>),
) -> Result<Response, Fault> {
    let mut world = aruna.world();
    let mut object = match staged(&world, bucket, key) {
        Some(object) if object.status == Status::Initializing => object.clone(),
        // While it is finalised nothing is taken.
        Some(_) => return Err(Fault::internal()),
        None => next_revision(aruna, &world, bucket, key)?,
    };
    let md5 = arrived.md5.clone();
    let pieces = vec![arrived.keep().map_err(|_| Fault::internal())?];
    let digests = aruna.lab.blobs.digest(&pieces).map_err(|_| Fault::internal())?;
    // Compared as text with lower-case hexadecimal: the base 64 that S3 wants is never right here.
    let differs = told_md5.as_ref().is_some_and(|told| *told != md5)
        || told_sha256.as_ref().is_some_and(|told| *told != digests.sha256)
        || mismatch(object.declared.as_ref(), &digests).is_some();
    if differs {
        for blob in pieces.iter().filter_map(|piece| piece.blob.as_deref()) {
            aruna.lab.blobs.remove(blob);
        }
        return Err(Fault::new(400, "InvalidDigest", "The Content-MD5 you specified is not valid."));
    }
    let (id, sha256) = (object.id.clone(), digests.sha256.clone());
    object.content = Some(Content { pieces, digests: Some(digests), outside: None });
    make_available(aruna, &mut world, object).map_err(|_| Fault::internal())?;
    // A minus sign and the object's id, without quotes.
    Ok((StatusCode::OK, [("etag", format!("-{id}")), ("x-amz-checksum-sha256", sha256)]).into_response())
}

/// What a `PUT` to the path of an available object silently begins.
fn next_revision(aruna: &Aruna, world: &World, bucket: &str, key: &str) -> Result<Object, Fault> {
    let collection = world
        .collection_of_bucket(bucket)
        .ok_or_else(|| Fault::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    let before = world
        .at_path(&collection.id, key)
        .ok_or_else(|| Fault::new(404, "NoSuchKey", "The specified key does not exist."))?;
    let mut next = blank(aruna, &collection.id);
    next.origin.clone_from(&before.origin);
    next.revision = before.revision + 1;
    next.filename.clone_from(&before.filename);
    next.sub_path.clone_from(&before.sub_path);
    next.labels.clone_from(&before.labels);
    next.hooks.clone_from(&before.hooks);
    next.data_class.clone_from(&before.data_class);
    Ok(next)
}

fn put_part(
    aruna: &Aruna,
    bucket: &str,
    key: &str,
    upload: &str,
    number: u32,
    arrived: Arrived,
) -> Result<Response, Fault> {
    let mut world = aruna.world();
    match world.of_upload(upload) {
        Some(object) if object.status == Status::Initializing => {}
        Some(object) if object.status == Status::Available => {
            // A late part: a revision is begun, the request fails, and the revision stays in the way.
            let (origin, is_free) =
                (object.origin.clone(), world.revisions(&object.origin).iter().all(|one| !one.is_staging()));
            if is_free {
                let mut next = next_revision(aruna, &world, bucket, key)?;
                next.origin = origin;
                world.put(next).map_err(|_| Fault::internal())?;
            }
            return Err(Fault::internal());
        }
        // An unknown upload is told like any other failure of the storage behind.
        _ => return Err(Fault::internal()),
    }
    let md5 = arrived.md5.clone();
    let piece = arrived.keep().map_err(|_| Fault::internal())?;
    world.add_part(upload, number, piece, md5.clone()).map_err(|_| Fault::internal())?;
    let etags = aruna.switches().etags;
    let bare = tag(&etags, upload, &md5);
    let etag = match etags {
        Etags::Odd => format!("-\"{bare}\""),
        Etags::Plain => format!("\"{bare}\""),
    };
    Ok((StatusCode::OK, [(header::ETAG, etag)]).into_response())
}

fn get_object(
    aruna: &Aruna,
    bucket: &str,
    key: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    let (object, content) = {
        let world = aruna.world();
        let collection = world
            .collection_of_bucket(bucket)
            .ok_or_else(|| Fault::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
        let object = world.at_path(&collection.id, key);
        object
            .and_then(|object| Some((object.clone(), object.content.clone()?)))
            .filter(|(_, content)| content.outside.is_none())
            .ok_or_else(|| Fault::new(404, "NoSuchKey", "The specified key does not exist."))?
    };
    let size = length(&content.pieces);
    let how = aruna.switches().ranges;
    let (status, range) = match (wanted(headers, size), how) {
        (Wanted::Unsatisfiable, _) => {
            return Err(Fault::new(416, "InvalidRange", "The requested range is not satisfiable"));
        }
        (Wanted::Everything, _) | (_, Ranges::Ignored) => (StatusCode::OK, 0..size),
        (Wanted::Part(range), Ranges::Proper) => (StatusCode::PARTIAL_CONTENT, range),
        (Wanted::Part(range), Ranges::SliceWith200) if size <= SMALL => {
            (StatusCode::OK, range.start..(range.end + 1).min(size))
        }
        (Wanted::Part(range), Ranges::SliceWith200) => (StatusCode::OK, range),
    };
    let mut told = HeaderMap::new();
    told.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    told.insert("x-amz-version-id", HeaderValue::from(object.revision));
    let minus = if method == Method::HEAD { "" } else { "-" };
    let modified = httpdate::fmt_http_date(object.created.into());
    for (name, value) in [(header::ETAG, format!("{minus}{}", object.id)), (header::LAST_MODIFIED, modified)]
    {
        told.insert(name, HeaderValue::from_str(&value).map_err(|_| Fault::internal())?);
    }
    if how == Ranges::Proper {
        told.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let text = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
        if status == StatusCode::PARTIAL_CONTENT {
            told.insert(header::CONTENT_RANGE, HeaderValue::from_str(&text).map_err(|_| Fault::internal())?);
        }
    }
    let body =
        if method == Method::HEAD { Body::empty() } else { aruna.lab.blobs.read(content.pieces, range) };
    Ok((status, told, body).into_response())
}
