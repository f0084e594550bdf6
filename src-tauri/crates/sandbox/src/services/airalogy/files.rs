//! Files in, files out, temporary links.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Airalogy;
use super::answer::{Refused, check_key};
use super::world::File;
use crate::blobs::{Arrived, ReceiveError};

/// `POST /airalogy/upload`: a form with the protocol and the file, in any order.
pub(crate) async fn upload(State(airalogy): State<Arc<Airalogy>>, request: Request) -> Response {
    match receive(&airalogy, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(response) => response,
    }
}

async fn receive(airalogy: &Airalogy, request: Request) -> Result<Value, Response> {
    let refuse = |refused: Refused| refused.into_response();
    let switches = airalogy.switches();
    let (parts, body) = request.into_parts();
    let announced = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let (Some(limit), Some(length)) = (switches.body_limit, announced)
        && length > limit
    {
        return Err(Refused::too_large());
    }
    check_key(airalogy, &parts.headers).map_err(refuse)?;
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|_| refuse(Refused::missing("body", "file")))?;
    let mut form = multer::Multipart::new(body.into_data_stream(), boundary);
    let mut protocol = None;
    let mut file: Option<(String, String, Arrived)> = None;
    let broken =
        |_| Refused::text(StatusCode::BAD_REQUEST, "There was an error parsing the body").into_response();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("airalogy_protocol_id") => protocol = Some(field.text().await.map_err(broken)?),
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let kind =
                    field.content_type().map_or("application/octet-stream", |kind| kind.as_ref()).to_owned();
                let arrived = airalogy.lab.blobs.receive(Body::from_stream(field), u64::MAX).await;
                let arrived = arrived.map_err(|error| match error {
                    ReceiveError::Broken | ReceiveError::TooLarge => {
                        Refused::text(StatusCode::BAD_REQUEST, "There was an error parsing the body")
                            .into_response()
                    }
                    ReceiveError::Disk(_) => Refused::internal().into_response(),
                })?;
                file = Some((name, kind, arrived));
            }
            _ => {}
        }
    }
    let protocol = protocol.ok_or_else(|| refuse(Refused::missing("body", "airalogy_protocol_id")))?;
    let (name, content_type, arrived) = file.ok_or_else(|| refuse(Refused::missing("body", "file")))?;
    check_protocol(&protocol).map_err(refuse)?;
    let md5 = arrived.md5.clone();
    let keep = || -> std::io::Result<String> {
        let uuid = Uuid::new_v4();
        let file = File { protocol, name: name.clone(), content_type, piece: arrived.keep()?, md5 };
        let id = file.id(&uuid);
        let mut world = airalogy.world();
        world.files.insert(uuid, file);
        world.save()?;
        Ok(id)
    };
    let id = keep().map_err(|_| refuse(Refused::internal()))?;
    let told = if switches.documented_names { "file_name" } else { "filename" };
    Ok(json!({ "id": id, told: name }))
}

/// The long form with its version, or the short form; everybody else's is forbidden.
pub(crate) fn check_protocol(id: &str) -> Result<(), Refused> {
    let pieces: Vec<&str> = id.split('.').collect();
    let is_long = id.starts_with("airalogy.id.lab.") && pieces.len() >= 12;
    let is_short = id.strip_prefix("airalogy.id.protocol.").is_some_and(|uuid| uuid.parse::<Uuid>().is_ok());
    if !is_long && !is_short {
        let mark = if id.starts_with("airalogy.id.") { "#" } else { "" };
        return Err(Refused::text(StatusCode::NOT_FOUND, format!("Invalid protocol id: {mark}{id}")));
    }
    // A lab of somebody else.
    if is_long && pieces.get(3) != Some(&"practice_lab") {
        return Err(Refused::text(StatusCode::BAD_REQUEST, "Permission denied"));
    }
    Ok(())
}

/// `GET /airalogy/download/{id}`: everything, in chunks, without a length. It may end early and look complete.
pub(crate) async fn download(
    State(airalogy): State<Arc<Airalogy>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    check_key(&airalogy, &headers)?;
    let file = airalogy.world().file(&id).cloned().ok_or_else(Refused::internal)?;
    let end =
        airalogy.switches().short_downloads.map_or(file.piece.length, |short| short.min(file.piece.length));
    let body = airalogy.lab.blobs.read(vec![file.piece.clone()], 0..end);
    let mut response = body.into_response();
    if let Ok(kind) = HeaderValue::from_str(&file.content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    Ok(response)
}

/// `GET /airalogy/get_file_url/{id}`.
pub(crate) async fn temporary_link(
    State(airalogy): State<Arc<Airalogy>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    check_key(&airalogy, &headers)?;
    let file = airalogy.world().file(&id).cloned().ok_or_else(Refused::internal)?;
    let switches = airalogy.switches();
    if switches.foreign_links {
        return Ok(Json(json!({ "url": format!("s3://archive/{}", file.name) })));
    }
    let blob = file.piece.blob.as_deref().unwrap_or_default();
    let path = format!("/airalogy/{blob}");
    let mut url = airalogy.lab.links.sign("GET", &path, &[], airalogy.lab.clock.now(), switches.link_seconds);
    if switches.unreachable_links {
        // A port nobody listens on; a name that cannot be looked up would leave this machine.
        url = format!("http://localhost:1{path}");
    }
    Ok(Json(json!({ "url": url })))
}
