//! What the control door shows of the inside.

use std::io;

use serde_json::{Value, json};

use super::Aruna;
use super::world::{Content, Object, Status, World};
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
            let outside = object.content.as_ref().and_then(|content| content.outside.as_ref());
            let digests = match &object.content {
                // As they were when they were read back.
                Some(content) if outside.is_some() => content.digests.clone(),
                Some(content) => Some(self.lab.blobs.digest(&content.pieces)?),
                None => None,
            };
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
            let size = object.content.as_ref().map(Content::length);
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
                    "stored_at": outside.map(|at| format!("s3://{}/{}", at.bucket, at.key)),
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
        match &object.content {
            None => Some(Vec::new()),
            // Only the server outside can give it.
            Some(content) if content.outside.is_some() => None,
            Some(content) => Some(content.pieces.clone()),
        }
    }
}
