//! Kaleidoscope: activities, records and the files that hang on them.
//!
//! Written from the wire behaviour of the official client `kalbio` and the sample answers it ships with; no server was
//! at hand. What is unknown is a switch. The traps are part of it: refresh tokens that revoke their family when used
//! twice, a header of its own for the token, lists without pages, uploads that add another value each time.

mod activities;
mod answer;
mod callers;
mod download;
mod inspect;
mod oauth;
mod records;
mod render;
mod seed;
pub(crate) mod switches;
mod uploads;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use self::callers::RateWindow;
use self::oauth::{Client, Tokens};
use self::switches::KaleidoscopeSwitches;
use self::world::World;
use crate::blobs::{Blobs, Piece};
use crate::options::{LabService, SandboxError, SandboxOptions};
use crate::server::Lab;
use crate::services::LabServer;

/// The service's key.
pub(crate) const KEY: &str = "kaleidoscope";

/// A credential belongs to one workspace: ours and a colleague's.
pub(crate) const WORKSPACES: [(&str, &str); 2] = [
    ("0b9b3a3e-6e0e-4a53-9b1b-2f4a7c1d8e01", "Practice workspace"),
    ("0b9b3a3e-6e0e-4a53-9b1b-2f4a7c1d8e02", "A colleague's workspace"),
];

/// The running service.
pub(crate) struct Kaleidoscope {
    lab: Arc<Lab>,
    clients: [Client; 2],
    switches: RwLock<KaleidoscopeSwitches>,
    rate: Mutex<RateWindow>,
    tokens: Mutex<Tokens>,
    world: Mutex<World>,
}

/// Starts the service.
pub(crate) fn open(lab: Arc<Lab>, _: &SandboxOptions) -> Result<Arc<dyn LabServer>, SandboxError> {
    let world = World::open(&lab.folder, lab.blobs.clone())?;
    let tokens = Tokens::open(lab.folder.join("tokens.json"))?;
    let client = |name: &str, at: usize, workspace: &'static str| Client {
        id: format!("practice-client-{at}"),
        // Any character may stand in a secret; these are the ones a form has to encode.
        secret: format!("{} +/=&%", lab.secret(name)),
        workspace,
        name: if at == 1 { "Robin Practice" } else { "Kim Colleague" },
    };
    Ok(Arc::new(Kaleidoscope {
        clients: [client("client", 1, WORKSPACES[0].0), client("colleague's client", 2, WORKSPACES[1].0)],
        lab,
        switches: RwLock::default(),
        rate: Mutex::default(),
        tokens: Mutex::new(tokens),
        world: Mutex::new(world),
    }))
}

impl Kaleidoscope {
    fn switches(&self) -> KaleidoscopeSwitches {
        self.switches.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.lab.clock.now()
    }

    /// Changes the switches named in a JSON object. `"revoke_tokens": true` is no switch but a deed.
    fn change_switches(&self, changes: &Value) -> Result<KaleidoscopeSwitches, String> {
        let changes = changes.as_object().ok_or("switches are a JSON object")?;
        let mut all = serde_json::to_value(self.switches()).map_err(|error| error.to_string())?;
        for (name, value) in changes {
            if name == "revoke_tokens" {
                self.tokens().revoke_all().map_err(|error| error.to_string())?;
            } else {
                all[name] = value.clone();
            }
        }
        let changed: KaleidoscopeSwitches = serde_json::from_value(all).map_err(|error| error.to_string())?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = changed.clone();
        Ok(changed)
    }
}

impl LabServer for Kaleidoscope {
    fn key(&self) -> &'static str {
        KEY
    }

    fn describe(&self) -> LabService {
        let [client, _] = &self.clients;
        LabService {
            service: KEY.to_owned(),
            url: self.lab.url.clone(),
            secrets: BTreeMap::from([("client_secret".to_owned(), client.secret.clone())]),
            settings: BTreeMap::from([("client_id".to_owned(), client.id.clone())]),
            example_place: self.example_place(),
        }
    }

    fn service_router(self: Arc<Self>) -> Router {
        router(self)
    }

    fn storage_router(self: Arc<Self>) -> Router {
        Router::new().fallback(download::storage).with_state(self)
    }

    fn part_of(&self, _: &str, _: &[(String, String)]) -> Option<u32> {
        None
    }

    fn seed(&self) -> io::Result<()> {
        Kaleidoscope::seed(self)
    }

    fn reset(&self, seed: bool) -> io::Result<()> {
        self.world().clear()?;
        *self.switches.write().unwrap_or_else(PoisonError::into_inner) = KaleidoscopeSwitches::default();
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = RateWindow::default();
        if seed { Kaleidoscope::seed(self) } else { Ok(()) }
    }

    fn inspect_files(&self) -> io::Result<Vec<Value>> {
        Kaleidoscope::inspect_files(self)
    }

    fn stored_content(&self, container: &str, key: &str) -> Option<(Blobs, Vec<Piece>)> {
        Some((self.lab.blobs.clone(), Kaleidoscope::stored_content(self, container, key)?))
    }

    fn users_json(&self) -> Value {
        Kaleidoscope::users_json(self)
    }

    fn run_jobs(self: Arc<Self>) -> BoxFuture<'static, io::Result<usize>> {
        Box::pin(async move { self.run_registrations() })
    }

    fn switches_json(&self) -> Value {
        serde_json::to_value(self.switches()).unwrap_or_default()
    }

    fn change_switches_json(&self, changes: &Value) -> Result<Value, String> {
        serde_json::to_value(self.change_switches(changes)?).map_err(|error| error.to_string())
    }
}

fn router(kaleidoscope: Arc<Kaleidoscope>) -> Router {
    let behind_the_token = Router::new()
        .route("/activities", get(activities::all).post(activities::create))
        .route("/activities/search", get(activities::search))
        .route("/activities/{id}/activities", get(activities::children))
        .route("/activities/{id}/events", get(callers::none))
        .route("/activities/{id}/comments", get(callers::none))
        .route("/activities/{id}/file/{file}", get(download::in_activity))
        .route("/files/{id}", get(download::by_id))
        .route("/operations/{id}/records", get(activities::records).put(activities::add_records))
        .route("/operations/{id}/registrations", get(activities::registrations))
        .route("/operations/{id}/register/{file}", post(activities::register))
        .route("/properties/{id}", put(activities::put_property))
        .route("/properties/{id}/file", post(uploads::to_property))
        .route("/records", get(records::several).post(records::get_or_create))
        .route("/records/search", get(records::search))
        .route("/records/identifiers", get(records::by_keys))
        .route("/records/export/csv", get(records::export))
        .route("/records/{id}", get(records::one))
        .route("/records/{id}/values", get(records::values).post(records::add_value))
        .route("/records/{id}/values/file", post(uploads::to_record))
        .route("/records/{id}/operations", get(records::activities))
        .route("/data_fields", get(records::data_fields))
        .route("/key_fields", get(records::key_fields))
        .route("/property_fields", get(records::property_fields))
        .route("/entity_slices", get(records::slices))
        .route("/programs", get(records::programs))
        .route("/record_views", get(callers::none))
        .route("/activity_labels", get(callers::none))
        .route("/activity_definitions", get(callers::none))
        .route("/imports", get(callers::none))
        .route("/workspaces/active", get(records::workspace))
        .route("/workspaces/members", get(records::members))
        .route("/workspaces/groups", get(callers::none))
        .route("/workspaces/events", get(callers::none))
        .layer(from_fn_with_state(Arc::clone(&kaleidoscope), callers::signed_in));
    Router::new()
        .route("/auth/oauth/token", post(oauth::token))
        .merge(behind_the_token)
        .fallback(callers::nothing_here)
        .layer(from_fn_with_state(Arc::clone(&kaleidoscope), callers::worded))
        .layer(DefaultBodyLimit::disable())
        .with_state(kaleidoscope)
}
