//! Activities: all of them, searched, below one another; their records, properties and registrations.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::Kaleidoscope;
use super::answer::ApiError;
use super::callers::{JsonBody, Workspace};
use super::render::registration_json;
use super::world::{Activity, Held, Registration, new_id};

type Shared = State<Arc<Kaleidoscope>>;

const KINDS: [&str; 6] = ["task", "experiment", "project", "stage", "milestone", "cycle"];

/// `GET /activities`: all at once, newest first.
pub(crate) async fn all(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
) -> Json<Vec<Value>> {
    Json(kaleidoscope.activities(&workspace, usize::MAX, |_| true))
}

/// What a search may ask for. Structured values are JSON text.
#[derive(Deserialize)]
pub(crate) struct Search {
    search_text: Option<String>,
    activity_types: Option<String>,
    statuses: Option<String>,
    record_ids: Option<String>,
    parent_id: Option<String>,
    limit: Option<usize>,
}

/// A flat array of texts, or a nested one of which any inner text may match.
fn texts(field: Option<&str>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(text) = field else { return Ok(None) };
    let wrong = || ApiError::bad_request("a filter is not a JSON array of texts");
    let list: Vec<Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let mut all = Vec::new();
    for item in list {
        match item {
            Value::String(text) => all.push(text),
            Value::Array(inner) => {
                for text in inner {
                    all.push(text.as_str().ok_or_else(wrong)?.to_owned());
                }
            }
            _ => return Err(wrong()),
        }
    }
    Ok(Some(all))
}

/// `GET /activities/search`: at most the cap's hits, and no way to the others.
pub(crate) async fn search(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Query(search): Query<Search>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let words = search.search_text.unwrap_or_default().to_lowercase();
    let kinds = texts(search.activity_types.as_deref())?;
    let statuses = texts(search.statuses.as_deref())?;
    let records = texts(search.record_ids.as_deref())?;
    let cap = kaleidoscope.switches().search_cap;
    let limit = search.limit.unwrap_or(cap).min(cap);
    let is_in =
        |list: &Option<Vec<String>>, text: &String| list.as_ref().is_none_or(|list| list.contains(text));
    Ok(Json(kaleidoscope.activities(&workspace, limit, |activity| {
        activity.title.to_lowercase().contains(&words)
            && is_in(&kinds, &activity.kind)
            && is_in(&statuses, &activity.status)
            && records.as_ref().is_none_or(|wanted| wanted.iter().any(|id| activity.records.contains(id)))
            && match search.parent_id.as_deref() {
                None => true,
                // The word, not an empty value.
                Some("null") => activity.parent.is_none(),
                Some(parent) => activity.parent.as_deref() == Some(parent),
            }
    })))
}

impl Kaleidoscope {
    fn activities(&self, workspace: &str, limit: usize, wanted: impl Fn(&Activity) -> bool) -> Vec<Value> {
        let world = self.world();
        let contents = world.contents();
        let ours = contents.activities.iter().filter(|activity| activity.workspace == workspace);
        let mut found: Vec<_> = ours.filter(|activity| wanted(activity)).collect();
        found.sort_by_key(|activity| std::cmp::Reverse(activity.created));
        found.into_iter().take(limit).map(|activity| self.activity_json(contents, activity)).collect()
    }
}

/// `GET /activities/{id}/activities`
pub(crate) async fn children(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    kaleidoscope
        .world()
        .contents()
        .activity(&workspace, &id)
        .ok_or_else(|| ApiError::not_found("Activity"))?;
    Ok(Json(
        kaleidoscope.activities(&workspace, usize::MAX, |activity| activity.parent.as_ref() == Some(&id)),
    ))
}

#[derive(Deserialize)]
struct NewActivity {
    title: String,
    activity_type: String,
    #[serde(default)]
    program_ids: Vec<String>,
    #[serde(default)]
    parent_id: Option<String>,
}

/// `POST /activities`: answered with an array of one.
pub(crate) async fn create(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Vec<Value>>), ApiError> {
    let asked: NewActivity =
        serde_json::from_value(body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    if !KINDS.contains(&asked.activity_type.as_str()) {
        return Err(ApiError::bad_request(format!("activity_type: Expected one of {}", KINDS.join(", "))));
    }
    let now = kaleidoscope.now();
    let mut world = kaleidoscope.world();
    let mut made = world.contents().new_activity(&workspace, &asked.title, &asked.activity_type, now);
    made.programs = asked.program_ids;
    made.parent = asked.parent_id;
    world.change(|contents| contents.activities.push(made.clone()))?;
    Ok((StatusCode::CREATED, Json(vec![kaleidoscope.activity_json(world.contents(), &made)])))
}

/// `PUT /properties/{id}`: another value.
pub(crate) async fn put_property(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let mut world = kaleidoscope.world();
    world.contents().property(&workspace, &id).ok_or_else(|| ApiError::not_found("Property"))?;
    let content = body.get("content").cloned().ok_or_else(|| ApiError::bad_request("content: Required"))?;
    let now = kaleidoscope.now();
    world
        .change(|contents| set_property(&mut contents.activities, &id, Held::Plain(content.clone()), now))?;
    Ok(Json(serde_json::json!({"id": id, "content": content})))
}

/// Puts a value into a property and lets its activity have been active.
pub(crate) fn set_property(activities: &mut [Activity], id: &str, content: Held, now: jiff::Timestamp) {
    for activity in activities {
        if let Some(property) = activity.properties.iter_mut().find(|property| property.id == id) {
            property.content = content;
            activity.active = now;
            return;
        }
    }
}

/// `GET /operations/{id}/records`
pub(crate) async fn records(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let world = kaleidoscope.world();
    let contents = world.contents();
    let activity = contents.activity(&workspace, &id).ok_or_else(|| ApiError::not_found("Operation"))?;
    let records = activity.records.iter().filter_map(|record| contents.record(&workspace, record));
    Ok(Json(records.map(|record| kaleidoscope.record_json(contents, record)).collect()))
}

#[derive(Deserialize)]
struct Added {
    record_ids: Vec<String>,
}

/// `PUT /operations/{id}/records`: adds records; answered without a body.
pub(crate) async fn add_records(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<StatusCode, ApiError> {
    let added: Added =
        serde_json::from_value(body).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let now = kaleidoscope.now();
    let mut world = kaleidoscope.world();
    world.contents().activity(&workspace, &id).ok_or_else(|| ApiError::not_found("Operation"))?;
    if added.record_ids.iter().any(|record| world.contents().record(&workspace, record).is_none()) {
        return Err(ApiError::not_found("Record"));
    }
    world.change(|contents| {
        for activity in contents.activities.iter_mut().filter(|activity| activity.id == id) {
            for record in &added.record_ids {
                if !activity.records.contains(record) {
                    activity.records.push(record.clone());
                }
            }
        }
        for record in contents.records.iter_mut().filter(|record| added.record_ids.contains(&record.id)) {
            record.activities.entry(id.clone()).or_insert(now);
        }
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /operations/{id}/registrations`
pub(crate) async fn registrations(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let world = kaleidoscope.world();
    let contents = world.contents();
    contents.activity(&workspace, &id).ok_or_else(|| ApiError::not_found("Operation"))?;
    let ours = contents.registrations.iter().filter(|registration| registration.activity == id);
    Ok(Json(ours.map(|registration| registration_json(registration, &workspace)).collect()))
}

/// `POST /operations/{id}/register/{file}`
pub(crate) async fn register(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path((id, file)): Path<(String, String)>,
    JsonBody(_): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let now = kaleidoscope.now();
    let mut world = kaleidoscope.world();
    world.contents().activity(&workspace, &id).ok_or_else(|| ApiError::not_found("Operation"))?;
    let known = world.contents().file(&file).filter(|file| file.workspace == workspace);
    known.ok_or_else(|| ApiError::not_found("File"))?;
    let made = Registration { id: new_id(), activity: id, file, status: "pending".into(), created: now };
    world.change(|contents| contents.registrations.push(made.clone()))?;
    Ok(Json(registration_json(&made, &workspace)))
}
