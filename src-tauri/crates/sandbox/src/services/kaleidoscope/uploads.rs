//! Files coming in: `multipart/form-data` onto a record's field or an activity's property.
//!
//! The official client sends the form under `Content-Type: application/json`, because its fixed header wins. So where the
//! type names no boundary, the body's first line tells it.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::Kaleidoscope;
use super::activities::set_property;
use super::answer::ApiError;
use super::callers::Workspace;
use super::records::add;
use super::world::{FILE_KINDS, Held, RecordValue, StoredFile, new_id};
use crate::blobs::{Arrived, ReceiveError};

type Shared = State<Arc<Kaleidoscope>>;

/// Bytes within which a form's first line must end; RFC 2046 allows boundaries of 70.
const FIRST_LINE: usize = 256;
/// Bytes of the form's text field.
const TEXT_BYTES: usize = 64 * 1024;

/// A form that arrived whole.
struct Form {
    text: Option<String>,
    name: String,
    media_type: String,
    file: Arrived,
}

/// `POST /records/{id}/values/file`
pub(crate) async fn to_record(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    kaleidoscope.world().contents().record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    let form = kaleidoscope.read_form(request).await?;
    let told = form.text.as_deref().ok_or_else(|| ApiError::bad_request("body: Required"))?;
    let told: Value = serde_json::from_str(told).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    let field = text("field_id").ok_or_else(|| ApiError::bad_request("field_id: Required"))?;
    let (activity, view) = (text("operation_id"), text("record_view_id"));
    if view.is_some() && activity.is_none() {
        return Err(ApiError::bad_request("record_view_id: Only with operation_id"));
    }
    let mut world = kaleidoscope.world();
    let known = world.contents().data_fields.iter().find(|known| known.id == field);
    let known = known.ok_or_else(|| ApiError::not_found("Field"))?;
    if !FILE_KINDS.contains(&known.kind.as_str()) {
        return Err(ApiError::bad_request(format!("A field of type {} takes no file", known.kind)));
    }
    if let Some(activity) = &activity {
        let ours = world.contents().activity(&workspace, activity);
        ours.ok_or_else(|| ApiError::not_found("Operation"))?;
    }
    let now = kaleidoscope.now();
    let stored = stored(form, &workspace, &id, activity.clone(), now)?;
    let value =
        RecordValue { id: new_id(), content: Held::File(stored.id.clone()), created: now, activity, view };
    world.change(|contents| {
        contents.files.push(stored);
        add(&mut contents.records, &id, &field, value.clone());
    })?;
    let contents = world.contents();
    let record = contents.record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    let resource = kaleidoscope.full_value_json(contents, record, &field, &value);
    Ok(kaleidoscope.uploaded(json!({"resource": resource})))
}

/// `POST /properties/{id}/file`
pub(crate) async fn to_property(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let activity = {
        let world = kaleidoscope.world();
        let contents = world.contents();
        let (activity, property) =
            contents.property(&workspace, &id).ok_or_else(|| ApiError::not_found("Property"))?;
        let kind = contents.property_fields.iter().find(|field| field.id == property.field);
        if kind.is_none_or(|field| !FILE_KINDS.contains(&field.kind.as_str())) {
            return Err(ApiError::bad_request("The property takes no file"));
        }
        activity.id.clone()
    };
    let form = kaleidoscope.read_form(request).await?;
    let now = kaleidoscope.now();
    let stored = stored(form, &workspace, &id, Some(activity), now)?;
    let held = Held::File(stored.id.clone());
    let mut world = kaleidoscope.world();
    world.change(|contents| {
        contents.files.push(stored);
        set_property(&mut contents.activities, &id, held.clone(), now);
    })?;
    let content = kaleidoscope.content_json(world.contents(), &held);
    Ok(kaleidoscope.uploaded(json!({"id": id, "content": content})))
}

fn stored(
    form: Form,
    workspace: &str,
    holder: &str,
    activity: Option<String>,
    now: jiff::Timestamp,
) -> io::Result<StoredFile> {
    Ok(StoredFile {
        id: new_id(),
        workspace: workspace.to_owned(),
        name: form.name,
        media_type: form.media_type,
        holder: holder.to_owned(),
        activity,
        size: form.file.size,
        pieces: vec![form.file.keep()?],
        created: now,
    })
}

impl Kaleidoscope {
    fn uploaded(&self, answer: Value) -> Response {
        if self.switches().empty_upload_answers {
            StatusCode::OK.into_response()
        } else {
            Json(answer).into_response()
        }
    }

    /// Reads a form to its end. Nothing is kept of one that breaks off.
    async fn read_form(&self, request: Request) -> Result<Form, ApiError> {
        let switches = self.switches();
        let limit = switches.body_limit.unwrap_or(u64::MAX);
        let told = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if told.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit) {
            return Err(ApiError::too_large());
        }
        let headers = request.headers().clone();
        let body = request.into_body().into_data_stream().map_err(io::Error::other).boxed();
        let (boundary, body) = boundary(&headers, body, switches.lenient_uploads).await?;
        let mut form = multer::Multipart::new(body, boundary);
        let (mut text, mut file) = (None, None);
        while let Some(mut field) = form.next_field().await.map_err(broken)? {
            match field.name() {
                Some("body") => {
                    let mut bytes = Vec::new();
                    while let Some(chunk) = field.chunk().await.map_err(broken)? {
                        bytes.extend_from_slice(&chunk);
                        if bytes.len() > TEXT_BYTES {
                            return Err(ApiError::too_large());
                        }
                    }
                    text = Some(String::from_utf8_lossy(&bytes).into_owned());
                }
                Some("file") => {
                    let name = field.file_name().map(|name| name.replace("%22", "\""));
                    let name = name.ok_or_else(|| ApiError::bad_request("file: Expected a file name"))?;
                    let media_type = field
                        .content_type()
                        .map_or("application/octet-stream".to_owned(), ToString::to_string);
                    let arrived = self.lab.blobs.receive(Body::from_stream(field), limit).await;
                    let arrived = arrived.map_err(|error| match error {
                        ReceiveError::Broken => ApiError::bad_request("Unexpected end of multipart data"),
                        ReceiveError::TooLarge => ApiError::too_large(),
                        ReceiveError::Disk(error) => error.into(),
                    })?;
                    file = Some((name, media_type, arrived));
                }
                _ => {}
            }
        }
        let (name, media_type, file) = file.ok_or_else(|| ApiError::bad_request("file: Required"))?;
        Ok(Form { text, name, media_type, file })
    }
}

fn broken(error: multer::Error) -> ApiError {
    ApiError::bad_request(error.to_string())
}

type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// The form's boundary, from the header or else from the body's first line.
async fn boundary(
    headers: &HeaderMap,
    mut body: Chunks,
    is_lenient: bool,
) -> Result<(String, Chunks), ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if let Ok(boundary) = multer::parse_boundary(kind) {
        return Ok((boundary, body));
    }
    let unsupported = || {
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported Media Type")
    };
    if !is_lenient {
        return Err(unsupported());
    }
    let mut begun = Vec::new();
    while !begun.contains(&b'\n') && begun.len() < FIRST_LINE {
        match body.next().await {
            Some(Ok(chunk)) => begun.extend_from_slice(&chunk),
            Some(Err(_)) | None => break,
        }
    }
    let line = begun.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("--"));
    let boundary = line.filter(|line| !line.is_empty()).ok_or_else(unsupported)?.to_owned();
    let begun = stream::iter([Ok(Bytes::from(begun))]);
    Ok((boundary, begun.chain(body).boxed()))
}
