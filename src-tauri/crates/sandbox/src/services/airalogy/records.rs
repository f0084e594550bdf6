//! Records, asked for by their ids: all of them or none.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::Airalogy;
use super::answer::{Refused, check_key};

/// `POST /airalogy/get_records`. The protocol must be named, and is not looked at.
pub(crate) async fn by_id(
    State(airalogy): State<Arc<Airalogy>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refused> {
    check_key(&airalogy, &headers)?;
    let request: Value =
        serde_json::from_slice(&body).map_err(|_| Refused::missing("body", "airalogy_record_ids"))?;
    if !request["airalogy_protocol_id"].is_string() {
        return Err(Refused::missing("body", "airalogy_protocol_id"));
    }
    let ids = request["airalogy_record_ids"]
        .as_array()
        .ok_or_else(|| Refused::missing("body", "airalogy_record_ids"))?;
    let world = airalogy.world();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let id = id.as_str().ok_or_else(|| Refused::missing("body", "airalogy_record_ids"))?;
        let not_found = |what: &str| Refused::text(StatusCode::NOT_FOUND, format!("{what}: #{id}"));
        let rest = id.strip_prefix("airalogy.id.record.").ok_or_else(|| not_found("Invalid record id"))?;
        let (uuid, version) = match rest.split_once(".v.") {
            Some((uuid, version)) => {
                let version: usize =
                    version.parse().map_err(|_| not_found("Invalid version in record id"))?;
                (uuid, Some(version))
            }
            None => (rest, None),
        };
        let uuid: Uuid = uuid.parse().map_err(|_| Refused::internal())?;
        let versions = world.records.get(&uuid).ok_or_else(|| not_found("Record not found"))?;
        // Without a version it is not defined which one comes; here it is the first.
        let record = versions
            .get(version.unwrap_or(1).wrapping_sub(1))
            .ok_or_else(|| not_found("Record not found"))?;
        found.push(record.clone());
    }
    Ok(Json(Value::Array(found)))
}
