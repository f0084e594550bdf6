//! How a client finds out what runs here, and the answers for addresses that are none.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::Nrp;
use super::answer::ApiError;

/// The site's front page; its generator tag tells an InvenioRDM, with major and minor number only.
pub(crate) async fn front_page() -> Html<&'static str> {
    Html(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"InvenioRDM \
         14.0\"><title>Practice repository</title></head><body><h1>Practice repository</h1></body></html>\n",
    )
}

pub(crate) async fn to_slash(State(nrp): State<Arc<Nrp>>) -> Response {
    if !nrp.switches().nrp_documents {
        return nothing_here().await.into_response();
    }
    Redirect::permanent(&nrp.site("/.well-known/repository/")).into_response()
}

pub(crate) async fn repository(State(nrp): State<Arc<Nrp>>) -> Result<Json<Value>, ApiError> {
    let switches = nrp.switches();
    if !switches.nrp_documents {
        return Err(nothing_here().await);
    }
    // Fetch and reference are told although ordinary users may not use them.
    let transfers: &[&str] = if switches.multipart { &["L", "F", "R", "M"] } else { &["L", "F", "R"] };
    Ok(Json(json!({
        "schema": "local://introspection-v1.0.0",
        "name": "Practice repository",
        "description": "The practice lab's repository",
        "version": "local development",
        "invenio_version": "14.0.5",
        "transfers": transfers,
        "links": {
            "self": nrp.site("/.well-known/repository/"),
            "api": nrp.site("/api"),
            "models": nrp.site("/.well-known/repository/models"),
            "requests": nrp.api("/requests"),
            "records": nrp.api("/records"),
            "drafts": nrp.api("/user/records"),
        },
        "features": ["drafts", "requests", "communities", "request_types"],
        "default_model": "records",
    })))
}

pub(crate) async fn models(State(nrp): State<Arc<Nrp>>) -> Result<Json<Value>, ApiError> {
    if !nrp.switches().nrp_documents {
        return Err(nothing_here().await);
    }
    Ok(Json(json!([{
        "schema": "local://records-v1.0.0.json",
        "type": "records",
        "name": "records",
        "description": "Records of the practice lab",
        "version": "1.0.0",
        "features": ["requests", "drafts", "files"],
        "links": {
            "html": nrp.site("/records/"),
            "records": nrp.api("/records"),
            "deposit": nrp.api("/records"),
            "drafts": nrp.api("/user/records"),
        },
        "content_types": [{
            "content_type": "application/json",
            "code": "json",
            "name": "JSON",
            "description": "InvenioRDM JSON",
            "schema": nrp.site("/.well-known/repository/schema/records-v1.0.0.json"),
            "can_export": true,
            "can_deposit": true,
        }],
        "metadata": true,
    }])))
}

pub(crate) async fn nothing_here() -> ApiError {
    let message = "The requested URL was not found on the server. If you entered the URL manually please check your \
                   spelling and try again.";
    ApiError::new(StatusCode::NOT_FOUND, message)
}

pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for the requested URL.")
}
