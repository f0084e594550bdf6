//! Looking at files, and removing them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Aymara;
use super::answer::{Refused, user};
use super::frames::frame_object;
use super::switches::Count;
use super::world::File;
use crate::clock::wire_time;

/// Files a page when the request names no number.
const USUAL_PAGE: usize = 100;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    file_type: Option<String>,
    workspace_uuid: Option<String>,
    limit: Option<String>,
    offset: Option<String>,
}

fn number(text: Option<String>, usual: usize, least: usize) -> Result<usize, Refused> {
    match text {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| Refused::format(format!("Input should be an integer of at least {least}"))),
    }
}

impl Aymara {
    fn detail(&self, uuid: &Uuid, file: &File, with_link: bool) -> Value {
        let switches = self.switches();
        let frames =
            (file.is_video() && file.status(switches.polls) == "completed").then_some(switches.frames);
        file.to_json(uuid, with_link.then(|| self.link("GET", &file.object)), frames)
    }
}

/// `GET /v2/files`: the newest first.
pub(crate) async fn list(
    State(aymara): State<Arc<Aymara>>,
    Query(query): Query<ListQuery>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let user = user(&aymara, &headers)?;
    let switches = aymara.switches();
    let limit = number(query.limit, USUAL_PAGE, 1)?;
    let asked_offset = number(query.offset, 0, 0)?;
    let offset = if switches.ignore_offset { 0 } else { asked_offset };
    let kind = query.file_type.filter(|kind| !kind.is_empty());
    if let Some(kind) = &kind
        && !["image", "video", "text", "document"].contains(&kind.as_str())
    {
        return Err(Refused::format(format!("Unknown file type {kind}")));
    }
    let workspace = query.workspace_uuid.filter(|uuid| !uuid.is_empty());
    if workspace.as_ref().is_some_and(|uuid| !user.workspaces.contains(uuid)) {
        return Err(Refused::not_found("Workspace"));
    }
    let mut found: Vec<(Uuid, File)> = aymara
        .world()
        .files
        .iter()
        .filter(|(_, file)| !file.is_deleted && file.organization == user.organization)
        .filter(|(_, file)| workspace.is_none() || file.workspace == workspace)
        .filter(|(_, file)| kind.as_deref().is_none_or(|kind| kind == file.kind()))
        .map(|(uuid, file)| (*uuid, file.clone()))
        .collect();
    found.sort_by_key(|(_, file)| std::cmp::Reverse(file.number));
    let count = match switches.count {
        Count::Total => Some(found.len()),
        Count::Offset => Some(offset),
        Count::Null => None,
    };
    let items: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|(uuid, file)| aymara.detail(uuid, file, switches.links_in_lists))
        .collect();
    Ok(Json(json!({ "items": items, "count": count })))
}

/// `GET /v2/files/{uuid}`.
pub(crate) async fn details(
    State(aymara): State<Arc<Aymara>>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let user = user(&aymara, &headers)?;
    let found = aymara.world().file(&uuid, &user.organization).map(|(uuid, file)| (uuid, file.clone()));
    let (uuid, file) = found.ok_or_else(|| Refused::not_found("File"))?;
    Ok(Json(aymara.detail(&uuid, &file, true)))
}

/// `GET /v2/files/{uuid}/status`: each question brings processing on.
pub(crate) async fn status(
    State(aymara): State<Arc<Aymara>>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let user = user(&aymara, &headers)?;
    let switches = aymara.switches();
    let mut world = aymara.world();
    let (uuid, file) = world.file_mut(&uuid, &user.organization).ok_or_else(|| Refused::not_found("File"))?;
    let status = file.status(switches.polls);
    let answer = json!({
        "file_uuid": uuid,
        "processing_status": status,
        "created_at": wire_time(file.created),
        "updated_at": wire_time(file.updated),
        "error_message": file.error,
        "remote_file_path": (status == "completed").then_some(&file.object),
    });
    if file.content.is_some() && matches!(status, "pending" | "processing") {
        file.polls += 1;
        file.updated = aymara.lab.clock.now();
        file.size_is_known |= file.status(switches.polls) == "completed";
        if switches.processing_fails && file.polls >= switches.polls {
            file.error = Some("Frames could not be extracted: unsupported codec".to_owned());
        }
        world.save().map_err(|_| Refused::internal())?;
    }
    Ok(Json(answer))
}

/// `GET /v2/files/{uuid}/frames`: of a processed video only.
pub(crate) async fn frames(
    State(aymara): State<Arc<Aymara>>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let user = user(&aymara, &headers)?;
    let switches = aymara.switches();
    let found = aymara.world().file(&uuid, &user.organization).map(|(uuid, file)| (uuid, file.clone()));
    let (uuid, file) = found.ok_or_else(|| Refused::not_found("File"))?;
    if !file.is_video() {
        return Err(Refused::invalid("File is not a video"));
    }
    if file.status(switches.polls) != "completed" {
        return Err(Refused::conflict("Video has not been processed yet"));
    }
    let urls: Vec<String> =
        (1..=switches.frames).map(|number| aymara.link("GET", &frame_object(&uuid, number))).collect();
    Ok(Json(json!({ "file_uuid": uuid, "frame_count": urls.len(), "frame_urls": urls })))
}

/// `DELETE /v2/files/{uuid}`: the entry stays and is never shown again.
pub(crate) async fn delete(
    State(aymara): State<Arc<Aymara>>,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Refused> {
    let user = user(&aymara, &headers)?;
    let mut world = aymara.world();
    let (_, file) = world.file_mut(&uuid, &user.organization).ok_or_else(|| Refused::not_found("File"))?;
    file.is_deleted = true;
    world.save().map_err(|_| Refused::internal())?;
    Ok(StatusCode::NO_CONTENT)
}
