//! Aymara AI: files known by ids, sent to signed links or in a form, or fetched by the service itself.
//!
//! Written from the official client's requests and the vendor's reference. The traps are part of it: a file is `completed`
//! and listed before a byte of it was sent, nobody says when the bytes have arrived, `count` may mean anything, listings
//! carry no links, links are good for one method, one media type and half an hour, and a deleted file's link still takes bytes.

mod answer;
mod create;
mod files;
mod frames;
mod import;
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
use uuid::Uuid;

use self::switches::Switches;
use self::world::{File, World};
use crate::blobs::{Blobs, Piece};
use crate::options::{LabService, SandboxError, SandboxOptions};
use crate::server::Lab;
use crate::services::LabServer;

/// The service's key.
pub(crate) const KEY: &str = "aymara";

/// The workspace that practice files go to.
pub(crate) const WORKSPACE: &str = "0b5e4a3c-6d1f-4f57-9a53-6f1f0c2d7e01";

/// Somebody with a key.
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) key: String,
    pub(crate) uuid: Uuid,
    pub(crate) organization: Uuid,
    /// The workspaces of the organisation.
    pub(crate) workspaces: Vec<String>,
}

/// The running service.
pub(crate) struct Aymara {
    lab: Arc<Lab>,
    users: [User; 2],
    switches: RwLock<Switches>,
    world: Mutex<World>,
}

/// Starts the service.
pub(crate) fn open(lab: Arc<Lab>, _: &SandboxOptions) -> Result<Arc<dyn LabServer>, SandboxError> {
    let world = World::open(&lab.folder)?;
    world
        .remove_unused(&lab.blobs)
        .map_err(|source| SandboxError::Folder { path: lab.folder.clone(), source })?;
    let user = |name: &'static str, workspaces: Vec<String>| {
        let uuid = |what: &str| lab.secret(&format!("{what} of {name}")).parse().unwrap_or_default();
        let key = format!("ay-{}", lab.secret(&format!("key of {name}")));
        User { name, key, uuid: uuid("user"), organization: uuid("organization"), workspaces }
    };
    let foreign = lab.secret("a workspace of somebody else").parse::<Uuid>().unwrap_or_default();
    let users = [
        user("Robin Practice", vec![WORKSPACE.to_owned()]),
        user("Kim Colleague", vec![foreign.to_string()]),
    ];
    Ok(Arc::new(Aymara { lab, users, switches: RwLock::default(), world: Mutex::new(world) }))
}

impl Aymara {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn switches(&self) -> Switches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A link to an object of the storage.
    fn link(&self, method: &str, object: &str) -> String {
        let seconds = self.switches().link_seconds;
        self.lab.links.sign(method, &format!("/aymara/{object}"), &[], self.lab.clock.now(), seconds)
    }

    /// Where a file is listed.
    fn container(file: &File) -> &str {
        file.workspace.as_deref().unwrap_or("all")
    }
}

impl LabServer for Aymara {
    fn key(&self) -> &'static str {
        KEY
    }

    fn describe(&self) -> LabService {
        LabService {
            service: KEY.to_owned(),
            url: self.lab.url.clone(),
            secrets: BTreeMap::from([("api_key".to_owned(), self.users[0].key.clone())]),
            settings: BTreeMap::from([("workspace".to_owned(), WORKSPACE.to_owned())]),
            example_place: Some(WORKSPACE.to_owned()),
        }
    }

    fn service_router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/v2/files", post(create::create).get(files::list))
            .route("/v2/files/-/uploads", post(create::upload))
            .route("/v2/files/{uuid}", get(files::details).delete(files::delete))
            .route("/v2/files/{uuid}/status", get(files::status))
            .route("/v2/files/{uuid}/frames", get(files::frames))
            .route("/health/", get(answer::health))
            .fallback(answer::nothing_here)
            .method_not_allowed_fallback(answer::method_not_allowed)
            .layer(DefaultBodyLimit::disable())
            .with_state(self)
    }

    fn storage_router(self: Arc<Self>) -> Router {
        Router::new().fallback(storage::answer).layer(DefaultBodyLimit::disable()).with_state(self)
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
        let polls = self.switches().polls;
        files
            .into_iter()
            .filter(|(_, file)| !file.is_deleted)
            .map(|(uuid, file)| {
                let digests = match &file.content {
                    Some((piece, _)) => Some(self.lab.blobs.digest(std::slice::from_ref(piece))?),
                    None => None,
                };
                Ok(json!({
                    "record": Self::container(&file), "key": uuid, "name": file.original,
                    "status": if file.content.is_some() { "completed" } else { "pending" },
                    "processing_status": file.status(polls),
                    "size": file.size(), "md5": digests.as_ref().map(|digests| &digests.md5),
                    "sha256": digests.as_ref().map(|digests| &digests.sha256), "parts": [],
                }))
            })
            .collect()
    }

    fn stored_content(&self, container: &str, key: &str) -> Option<(Blobs, Vec<Piece>)> {
        let world = self.world();
        let file = world.files.get(&key.parse().ok()?).filter(|file| !file.is_deleted)?;
        let (piece, _) = file.content.as_ref()?;
        (Self::container(file) == container).then(|| (self.lab.blobs.clone(), vec![piece.clone()]))
    }

    fn users_json(&self) -> Value {
        let user = |user: &User| json!({ "name": user.name, "api_key": user.key, "organization": user.organization });
        self.users.iter().map(user).collect()
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
