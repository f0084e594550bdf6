//! Collections: made, shown, changed, pinned, deleted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::Aruna;
use super::answer::ApiError;
use super::asked::{Fields, Query};
use super::callers::Caller;
use super::ids;
use super::object_json;
use super::reading::page;
use super::rules;
use super::staging::Answer;
use super::world::{Collection, Object, Reference, Right, Status, World};

type At = State<Arc<Aruna>>;

fn required(body: &Fields) -> Result<Vec<String>, ApiError> {
    body.message("labelOntology")?.map_or(Ok(Vec::new()), |ontology| ontology.texts("requiredLabelKeys"))
}

fn version(body: &Fields) -> Result<Option<[u32; 3]>, ApiError> {
    let Some(told) = body.message("version")? else { return Ok(None) };
    let number = |name| u32::try_from(told.number(name)?).map_err(|_| ApiError::invalid("Invalid version"));
    Ok(Some([number("major")?, number("minor")?, number("patch")?]))
}

fn is_taken(world: &World, wanted: &Collection) -> bool {
    world.collections.values().any(|other| {
        other.id != wanted.id
            && other.project == wanted.project
            && other.name == wanted.name
            && other.version == wanted.version
    })
}

fn taken() -> ApiError {
    ApiError::internal("duplicate key value violates unique constraint \"unique_collection_name\"")
}

/// `POST /v1/collection`
pub(crate) async fn create(State(aruna): At, Caller(user): Caller, body: Fields) -> Answer {
    let mut world = aruna.world();
    let project = world.project_for(user, &body.text("projectId")?, Right::Modify)?.id.clone();
    let collection = Collection {
        id: ids::new_id(aruna.now()),
        project,
        name: rules::name(&body)?,
        description: body.text("description")?,
        labels: rules::pairs(&body, "labels")?,
        hooks: rules::pairs(&body, "hooks")?,
        required_labels: required(&body)?,
        is_public: rules::data_class(&body)? == "DATA_CLASS_PUBLIC",
        version: None,
        created: aruna.now(),
    };
    if is_taken(&world, &collection) {
        return Err(taken());
    }
    let id = collection.id.clone();
    world.put_collection(collection)?;
    Ok(Json(json!({"collectionId": id})))
}

/// `GET /v1/collection/{c}`
pub(crate) async fn one(State(aruna): At, Caller(user): Caller, Path(id): Path<String>) -> Answer {
    let world = aruna.world();
    let collection = world.collection_for(user, &id, Right::Read)?;
    Ok(Json(json!({"collection": object_json::collection(&world, collection)})))
}

/// `GET /v1/collections/{p}`
pub(crate) async fn list(
    State(aruna): At,
    Caller(user): Caller,
    Path(project): Path<String>,
    query: Query,
) -> Answer {
    let world = aruna.world();
    let project = world.project_for(user, &project, Right::Read)?;
    let (size, last) = page(&query)?;
    let ids = query.texts("labelOrIdFilter.ids");
    let shown: Vec<Value> = world
        .collections
        .values()
        .filter(|collection| collection.project == project.id && collection.id > last)
        .filter(|collection| ids.is_empty() || ids.contains(&collection.id))
        .take(size)
        .map(|collection| object_json::collection(&world, collection))
        .collect();
    let shown = if shown.is_empty() { Value::Null } else { json!({"collectionOverviews": shown}) };
    Ok(Json(json!({"collections": shown})))
}

fn is_empty(world: &World, collection: &str) -> bool {
    !world.objects.values().any(|object| object.reference(collection).is_some())
}

/// `PUT /v1/collection/{c}`: overwrites everything, with empty values too.
pub(crate) async fn update(
    State(aruna): At,
    Caller(user): Caller,
    Path(id): Path<String>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    let mut collection = world.collection_for(user, &id, Right::Modify)?.clone();
    let name = rules::name(&body)?;
    if name != collection.name && !is_empty(&world, &id) {
        return Err(ApiError::invalid("Name change is only allowed for empty collections"));
    }
    collection.name = name;
    collection.description = body.text("description")?;
    collection.labels = rules::pairs(&body, "labels")?;
    collection.hooks = rules::pairs(&body, "hooks")?;
    collection.required_labels = required(&body)?;
    collection.is_public = rules::data_class(&body)? == "DATA_CLASS_PUBLIC";
    match (collection.version, version(&body)?) {
        (None, None) => {
            if is_taken(&world, &collection) {
                return Err(taken());
            }
            let shown = object_json::collection(&world, &collection);
            world.put_collection(collection)?;
            Ok(Json(json!({"collection": shown})))
        }
        (before, Some(next)) if before.is_none_or(|before| next > before) => {
            pinned(&aruna, &mut world, collection, next)
        }
        _ => Err(ApiError::invalid("A pinned collection needs a greater version")),
    }
}

/// `POST /v1/collection/{c}/pin`
pub(crate) async fn pin(
    State(aruna): At,
    Caller(user): Caller,
    Path(id): Path<String>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    let collection = world.collection_for(user, &id, Right::Modify)?.clone();
    let version = version(&body)?.ok_or_else(|| ApiError::invalid("Missing version"))?;
    pinned(&aruna, &mut world, collection, version)
}

/// A copy of a collection that cannot be changed; its objects are copies too.
fn pinned(aruna: &Aruna, world: &mut World, from: Collection, version: [u32; 3]) -> Answer {
    let copy = Collection {
        id: ids::new_id(aruna.now()),
        version: Some(version),
        created: aruna.now(),
        ..from.clone()
    };
    if is_taken(world, &copy) {
        return Err(taken());
    }
    let objects: Vec<Object> = world
        .objects
        .values()
        .filter(|object| object.status == Status::Available && object.reference(&from.id).is_some())
        .cloned()
        .collect();
    world.put_collection(copy.clone())?;
    for mut object in objects {
        object.references.push(Reference {
            collection: copy.id.clone(),
            writeable: false,
            auto_update: false,
        });
        world.put(object)?;
    }
    Ok(Json(json!({"collection": object_json::collection(world, &copy)})))
}

/// `DELETE /v1/collection/{c}`
pub(crate) async fn delete(
    State(aruna): At,
    Caller(user): Caller,
    Path(id): Path<String>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    let force = body.flag("force")?;
    world.collection_for(user, &id, if force { Right::Admin } else { Right::Modify })?;
    if !force && !is_empty(&world, &id) {
        return Err(ApiError::invalid("Cannot delete collection: it still has objects"));
    }
    let within: Vec<Object> = world.objects.values().filter(|object| object.is_in(&id)).cloned().collect();
    for mut object in within {
        object.references.retain(|reference| reference.collection != id);
        if object.references.is_empty() {
            world.remove(&object.id)?;
        } else {
            world.put(object)?;
        }
    }
    world.remove_collection(&id)?;
    Ok(Json(json!({})))
}
