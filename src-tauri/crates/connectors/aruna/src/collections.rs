//! Making, changing and deleting projects and collections, and deleting files.

use crate::{
    api_types::{KeyValue, own_labels},
    connector::Connector,
    object_fields::{data_class, pairs},
    places::{Parts, Spot, not_found, split},
};
use labferry_model::{Container, Metadata, ProblemCode};
use labferry_provider::{Advice, ProviderError, ProviderResult, http::Call};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct NewProject {
    #[serde(rename = "projectId")]
    #[allow(dead_code)]
    id: String,
}

#[derive(Deserialize)]
struct NewCollection {
    #[serde(rename = "collectionId")]
    id: String,
}

/// What may be said of a project or collection; what is not said stays as it is.
#[derive(Default)]
struct Wanted {
    name: Option<String>,
    description: Option<String>,
    labels: Option<Vec<KeyValue>>,
    hooks: Option<Vec<KeyValue>>,
    required_labels: Option<Vec<String>>,
    data_class: Option<String>,
}

fn refuse(operation: &'static str, about: &str, why: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop).about(about).because(why)
}

impl Wanted {
    fn read(operation: &'static str, metadata: &Metadata) -> ProviderResult<Self> {
        let mut wanted = Self::default();
        for (name, value) in metadata {
            let text = || {
                value.as_str().map(str::to_owned).ok_or_else(|| refuse(operation, name, "it has to be text"))
            };
            match name.as_str() {
                // The web's word for it, and what other services call it.
                "name" | "title" => wanted.name = Some(checked_name(operation, text()?)?),
                "description" => wanted.description = Some(text()?),
                "labels" => wanted.labels = Some(pairs(operation, name, value)?),
                "hooks" => wanted.hooks = Some(pairs(operation, name, value)?),
                "data_class" => wanted.data_class = Some(data_class(operation, &text()?)?),
                "required_labels" => {
                    let list = value.as_array().into_iter().flatten();
                    wanted.required_labels =
                        Some(list.filter_map(|key| key.as_str().map(str::to_owned)).collect());
                }
                // Shown with the rest, and not ours to change.
                "id" | "version" => {}
                _ => {
                    return Err(refuse(
                        operation,
                        name,
                        "a collection takes name, description, labels, hooks, data_class and required_labels",
                    ));
                }
            }
        }
        Ok(wanted)
    }
}

fn checked_name(operation: &'static str, name: String) -> ProviderResult<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(name);
    }
    let suggestion: String = name.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let suggestion = suggestion.trim_matches('-');
    Err(refuse(
        operation,
        &name,
        &format!(
            "names of projects and collections take a-z, 0-9 and \"-\" only; for example \"{}\"",
            if suggestion.is_empty() { "my-data" } else { suggestion }
        ),
    ))
}

impl Connector {
    pub(crate) async fn create_container(
        &self,
        parent: &str,
        metadata: &Metadata,
    ) -> ProviderResult<Container> {
        const OPERATION: &str = "create collection";
        let wanted = Wanted::read(OPERATION, metadata)?;
        let name = wanted
            .name
            .ok_or_else(|| refuse(OPERATION, "name", "a name is missing: say name=NAME in the metadata"))?;
        let body = json!({
            "name": name,
            "description": wanted.description.unwrap_or_default(),
            "labels": wanted.labels.unwrap_or_default(),
            "hooks": wanted.hooks.unwrap_or_default(),
            "labelOntology": { "requiredLabelKeys": wanted.required_labels.unwrap_or_default() },
            "dataclass": wanted.data_class.as_deref().unwrap_or("DATA_CLASS_PRIVATE"),
        });
        match split(parent) {
            Parts { project: "", .. } => {
                let url = self.url(OPERATION, "/v1/project")?;
                let body = json!({ "name": body["name"], "description": body["description"] });
                // Only administrators of the instance may; whoever may not is told so by the service.
                let _made: NewProject = self
                    .json(&url, Call::post(OPERATION).json(&body)?)
                    .await
                    .map_err(|error| error.about(&name))?;
                Ok(self.project(OPERATION, &name).await?.into_container())
            }
            Parts { project, collection: None, .. } => {
                let project = self.project(OPERATION, project).await?;
                let mut body = body;
                body["projectId"] = project.id.clone().into();
                let url = self.url(OPERATION, "/v1/collection")?;
                let made: NewCollection = self
                    .json(&url, Call::post(OPERATION).json(&body)?)
                    .await
                    .map_err(|error| error.about(&name))?;
                self.collections(OPERATION, &project)
                    .await?
                    .iter()
                    .find(|spot| spot.id() == made.id)
                    .map(Spot::to_container)
                    .ok_or_else(|| not_found(OPERATION, &name, "the new collection is not listed"))
            }
            _ => Err(ProviderError::unsupported(OPERATION).about(parent).because(
                "collections hold files and no further collections; a folder comes with a file's name",
            )),
        }
    }

    /// Changes what is given. The service overwrites everything, so the rest is sent as it was.
    pub(crate) async fn update_container(
        &self,
        path: &str,
        metadata: &Metadata,
    ) -> ProviderResult<Container> {
        const OPERATION: &str = "change collection";
        let wanted = Wanted::read(OPERATION, metadata)?;
        match split(path) {
            Parts { collection: None, project, .. } => {
                let before = self.project(OPERATION, project).await?;
                let name = wanted.name.unwrap_or(before.name);
                // The service reads them from the address and leaves a body aside.
                let url = self
                    .url(OPERATION, &format!("/v1/project/{}", before.id))?
                    .with_query("name", &name)
                    .with_query("description", &wanted.description.unwrap_or(before.description));
                self.send(&url, Call::put(OPERATION)).await?;
                Ok(self.project(OPERATION, &name).await?.into_container())
            }
            Parts { file: Some(_), .. } => Err(ProviderError::unsupported(OPERATION)
                .about(path)
                .because("that is a file; its actions change labels and hooks")),
            _ => {
                let spot = self.find_spot(OPERATION, path).await?.changeable(OPERATION)?;
                let before = &spot.collection;
                let class = if before.is_public { "DATA_CLASS_PUBLIC" } else { "DATA_CLASS_PRIVATE" };
                let required = &before.label_ontology.required_label_keys;
                let body = json!({
                    "name": wanted.name.as_ref().unwrap_or(&before.name),
                    "description": wanted.description.as_ref().unwrap_or(&before.description),
                    "labels": wanted.labels.unwrap_or_else(|| own_labels(&before.labels)),
                    "hooks": wanted.hooks.as_ref().unwrap_or(&before.hooks),
                    "labelOntology": {
                        "requiredLabelKeys": wanted.required_labels.as_ref().unwrap_or(required),
                    },
                    "dataclass": wanted.data_class.as_deref().unwrap_or(class),
                });
                let url = self.url(OPERATION, &format!("/v1/collection/{}", spot.id()))?;
                self.send(&url, Call::put(OPERATION).json(&body)?)
                    .await
                    .map_err(|error| error.about(path))?;
                self.spots().clear();
                let project = split(path).project;
                let path = format!("{project}/{}", spot.id());
                Ok(self.find_spot(OPERATION, &path).await?.to_container())
            }
        }
    }

    pub(crate) async fn delete_path(&self, path: &str) -> ProviderResult<()> {
        const OPERATION: &str = "delete";
        match split(path) {
            Parts { file: Some(key), .. } => self.delete_file(OPERATION, path, key, true, false).await,
            Parts { project, collection: None, .. } => {
                let project = self.project(OPERATION, project).await?;
                let url = self.url(OPERATION, &format!("/v1/project/{}", project.id))?;
                self.send(&url, Call::delete(OPERATION)).await.map(drop).map_err(|error| error.about(path))
            }
            _ => self.delete_collection(OPERATION, path, false).await,
        }
    }

    pub(crate) async fn delete_collection(
        &self,
        operation: &'static str,
        path: &str,
        force: bool,
    ) -> ProviderResult<()> {
        let spot = self.find_spot(operation, path).await?;
        let url = self.url(operation, &format!("/v1/collection/{}", spot.id()))?;
        let call = Call::delete(operation).json(&json!({ "force": force }))?;
        let answer = self.send(&url, call).await;
        self.spots().clear();
        answer.map(drop).map_err(|error| error.about(path))
    }

    pub(crate) async fn delete_file(
        &self,
        operation: &'static str,
        path: &str,
        key: &str,
        with_revisions: bool,
        force: bool,
    ) -> ProviderResult<()> {
        let spot = self.spot(operation, path).await?.changeable(operation)?;
        let object = match self.staged(operation, &spot, key).await? {
            Some(object) => Some(object),
            None => self.at_key(operation, &spot, key).await?,
        };
        let object =
            object.ok_or_else(|| not_found(operation, path, "the collection has no file of that name"))?;
        self.in_hand().retain(|_, id| *id != object.id);
        let url = self.url(operation, &spot.object(&object.id, ""))?;
        // Real booleans: the service refuses them as text.
        let body: Value = json!({ "withRevisions": with_revisions, "force": force });
        self.send(&url, Call::delete(operation).json(&body)?)
            .await
            .map(drop)
            .map_err(|error| error.about(path))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_refused_comes_with_one_that_is_not() {
        let error = checked_name("t", "My Data 2024".into()).unwrap_err();
        assert!(error.problem.detail.unwrap().contains("\"my-data-2024\""));
        assert_eq!(checked_name("t", "my-data".into()).unwrap(), "my-data");
    }
}
