//! Bytes going out, from the repository's own disk or by a signed link.

use std::ops::Range;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::Nrp;
use super::answer::ApiError;
use super::entry_json::{mimetype, object_path};
use super::switches::Storage;
use super::world::{Content, FileEntry};

/// What a `Range` header asks for.
pub(crate) enum Wanted {
    Everything,
    Part(Range<u64>),
    Unsatisfiable,
}

/// `GET` and `HEAD` of a file's content.
pub(crate) fn content(
    nrp: &Nrp,
    file: &FileEntry,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let Some(content) = &file.content else {
        // Unfinished files: forbidden when they come in parts, and a server error otherwise.
        return Err(if file.multipart.is_some() {
            ApiError::permission_denied()
        } else {
            ApiError::internal()
        });
    };
    if file.key.chars().any(char::is_control) {
        // It would have to stand in a header.
        return Err(ApiError::internal());
    }
    let switches = nrp.switches();
    if switches.storage == Storage::Signed {
        return Ok(redirect(nrp, file, switches.download_link_seconds));
    }
    let tag = content.checksum.as_ref().map(|checksum| format!("\"{checksum}\""));
    let mut told = HeaderMap::new();
    let mut tell = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            told.insert(name, value);
        }
    };
    tell(header::CONTENT_TYPE, harmless(&file.key));
    tell(header::CONTENT_DISPOSITION, &disposition(&file.key));
    tell(header::CACHE_CONTROL, "no-cache");
    tell(header::LAST_MODIFIED, &httpdate::fmt_http_date(file.updated.into()));
    if let (Some(tag), Some(checksum)) = (&tag, &content.checksum) {
        tell(header::ETAG, tag);
        // Hex, and of the whole file also on a part: so the server does it.
        tell(header::HeaderName::from_static("content-md5"), checksum.trim_start_matches("md5:"));
    }
    if switches.ranges {
        tell(header::ACCEPT_RANGES, "bytes");
    }
    let names_tag = |name| {
        headers.get(name).is_some_and(|value| Some(value.as_bytes()) == tag.as_deref().map(str::as_bytes))
    };
    if names_tag(header::IF_NONE_MATCH) {
        return Ok((StatusCode::NOT_MODIFIED, told).into_response());
    }
    let may_be_part =
        switches.ranges && (!headers.contains_key(header::IF_RANGE) || names_tag(header::IF_RANGE));
    let wanted = if may_be_part { wanted(headers, content.size) } else { Wanted::Everything };
    match bytes(nrp, content, method, wanted) {
        Some(mut response) => {
            response.headers_mut().extend(told);
            Ok(response)
        }
        None => Err(ApiError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "The server cannot provide the requested range.",
        )),
    }
}

/// 200 or 206 with its lengths; nothing where the range cannot be had.
pub(crate) fn bytes(nrp: &Nrp, content: &Content, method: &Method, wanted: Wanted) -> Option<Response> {
    let (status, range) = match wanted {
        Wanted::Everything => (StatusCode::OK, 0..content.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Unsatisfiable => return None,
    };
    let length = range.end - range.start;
    let mut headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(length))]);
    if status == StatusCode::PARTIAL_CONTENT {
        let told = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), content.size);
        headers.insert(header::CONTENT_RANGE, HeaderValue::from_str(&told).ok()?);
    }
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        nrp.lab.blobs.read(content.pieces.clone(), range)
    };
    Some((status, headers, body).into_response())
}

/// Reads a `Range` header: one range of bytes, open at one end or not.
pub(crate) fn wanted(headers: &HeaderMap, size: u64) -> Wanted {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::Everything;
    };
    let Some(spec) = text.strip_prefix("bytes=") else { return Wanted::Everything };
    let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
        return Wanted::Unsatisfiable;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        // An empty file answers an open range with all it has.
        (Ok(0), Err(_)) if size == 0 => Wanted::Everything,
        (Ok(first), last) if first < size && last.as_ref().map_or(true, |last| first <= *last) => {
            let end = last.map_or(size, |last| size.min(last.saturating_add(1)));
            Wanted::Part(first..end)
        }
        (Err(_), Ok(count)) if first.is_empty() && count > 0 && size > 0 => {
            Wanted::Part(size.saturating_sub(count)..size)
        }
        _ => Wanted::Unsatisfiable,
    }
}

fn redirect(nrp: &Nrp, file: &FileEntry, seconds: i64) -> Response {
    let disposition = disposition(&file.key);
    let query = [
        ("response-content-type", harmless(&file.key)),
        ("response-content-disposition", disposition.as_str()),
    ];
    let link = nrp.lab.links.sign("GET", &object_path(&file.file_id), &query, nrp.now(), seconds);
    (StatusCode::FOUND, [(header::LOCATION, link)], "Redirecting...").into_response()
}

/// A type a browser does not run.
fn harmless(key: &str) -> &'static str {
    match mimetype(key) {
        kind if kind.starts_with("text/") => "text/plain; charset=utf-8",
        "application/json" | "application/xml" => "text/plain; charset=utf-8",
        kind => kind,
    }
}

fn disposition(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    match mimetype(key) {
        "text/plain" | "image/png" | "image/jpeg" => "inline".to_owned(),
        _ => {
            let plain: String = name
                .chars()
                .map(|c| if c.is_ascii_graphic() && !"\"\\;,".contains(c) { c } else { '_' })
                .collect();
            format!("attachment; filename={plain}")
        }
    }
}
