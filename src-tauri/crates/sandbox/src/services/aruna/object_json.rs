//! Objects, collections and projects as the gateway shows them: every field, 64-bit numbers as text.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::asked::KeyValue;
use super::world::{Collection, Object, Project, Status, World};
use crate::clock::short_time;

/// Labels of the server's own.
pub(crate) const INTERNAL: &str = "app.aruna-storage.org";

pub(crate) const DATA_CLASSES: [(i64, &str); 5] = [
    (0, "DATA_CLASS_UNSPECIFIED"),
    (1, "DATA_CLASS_PUBLIC"),
    (2, "DATA_CLASS_PRIVATE"),
    (3, "DATA_CLASS_CONFIDENTIAL"),
    (4, "DATA_CLASS_PROTECTED"),
];
pub(crate) const ALGORITHMS: [(i64, &str); 3] =
    [(0, "HASHALGORITHM_UNSPECIFIED"), (1, "HASHALGORITHM_MD5"), (3, "HASHALGORITHM_SHA256")];

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Initializing => "STATUS_INITIALIZING",
        Status::Available => "STATUS_AVAILABLE",
        Status::Error => "STATUS_ERROR",
        Status::Trash => "STATUS_TRASH",
        Status::Finalizing => "STATUS_FINALIZING",
    }
}

pub(crate) fn time(time: Timestamp) -> String {
    short_time(time)
}

pub(crate) fn pairs(pairs: &[KeyValue]) -> Value {
    pairs.iter().map(|pair| json!({"key": pair.key, "value": pair.value})).collect()
}

/// An object. `auto_update` is told by listings only; a single object always says `false`.
pub(crate) fn object(world: &World, object: &Object, auto_update: bool) -> Value {
    let digests = object.content.as_ref().and_then(|content| content.digests.as_ref());
    let hashes = match (digests, &object.declared) {
        (Some(digests), _) if object.status == Status::Available => vec![
            json!({"alg": "HASHALGORITHM_MD5", "hash": digests.md5}),
            json!({"alg": "HASHALGORITHM_SHA256", "hash": digests.sha256}),
        ],
        (_, Some((algorithm, hash))) => vec![json!({"alg": algorithm, "hash": hash})],
        _ => Vec::new(),
    };
    let mut labels = object.labels.clone();
    if object.is_staging() {
        let mut add = |name: &str, value: String| {
            labels.push(KeyValue { key: format!("{INTERNAL}/{name}"), value });
        };
        add("new_path", format!("/{}", object.key()));
        add("bucket", world.bucket(&object.home).unwrap_or_default());
        add("endpoint_id", "01H00000020000000000PR0XY0".to_owned());
    }
    let is_latest = world.latest(&object.origin).is_some_and(|latest| latest.id == object.id);
    json!({
        "id": object.id,
        "filename": object.filename,
        "labels": pairs(&labels),
        "hooks": pairs(&object.hooks),
        "created": time(object.created),
        "contentLen": object.content_len.to_string(),
        "status": status_name(object.status),
        "origin": {"id": object.origin},
        "dataClass": object.data_class,
        "hashes": hashes,
        "revNumber": object.revision.to_string(),
        "source": object.source,
        "latest": is_latest,
        "autoUpdate": auto_update,
    })
}

/// Where an object is to be found: one path in each collection that refers to it.
pub(crate) fn paths(world: &World, object: &Object) -> Vec<String> {
    object
        .references
        .iter()
        .filter_map(|reference| world.bucket(&reference.collection))
        .map(|bucket| format!("s3://{bucket}/{}", object.key()))
        .collect()
}

/// An object with its paths and, where asked for, a link to its content.
pub(crate) fn with_url(world: &World, found: &Object, auto_update: bool, url: &str) -> Value {
    json!({"object": object(world, found, auto_update), "url": url, "paths": paths(world, found)})
}

/// A collection.
pub(crate) fn collection(world: &World, collection: &Collection) -> Value {
    let objects: Vec<_> = world
        .objects
        .values()
        .filter(|object| object.status == Status::Available && object.reference(&collection.id).is_some())
        .collect();
    let size: i64 = objects.iter().map(|object| object.content_len).sum();
    let updated = objects.iter().map(|object| object.created).max().unwrap_or(collection.created);
    let mut shown = json!({
        "id": collection.id,
        "name": collection.name,
        "description": collection.description,
        "labels": pairs(&collection.labels),
        "hooks": pairs(&collection.hooks),
        "labelOntology": {"requiredLabelKeys": collection.required_labels},
        "created": time(collection.created),
        "stats": {
            "objectStats": {"count": objects.len().to_string(), "accSize": size.to_string()},
            "objectGroupCount": "0",
            "lastUpdated": time(updated),
        },
        "isPublic": collection.is_public,
    });
    match collection.version {
        None => shown["latest"] = true.into(),
        Some([major, minor, patch]) => {
            shown["semanticVersion"] = json!({"major": major, "minor": minor, "patch": patch});
        }
    }
    shown
}

/// A project as its members see it.
pub(crate) fn project(world: &World, project: &Project) -> Value {
    let collections: Vec<_> = world
        .collections
        .values()
        .filter(|collection| collection.project == project.id)
        .map(|collection| collection.id.clone())
        .collect();
    json!({
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "collectionIds": collections,
        "userIds": project.rights.keys().collect::<Vec<_>>(),
    })
}
