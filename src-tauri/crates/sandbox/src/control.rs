//! The control door: scripts faults, shows the inside, runs jobs, changes switches and the clock.
//!
//! | call | what it does |
//! |---|---|
//! | `GET /description` | what `labferry sandbox` prints |
//! | `POST /faults`, `GET`, `DELETE` | adds rules (an array, see `faults`), shows them with `struck`, removes all |
//! | `GET /inspect/requests`, `DELETE` | every request the services saw, oldest first; forgets them |
//! | `GET /inspect/files` | every file with its parts and digests, as stored |
//! | `GET /inspect/file/{record}/{key}/content` | a file's stored bytes |
//! | `GET /inspect/users` | who may sign in (`?service=`, the first one unless told) |
//! | `POST /jobs/checksums/run` | computes the checksums that wait for the server's job |
//! | `GET /switches`, `POST` | shows the switches; changes the ones named (`?service=`) |
//! | `POST /clock/advance` | `{"seconds": n}`: puts the lab's clock forward |
//! | `POST /reset` | an empty (or freshly seeded) world, no faults, no log, switches as at the start |

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::LabClock;
use crate::faults::{Faults, Rule};
use crate::options::LabDescription;
use crate::request_log::RequestLog;
use crate::services::LabServer;

/// What the control door works with.
#[derive(Clone)]
pub(crate) struct Control {
    pub(crate) clock: Arc<LabClock>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) servers: Arc<[Arc<dyn LabServer>]>,
    pub(crate) description: LabDescription,
    pub(crate) seed: bool,
}

/// Which service a call is about; the first one unless told.
#[derive(Deserialize)]
struct Which {
    service: Option<String>,
}

impl Control {
    fn server(&self, which: &Which) -> Result<Arc<dyn LabServer>, Refused> {
        let wanted = which.service.as_deref();
        let found = self.servers.iter().find(|server| wanted.is_none_or(|wanted| wanted == server.key()));
        found.cloned().ok_or_else(|| Refused(StatusCode::NOT_FOUND, "The lab has no such service.".into()))
    }
}

/// A control call that cannot be done, in one sentence.
struct Refused(StatusCode, String);

impl Refused {
    fn wrong(reason: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.to_string())
    }

    fn failed(error: impl ToString) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

pub(crate) fn router(control: Control) -> Router {
    Router::new()
        .route("/description", get(describe))
        .route("/faults", get(show_faults).post(add_faults).delete(clear_faults))
        .route("/inspect/requests", get(show_requests).delete(forget_requests))
        .route("/inspect/files", get(show_files))
        .route("/inspect/file/{record}/{*key}", get(show_content))
        .route("/inspect/users", get(show_users))
        .route("/jobs/checksums/run", post(run_checksums))
        .route("/switches", get(show_switches).post(change_switches))
        .route("/clock/advance", post(advance_clock))
        .route("/reset", post(reset))
        .layer(axum::middleware::from_fn(only_from_here))
        .with_state(control)
}

/// Refuses a web page that reached this machine under a name of its own.
async fn only_from_here(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost") && !request.headers().contains_key(header::ORIGIN) {
        next.run(request).await
    } else {
        Refused(StatusCode::FORBIDDEN, "The control door is for programs on this computer.".into())
            .into_response()
    }
}

async fn describe(State(control): State<Control>) -> Json<LabDescription> {
    Json(control.description)
}

async fn show_faults(State(control): State<Control>) -> Json<Vec<Value>> {
    Json(control.faults.to_json())
}

async fn add_faults(State(control): State<Control>, Json(rules): Json<Value>) -> Result<StatusCode, Refused> {
    let rules: Vec<Rule> = serde_json::from_value(rules).map_err(Refused::wrong)?;
    control.faults.add(rules).map_err(Refused::wrong)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.faults.clear();
    StatusCode::NO_CONTENT
}

async fn show_requests(State(control): State<Control>) -> Json<Vec<Value>> {
    Json(control.log.to_json())
}

async fn forget_requests(State(control): State<Control>) -> StatusCode {
    control.log.clear();
    StatusCode::NO_CONTENT
}

async fn show_files(State(control): State<Control>) -> Result<Json<Vec<Value>>, Refused> {
    // Digests are taken of the stored bytes, which may be many.
    let files = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<Value>> {
        let mut all = Vec::new();
        for server in control.servers.iter() {
            for mut file in server.inspect_files()? {
                file["service"] = server.key().into();
                all.push(file);
            }
        }
        Ok(all)
    });
    files.await.map_err(Refused::failed)?.map(Json).map_err(Refused::failed)
}

async fn show_content(
    State(control): State<Control>,
    Path((record, key)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let missing = || Refused(StatusCode::NOT_FOUND, format!("{record} has no stored file {key}."));
    let key = key.strip_suffix("/content").ok_or_else(missing)?;
    let found = control.servers.iter().find_map(|server| server.stored_content(&record, key));
    let (blobs, pieces) = found.ok_or_else(missing)?;
    let length = crate::blobs::length(&pieces);
    let body = blobs.read(pieces, 0..length);
    Ok(([(header::CONTENT_LENGTH, length)], body).into_response())
}

async fn show_users(
    State(control): State<Control>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Refused> {
    Ok(Json(control.server(&which)?.users_json()))
}

async fn run_checksums(State(control): State<Control>) -> Result<Json<Value>, Refused> {
    let mut done = 0;
    for server in control.servers.iter() {
        done += Arc::clone(server).run_jobs().await.map_err(Refused::failed)?;
    }
    Ok(Json(json!({"computed": done})))
}

async fn show_switches(
    State(control): State<Control>,
    Query(which): Query<Which>,
) -> Result<Json<Value>, Refused> {
    Ok(Json(control.server(&which)?.switches_json()))
}

async fn change_switches(
    State(control): State<Control>,
    Query(which): Query<Which>,
    Json(changes): Json<Value>,
) -> Result<Json<Value>, Refused> {
    control.server(&which)?.change_switches_json(&changes).map(Json).map_err(Refused::wrong)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

async fn advance_clock(State(control): State<Control>, Json(advance): Json<Advance>) -> StatusCode {
    control.clock.advance(advance.seconds);
    StatusCode::NO_CONTENT
}

async fn reset(State(control): State<Control>) -> Result<StatusCode, Refused> {
    control.faults.clear();
    control.log.clear();
    control.clock.reset();
    for server in control.servers.iter() {
        server.reset(control.seed).map_err(Refused::failed)?;
    }
    Ok(StatusCode::NO_CONTENT)
}
