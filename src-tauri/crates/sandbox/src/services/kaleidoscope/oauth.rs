//! Sign-in: client credentials, access tokens that expire, refresh tokens that rotate. A refresh token that is presented a
//! second time revokes its whole family, access tokens included.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Kaleidoscope;
use crate::disk::{read_json, write_json};
use crate::options::SandboxError;
use crate::signed_links::decoded;

/// A credential and the workspace it belongs to.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) workspace: &'static str,
    pub(crate) name: &'static str,
}

/// Tokens that descend from one use of a credential.
#[derive(Clone, Serialize, Deserialize)]
struct Family {
    workspace: String,
    /// Each with the second it expires at.
    access: Vec<(String, i64)>,
    refresh: String,
    used: Vec<String>,
    is_revoked: bool,
}

/// All tokens given out.
pub(crate) struct Tokens {
    path: PathBuf,
    families: Vec<Family>,
}

/// What a token request comes to.
pub(crate) enum Granted {
    Tokens { access: String, refresh: String },
    Refused(&'static str),
}

impl Tokens {
    pub(crate) fn open(path: PathBuf) -> Result<Self, SandboxError> {
        let families = read_json(&path)?.unwrap_or_default();
        Ok(Self { path, families })
    }

    /// The workspace of a live access token.
    pub(crate) fn workspace(&self, token: &str, now: Timestamp) -> Option<String> {
        let is_live = |family: &&Family| {
            !family.is_revoked
                && family.access.iter().any(|(access, ends)| access == token && now.as_second() < *ends)
        };
        self.families.iter().find(is_live).map(|family| family.workspace.clone())
    }

    fn begin(&mut self, workspace: &str, ends: i64) -> io::Result<Granted> {
        let family = Family {
            workspace: workspace.to_owned(),
            access: Vec::new(),
            refresh: String::new(),
            used: Vec::new(),
            is_revoked: false,
        };
        self.families.push(family);
        self.give(self.families.len() - 1, ends)
    }

    fn renew(&mut self, presented: &str, ends: i64) -> io::Result<Granted> {
        if let Some(at) =
            self.families.iter().position(|family| !family.is_revoked && family.refresh == presented)
        {
            return self.give(at, ends);
        }
        for family in &mut self.families {
            family.is_revoked |= family.used.iter().any(|used| used == presented);
        }
        self.keep()?;
        Ok(Granted::Refused("invalid_grant"))
    }

    fn give(&mut self, at: usize, ends: i64) -> io::Result<Granted> {
        let secret = |kind: &str| format!("{kind}-{}", Uuid::new_v4().simple());
        let (access, refresh) = (secret("kal-at"), secret("kal-rt"));
        let family = &mut self.families[at];
        let before = std::mem::replace(&mut family.refresh, refresh.clone());
        if !before.is_empty() {
            family.used.push(before);
        }
        family.access.push((access.clone(), ends));
        self.keep()?;
        Ok(Granted::Tokens { access, refresh })
    }

    /// Revokes every family: what an operator does after a leak.
    pub(crate) fn revoke_all(&mut self) -> io::Result<()> {
        self.families.iter_mut().for_each(|family| family.is_revoked = true);
        self.keep()
    }

    /// How many families there are, and how many of them were revoked.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.families.len(), self.families.iter().filter(|family| family.is_revoked).count())
    }

    fn keep(&self) -> io::Result<()> {
        write_json(&self.path, &self.families)
    }
}

/// `POST /auth/oauth/token`
pub(crate) async fn token(
    State(kaleidoscope): State<Arc<Kaleidoscope>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return refused(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let text = String::from_utf8_lossy(&body).replace('+', " ");
    let fields = decoded(&text);
    let field =
        |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let lives = kaleidoscope.switches().expires_in;
    let ends = kaleidoscope.now().as_second() + lives;
    let granted = match field("grant_type") {
        Some("client_credentials") => {
            let client = kaleidoscope.clients.iter().find(|client| {
                field("client_id") == Some(&client.id) && field("client_secret") == Some(&client.secret)
            });
            match client {
                Some(client) => kaleidoscope.tokens().begin(client.workspace, ends),
                None => return refused(StatusCode::UNAUTHORIZED, "invalid_client"),
            }
        }
        Some("refresh_token") => {
            kaleidoscope.tokens().renew(field("refresh_token").unwrap_or_default(), ends)
        }
        _ => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    };
    match granted {
        Ok(Granted::Tokens { access, refresh }) => {
            let body = json!({
                "access_token": access, "refresh_token": refresh, "expires_in": lives, "token_type": "Bearer",
            });
            ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
        Ok(Granted::Refused(error)) => refused(StatusCode::BAD_REQUEST, error),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({"error": error}))).into_response()
}
