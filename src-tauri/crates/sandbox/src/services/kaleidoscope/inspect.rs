//! The inside, for the control door.

use std::io;

use serde_json::{Value, json};

use super::Kaleidoscope;
use crate::blobs::Piece;

impl Kaleidoscope {
    /// Every file: the record or property it hangs on, and digests of the stored bytes. Blocks.
    pub(crate) fn inspect_files(&self) -> io::Result<Vec<Value>> {
        let files = self.world().contents().files.clone();
        let shown = files.into_iter().map(|file| {
            let digests = self.lab.blobs.digest(&file.pieces)?;
            Ok(json!({
                "record": file.holder,
                "key": file.name,
                "file_id": file.id,
                "activity": file.activity,
                "media_type": file.media_type,
                "status": "completed",
                "size": file.size,
                "md5": digests.md5,
                "sha256": digests.sha256,
                "parts": [],
            }))
        });
        shown.collect()
    }

    /// The newest file of that name, or the one of that id, on a record or property.
    pub(crate) fn stored_content(&self, holder: &str, key: &str) -> Option<Vec<Piece>> {
        let world = self.world();
        let mut files = world.contents().files.iter().filter(|file| file.holder == holder);
        files.rfind(|file| file.name == key || file.id == key).map(|file| file.pieces.clone())
    }

    /// Who may sign in, and what became of the tokens given out.
    pub(crate) fn users_json(&self) -> Value {
        let (families, revoked) = self.tokens().count();
        let user = |client: &super::Client| {
            json!({
                "name": client.name,
                "client_id": client.id,
                "client_secret": client.secret,
                "families": families,
                "revoked": revoked,
            })
        };
        self.clients.iter().map(user).collect()
    }

    /// Lets what was handed over for registration be registered.
    pub(crate) fn run_registrations(&self) -> io::Result<usize> {
        self.world().change(|contents| {
            let pending = contents.registrations.iter_mut().filter(|one| one.status == "pending");
            pending.map(|registration| registration.status = "completed".to_owned()).count()
        })
    }
}
