//! Objects read: one, many, their links, revisions, references and paths.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Value, json};

use super::Aruna;
use super::answer::ApiError;
use super::asked::{Fields, Query};
use super::callers::Caller;
use super::ids;
use super::object_json::{self, with_url};
use super::staging::{Answer, latest_of, object_in};
use super::world::{Object, Right, Status, World};

type At = State<Arc<Aruna>>;

/// The link to an object's content: empty while there is none to be had.
fn link(aruna: &Aruna, world: &World, collection: &str, object: &Object) -> Result<String, ApiError> {
    if object.status != Status::Available {
        return Ok(String::new());
    }
    let content = object.content.as_ref();
    let content = content
        .ok_or_else(|| ApiError::invalid("Cannot create download url for object without uploaded data"))?;
    if let Some(outside) = &content.outside {
        return aruna.link_outside("GET", outside, &[]);
    }
    let bucket = world.bucket(collection).unwrap_or_default();
    Ok(aruna.link("GET", &bucket, &object.key(), &[]))
}

fn shown(
    aruna: &Aruna,
    world: &World,
    collection: &str,
    object: &Object,
    tells_auto_update: bool,
    wants_url: bool,
) -> Result<Value, ApiError> {
    let url = if wants_url { link(aruna, world, collection, object)? } else { String::new() };
    let auto_update =
        tells_auto_update && object.reference(collection).is_some_and(|reference| reference.auto_update);
    Ok(with_url(world, object, auto_update, &url))
}

/// `GET /v1/collection/{c}/object/{o}`
pub(crate) async fn one(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    query: Query,
) -> Answer {
    aruna.look_outside(&id).await?;
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let object = object_in(&world, &collection, &id)?;
    Ok(Json(json!({"object": shown(&aruna, &world, &collection, object, false, query.flag("withUrl")?)?})))
}

/// `GET …/latest`
pub(crate) async fn latest(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let object = object_in(&world, &collection, &id)?;
    if world.revisions(&object.origin).iter().any(|revision| revision.is_staging()) {
        return Err(ApiError::invalid("object not found"));
    }
    let latest = latest_of(&world, object)?;
    Ok(Json(json!({"object": shown(&aruna, &world, &collection, latest, false, query.flag("withUrl")?)?})))
}

/// `GET …/revisions`: all of them, staged and deleted ones too, whatever page was asked for.
pub(crate) async fn revisions(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let origin = object_in(&world, &collection, &id)?.origin.clone();
    let wants_url = query.flag("withUrl")?;
    let all = world.revisions(&origin);
    let all: Result<Vec<_>, _> =
        all.into_iter().map(|object| shown(&aruna, &world, &collection, object, false, wants_url)).collect();
    Ok(Json(json!({"objects": all?})))
}

/// A page's size and the id it begins after.
pub(super) fn page(query: &Query) -> Result<(usize, String), ApiError> {
    let size = match query.number("pageRequest.pageSize")? {
        -1 => usize::MAX,
        size if size > 0 => usize::try_from(size).unwrap_or(usize::MAX),
        _ => 20,
    };
    let last = query.text("pageRequest.lastUuid");
    if !last.is_empty() {
        ids::checked(last)?;
    }
    Ok((size, last.to_owned()))
}

/// `GET /v1/collection/{c}/objects`
pub(crate) async fn list(
    State(aruna): At,
    Caller(user): Caller,
    Path(collection): Path<String>,
    query: Query,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let (size, last) = page(&query)?;
    let ids = query.texts("labelIdFilter.ids");
    let cuts_first = aruna.switches().short_pages;
    let is_here = |object: &&Object| {
        object.status != Status::Trash
            && object.is_in(&collection)
            && object.id > last
            && (ids.is_empty() || ids.contains(&object.id))
            && (cuts_first || !object.is_staging())
    };
    let found: Vec<_> = world.objects.values().filter(is_here).take(size).collect();
    let wants_url = query.flag("withUrl")?;
    let shown: Result<Vec<_>, _> = found
        .into_iter()
        .filter(|object| object.status == Status::Available)
        .map(|object| shown(&aruna, &world, &collection, object, true, wants_url))
        .collect();
    Ok(Json(json!({"objects": shown?})))
}

/// `GET …/download`
pub(crate) async fn download(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let object = object_in(&world, &collection, &id)?;
    Ok(Json(json!({"url": {"url": link(&aruna, &world, &collection, object)?}})))
}

fn links(aruna: &Aruna, collection: &str, ids: &[String]) -> Result<Vec<String>, ApiError> {
    let world = aruna.world();
    // In the order of the database, and without what cannot be listed.
    let objects = world.objects.values().filter(|object| {
        ids.contains(&object.id) && object.status == Status::Available && object.is_in(collection)
    });
    objects.map(|object| link(aruna, &world, collection, object)).collect()
}

/// `GET /v1/collection/{c}/objects/batch`
pub(crate) async fn batch(
    State(aruna): At,
    Caller(user): Caller,
    Path(collection): Path<String>,
    query: Query,
) -> Answer {
    aruna.world().collection_for(user, &collection, Right::Read)?;
    let urls = links(&aruna, &collection, &query.texts("objects"))?;
    Ok(Json(json!({"urls": urls.into_iter().map(|url| json!({"url": url})).collect::<Vec<_>>()})))
}

/// `POST /v1/collection/{c}/objects/stream`
pub(crate) async fn stream(
    State(aruna): At,
    Caller(user): Caller,
    Path(collection): Path<String>,
    body: Fields,
) -> Result<Response, ApiError> {
    aruna.world().collection_for(user, &collection, Right::Read)?;
    let urls = links(&aruna, &collection, &body.texts("objects")?)?;
    let lines: String =
        urls.into_iter().map(|url| format!("{}\n", json!({"result": {"url": {"url": url}}}))).collect();
    Ok(([(header::CONTENT_TYPE, "application/json")], lines).into_response())
}

/// `GET …/references`
pub(crate) async fn references(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    query: Query,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let object = object_in(&world, &collection, &id)?;
    let revisions = if query.flag("withRevisions")? { world.revisions(&object.origin) } else { vec![object] };
    let references: Vec<_> = revisions
        .into_iter()
        .flat_map(|object| object.references.iter().map(move |reference| (object, reference)))
        .map(|(object, reference)| {
            json!({
                "objectId": object.id,
                "collectionId": reference.collection,
                "revisionNumber": object.revision.to_string(),
                "isWriteable": reference.writeable,
            })
        })
        .collect();
    Ok(Json(json!({"references": references})))
}

/// `GET …/path`
pub(crate) async fn paths(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
) -> Answer {
    let world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let object = object_in(&world, &collection, &id)?;
    let paths = object_json::paths(&world, object);
    let paths: Vec<_> = paths.into_iter().map(|path| json!({"path": path, "visibility": true})).collect();
    Ok(Json(json!({"objectPaths": paths})))
}

/// Bucket and key of an `s3://` path.
fn split(path: &str) -> Result<(&str, &str), ApiError> {
    let rest = path.strip_prefix("s3://").ok_or_else(|| ApiError::invalid("Path must start with s3://"))?;
    Ok(rest.split_once('/').unwrap_or((rest, "")))
}

/// `GET /v1/path/object/{path}`
pub(crate) async fn by_path(
    State(aruna): At,
    Caller(user): Caller,
    Path(path): Path<String>,
    query: Query,
) -> Answer {
    let (bucket, key) = split(&path)?;
    let world = aruna.world();
    let collection = world.collection_of_bucket(bucket).ok_or_else(ApiError::no_record)?;
    world.collection_for(user, &collection.id, Right::Read)?;
    let object = world.at_path(&collection.id, key).ok_or_else(ApiError::no_record)?;
    let all = if query.flag("withRevisions")? { world.revisions(&object.origin) } else { vec![object] };
    let all: Vec<_> = all.into_iter().map(|object| object_json::object(&world, object, false)).collect();
    Ok(Json(json!({"object": all})))
}

/// `GET /v1/path/collection/{path}`
pub(crate) async fn collection_by_path(
    State(aruna): At,
    Caller(user): Caller,
    Path(path): Path<String>,
) -> Answer {
    let (bucket, _) = split(&path)?;
    let world = aruna.world();
    let collection = world.collection_of_bucket(bucket).ok_or_else(ApiError::no_record)?;
    world.collection_for(user, &collection.id, Right::Read)?;
    Ok(Json(json!({"projectId": collection.project, "collectionId": collection.id})))
}
