//! Who the caller is, what projects there are, and what runs here.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::Aruna;
use super::answer::ApiError;
use super::asked::{Fields, Query};
use super::callers::{Caller, User};
use super::ids;
use super::object_json;
use super::rules;
use super::staging::Answer;
use super::world::{Project, Right};

type At = State<Arc<Aruna>>;

fn permission(right: Right) -> &'static str {
    match right {
        Right::Read => "PERMISSION_READ",
        Right::Append => "PERMISSION_APPEND",
        Right::Modify => "PERMISSION_MODIFY",
        Right::Admin => "PERMISSION_ADMIN",
    }
}

/// `GET /v1/user`
pub(crate) async fn user(State(aruna): At, Caller(user): Caller) -> Answer {
    let world = aruna.world();
    let permissions: Vec<_> = world
        .projects
        .values()
        .filter_map(|project| {
            let right = project.rights.get(user.id)?;
            Some(json!({
                "userId": user.id, "projectId": project.id, "permission": permission(*right), "serviceAccount": false,
            }))
        })
        .collect();
    let shown = json!({
        "id": user.id, "externalId": "", "displayName": user.name, "active": true,
        "isAdmin": user.is_admin, "isServiceAccount": false, "email": "",
    });
    Ok(Json(json!({"user": shown, "projectPermissions": permissions})))
}

/// `GET /v1/user/{user}/projects`
pub(crate) async fn projects(State(aruna): At, Caller(user): Caller, Path(id): Path<String>) -> Answer {
    if ids::checked(&id)? != user.id {
        return Err(ApiError::permission());
    }
    let world = aruna.world();
    let mine: Vec<_> = world
        .projects
        .values()
        .filter(|project| project.rights.contains_key(user.id))
        .map(|project| json!({"id": project.id, "name": project.name, "description": project.description}))
        .collect();
    Ok(Json(json!({"projects": mine})))
}

/// `GET /v1/project/{p}`
pub(crate) async fn project(State(aruna): At, Caller(user): Caller, Path(id): Path<String>) -> Answer {
    let world = aruna.world();
    let project = world.project_for(user, &id, Right::Read)?;
    Ok(Json(json!({"project": object_json::project(&world, project)})))
}

fn instance_admin(user: &User) -> Result<(), ApiError> {
    if user.is_admin { Ok(()) } else { Err(ApiError::permission()) }
}

/// `GET /v1/projects`, for administrators of the instance
pub(crate) async fn all_projects(State(aruna): At, Caller(user): Caller) -> Answer {
    instance_admin(user)?;
    let world = aruna.world();
    let all: Vec<Value> =
        world.projects.values().map(|project| object_json::project(&world, project)).collect();
    Ok(Json(json!({"projects": all})))
}

/// `POST /v1/project`, for administrators of the instance
pub(crate) async fn create_project(State(aruna): At, Caller(user): Caller, body: Fields) -> Answer {
    instance_admin(user)?;
    let mut world = aruna.world();
    let name = rules::name(&body)?;
    if world.projects.values().any(|project| project.name == name) {
        return Err(ApiError::internal("duplicate key value violates unique constraint \"unique_name\""));
    }
    let project = Project {
        id: ids::new_id(aruna.now()),
        name,
        description: body.text("description")?,
        rights: BTreeMap::from([(user.id.to_owned(), Right::Admin)]),
    };
    let id = project.id.clone();
    world.put_project(project)?;
    Ok(Json(json!({"projectId": id})))
}

/// `PUT /v1/project/{p}`: name and description stand in the query; a body is not looked at.
pub(crate) async fn update_project(
    State(aruna): At,
    Caller(user): Caller,
    Path(id): Path<String>,
    query: Query,
) -> Answer {
    let mut world = aruna.world();
    let mut project = world.project_for(user, &id, Right::Admin)?.clone();
    let name = query.text("name");
    if name.is_empty() || !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Err(ApiError::invalid("Invalid name, only a-z, 0-9 and - are allowed"));
    }
    name.clone_into(&mut project.name);
    query.text("description").clone_into(&mut project.description);
    let shown = object_json::project(&world, &project);
    world.put_project(project)?;
    Ok(Json(json!({"project": shown})))
}

/// `DELETE /v1/project/{p}`
pub(crate) async fn delete_project(State(aruna): At, Caller(user): Caller, Path(id): Path<String>) -> Answer {
    let mut world = aruna.world();
    world.project_for(user, &id, Right::Admin)?;
    if world.collections.values().any(|collection| collection.project == id) {
        return Err(ApiError::invalid("Cannot delete non-empty project"));
    }
    world.remove_project(&id)?;
    Ok(Json(json!({})))
}

/// `GET /v1/info/version`, which needs no token
pub(crate) async fn version() -> Json<Value> {
    let version = json!({"versionString": "1.0.1", "major": 1, "minor": 0, "patch": 1, "labels": ""});
    Json(json!({"componentVersion": [
        {"componentName": "aruna-server", "locationVersion": [{"location": "practice-lab", "version": version}]},
    ]}))
}

/// `GET /v1/info/status`
pub(crate) async fn status() -> Json<Value> {
    Json(json!({"componentStatus": [
        {"componentName": "aruna-server", "locationStatus": [{"location": "practice-lab", "status": "STATUS_AVAILABLE"}]},
    ]}))
}

fn endpoint() -> Value {
    json!({
        "id": "01H00000020000000000PR0XY0", "epType": "ENDPOINT_TYPE_S3", "name": "practice-lab",
        "proxyHostname": "", "internalHostname": "", "documentationPath": "", "isPublic": true, "isDefault": true,
        "status": "ENDPOINT_STATUS_AVAILABLE",
    })
}

/// `GET /v1/endpoints` and `…/object/{o}/endpoints`
pub(crate) async fn endpoints(Caller(_): Caller) -> Json<Value> {
    Json(json!({"endpoints": [endpoint()]}))
}

/// `GET /v1/endpoint/default`
pub(crate) async fn default_endpoint(Caller(_): Caller) -> Json<Value> {
    Json(json!({"endpoint": endpoint()}))
}
