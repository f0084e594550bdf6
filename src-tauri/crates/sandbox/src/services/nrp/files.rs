//! File lists, init, entries, deletion; and which of a file's addresses a path means.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::{ApiError, field_error};
use super::callers::{Caller, JsonBody};
use super::switches::{NrpSwitches, Storage};
use super::world::{Edition, FileEntry, Multipart, Record};
use super::{Nrp, change_file, discovery, download, file_of, own_draft, published, transfer};

type Answer = Result<Response, ApiError>;

/// What a path below a file list is about.
enum Target {
    Entry(String),
    Content(String),
    Part(String, u32),
    Commit(String),
    /// A key that begins with a slash: the address without it.
    Elsewhere(String),
}

impl Target {
    /// Keys may hold slashes, encoded or not, so the last segments decide.
    fn of(method: &Method, uri: &Uri) -> Self {
        let path = uri.path();
        let (before, rest) = path.split_once("/files/").unwrap_or((path, ""));
        if rest.starts_with('/') {
            return Self::Elsewhere(format!("{before}/files/{}", rest.trim_start_matches('/')));
        }
        let key = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        if let Some(name) = rest.strip_suffix("/commit").filter(|_| method == Method::POST) {
            return Self::Commit(key(name));
        }
        if let Some(name) = rest.strip_suffix("/content").filter(|_| method != Method::DELETE) {
            return Self::Content(key(name));
        }
        if let Some((name, number)) = rest.rsplit_once("/content/").filter(|_| method == Method::PUT)
            && let Ok(number) = number.parse()
        {
            return Self::Part(key(name), number);
        }
        Self::Entry(key(rest))
    }
}

fn redirect(to: String) -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response()
}

pub(crate) async fn list_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Answer {
    let world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    Ok(Json(nrp.list_json(record, draft, true)).into_response())
}

pub(crate) async fn list_published(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Answer {
    let world = nrp.world();
    let (record, edition) = published(&world, caller, &id)?;
    may_see_files(record, edition, caller)?;
    Ok(Json(nrp.list_json(record, edition, false)).into_response())
}

/// Whether the caller may list and read an edition's files.
pub(crate) fn may_see_files(record: &Record, edition: &Edition, caller: Option<u64>) -> Result<(), ApiError> {
    let is_open = edition.files_access == "public" || caller == Some(record.owner);
    if is_open { Ok(()) } else { Err(ApiError::permission_denied()) }
}

/// Announces files, all or none; answers with every file of the draft.
pub(crate) async fn init(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let switches = nrp.switches();
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    if !draft.files_enabled {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "Files are not enabled."));
    }
    let inits = body.as_array().ok_or_else(|| ApiError::field("_schema", "Invalid input type."))?;
    let mut errors = Vec::new();
    for (index, init) in inits.iter().enumerate() {
        errors.extend(init_problems(index, init));
    }
    if !errors.is_empty() {
        return Err(ApiError::validation(errors));
    }
    if draft.files.len() + inits.len() > switches.files_per_record {
        let message = "Uploading selected files will result in exceeding the max amount per record.";
        return Err(ApiError::bad_request(message));
    }
    let mut draft = draft.clone();
    for init in inits {
        let file = announced(init, &switches, nrp.now())?;
        if draft.files.contains_key(&file.key) {
            return Err(ApiError::bad_request(format!("File with key {} already exists.", file.key)));
        }
        draft.files.insert(file.key.clone(), file);
    }
    let mut record = record.clone();
    let list = nrp.list_json(&record, &draft, true);
    record.draft = Some(draft);
    world.put(record)?;
    Ok((StatusCode::CREATED, Json(list)).into_response())
}

fn init_problems(index: usize, init: &Value) -> Vec<Value> {
    let known: BTreeSet<_> =
        ["key", "metadata", "size", "checksum", "access", "transfer", "storage_class"].into_iter().collect();
    let Some(init) = init.as_object() else {
        return vec![field_error(index.to_string(), "Invalid input type.")];
    };
    let mut problems: Vec<_> = init
        .keys()
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| field_error(format!("{index}.{name}"), "Unknown field."))
        .collect();
    if !init.get("key").is_some_and(Value::is_string) {
        problems.push(field_error(format!("{index}.key"), "Missing data for required field."));
    }
    if init.get("size").is_some_and(|size| !size.is_null() && !size.is_u64()) {
        problems.push(field_error(format!("{index}.size"), "Not a valid integer."));
    }
    let transfer = init.get("transfer").unwrap_or(&Value::Null);
    if transfer["type"] == "M" && transfer["parts"].as_u64().is_none_or(|parts| parts == 0) {
        problems.push(field_error(format!("{index}.transfer.parts"), "Missing data for required field."));
    }
    problems
}

/// The entry an init makes.
fn announced(init: &Value, switches: &NrpSwitches, now: jiff::Timestamp) -> Result<FileEntry, ApiError> {
    let text = |name: &str| init[name].as_str().map(str::to_owned);
    let mut file = FileEntry::new(init["key"].as_str().unwrap_or_default(), now);
    file.metadata = init["metadata"].as_object().cloned();
    file.is_hidden = init["access"]["hidden"].as_bool().unwrap_or(false);
    file.told_size = init["size"].as_u64();
    file.told_checksum = text("checksum");
    file.told_storage_class = text("storage_class");
    match init["transfer"]["type"].as_str().unwrap_or("L") {
        "L" => {}
        "M" if switches.multipart => file.multipart = Some(planned(init, switches.storage)?),
        // Fetch and reference are listed by every repository, and denied to ordinary users.
        "M" | "F" | "R" => return Err(ApiError::permission_denied()),
        other => {
            return Err(ApiError::field("0.transfer.type", format!("Unknown transfer type \"{other}\".")));
        }
    }
    Ok(file)
}

fn planned(init: &Value, storage: Storage) -> Result<Multipart, ApiError> {
    let transfer = &init["transfer"];
    if init["size"].as_u64().is_none_or(|size| size == 0) {
        return Err(ApiError::bad_request("Multipart file transfer requires file size."));
    }
    let part_size = transfer["part_size"].as_u64().filter(|size| *size > 0);
    if storage == Storage::Api && part_size.is_none() {
        return Err(ApiError::bad_request("Multipart file transfer to local storage requires part_size."));
    }
    let parts = transfer["parts"].as_u64().and_then(|parts| u32::try_from(parts).ok());
    let parts = parts.ok_or_else(|| ApiError::bad_request("Multipart file transfer requires parts."))?;
    Ok(Multipart { upload: Uuid::new_v4().simple().to_string(), parts, part_size, storage })
}

pub(crate) async fn delete_all(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Answer {
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    unlocked(draft)?;
    let mut record = record.clone();
    if let Some(draft) = &mut record.draft {
        draft.files.clear();
    }
    world.put(record)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn get_of_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path((id, _)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    read(&nrp, record, draft, true, &method, &headers, &uri)
}

pub(crate) async fn get_of_published(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path((id, _)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let world = nrp.world();
    let (record, edition) = published(&world, caller, &id)?;
    may_see_files(record, edition, caller)?;
    read(&nrp, record, edition, false, &method, &headers, &uri)
}

fn read(
    nrp: &Nrp,
    record: &Record,
    edition: &Edition,
    is_draft: bool,
    method: &Method,
    headers: &HeaderMap,
    uri: &Uri,
) -> Answer {
    match Target::of(method, uri) {
        Target::Elsewhere(to) => Ok(redirect(to)),
        Target::Content(key) => {
            let file = file_of(record, edition, &key)?;
            download::content(nrp, file, method, headers)
        }
        Target::Entry(key) | Target::Part(key, _) | Target::Commit(key) => {
            let file = file_of(record, edition, &key)?;
            Ok(Json(nrp.entry_json(record, edition, file, is_draft)).into_response())
        }
    }
}

pub(crate) async fn put_of_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path((id, _)): Path<(String, String)>,
    request: Request<Body>,
) -> Answer {
    match Target::of(request.method(), request.uri()) {
        Target::Elsewhere(to) => Ok(redirect(to)),
        Target::Content(key) => transfer::put_content(&nrp, caller, &id, &key, request).await,
        Target::Part(key, number) => transfer::put_part(&nrp, caller, &id, &key, number, request).await,
        Target::Entry(key) | Target::Commit(key) => {
            let JsonBody(body) = JsonBody::from_request(request, &nrp).await?;
            change_entry(&nrp, caller, &id, &key, &body)
        }
    }
}

/// Each member given replaces the old one whole.
fn change_entry(nrp: &Nrp, caller: Option<u64>, id: &str, key: &str, body: &Value) -> Answer {
    {
        let world = nrp.world();
        let (record, draft) = own_draft(&world, caller, id)?;
        file_of(record, draft, key)?;
    }
    let empty = Map::new();
    let given = body.as_object().unwrap_or(&empty);
    let unknown: Vec<_> = given
        .keys()
        .filter(|name| !matches!(name.as_str(), "metadata" | "access"))
        .map(|name| field_error(name.as_str(), "Unknown field."))
        .collect();
    if !unknown.is_empty() {
        return Err(ApiError::validation(unknown));
    }
    change_file(nrp, id, key, |file| {
        if let Some(metadata) = given.get("metadata") {
            file.metadata = metadata.as_object().cloned();
        }
        if let Some(access) = given.get("access") {
            file.is_hidden = access["hidden"].as_bool().unwrap_or(false);
        }
    })?;
    entry_answer(nrp, caller, id, key)
}

/// A draft's file as it is now.
pub(crate) fn entry_answer(nrp: &Nrp, caller: Option<u64>, id: &str, key: &str) -> Answer {
    let world = nrp.world();
    let (record, draft) = own_draft(&world, caller, id)?;
    let file = file_of(record, draft, key)?;
    Ok(Json(nrp.entry_json(record, draft, file, true)).into_response())
}

/// A draft's file as it is now, in a success that is none.
pub(crate) fn failed_transfer(entry: Value) -> Response {
    let mut entry = entry;
    entry["errors"] = json!("File upload transfer failed.");
    Json(entry).into_response()
}

pub(crate) async fn post_of_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path((id, _)): Path<(String, String)>,
    method: Method,
    uri: Uri,
) -> Answer {
    match Target::of(&method, &uri) {
        Target::Elsewhere(to) => Ok(redirect(to)),
        Target::Commit(key) => transfer::commit(&nrp, caller, &id, &key).await,
        _ => Err(discovery::method_not_allowed().await),
    }
}

pub(crate) async fn delete_of_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path((id, _)): Path<(String, String)>,
    method: Method,
    uri: Uri,
) -> Answer {
    let key = match Target::of(&method, &uri) {
        Target::Elsewhere(to) => return Ok(redirect(to)),
        Target::Entry(key) | Target::Content(key) | Target::Part(key, _) | Target::Commit(key) => key,
    };
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    file_of(record, draft, &key)?;
    unlocked(draft)?;
    let mut record = record.clone();
    if let Some(draft) = &mut record.draft {
        draft.files.remove(&key);
    }
    world.put(record)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The files of a published record stay, also while it is edited.
pub(crate) fn unlocked(draft: &Edition) -> Result<(), ApiError> {
    if draft.is_locked {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "Bucket is locked for modifications."));
    }
    Ok(())
}
