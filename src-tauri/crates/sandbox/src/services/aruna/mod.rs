//! An Aruna Object Storage (v1) instance: the gateway with projects, collections and objects, and its data proxy.
//!
//! Written from the published interface definition and the behaviour of the v1.0.1 server. The traps are part of it: no 404
//! for what is missing, 501 for a wrong method, links bound to bucket and key instead of an id, receipts that are no MD5,
//! ranges answered with 200, finalisation that comes later or never.

mod account;
mod answer;
mod asked;
mod callers;
mod collections;
mod data_proxy;
mod external;
mod finalise;
mod ids;
mod inspect;
mod object_json;
mod outside;
mod reading;
mod relations;
mod rules;
mod seed;
mod staging;
mod switches;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use futures_util::future::BoxFuture;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::answer::ApiError;
use self::callers::USERS;
use self::external::External;
use self::switches::Switches;
use self::world::{Right, World};
use crate::blobs::{Blobs, Piece};
use crate::options::{LabService, SandboxError, SandboxOptions};
use crate::server::Lab;
use crate::services::LabServer;

/// The service's key.
pub(crate) const KEY: &str = "aruna";

/// The running service.
pub(crate) struct Aruna {
    me: Weak<Self>,
    lab: Arc<Lab>,
    /// What tokens are signed with.
    secret: String,
    switches: RwLock<Switches>,
    world: Mutex<World>,
    /// The server outside that keeps what is sent, if one was named.
    external: Option<External>,
}

impl Aruna {
    fn open(lab: Arc<Lab>, options: &SandboxOptions) -> Result<Arc<Self>, SandboxError> {
        let mut world = World::open(&lab.folder, lab.blobs.clone())?;
        let external = options.data_proxy.as_ref().map(External::new).transpose()?;
        world.gone = external.as_ref().map(External::sweep);
        let aruna = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            secret: lab.secret("token"),
            lab,
            switches: RwLock::default(),
            world: Mutex::new(world),
            external,
        });
        aruna.resume_finalisation();
        Ok(aruna)
    }

    /// The newest collection of the practice account's own projects.
    fn example_place(&self) -> Option<String> {
        let world = self.world();
        let newest = world
            .collections
            .values()
            .rfind(|found| world.collection_for(&USERS[0], &found.id, Right::Append).is_ok())?;
        let project = world.projects.get(&newest.project)?;
        Some(format!("{}/{}", project.name, newest.name))
    }

    fn caller(&self, headers: &http::HeaderMap) -> Result<&'static callers::User, ApiError> {
        callers::user_of(headers, &self.secret, self.now())
    }

    fn switches(&self) -> Switches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
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
    Ok(Aruna::open(lab, options)?)
}

impl LabServer for Aruna {
    fn key(&self) -> &'static str {
        KEY
    }

    fn describe(&self) -> LabService {
        LabService {
            service: KEY.to_owned(),
            url: self.lab.url.clone(),
            secrets: BTreeMap::from([("token".to_owned(), callers::practice_token(&USERS[0], &self.secret))]),
            settings: BTreeMap::new(),
            example_place: self.example_place(),
        }
    }

    fn service_router(self: Arc<Self>) -> Router {
        service_router(self)
    }

    fn storage_router(self: Arc<Self>) -> Router {
        Router::new().fallback(data_proxy::answer).with_state(self)
    }

    fn part_of(&self, _: &str, query: &[(String, String)]) -> Option<u32> {
        query.iter().find(|(name, _)| name == "partNumber").and_then(|(_, number)| number.parse().ok())
    }

    fn seed(&self) -> io::Result<()> {
        self.plant()
    }

    fn reset(&self, seed: bool) -> io::Result<()> {
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = Switches::default();
        self.world().clear()?;
        if seed { self.plant() } else { Ok(()) }
    }

    fn inspect_files(&self) -> io::Result<Vec<Value>> {
        self.files()
    }

    fn stored_content(&self, container: &str, key: &str) -> Option<(Blobs, Vec<Piece>)> {
        Some((self.lab.blobs.clone(), self.content_at(container, key)?))
    }

    fn users_json(&self) -> Value {
        let shown = |user: &callers::User| {
            let token = callers::practice_token(user, &self.secret);
            json!({"id": user.id, "name": user.name, "token": token})
        };
        USERS.iter().map(shown).collect()
    }

    fn run_jobs(self: Arc<Self>) -> BoxFuture<'static, io::Result<usize>> {
        Box::pin(async move {
            tokio::task::spawn_blocking(move || self.finalise()).await.map_err(io::Error::other)?
        })
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
        let changed = serde_json::from_value(all.clone()).map_err(|error| error.to_string())?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = changed;
        Ok(all)
    }
}

/// The gateway.
fn service_router(aruna: Arc<Aruna>) -> Router {
    let object = "/v1/collection/{c}/object/{o}";
    let at = |rest: &str| format!("{object}{rest}");
    Router::new()
        .route("/v1/collection/{c}/object", post(staging::initialise))
        .route(object, get(reading::one).delete(relations::delete))
        .route(&at("/staging/{u}/upload"), get(staging::upload_link))
        .route(&at("/staging/{u}/finish"), patch(staging::finish))
        .route(&at("/update"), post(staging::update))
        .route(&at("/download"), get(reading::download))
        .route(&at("/revisions"), get(reading::revisions))
        .route(&at("/latest"), get(reading::latest))
        .route(&at("/endpoints"), get(account::endpoints))
        .route(&at("/add_labels"), patch(relations::add_labels))
        .route(&at("/set_hooks"), patch(relations::set_hooks))
        .route(&at("/reference/{target}"), post(relations::refer))
        .route(&at("/references"), get(reading::references))
        .route(&at("/clone"), post(relations::clone))
        .route(&at("/path"), get(reading::paths))
        .route("/v1/collection/{c}/objects", get(reading::list).delete(relations::delete_many))
        .route("/v1/collection/{c}/objects/batch", get(reading::batch))
        .route("/v1/collection/{c}/objects/stream", post(reading::stream))
        .route("/v1/path/object/{*path}", get(reading::by_path))
        .route("/v1/path/collection/{*path}", get(reading::collection_by_path))
        .route("/v1/collection", post(collections::create))
        .route(
            "/v1/collection/{c}",
            get(collections::one).put(collections::update).delete(collections::delete),
        )
        .route("/v1/collection/{c}/pin", post(collections::pin))
        .route("/v1/collections/{p}", get(collections::list))
        .route("/v1/user", get(account::user))
        .route("/v1/user/{u}/projects", get(account::projects))
        .route("/v1/projects", get(account::all_projects))
        .route("/v1/project", post(account::create_project))
        .route(
            "/v1/project/{p}",
            delete(account::delete_project).get(account::project).put(account::update_project),
        )
        .route("/v1/info/version", get(account::version))
        .route("/v1/info/status", get(account::status))
        .route("/v1/endpoints", get(account::endpoints))
        .route("/v1/endpoint/default", get(account::default_endpoint))
        .fallback(nothing_here)
        .method_not_allowed_fallback(|| async { ApiError::method() })
        .with_state(aruna)
}

async fn nothing_here(request: Request) -> Response {
    if request.uri().path().starts_with("/v1/") {
        ApiError::no_route().into_response()
    } else {
        (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain")], "404 page not found").into_response()
    }
}
