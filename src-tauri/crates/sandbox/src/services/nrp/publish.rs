//! Publishing, editing what is published, new versions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde_json::json;

use super::answer::{ApiError, field_error};
use super::callers::{Caller, JsonBody};
use super::records::{draft_answer, record_answer};
use super::world::{Edition, FileEntry, Record, new_id};
use super::{Nrp, metadata, own_draft, published};

type Answer = Result<Response, ApiError>;

pub(crate) async fn publish(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
    JsonBody(_): JsonBody,
) -> Answer {
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    if nrp.switches().publish_by_request {
        return Err(ApiError::permission_denied());
    }
    let mut errors = metadata::problems(&draft.metadata);
    if draft.files_enabled && draft.files.is_empty() {
        errors.push(field_error(
            "files.enabled",
            "Missing uploaded files. To disable files for this record please mark it as metadata-only.",
        ));
    }
    if draft.files.values().any(|file| file.content.is_none()) {
        errors
            .push(field_error("files", "One or more files have not completed their transfer, please wait."));
    }
    if !errors.is_empty() {
        return Err(ApiError::validation(errors));
    }
    let mut record = record.clone();
    let mut edition = draft.clone();
    edition.touch(nrp.now());
    edition.is_locked = true;
    let json = {
        record.draft = None;
        record.published = Some(edition);
        world.put(record)?;
        let (record, edition) = published(&world, caller, &id)?;
        nrp.record_json(&world, caller, record, edition, false)
    };
    Ok(record_answer(StatusCode::ACCEPTED, &uri, json))
}

/// A draft of a published record, with the same id and its files, which must stay.
pub(crate) async fn edit(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
    JsonBody(_): JsonBody,
) -> Answer {
    let mut world = nrp.world();
    let record = own(world.record(&id), caller)?;
    let mut record = record.clone();
    let owner = record.owner;
    if record.draft.is_none() {
        let mut draft = record.published.clone().ok_or_else(|| ApiError::not_found("Not found."))?;
        draft.touch(nrp.now());
        record.draft = Some(draft);
        world.put(record)?;
    }
    Ok(draft_answer(&nrp, &world, owner, &id, StatusCode::CREATED, &uri, Vec::new()))
}

/// A draft of the next version, with a new id and no files; asked again it is the same one.
pub(crate) async fn new_version(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    uri: Uri,
    JsonBody(_): JsonBody,
) -> Answer {
    let mut world = nrp.world();
    let record = own(world.record(&id), caller)?.clone();
    let latest = world
        .latest(&record.parent)
        .ok_or_else(|| ApiError::not_found("The persistent identifier is not registered."))?
        .clone();
    let owner = record.owner;
    let running = world.versions(&record.parent).into_iter().find(|version| !version.is_published());
    let id = match running {
        Some(draft) => draft.id.clone(),
        None => {
            let now = nrp.now();
            let mut draft = Edition::new(now);
            if let Some(edition) = &latest.published {
                draft.metadata = edition.metadata.clone();
                draft.record_access = edition.record_access.clone();
                draft.files_access = edition.files_access.clone();
                draft.files_enabled = edition.files_enabled;
            }
            let today = now.strftime("%Y-%m-%d").to_string();
            draft.metadata.insert("publication_date".to_owned(), json!(today));
            let id = new_id();
            let index = latest.index + 1;
            let parent = record.parent;
            world.put(Record {
                id: id.clone(),
                parent,
                owner,
                index,
                created: now,
                published: None,
                draft: Some(draft),
            })?;
            id
        }
    };
    Ok(draft_answer(&nrp, &world, owner, &id, StatusCode::CREATED, &uri, Vec::new()))
}

/// Takes over the previous version's files without copying their bytes.
pub(crate) async fn import_files(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Answer {
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    let previous = world
        .latest(&record.parent)
        .filter(|latest| latest.id != record.id)
        .and_then(|latest| latest.published.as_ref())
        .ok_or_else(|| ApiError::not_found("Not found."))?;
    if !draft.files.is_empty() {
        return Err(ApiError::field("files.enabled", "Please remove all files first."));
    }
    let mut record = record.clone();
    let mut draft = draft.clone();
    draft.files = previous.files.clone();
    // The upload belongs to the version it was made for.
    draft.files.values_mut().for_each(|file: &mut FileEntry| file.multipart = None);
    let list = nrp.list_json(&record, &draft, true);
    record.draft = Some(draft);
    world.put(record)?;
    Ok((StatusCode::CREATED, Json(list)).into_response())
}

fn own(record: Option<&Record>, caller: Option<u64>) -> Result<&Record, ApiError> {
    let record = record.ok_or_else(ApiError::unknown_id)?;
    if caller == Some(record.owner) { Ok(record) } else { Err(ApiError::permission_denied()) }
}
