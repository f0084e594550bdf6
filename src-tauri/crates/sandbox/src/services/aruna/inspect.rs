//! What the control door shows of the inside.

use std::io;

use serde_json::{Value, json};

use super::Aruna;
use super::world::{Object, Status, World};
use crate::blobs::Piece;

/// `project/collection`
fn place(world: &World, collection: &str) -> String {
    let found = world.collections.get(collection);
    let project = found.and_then(|found| world.projects.get(&found.project));
    match (project, found) {
        (Some(project), Some(found)) => format!("{}/{}", project.name, found.name),
        _ => collection.to_owned(),
    }
}

/// Where an object stands: in the collections that refer to it, or where it was begun.
fn places(world: &World, object: &Object) -> Vec<String> {
    if object.references.is_empty() {
        return vec![place(world, &object.home)];
    }
    object.references.iter().map(|reference| place(world, &reference.collection)).collect()
}

impl Aruna {
    /// Every object revision that is not deleted, once for each collection it is in. Blocks.
    pub(super) fn files(&self) -> io::Result<Vec<Value>> {
        let objects: Vec<(Object, Vec<String>)> = {
            let world = self.world();
            let all = world.objects.values().filter(|object| object.status != Status::Trash);
            all.map(|object| (object.clone(), places(&world, object))).collect()
        };
        let mut shown = Vec::new();
        for (object, places) in objects {
            let digests =
                object.content.as_ref().map(|content| self.lab.blobs.digest(&content.pieces)).transpose()?;
            let parts = object.upload.as_deref().map(|upload| self.world().parts(upload)).unwrap_or_default();
            let parts: Vec<_> = parts
                .iter()
                .map(|(number, part)| {
                    json!({
                        "number": number, "size": part.piece.length, "md5": part.md5,
                        "times_received": part.times_received,
                    })
                })
                .collect();
            let is_done = object.status == Status::Available;
            let size = object.content.as_ref().map(|content| crate::blobs::length(&content.pieces));
            for place in places {
                shown.push(json!({
                    "record": place,
                    "key": object.key(),
                    "object": object.id,
                    "revision": object.revision,
                    "status": if is_done { "completed" } else { "pending" },
                    "transfer": if object.upload.is_some() { "M" } else { "L" },
                    "size": if is_done { Some(size.unwrap_or(0)) } else { size },
                    "md5": digests.as_ref().map(|digests| &digests.md5),
                    "sha256": digests.as_ref().map(|digests| &digests.sha256),
                    "parts": parts,
                }));
            }
        }
        Ok(shown)
    }

    /// The newest available content under a key of a `project/collection`.
    pub(super) fn content_at(&self, record: &str, key: &str) -> Option<Vec<Piece>> {
        let world = self.world();
        let collection = world.collections.values().find(|found| place(&world, &found.id) == record)?;
        let object = world.at_path(&collection.id, key)?;
        Some(object.content.as_ref().map(|content| content.pieces.clone()).unwrap_or_default())
    }
}
