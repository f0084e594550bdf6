//! What happens to available objects: labels, hooks, references, copies, deletion.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

use super::Aruna;
use super::answer::ApiError;
use super::asked::{Fields, KeyValue};
use super::callers::{Caller, User};
use super::ids;
use super::object_json::{self, INTERNAL};
use super::rules;
use super::staging::{Answer, latest_of, object_in};
use super::world::{Object, Reference, Right, Status, World};

type At = State<Arc<Aruna>>;

/// The latest revision of an object, through a reference that may write.
fn writeable(world: &World, collection: &str, id: &str) -> Result<Object, ApiError> {
    let object = object_in(world, collection, id)?;
    let latest = latest_of(world, object)?;
    if latest.id != object.id {
        return Err(ApiError::invalid(format!("Only the latest revision can be changed: {}", latest.id)));
    }
    if object.reference(collection).is_some_and(|reference| reference.writeable) {
        Ok(object.clone())
    } else {
        Err(ApiError::invalid("Object is read-only in this collection"))
    }
}

/// `PATCH …/add_labels`: adds rows, also those that are there already.
pub(crate) async fn add_labels(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    world.changeable(user, &collection, Right::Modify)?;
    let mut object = writeable(&world, &collection, &id)?;
    object.labels.extend(rules::pairs(&body, "labelsToAdd")?);
    let shown = object_json::object(&world, &object, false);
    world.put(object)?;
    Ok(Json(json!({"object": shown})))
}

/// `PATCH …/set_hooks`: replaces all.
pub(crate) async fn set_hooks(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    world.changeable(user, &collection, Right::Modify)?;
    let mut object = writeable(&world, &collection, &id)?;
    object.hooks = rules::pairs(&body, "hooks")?;
    let shown = object_json::object(&world, &object, false);
    world.put(object)?;
    Ok(Json(json!({"object": shown})))
}

/// `POST …/reference/{target}`
pub(crate) async fn refer(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id, target)): Path<(String, String, String)>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    let is_writeable = body.flag("writeable")?;
    let right = if is_writeable { Right::Modify } else { Right::Read };
    world.collection_for(user, &collection, right)?;
    world.changeable(user, &target, Right::Append)?;
    let mut object = object_in(&world, &collection, &id)?.clone();
    if object.status != Status::Available {
        return Err(ApiError::invalid("Cannot create reference for object in staging phase"));
    }
    let auto_update = body.flag("autoUpdate")?;
    if auto_update && latest_of(&world, &object)?.id != object.id {
        return Err(ApiError::invalid("autoUpdate is only possible for the latest revision"));
    }
    if object.reference(&target).is_some() {
        return Err(ApiError::internal("duplicate key value violates unique constraint"));
    }
    if is_writeable && !object.reference(&collection).is_some_and(|reference| reference.writeable) {
        return Err(ApiError::invalid("A read-only reference cannot give a writeable one"));
    }
    object.references.push(Reference { collection: target, writeable: is_writeable, auto_update });
    world.put(object)?;
    Ok(Json(json!({})))
}

/// `POST …/clone`
pub(crate) async fn clone(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    body: Fields,
) -> Answer {
    let mut world = aruna.world();
    world.collection_for(user, &collection, Right::Read)?;
    let target = body.text("targetCollectionId")?;
    world.changeable(user, &target, Right::Append)?;
    let mut copy = object_in(&world, &collection, &id)?.clone();
    if copy.status != Status::Available {
        return Err(ApiError::invalid("Cannot clone object in staging phase"));
    }
    if world.at_path(&target, &copy.key()).is_some() {
        return Err(ApiError::internal("duplicate key value violates unique constraint \"paths_path_key\""));
    }
    copy.id = ids::new_id(aruna.now());
    copy.origin.clone_from(&copy.id);
    copy.revision = 0;
    copy.home.clone_from(&target);
    copy.upload = None;
    copy.references = vec![Reference { collection: target, writeable: true, auto_update: true }];
    world.put(copy.clone())?;
    Ok(Json(json!({"object": object_json::object(&world, &copy, false)})))
}

/// `DELETE …/object/{o}`
pub(crate) async fn delete(
    State(aruna): At,
    Caller(user): Caller,
    Path((collection, id)): Path<(String, String)>,
    body: Fields,
) -> Answer {
    delete_all(&aruna, user, &collection, &[id], &body)
}

/// `DELETE /v1/collection/{c}/objects`
pub(crate) async fn delete_many(
    State(aruna): At,
    Caller(user): Caller,
    Path(collection): Path<String>,
    body: Fields,
) -> Answer {
    delete_all(&aruna, user, &collection, &body.texts("objectIds")?, &body)
}

fn delete_all(aruna: &Aruna, user: &User, collection: &str, ids: &[String], body: &Fields) -> Answer {
    let (with_revisions, force) = (body.flag("withRevisions")?, body.flag("force")?);
    let right = if force { Right::Admin } else { Right::Append };
    let mut world = aruna.world();
    world.changeable(user, collection, right)?;
    for id in ids {
        let object = object_in(&world, collection, id)?.clone();
        if object.status != Status::Available {
            // Dropping what is staged is how an upload is cancelled; the bytes behind it go with it here.
            world.remove(&object.id)?;
            continue;
        }
        let revisions: Vec<Object> = if with_revisions {
            world.revisions(&object.origin).into_iter().cloned().collect()
        } else {
            vec![object]
        };
        for mut revision in revisions {
            if revision.is_staging() {
                world.remove(&revision.id)?;
                continue;
            }
            let own = revision.reference(collection).cloned();
            let is_pinned = |reference: &Reference| {
                world.collections.get(&reference.collection).is_some_and(|found| found.version.is_some())
            };
            if force && revision.references.iter().any(is_pinned) {
                return Err(ApiError::invalid("Objects of pinned collections cannot be deleted"));
            }
            revision.references.retain(|reference| !force && reference.collection != collection);
            let is_read_only = own.is_some_and(|own| !own.writeable);
            // An old revision has no reference of its own any more; it lives while the object has one anywhere.
            let lives = !revision.references.is_empty()
                || (!force && is_referred(&world, &revision.origin, collection));
            if !lives && !is_read_only {
                trash(aruna, &mut revision, user);
            }
            world.put(revision)?;
        }
    }
    Ok(Json(json!({})))
}

/// Whether any revision of an object is referred to from another collection.
fn is_referred(world: &World, origin: &str, besides: &str) -> bool {
    let mut revisions = world.revisions(origin).into_iter();
    revisions.any(|one| one.references.iter().any(|reference| reference.collection != besides))
}

fn trash(aruna: &Aruna, object: &mut Object, user: &User) {
    object.status = Status::Trash;
    "DELETED".clone_into(&mut object.filename);
    object.content_len = 0;
    object.content = None;
    object.references.clear();
    let label = |name: &str, value: String| KeyValue { key: format!("{INTERNAL}/{name}"), value };
    object.labels =
        vec![label("deleted_at", object_json::time(aruna.now())), label("deleted_by", user.id.to_owned())];
}
