//! Airalogy: files sent to a protocol, known by ids only, and records asked for by id.
//!
//! Written from the official client's requests and from what the vendor's own server answers. The traps are part of it:
//! downloads without a length that may end short with a clean `200`, `filename` beside `file_name`, three shapes of
//! `detail`, `500` for unknown files, `400` for a missing right, and nothing that lists or deletes.

mod answer;
mod files;
mod records;
mod seed;
mod storage;
mod switches;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use self::switches::Switches;
use self::world::World;
use crate::blobs::{Blobs, Piece};
use crate::options::{LabService, SandboxError, SandboxOptions};
use crate::server::Lab;
use crate::services::LabServer;

/// The service's key.
pub(crate) const KEY: &str = "airalogy";

/// The protocol that practice files go to, in its long form.
pub(crate) const PROTOCOL: &str = "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0";

/// The running service.
pub(crate) struct Airalogy {
    lab: Arc<Lab>,
    key: String,
    switches: RwLock<Switches>,
    world: Mutex<World>,
}

/// Starts the service.
pub(crate) fn open(lab: Arc<Lab>, _: &SandboxOptions) -> Result<Arc<dyn LabServer>, SandboxError> {
    let world = World::open(&lab.folder)?;
    world
        .remove_unused(&lab.blobs)
        .map_err(|source| SandboxError::Folder { path: lab.folder.clone(), source })?;
    // The real key is 128 characters of base64; clients must not care for its form.
    let key = (0..4).map(|number| lab.secret(&format!("key {number}"))).collect();
    Ok(Arc::new(Airalogy { lab, key, switches: RwLock::default(), world: Mutex::new(world) }))
}

impl Airalogy {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn switches(&self) -> Switches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LabServer for Airalogy {
    fn key(&self) -> &'static str {
        KEY
    }

    fn describe(&self) -> LabService {
        LabService {
            service: KEY.to_owned(),
            url: self.lab.url.clone(),
            secrets: BTreeMap::from([("api_key".to_owned(), self.key.clone())]),
            settings: BTreeMap::from([("protocol".to_owned(), PROTOCOL.to_owned())]),
            example_place: Some(PROTOCOL.to_owned()),
        }
    }

    fn service_router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/airalogy/upload", post(files::upload))
            .route("/airalogy/download/{id}", get(files::download).head(answer::no_head))
            .route("/airalogy/get_file_url/{id}", get(files::temporary_link))
            .route("/airalogy/get_records", post(records::by_id))
            .route("/health/live", get(answer::live))
            .fallback(answer::nothing_here)
            .method_not_allowed_fallback(answer::method_not_allowed)
            .layer(DefaultBodyLimit::disable())
            .layer(axum::middleware::from_fn(answer::name_request))
            .with_state(self)
    }

    fn storage_router(self: Arc<Self>) -> Router {
        Router::new().fallback(storage::answer).with_state(self)
    }

    fn part_of(&self, _path: &str, _query: &[(String, String)]) -> Option<u32> {
        None
    }

    fn seed(&self) -> io::Result<()> {
        seed::fill(self)
    }

    fn reset(&self, seed: bool) -> io::Result<()> {
        self.world().clear(&self.lab.blobs)?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = Switches::default();
        if seed { self.seed() } else { Ok(()) }
    }

    fn inspect_files(&self) -> io::Result<Vec<Value>> {
        let files = self.world().files.clone();
        files
            .into_iter()
            .map(|(uuid, file)| {
                let digests = self.lab.blobs.digest(std::slice::from_ref(&file.piece))?;
                Ok(json!({
                    "record": file.protocol, "key": file.id(&uuid), "name": file.name, "status": "completed",
                    "size": file.piece.length, "md5": digests.md5, "sha256": digests.sha256, "parts": [],
                }))
            })
            .collect()
    }

    fn stored_content(&self, container: &str, key: &str) -> Option<(Blobs, Vec<Piece>)> {
        let world = self.world();
        let file = world.file(key).filter(|file| file.protocol == container)?;
        Some((self.lab.blobs.clone(), vec![file.piece.clone()]))
    }

    fn users_json(&self) -> Value {
        json!([{ "name": "Robin Practice", "api_key": self.key }])
    }

    fn run_jobs(self: Arc<Self>) -> BoxFuture<'static, io::Result<usize>> {
        Box::pin(std::future::ready(Ok(0)))
    }

    fn switches_json(&self) -> Value {
        serde_json::to_value(self.switches()).unwrap_or_default()
    }

    fn change_switches_json(&self, changes: &Value) -> Result<Value, String> {
        let changes = changes.as_object().ok_or("switches are a JSON object")?;
        let mut all = self.switches_json();
        for (name, value) in changes {
            all[name] = value.clone();
        }
        let changed: Switches = serde_json::from_value(all.clone()).map_err(|error| error.to_string())?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = changed;
        Ok(all)
    }
}
