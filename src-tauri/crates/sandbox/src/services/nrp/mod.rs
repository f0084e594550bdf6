//! An NRP repository (InvenioRDM family): records, drafts and files, whole and in parts.
//!
//! Written from what InvenioRDM 14 servers answer. The traps are part of it: a `200` that carries `errors`, a commit that
//! succeeds with parts missing, checksums that come later, pending files that block publishing, `403` for everything one
//! may not do.

mod answer;
mod archive;
mod callers;
mod checksums;
mod discovery;
pub(crate) mod download;
mod entry_json;
mod files;
mod inspect;
mod links;
mod metadata;
mod negotiation;
mod publish;
mod record_json;
mod records;
mod search;
mod seed;
mod storage_host;
pub(crate) mod switches;
mod transfer;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use self::answer::ApiError;
use self::callers::{RateWindow, User};
use self::switches::NrpSwitches;
use self::world::{Edition, FileEntry, Record, World};
use crate::blobs::{Blobs, Piece};
use crate::options::{LabService, SandboxError, SandboxOptions};
use crate::server::Lab;
use crate::services::LabServer;

/// The service's key.
pub(crate) const KEY: &str = "nrp";

/// The running service.
pub(crate) struct Nrp {
    lab: Arc<Lab>,
    /// `http://127.0.0.1:PORT`
    url: String,
    users: [User; 2],
    switches: RwLock<NrpSwitches>,
    initial_switches: NrpSwitches,
    rate: Mutex<RateWindow>,
    world: Mutex<World>,
}

impl Nrp {
    fn open(lab: Arc<Lab>, switches: NrpSwitches) -> Result<Arc<Self>, SandboxError> {
        let world = World::open(&lab.folder, lab.blobs.clone())?;
        let (token, colleague_token) = (lab.secret("token"), lab.secret("colleague's token"));
        let nrp = Arc::new(Self {
            url: lab.url.clone(),
            lab,
            users: [
                User { id: 1, name: "Robin Practice", token },
                User { id: 2, name: "Kim Colleague", token: colleague_token },
            ],
            switches: RwLock::new(switches.clone()),
            initial_switches: switches,
            rate: Mutex::default(),
            world: Mutex::new(world),
        });
        nrp.resume_checksum_job();
        Ok(nrp)
    }

    pub(crate) fn switches(&self) -> NrpSwitches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the switches named in a JSON object; a name or value that is unknown is refused.
    pub(crate) fn change_switches(&self, changes: &Value) -> Result<NrpSwitches, String> {
        let changes = changes.as_object().ok_or("switches are a JSON object")?;
        let mut all = serde_json::to_value(self.switches()).map_err(|error| error.to_string())?;
        for (name, value) in changes {
            all[name] = value.clone();
        }
        let changed: NrpSwitches = serde_json::from_value(all).map_err(|error| error.to_string())?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = changed.clone();
        Ok(changed)
    }

    /// Empties the world; with `seed` it is filled as at the first start.
    pub(crate) fn reset(&self, seed: bool) -> io::Result<()> {
        self.world().clear()?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = self.initial_switches.clone();
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = RateWindow::default();
        if seed { self.seed() } else { Ok(()) }
    }

    /// The id of the first user's newest draft.
    pub(crate) fn example_place(&self) -> Option<String> {
        let world = self.world();
        let drafts =
            world.records().filter(|record| record.owner == self.users[0].id && !record.is_published());
        drafts.max_by_key(|record| record.created).map(|record| record.id.clone())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.lab.clock.now()
    }
}

/// Starts the service.
pub(crate) fn open(lab: Arc<Lab>, options: &SandboxOptions) -> Result<Arc<dyn LabServer>, SandboxError> {
    Ok(Nrp::open(lab, options.switches.clone())?)
}

impl LabServer for Nrp {
    fn key(&self) -> &'static str {
        KEY
    }

    fn describe(&self) -> LabService {
        LabService {
            service: KEY.to_owned(),
            url: self.url.clone(),
            secrets: BTreeMap::from([("token".to_owned(), self.users[0].token.clone())]),
            settings: BTreeMap::new(),
            example_place: self.example_place(),
        }
    }

    fn service_router(self: Arc<Self>) -> Router {
        service_router(self)
    }

    fn storage_router(self: Arc<Self>) -> Router {
        storage_router(self)
    }

    fn part_of(&self, path: &str, query: &[(String, String)]) -> Option<u32> {
        part_of(path, query)
    }

    fn seed(&self) -> io::Result<()> {
        Nrp::seed(self)
    }

    fn reset(&self, seed: bool) -> io::Result<()> {
        Nrp::reset(self, seed)
    }

    fn inspect_files(&self) -> io::Result<Vec<Value>> {
        Nrp::inspect_files(self)
    }

    fn stored_content(&self, container: &str, key: &str) -> Option<(Blobs, Vec<Piece>)> {
        Some((self.lab.blobs.clone(), Nrp::stored_content(self, container, key)?))
    }

    fn users_json(&self) -> Value {
        Nrp::users_json(self)
    }

    fn run_jobs(self: Arc<Self>) -> BoxFuture<'static, io::Result<usize>> {
        Box::pin(async move { self.run_checksum_job().await })
    }

    fn switches_json(&self) -> Value {
        serde_json::to_value(self.switches()).unwrap_or_default()
    }

    fn change_switches_json(&self, changes: &Value) -> Result<Value, String> {
        let changed = self.change_switches(changes)?;
        serde_json::to_value(changed).map_err(|error| error.to_string())
    }
}

/// The API and the pages at the site's root.
fn service_router(nrp: Arc<Nrp>) -> Router {
    Router::new()
        .route("/", get(discovery::front_page))
        .route("/.well-known/repository", get(discovery::to_slash))
        .route("/.well-known/repository/", get(discovery::repository))
        .route("/.well-known/repository/models", get(discovery::models))
        .route("/api/records", get(search::published).post(records::create))
        .route("/api/user/records", get(search::mine))
        .route(
            "/api/records/{id}",
            get(records::read_published).put(records::put_published).delete(records::delete_published),
        )
        .route(
            "/api/records/{id}/draft",
            get(records::read_draft).put(records::update).post(publish::edit).delete(records::delete_draft),
        )
        .route("/api/records/{id}/draft/actions/publish", post(publish::publish))
        .route("/api/records/{id}/draft/actions/files-import", post(publish::import_files))
        .route("/api/records/{id}/versions", get(search::versions).post(publish::new_version))
        .route("/api/records/{id}/versions/latest", get(records::latest))
        .route(
            "/api/records/{id}/draft/files",
            get(files::list_draft).post(files::init).delete(files::delete_all),
        )
        .route("/api/records/{id}/files", get(files::list_published))
        .route(
            "/api/records/{id}/draft/files/{*rest}",
            get(files::get_of_draft)
                .put(files::put_of_draft)
                .post(files::post_of_draft)
                .delete(files::delete_of_draft),
        )
        .route("/api/records/{id}/files/{*rest}", get(files::get_of_published))
        .route("/api/records/{id}/draft/files-archive", get(archive::of_draft))
        .route("/api/records/{id}/files-archive", get(archive::of_published))
        .fallback(discovery::nothing_here)
        .method_not_allowed_fallback(discovery::method_not_allowed)
        .layer(from_fn(negotiation::negotiate))
        .layer(from_fn_with_state(Arc::clone(&nrp), callers::count))
        .with_state(nrp)
}

/// The storage host that signed links lead to.
fn storage_router(nrp: Arc<Nrp>) -> Router {
    Router::new().fallback(storage_host::answer).with_state(nrp)
}

/// The part a request is about, as the request log tells it.
fn part_of(path: &str, query: &[(String, String)]) -> Option<u32> {
    if let Some((_, number)) = query.iter().find(|(name, _)| name == "partNumber") {
        return number.parse().ok();
    }
    path.rsplit_once("/content/").and_then(|(_, number)| number.parse().ok())
}

/// The draft of a record, for its owner.
fn own_draft<'a>(
    world: &'a World,
    caller: Option<u64>,
    id: &str,
) -> Result<(&'a Record, &'a Edition), ApiError> {
    let record = world.record(id).ok_or_else(ApiError::unknown_id)?;
    if caller != Some(record.owner) {
        return Err(ApiError::permission_denied());
    }
    let draft = record.draft.as_ref().ok_or_else(|| ApiError::not_found("Not found."))?;
    Ok((record, draft))
}

/// What of a record is published, for whoever may see it.
fn published<'a>(
    world: &'a World,
    caller: Option<u64>,
    id: &str,
) -> Result<(&'a Record, &'a Edition), ApiError> {
    let record = world.record(id).ok_or_else(ApiError::unknown_id)?;
    let edition = record
        .published
        .as_ref()
        .ok_or_else(|| ApiError::not_found("The persistent identifier is not registered."))?;
    if edition.record_access != "public" && caller != Some(record.owner) {
        return Err(ApiError::permission_denied());
    }
    Ok((record, edition))
}

/// A file of an edition.
fn file_of<'a>(record: &Record, edition: &'a Edition, key: &str) -> Result<&'a FileEntry, ApiError> {
    if !edition.files_enabled {
        return Err(ApiError::new(http::StatusCode::FORBIDDEN, "Files are not enabled."));
    }
    edition
        .files
        .get(key)
        .ok_or_else(|| ApiError::not_found(format!("Record '{}' has no file '{key}'.", record.id)))
}

/// A draft file changed in place; gives back what `change` returns.
fn change_file<T>(
    nrp: &Nrp,
    id: &str,
    key: &str,
    change: impl FnOnce(&mut FileEntry) -> T,
) -> Result<T, ApiError> {
    let mut world = nrp.world();
    let mut record = world.record(id).ok_or_else(ApiError::unknown_id)?.clone();
    let file = record
        .draft
        .as_mut()
        .and_then(|draft| draft.files.get_mut(key))
        .ok_or_else(|| ApiError::not_found(format!("Record '{id}' has no file '{key}'.")))?;
    let result = change(file);
    file.updated = nrp.now();
    world.put(record)?;
    Ok(result)
}
