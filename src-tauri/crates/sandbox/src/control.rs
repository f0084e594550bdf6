//! The control door: scripts faults, shows the inside, runs jobs, changes switches and the clock.
//!
//! | call | what it does |
//! |---|---|
//! | `GET /description` | what `labferry sandbox` prints |
//! | `POST /faults`, `GET`, `DELETE` | adds rules (an array, see `faults`), shows them with `struck`, removes all |
//! | `GET /inspect/requests`, `DELETE` | every request the services saw, oldest first; forgets them |
//! | `GET /inspect/files` | every file with its parts and digests, as stored |
//! | `GET /inspect/file/{record}/{key}/content` | a file's stored bytes |
//! | `GET /inspect/users` | who may sign in |
//! | `POST /jobs/checksums/run` | computes the checksums that wait for the server's job |
//! | `GET /switches`, `POST` | shows the switches; changes the ones named |
//! | `POST /clock/advance` | `{"seconds": n}`: puts the lab's clock forward |
//! | `POST /reset` | an empty (or freshly seeded) world, no faults, no log, switches as at the start |

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::Rule;
use crate::options::LabDescription;
use crate::server::Lab;
use crate::services::nrp::Nrp;

#[derive(Clone)]
struct Control {
    lab: Arc<Lab>,
    nrp: Arc<Nrp>,
    description: LabDescription,
    seed: bool,
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

pub(crate) fn router(lab: Arc<Lab>, nrp: Arc<Nrp>, description: LabDescription, seed: bool) -> Router {
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
        .with_state(Control { lab, nrp, description, seed })
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
    Json(control.lab.faults.to_json())
}

async fn add_faults(State(control): State<Control>, Json(rules): Json<Value>) -> Result<StatusCode, Refused> {
    let rules: Vec<Rule> = serde_json::from_value(rules).map_err(Refused::wrong)?;
    control.lab.faults.add(rules).map_err(Refused::wrong)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.lab.faults.clear();
    StatusCode::NO_CONTENT
}

async fn show_requests(State(control): State<Control>) -> Json<Vec<Value>> {
    Json(control.lab.log.to_json())
}

async fn forget_requests(State(control): State<Control>) -> StatusCode {
    control.lab.log.clear();
    StatusCode::NO_CONTENT
}

async fn show_files(State(control): State<Control>) -> Result<Json<Vec<Value>>, Refused> {
    // Digests are taken of the stored bytes, which may be many.
    let files = tokio::task::spawn_blocking(move || control.nrp.inspect_files()).await;
    files.map_err(Refused::failed)?.map(Json).map_err(Refused::failed)
}

async fn show_content(
    State(control): State<Control>,
    Path((record, key)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let missing = || Refused(StatusCode::NOT_FOUND, format!("{record} has no stored file {key}."));
    let key = key.strip_suffix("/content").ok_or_else(missing)?;
    let pieces = control.nrp.stored_content(&record, key).ok_or_else(missing)?;
    let length = crate::blobs::length(&pieces);
    let body = control.lab.blobs.read(pieces, 0..length);
    Ok(([(header::CONTENT_LENGTH, length)], body).into_response())
}

async fn show_users(State(control): State<Control>) -> Json<Value> {
    Json(control.nrp.users_json())
}

async fn run_checksums(State(control): State<Control>) -> Result<Json<Value>, Refused> {
    let done = control.nrp.run_checksum_job().await.map_err(Refused::failed)?;
    Ok(Json(json!({"computed": done})))
}

async fn show_switches(State(control): State<Control>) -> Json<Value> {
    Json(serde_json::to_value(control.nrp.switches()).unwrap_or_default())
}

async fn change_switches(
    State(control): State<Control>,
    Json(changes): Json<Value>,
) -> Result<Json<Value>, Refused> {
    let changed = control.nrp.change_switches(&changes).map_err(Refused::wrong)?;
    Ok(Json(serde_json::to_value(changed).unwrap_or_default()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

async fn advance_clock(State(control): State<Control>, Json(advance): Json<Advance>) -> StatusCode {
    control.lab.clock.advance(advance.seconds);
    StatusCode::NO_CONTENT
}

async fn reset(State(control): State<Control>) -> Result<StatusCode, Refused> {
    control.lab.faults.clear();
    control.lab.log.clear();
    control.lab.clock.reset();
    control.nrp.reset(control.seed).map_err(Refused::failed)?;
    Ok(StatusCode::NO_CONTENT)
}
