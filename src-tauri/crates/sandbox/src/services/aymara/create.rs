//! New files: announced for a link to send to, announced to be fetched, or sent in a form.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Refused, user};
use super::world::File;
use super::{Aymara, User, import};
use crate::blobs::{Arrived, ReceiveError};

#[derive(Deserialize)]
struct Asked {
    files: Vec<AskedFile>,
    #[serde(default)]
    workspace_uuid: Option<String>,
}

#[derive(Deserialize)]
struct AskedFile {
    #[serde(default)]
    local_file_path: Option<String>,
    #[serde(default)]
    remote_uri: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

/// The ending of a name, if it is one.
fn ending(name: &str) -> Option<String> {
    let last = name.split(['?', '#']).next()?.rsplit(['/', '\\']).next()?;
    let (stem, ending) = last.rsplit_once('.')?;
    let is_ending = !stem.is_empty()
        && (1..=8).contains(&ending.len())
        && ending.chars().all(|c| c.is_ascii_alphanumeric());
    is_ending.then(|| ending.to_ascii_lowercase())
}

fn type_of(ending: Option<&str>) -> &'static str {
    match ending {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("mp4") => "video/mp4",
        Some("mov") => "video/quicktime",
        Some("webm") => "video/webm",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("md") => "text/markdown",
        Some("html") => "text/html",
        Some("json") => "application/json",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

impl Aymara {
    fn workspace(user: &User, asked: Option<String>) -> Result<Option<String>, Refused> {
        match asked.filter(|uuid| !uuid.is_empty()) {
            Some(uuid) if !user.workspaces.contains(&uuid) => Err(Refused::not_found("Workspace")),
            asked => Ok(asked),
        }
    }

    /// A file without content.
    pub(super) fn announce(
        &self,
        user: &User,
        original: &str,
        is_remote: bool,
        content_type: Option<String>,
        workspace: Option<String>,
    ) -> (Uuid, File) {
        let uuid = Uuid::new_v4();
        let ending = ending(original);
        let type_was_named = content_type.is_some();
        let content_type = content_type.unwrap_or_else(|| type_of(ending.as_deref()).to_owned());
        let raw = if content_type.starts_with("video/") { "_raw" } else { "" };
        let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
        let now = self.lab.clock.now();
        let file = File {
            number: self.world().next_number(),
            organization: user.organization,
            uploaded_by: user.uuid,
            workspace,
            original: original.to_owned(),
            is_remote,
            content_type,
            type_was_named,
            object: format!("{uuid}{raw}{ending}"),
            created: now,
            updated: now,
            content: None,
            size_is_known: false,
            polls: 0,
            error: None,
            is_deleted: false,
        };
        (uuid, file)
    }

    fn told(&self, uuid: &Uuid, file: &File, link_for: &str) -> Value {
        let name = |is: bool| is.then_some(&file.original);
        json!({
            "file_uuid": uuid,
            "file_url": self.link(link_for, &file.object),
            "remote_file_path": file.object,
            "local_file_path": name(!file.is_remote),
            "remote_uri": name(file.is_remote),
            "content_type": file.content_type,
            "processing_status": file.status(self.switches().polls),
        })
    }
}

/// `POST /v2/files`: all of them or none.
pub(crate) async fn create(
    State(aymara): State<Arc<Aymara>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    let user = user(&aymara, &headers)?;
    let asked: Asked =
        serde_json::from_slice(&body).map_err(|error| Refused::format(format!("Invalid body: {error}")))?;
    let workspace = Aymara::workspace(user, asked.workspace_uuid)?;
    let mut made = Vec::with_capacity(asked.files.len());
    for file in asked.files {
        let (original, is_remote) = match (file.local_file_path, file.remote_uri) {
            (Some(path), None) if !path.is_empty() => (path, false),
            (None, Some(uri)) if !uri.is_empty() => (uri, true),
            _ => {
                return Err(Refused::invalid("Provide either local_file_path or remote_uri for each file"));
            }
        };
        made.push(aymara.announce(user, &original, is_remote, file.content_type, workspace.clone()));
    }
    let files: Vec<Value> = made
        .iter()
        .map(|(uuid, file)| aymara.told(uuid, file, if file.is_remote { "GET" } else { "PUT" }))
        .collect();
    let remote: Vec<(Uuid, String)> = made
        .iter()
        .filter(|(_, file)| file.is_remote)
        .map(|(uuid, file)| (*uuid, file.original.clone()))
        .collect();
    {
        let mut world = aymara.world();
        world.files.extend(made);
        world.save().map_err(|_| Refused::internal())?;
    }
    for (uuid, uri) in remote {
        tokio::spawn(import::fetch(Arc::clone(&aymara), uuid, uri));
    }
    Ok(Json(json!({ "files": files, "workspace_uuid": workspace })))
}

#[derive(Deserialize)]
pub(crate) struct UploadQuery {
    #[serde(default)]
    workspace_uuid: Option<String>,
}

/// `POST /v2/files/-/uploads`: a form with the file.
pub(crate) async fn upload(
    State(aymara): State<Arc<Aymara>>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Response {
    match receive(&aymara, query, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn receive(aymara: &Aymara, query: UploadQuery, request: Request) -> Result<Value, Refused> {
    let (parts, body) = request.into_parts();
    let user = user(aymara, &parts.headers)?;
    let workspace = Aymara::workspace(user, query.workspace_uuid)?;
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if aymara.switches().form_limit.is_some_and(|limit| length.is_none_or(|length| length > limit)) {
        let words = "File too large".to_owned();
        return Err(Refused(StatusCode::PAYLOAD_TOO_LARGE, "validation.invalid_request", words));
    }
    let boundary = multer::parse_boundary(text(header::CONTENT_TYPE).unwrap_or_default())
        .map_err(|_| Refused::format("Expected multipart/form-data"))?;
    let mut form = multer::Multipart::new(body.into_data_stream(), boundary);
    let broken = |_| Refused::format("Invalid multipart body");
    let mut file: Option<(String, String, Arrived)> = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or("upload").to_owned();
        let kind = field.content_type().map_or("application/octet-stream", |kind| kind.as_ref()).to_owned();
        let arrived = aymara.lab.blobs.receive(Body::from_stream(field), u64::MAX).await;
        let arrived = arrived.map_err(|error| match error {
            ReceiveError::Disk(_) => Refused::internal(),
            ReceiveError::Broken | ReceiveError::TooLarge => Refused::format("Invalid multipart body"),
        })?;
        file = Some((name, kind, arrived));
    }
    let (name, kind, arrived) = file.ok_or_else(|| Refused::format("Field required: file"))?;
    let (uuid, mut file) = aymara.announce(user, &name, false, Some(kind), workspace);
    let md5 = arrived.md5.clone();
    file.content = Some((arrived.keep().map_err(|_| Refused::internal())?, md5));
    file.size_is_known = true;
    let answer = aymara.told(&uuid, &file, "GET");
    let mut world = aymara.world();
    world.files.insert(uuid, file);
    world.save().map_err(|_| Refused::internal())?;
    Ok(answer)
}
