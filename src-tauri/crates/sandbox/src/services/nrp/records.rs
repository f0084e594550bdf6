//! Making, reading, changing and deleting records.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::answer::{ApiError, field_error};
use super::callers::{Caller, JsonBody};
use super::world::{Edition, Record, World, new_id};
use super::{Nrp, metadata, own_draft, published};
use crate::signed_links::decoded;

type Answer = Result<Response, ApiError>;

/// An answer with a record: status, `ETag`, and what `?expand=1` adds.
pub(crate) fn record_answer(status: StatusCode, uri: &Uri, mut record: Value) -> Response {
    let wants_more = decoded(uri.query().unwrap_or_default())
        .iter()
        .any(|(name, value)| name == "expand" && matches!(value.as_str(), "1" | "true"));
    if wants_more {
        record["expanded"] = json!({"requests": []});
    }
    let tag = format!("\"{}\"", record["revision_id"]);
    (status, [(header::ETAG, tag)], Json(record)).into_response()
}

pub(crate) async fn create(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    uri: Uri,
    JsonBody(body): JsonBody,
) -> Answer {
    let owner = caller.ok_or_else(ApiError::permission_denied)?;
    let now = nrp.now();
    let mut draft = Edition::new(now);
    let errors = take_in(&mut draft, &body)?;
    let mut world = nrp.world();
    let id = new_id();
    let record = Record {
        id: id.clone(),
        parent: new_id(),
        owner,
        index: 1,
        created: now,
        published: None,
        draft: Some(draft),
    };
    world.put(record)?;
    Ok(draft_answer(&nrp, &world, owner, &id, StatusCode::CREATED, &uri, errors))
}

pub(crate) async fn read_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    let world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    Ok(record_answer(StatusCode::OK, &uri, nrp.record_json(&world, caller, record, draft, true)))
}

pub(crate) async fn update(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    JsonBody(body): JsonBody,
) -> Answer {
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    if_match(&headers, draft)?;
    let mut record = record.clone();
    let owner = record.owner;
    let mut changed = draft.clone();
    let errors = take_in(&mut changed, &body)?;
    changed.touch(nrp.now());
    record.draft = Some(changed);
    world.put(record)?;
    Ok(draft_answer(&nrp, &world, owner, &id, StatusCode::OK, &uri, errors))
}

pub(crate) async fn delete_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    if_match(&headers, draft)?;
    if record.is_published() {
        let mut record = record.clone();
        record.draft = None;
        world.put(record)?;
    } else {
        world.remove(&id)?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn read_published(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
) -> Answer {
    let world = nrp.world();
    if let Some(latest) = world.latest(&id) {
        // A parent's id stands for its newest version; the address is relative.
        return Ok(
            (StatusCode::FOUND, [(header::LOCATION, format!("/api/records/{}", latest.id))]).into_response()
        );
    }
    let (record, edition) = published(&world, caller, &id)?;
    let mut answer =
        record_answer(StatusCode::OK, &uri, nrp.record_json(&world, caller, record, edition, false));
    let linkset =
        format!("<{}>; rel=\"linkset\"; type=\"application/linkset+json\"", nrp.record_link(record));
    if let Ok(linkset) = linkset.parse() {
        answer.headers_mut().insert(header::LINK, linkset);
    }
    Ok(answer)
}

/// A published record is changed through a draft; trying it here is one of the server's 500s.
pub(crate) async fn put_published() -> ApiError {
    ApiError::internal()
}

/// Removal is a request or an administrator's action.
pub(crate) async fn delete_published() -> ApiError {
    ApiError::permission_denied()
}

pub(crate) async fn latest(State(nrp): State<Arc<Nrp>>, Path(id): Path<String>) -> Answer {
    let world = nrp.world();
    let record = world.record(&id).ok_or_else(ApiError::unknown_id)?;
    let latest = world
        .latest(&record.parent)
        .ok_or_else(|| ApiError::not_found("The persistent identifier is not registered."))?;
    let to = nrp.record_link(latest);
    let body = Json(json!({"status": 301, "location": to.clone()}));
    Ok((StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)], body).into_response())
}

/// A draft as it is now, with what is wrong with it.
pub(crate) fn draft_answer(
    nrp: &Nrp,
    world: &World,
    owner: u64,
    id: &str,
    status: StatusCode,
    uri: &Uri,
    errors: Vec<Value>,
) -> Response {
    let Some((record, draft)) = world.record(id).and_then(|record| Some((record, record.draft.as_ref()?)))
    else {
        return ApiError::internal().into_response();
    };
    let mut json = nrp.record_json(world, Some(owner), record, draft, true);
    if !errors.is_empty() {
        json["errors"] = errors.into();
    }
    record_answer(status, uri, json)
}

/// `If-Match` takes the bare revision number, nothing else.
fn if_match(headers: &HeaderMap, draft: &Edition) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(()) };
    let revision: u64 = value
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::field("if_match", "Not a valid integer."))?;
    if revision == draft.revision {
        return Ok(());
    }
    let message = format!("Revision id provided({revision}) doesn't match record's one({})", draft.revision);
    Err(ApiError::new(StatusCode::PRECONDITION_FAILED, message))
}

/// Replaces what a draft says by what was sent; gives the notes that go into `errors`.
fn take_in(draft: &mut Edition, body: &Value) -> Result<Vec<Value>, ApiError> {
    if !matches!(body, Value::Null | Value::Object(_)) {
        return Err(ApiError::field("_schema", "Invalid input type."));
    }
    let (accepted, mut errors) = metadata::accept(&body["metadata"])?;
    draft.metadata = accepted;
    errors.extend(metadata::problems(&draft.metadata));
    let access = |name: &str| body["access"][name].as_str().filter(|value| *value == "restricted");
    draft.record_access = access("record").unwrap_or("public").to_owned();
    draft.files_access = access("files").unwrap_or("public").to_owned();
    let wants_files = body["files"]["enabled"].as_bool().unwrap_or(true);
    if wants_files || draft.files.is_empty() {
        draft.files_enabled = wants_files;
    } else {
        errors.push(field_error(
            "files.enabled",
            "You must first delete all files to set the record to be metadata-only.",
        ));
    }
    draft.default_preview = body["files"]["default_preview"].as_str().map(str::to_owned);
    Ok(errors)
}
