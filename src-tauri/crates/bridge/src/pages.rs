//! The built interface.

use crate::Shared;
use axum::{
    extract::State,
    http::{
        Method, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use std::{
    path::{Component, Path},
    sync::{Arc, LazyLock},
};

/// The desktop app's content policy: a page that needs more than that fails here as it would there.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let config: Option<serde_json::Value> =
        serde_json::from_str(include_str!("../../../../tauri.conf.json")).ok();
    let policy = config.as_ref().and_then(|config| config["app"]["security"]["csp"].as_str());
    policy.unwrap_or("default-src 'none'").to_owned()
});

/// A file of the interface; its start page for the empty path.
pub(crate) async fn serve(State(shared): State<Arc<Shared>>, method: Method, uri: Uri) -> Response {
    let not_here = || (StatusCode::NOT_FOUND, "there is nothing here").into_response();
    let Some(ui) = shared.options.ui.as_deref().filter(|_| method == Method::GET || method == Method::HEAD)
    else {
        return not_here();
    };
    let path = match uri.path().trim_start_matches('/') {
        "" => Path::new("index.html"),
        path => Path::new(path),
    };
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return not_here();
    }
    match tokio::fs::read(ui.join(path)).await {
        Ok(bytes) => {
            let kind = mime_guess::from_path(path).first_or_octet_stream();
            let headers = [
                (CONTENT_TYPE, kind.to_string()),
                (CACHE_CONTROL, "no-store".to_owned()),
                (CONTENT_SECURITY_POLICY, POLICY.clone()),
            ];
            (headers, bytes).into_response()
        }
        Err(_) => not_here(),
    }
}
