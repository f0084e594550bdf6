//! Records, their values and the fields they have.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{StatusCode, header};

use serde_json::{Map, Value, json};

use super::Kaleidoscope;
use super::answer::ApiError;
use super::callers::{JsonBody, Workspace};
use super::render::{USER, field_json, property_field_json};
use super::world::{Held, Record, RecordValue, new_id};

type Shared = State<Arc<Kaleidoscope>>;
type Asked = Query<HashMap<String, String>>;

/// `GET /records?record_ids=a,b`: unknown ids are simply missing.
pub(crate) async fn several(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Query(asked): Asked,
) -> Result<Json<Vec<Value>>, ApiError> {
    let ids = asked.get("record_ids").ok_or_else(|| ApiError::bad_request("record_ids: Required"))?;
    let world = kaleidoscope.world();
    let contents = world.contents();
    // No order is promised, so not the one that was asked for.
    let found = contents
        .records
        .iter()
        .filter(|record| record.workspace == workspace && ids.split(',').any(|id| id.trim() == record.id));
    Ok(Json(found.map(|record| kaleidoscope.record_json(contents, record)).collect()))
}

/// `GET /records/search`: ids only.
pub(crate) async fn search(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Query(asked): Asked,
) -> Result<Json<Vec<String>>, ApiError> {
    let words = asked.get("search_text").map(|text| text.to_lowercase()).unwrap_or_default();
    let limit = match asked.get("limit").map(|limit| limit.parse::<usize>()) {
        None => usize::MAX,
        Some(Ok(limit)) => limit,
        Some(Err(_)) => return Err(ApiError::bad_request("limit: Expected number")),
    };
    let activity = asked.get("operation_id").map(|id| id.trim_matches('"'));
    let world = kaleidoscope.world();
    let mut found: Vec<_> = world
        .contents()
        .records
        .iter()
        .filter(|record| record.workspace == workspace && record.key.to_lowercase().contains(&words))
        .filter(|record| activity.is_none_or(|id| record.activities.contains_key(id)))
        .collect();
    found.sort_by_key(|record| std::cmp::Reverse(record.created));
    Ok(Json(found.into_iter().take(limit).map(|record| record.id.clone()).collect()))
}

/// `GET /records/identifiers`
pub(crate) async fn by_keys(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Query(asked): Asked,
) -> Result<Json<Vec<Value>>, ApiError> {
    let text = asked.get("records_key_field_to_value").map(String::as_str).unwrap_or_default();
    let wanted: Vec<BTreeMap<String, String>> =
        serde_json::from_str(text).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let world = kaleidoscope.world();
    let contents = world.contents();
    let found = contents.records.iter().filter(|record| {
        record.workspace == workspace
            && wanted
                .iter()
                .any(|keys| contents.key_fields.iter().any(|field| keys.get(&field.id) == Some(&record.key)))
    });
    // The official client reads each from a member of its own here, unlike in every other list.
    Ok(Json(found.map(|record| json!({ "record": kaleidoscope.record_json(contents, record) })).collect()))
}

/// `GET /records/{id}`
pub(crate) async fn one(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let world = kaleidoscope.world();
    let contents = world.contents();
    let record = contents.record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    Ok(Json(kaleidoscope.record_json(contents, record)))
}

/// `POST /records`: gets the record of that key, or makes it.
pub(crate) async fn get_or_create(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let now = kaleidoscope.now();
    let mut world = kaleidoscope.world();
    let keys = body.get("key_field_to_value").and_then(Value::as_object);
    let key = world.contents().key_fields.iter().find_map(|field| keys?.get(&field.id)?.as_str());
    let key = key
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| ApiError::bad_request("key_field_to_value: Expected a value for each key field"))?;
    let there =
        world.contents().records.iter().find(|record| record.workspace == workspace && record.key == key);
    let record = match there {
        Some(record) => record.clone(),
        None => {
            let made = Record {
                id: new_id(),
                workspace,
                key,
                created: now,
                activities: BTreeMap::new(),
                values: BTreeMap::new(),
            };
            world.change(|contents| contents.records.push(made.clone()))?;
            made
        }
    };
    Ok(Json(kaleidoscope.record_json(world.contents(), &record)))
}

/// `GET /records/{id}/values`
pub(crate) async fn values(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let world = kaleidoscope.world();
    let contents = world.contents();
    let record = contents.record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    let all = record.values.iter().flat_map(|(field, list)| list.iter().map(move |value| (field, value)));
    Ok(Json(all.map(|(field, value)| kaleidoscope.full_value_json(contents, record, field, value)).collect()))
}

/// `POST /records/{id}/values`: one more value of a field.
pub(crate) async fn add_value(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let field = text("field_id").ok_or_else(|| ApiError::bad_request("field_id: Required"))?;
    let mut world = kaleidoscope.world();
    world.contents().record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    let known = world.contents().data_fields.iter().find(|known| known.id == field);
    let kind = known.map(|known| known.kind.clone()).ok_or_else(|| ApiError::not_found("Field"))?;
    let content = match body.get("content").cloned().unwrap_or_default() {
        // Numbers are kept as text.
        Value::Number(number) if kind == "number" => number.to_string().into(),
        content => content,
    };
    let value = RecordValue {
        id: new_id(),
        content: Held::Plain(content),
        created: kaleidoscope.now(),
        activity: text("operation_id"),
        view: text("record_view_id"),
    };
    world.change(|contents| add(&mut contents.records, &id, &field, value.clone()))?;
    let contents = world.contents();
    let record = contents.record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    Ok(Json(json!({"resource": kaleidoscope.full_value_json(contents, record, &field, &value)})))
}

/// Puts a value before the older ones of its field.
pub(crate) fn add(records: &mut [Record], id: &str, field: &str, value: RecordValue) {
    if let Some(record) = records.iter_mut().find(|record| record.id == id) {
        record.values.entry(field.to_owned()).or_default().insert(0, value);
    }
}

/// `GET /records/{id}/operations`
pub(crate) async fn activities(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let world = kaleidoscope.world();
    let contents = world.contents();
    let record = contents.record(&workspace, &id).ok_or_else(|| ApiError::not_found("Record"))?;
    let found = record.activities.keys().filter_map(|activity| contents.activity(&workspace, activity));
    Ok(Json(found.map(|activity| kaleidoscope.activity_json(contents, activity)).collect()))
}

/// `GET /records/export/csv`: key and newest plain values.
pub(crate) async fn export(
    State(kaleidoscope): Shared,
    Extension(Workspace(workspace)): Extension<Workspace>,
    Query(asked): Asked,
) -> Result<Response, ApiError> {
    for required in ["filename", "entity_slice_id"] {
        if !asked.contains_key(required) {
            return Err(ApiError::bad_request(format!("{required}: Required")));
        }
    }
    let words = asked.get("search_text").map(|text| text.to_lowercase()).unwrap_or_default();
    let world = kaleidoscope.world();
    let contents = world.contents();
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let names = contents.key_fields.iter().chain(&contents.data_fields).map(|field| cell(&field.name));
    let mut csv = names.collect::<Vec<_>>().join(",") + "\n";
    let ours = contents.records.iter().filter(|record| record.workspace == workspace);
    for record in ours.filter(|record| record.key.to_lowercase().contains(&words)) {
        let mut row = vec![cell(&record.key)];
        for field in &contents.data_fields {
            let newest = record.values.get(&field.id).and_then(|values| values.first());
            row.push(match newest.map(|value| &value.content) {
                Some(Held::Plain(Value::String(text))) => cell(text),
                Some(Held::Plain(other)) => cell(&other.to_string()),
                Some(Held::File(id)) => cell(contents.file(id).map_or("", |file| file.name.as_str())),
                None => String::new(),
            });
        }
        csv += &(row.join(",") + "\n");
    }
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/csv")], csv).into_response())
}

/// `GET /data_fields`
pub(crate) async fn data_fields(State(kaleidoscope): Shared) -> Json<Vec<Value>> {
    let world = kaleidoscope.world();
    Json(world.contents().data_fields.iter().map(|field| field_json(field, false)).collect())
}

/// `GET /key_fields`
pub(crate) async fn key_fields(State(kaleidoscope): Shared) -> Json<Vec<Value>> {
    let world = kaleidoscope.world();
    Json(world.contents().key_fields.iter().map(|field| field_json(field, true)).collect())
}

/// `GET /property_fields`
pub(crate) async fn property_fields(State(kaleidoscope): Shared) -> Json<Vec<Value>> {
    let world = kaleidoscope.world();
    Json(world.contents().property_fields.iter().map(property_field_json).collect())
}

/// `GET /entity_slices`
pub(crate) async fn slices(State(kaleidoscope): Shared) -> Json<Vec<Value>> {
    let world = kaleidoscope.world();
    let contents = world.contents();
    let keys: Vec<_> = contents.key_fields.iter().map(|field| &field.id).collect();
    Json(vec![json!({"id": contents.slice, "slice_name": "Sample", "key_field_ids": keys})])
}

/// `GET /programs`
pub(crate) async fn programs(State(kaleidoscope): Shared) -> Json<Vec<Value>> {
    let world = kaleidoscope.world();
    Json(world.contents().programs.iter().map(|(id, title)| json!({"id": id, "title": title})).collect())
}

/// `GET /workspaces/active`
pub(crate) async fn workspace(Extension(Workspace(workspace)): Extension<Workspace>) -> Json<Value> {
    let name = super::WORKSPACES.iter().find(|(id, _)| *id == workspace).map_or("", |(_, name)| name);
    Json(json!({"id": workspace, "workspace_name": name}))
}

/// `GET /workspaces/members`
pub(crate) async fn members() -> Json<Vec<Value>> {
    let member = Map::from_iter([
        ("id".to_owned(), USER.into()),
        ("email".to_owned(), "robin@practice.example".into()),
        ("full_name".to_owned(), "Robin Practice".into()),
    ]);
    Json(vec![member.into()])
}
