//! Who calls: API tokens shaped like the service's own, and what each caller may do where.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::Aruna;
use super::answer::ApiError;
use super::ids;
use super::world::{Collection, Project, Right, World};

/// When practice tokens end: in the year 2100.
const EXPIRES: i64 = 4_102_444_800;

/// Somebody with a token.
pub(crate) struct User {
    pub(crate) id: &'static str,
    pub(crate) token_id: &'static str,
    pub(crate) name: &'static str,
    /// Whether projects may be made.
    pub(crate) is_admin: bool,
}

/// The user of the practice account, and a colleague.
pub(crate) const USERS: [User; 2] = [
    User {
        id: "01H0000000R0B1N0PRACT1CE00",
        token_id: "01H0000001R0B1N0PRACT1CE00",
        name: "Robin Practice",
        is_admin: true,
    },
    User {
        id: "01H0000000K1M0C0EAG0E00000",
        token_id: "01H0000001K1M0C0EAG0E00000",
        name: "Kim Colleague",
        is_admin: true,
    },
];

/// The caller of a request.
pub(crate) struct Caller(pub(crate) &'static User);

impl FromRequestParts<Arc<Aruna>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, aruna: &Arc<Aruna>) -> Result<Self, ApiError> {
        aruna.caller(&parts.headers).map(Self)
    }
}

/// A token of a user, signed with the lab's secret.
pub(crate) fn token(user: &User, secret: &str, expires: i64) -> String {
    let part = |value: Value| BASE64URL.encode(value.to_string());
    let text = format!(
        "{}.{}",
        part(json!({"typ": "JWT", "alg": "EdDSA", "kid": "1"})),
        part(json!({"sub": user.token_id, "exp": expires}))
    );
    let signature = BASE64URL.encode(signature(secret, &text));
    format!("{text}.{signature}")
}

/// The token practice accounts get.
pub(crate) fn practice_token(user: &User, secret: &str) -> String {
    token(user, secret, EXPIRES)
}

/// A real server signs with Ed25519; nobody but this process checks these.
fn signature(secret: &str, text: &str) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut code) => {
            code.update(text.as_bytes());
            code.finalize().into_bytes().to_vec()
        }
        // HMAC takes keys of every length.
        Err(_) => Vec::new(),
    }
}

/// The token's user, as the server reads the header.
pub(crate) fn user_of(headers: &HeaderMap, secret: &str, now: Timestamp) -> Result<&'static User, ApiError> {
    let header = headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| ApiError::unauthenticated("Missing Token in Metadata"))?;
    let token = header
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .filter(|token| !token.is_empty() && !token.contains(' '))
        .ok_or_else(|| ApiError::denied("Error during auth flow"))?;
    let no_jwt = || ApiError::invalid("Typeconversion for JWT failed");
    let (text, signed) = token.rsplit_once('.').ok_or_else(no_jwt)?;
    let (_, claims) = text.split_once('.').ok_or_else(no_jwt)?;
    let claims = BASE64URL.decode(claims).map_err(|_| no_jwt())?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| no_jwt())?;
    if BASE64URL.encode(signature(secret, text)) != signed {
        return Err(ApiError::denied("Permission denied"));
    }
    if claims["exp"].as_i64().is_none_or(|expires| expires <= now.as_second()) {
        return Err(ApiError::denied("Token expired"));
    }
    // A token that was deleted is told like any other missing row.
    let user = USERS.iter().find(|user| claims["sub"].as_str() == Some(user.token_id));
    user.ok_or_else(ApiError::no_record)
}

impl World {
    /// A project, for a caller with at least that right. What does not exist gives no right either.
    pub(crate) fn project_for(&self, user: &User, id: &str, right: Right) -> Result<&Project, ApiError> {
        let id = ids::checked(id)?;
        self.projects
            .get(id)
            .filter(|project| project.rights.get(user.id).is_some_and(|own| *own >= right))
            .ok_or_else(ApiError::permission)
    }

    /// A collection, for a caller with at least that right on its project.
    pub(crate) fn collection_for(
        &self,
        user: &User,
        id: &str,
        right: Right,
    ) -> Result<&Collection, ApiError> {
        let id = ids::checked(id)?;
        let collection = self.collections.get(id).ok_or_else(ApiError::permission)?;
        self.project_for(user, &collection.project, right)?;
        Ok(collection)
    }

    /// A collection that takes changes.
    pub(crate) fn changeable(&self, user: &User, id: &str, right: Right) -> Result<&Collection, ApiError> {
        let collection = self.collection_for(user, id, right)?;
        match collection.version {
            None => Ok(collection),
            Some(_) => {
                Err(ApiError::invalid("Adding or changing objects of a pinned collection is not allowed"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    fn status(value: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        match user_of(&headers, "secret", Timestamp::from_second(1_700_000_000).unwrap()) {
            Ok(user) => {
                assert_eq!(user.id, USERS[0].id);
                200
            }
            Err(error) => error.into_response().status().as_u16(),
        }
    }

    #[test]
    fn each_wrong_token_has_its_own_answer() {
        let good = practice_token(&USERS[0], "secret");
        assert_eq!(status(Some(&format!("Bearer {good}"))), 200);
        assert_eq!(status(None), 401);
        assert_eq!(status(Some(&format!("bearer {good}"))), 403);
        assert_eq!(status(Some("Bearer nonsense")), 400);
        assert_eq!(status(Some(&format!("Bearer {good}x"))), 403);
        assert_eq!(status(Some(&format!("Bearer {}", token(&USERS[0], "secret", 1)))), 403);
        let deleted = User { token_id: "01H0000009", ..USERS[0] };
        assert_eq!(status(Some(&format!("Bearer {}", practice_token(&deleted, "secret")))), 500);
    }
}
