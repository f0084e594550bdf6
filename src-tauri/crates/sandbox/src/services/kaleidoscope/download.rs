//! Files going out, by id alone or within an activity, from here or from a storage host.

use std::ops::Range;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use super::Kaleidoscope;
use super::answer::ApiError;
use super::callers::{TOKEN_HEADER, Workspace};
use super::world::StoredFile;

type Shared = State<Arc<Kaleidoscope>>;

/// Seconds a link to the storage host lives.
const LINK_SECONDS: i64 = 60;

/// `GET /files/{id}`
pub(crate) async fn by_id(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = kaleidoscope.world().contents().file(&id).cloned();
    let file = file.filter(|file| file.workspace == workspace).ok_or_else(|| ApiError::not_found("File"))?;
    kaleidoscope.give(&file, &headers)
}

/// `GET /activities/{id}/file/{file}`: only what belongs to the activity.
pub(crate) async fn in_activity(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path((activity, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = {
        let world = kaleidoscope.world();
        let contents = world.contents();
        let registered = contents
            .registrations
            .iter()
            .any(|registration| registration.activity == activity && registration.file == id);
        let file = contents.file(&id).filter(|file| file.workspace == workspace);
        file.filter(|file| registered || file.activity.as_ref() == Some(&activity)).cloned()
    };
    kaleidoscope.give(&file.ok_or_else(|| ApiError::not_found("File"))?, &headers)
}

impl Kaleidoscope {
    fn give(&self, file: &StoredFile, headers: &HeaderMap) -> Result<Response, ApiError> {
        if self.switches().redirects {
            let path = format!("/files/{}", file.id);
            let link = self.lab.links.sign("GET", &path, &[], self.now(), LINK_SECONDS);
            return Ok((StatusCode::FOUND, [(header::LOCATION, link)]).into_response());
        }
        Ok(self.bytes(file, headers))
    }

    fn bytes(&self, file: &StoredFile, headers: &HeaderMap) -> Response {
        let switches = self.switches();
        let tag = format!("\"{}\"", file.id.replace('-', ""));
        let (status, range) = match headers.get(header::RANGE).and_then(|range| range.to_str().ok()) {
            Some(text) if switches.ranges => match wanted(text, file.size) {
                Some(range) => (StatusCode::PARTIAL_CONTENT, range),
                None => {
                    let told = format!("bytes */{}", file.size);
                    return (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, told)])
                        .into_response();
                }
            },
            _ => (StatusCode::OK, 0..file.size),
        };
        let mut told = HeaderMap::new();
        let mut tell = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                told.insert(name, value);
            }
        };
        tell(header::CONTENT_TYPE, &file.media_type);
        if switches.ranges {
            tell(header::ACCEPT_RANGES, "bytes");
        }
        if switches.etags {
            tell(header::ETAG, &tag);
        }
        if switches.dispositions {
            tell(header::CONTENT_DISPOSITION, &disposition(&file.name));
        }
        if status == StatusCode::PARTIAL_CONTENT {
            tell(
                header::CONTENT_RANGE,
                &format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), file.size),
            );
        }
        if switches.lengths {
            tell(header::CONTENT_LENGTH, &(range.end - range.start).to_string());
        }
        (status, told, self.lab.blobs.read(file.pieces.clone(), range)).into_response()
    }
}

/// One range of bytes, open at its end or not; nothing where it cannot be had.
fn wanted(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.trim().parse().ok()?;
    let last = if last.trim().is_empty() { u64::MAX } else { last.trim().parse().ok()? };
    (first < size && first <= last).then(|| first..size.min(last.saturating_add(1)))
}

/// The name twice, as RFC 6266 has it: for old clients, and as it is.
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\;%".contains(c) { c } else { '_' }).collect();
    let exact = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

/// The storage host. It knows no tokens, and a request that carries one is refused: the client leaked it.
pub(crate) async fn storage(State(kaleidoscope): Shared, request: Request<Body>) -> Response {
    let headers = request.headers();
    let refuse = |code: &str| {
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
        (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "application/xml")], text).into_response()
    };
    if headers.contains_key(TOKEN_HEADER) || headers.contains_key(header::AUTHORIZATION) {
        return refuse("InvalidRequest");
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let uri: &Uri = request.uri();
    let now = kaleidoscope.now();
    let checked = kaleidoscope.lab.links.check("GET", host, uri.path(), uri.query().unwrap_or_default(), now);
    if checked.is_err() {
        return refuse("AccessDenied");
    }
    let id = uri.path().trim_start_matches("/files/");
    let file = kaleidoscope.world().contents().file(id).cloned();
    match file {
        Some(file) => kaleidoscope.bytes(&file, headers),
        None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
    }
}
