//! What the control door shows of the repository's inside.

use std::io;

use serde_json::{Value, json};

use super::Nrp;
use super::world::FileEntry;
use crate::blobs::Piece;

impl Nrp {
    /// Every file: where it is, what is stored, and its parts. Digests are taken of the stored bytes. Blocks.
    pub(crate) fn inspect_files(&self) -> io::Result<Vec<Value>> {
        let mut shown = Vec::new();
        for (id, is_draft, file) in self.all_files() {
            let digests =
                file.content.as_ref().map(|content| self.lab.blobs.digest(&content.pieces)).transpose()?;
            let upload = file.multipart.as_ref().map(|multipart| multipart.upload.as_str());
            let parts = upload.map(|upload| self.world().parts(upload)).unwrap_or_default();
            let parts: Vec<_> = parts
                .iter()
                .map(|(number, part)| {
                    json!({
                        "number": number,
                        "size": part.piece.length,
                        "md5": part.md5,
                        "times_received": part.times_received,
                    })
                })
                .collect();
            shown.push(json!({
                "record": id,
                "is_draft": is_draft,
                "key": file.key,
                "status": if file.content.is_some() { "completed" } else { "pending" },
                "transfer": if upload.is_some() { "M" } else { "L" },
                "size": file.content.as_ref().map(|content| content.size),
                "checksum": file.content.as_ref().and_then(|content| content.checksum.clone()),
                "md5": digests.as_ref().map(|digests| &digests.md5),
                "sha256": digests.as_ref().map(|digests| &digests.sha256),
                "parts": parts,
            }));
        }
        Ok(shown)
    }

    /// What was committed under a record's key.
    pub(crate) fn stored_content(&self, id: &str, key: &str) -> Option<Vec<Piece>> {
        let world = self.world();
        let record = world.record(id)?;
        let mut editions = record.draft.iter().chain(&record.published);
        editions.find_map(|edition| Some(edition.files.get(key)?.content.as_ref()?.pieces.clone()))
    }

    /// Who may sign in.
    pub(crate) fn users_json(&self) -> Value {
        self.users.iter().map(|user| json!({"id": user.id, "name": user.name, "token": user.token})).collect()
    }

    /// A record that is being edited shows its published files once.
    fn all_files(&self) -> Vec<(String, bool, FileEntry)> {
        let world = self.world();
        let mut files = Vec::new();
        for record in world.records() {
            let published = record.published.as_ref();
            for file in published.iter().flat_map(|edition| edition.files.values()) {
                files.push((record.id.clone(), false, file.clone()));
            }
            for file in record.draft.iter().flat_map(|edition| edition.files.values()) {
                if published.is_none_or(|edition| !edition.files.contains_key(&file.key)) {
                    files.push((record.id.clone(), true, file.clone()));
                }
            }
        }
        files
    }
}
