//! Paths of ours: `project/collection/folder/file`, by name. A pinned version of a collection is `collection@1.2.3`.
//! Projects and collections may be named by their ids as well: names are lower-case, ids are not.

use crate::{
    api_types::{Collection, CollectionList, Project, ProjectList},
    connector::{Connector, SEGMENT},
};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ProviderError, ProviderResult, http::Call};
use percent_encoding::utf8_percent_encode;
use std::sync::Arc;

/// A path taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) project: &'a str,
    pub(crate) collection: Option<&'a str>,
    pub(crate) file: Option<&'a str>,
}

pub(crate) fn split(path: &str) -> Parts<'_> {
    let mut pieces = path.splitn(3, '/').filter(|piece| !piece.is_empty());
    Parts { project: pieces.next().unwrap_or_default(), collection: pieces.next(), file: pieces.next() }
}

/// A collection that was found.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) collection: Collection,
    /// `project/collection`, by name.
    pub(crate) path: String,
    /// `latest.collection.project`
    pub(crate) bucket: String,
}

impl Spot {
    fn new(project: &Project, collection: Collection) -> Self {
        let version = collection.semantic_version.as_ref().map(|version| version.text());
        let pin = version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        let version = version.as_deref().unwrap_or("latest");
        Self {
            path: format!("{}/{}{pin}", project.name, collection.name),
            bucket: format!("{version}.{}.{}", collection.name, project.name),
            collection,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.collection.id
    }

    /// The address of its objects.
    pub(crate) fn object(&self, id: &str, rest: &str) -> String {
        format!(
            "/v1/collection/{}/object/{}{rest}",
            utf8_percent_encode(self.id(), SEGMENT),
            utf8_percent_encode(id, SEGMENT)
        )
    }

    /// Refuses what would change a pinned version.
    pub(crate) fn changeable(self: Arc<Self>, operation: &'static str) -> ProviderResult<Arc<Self>> {
        if self.collection.semantic_version.is_none() {
            return Ok(self);
        }
        Err(ProviderError::new(operation, ProblemCode::RecordLocked, Advice::Stop)
            .about(&self.path)
            .because("a pinned version of a collection never changes; use the collection itself"))
    }
}

pub(crate) fn not_found(operation: &'static str, path: &str, why: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::NotFound, Advice::Stop).about(path).because(why)
}

impl Connector {
    /// Every project of ours, by name.
    pub(crate) async fn projects(&self, operation: &'static str) -> ProviderResult<Vec<Project>> {
        let (user, _) = self.user(operation).await?;
        let user = utf8_percent_encode(&user, SEGMENT);
        let url = self.url(operation, &format!("/v1/user/{user}/projects"))?;
        let mut list: ProjectList = self.json(&url, Call::get(operation)).await?;
        list.projects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list.projects)
    }

    /// A project by name or id.
    pub(crate) async fn project(&self, operation: &'static str, name: &str) -> ProviderResult<Project> {
        let projects = self.projects(operation).await?;
        projects
            .into_iter()
            .find(|project| project.name == name || project.id == name)
            .ok_or_else(|| not_found(operation, name, "you have no project of that name"))
    }

    /// Every collection of a project, by name, pinned versions behind the collection itself.
    pub(crate) async fn collections(
        &self,
        operation: &'static str,
        project: &Project,
    ) -> ProviderResult<Vec<Spot>> {
        let id = utf8_percent_encode(&project.id, SEGMENT);
        let url = self.url(operation, &format!("/v1/collections/{id}?pageRequest.pageSize=-1"))?;
        let list: CollectionList = self.json(&url, Call::get(operation)).await?;
        let all = list.collections.collection_overviews.into_iter();
        let mut spots: Vec<_> = all.map(|collection| Spot::new(project, collection)).collect();
        spots.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(spots)
    }

    /// The collection of a path, asked for anew.
    pub(crate) async fn find_spot(&self, operation: &'static str, path: &str) -> ProviderResult<Arc<Spot>> {
        let Parts { project, collection: Some(name), .. } = split(path) else {
            return Err(ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop)
                .about(path)
                .because("files are kept in collections: name one, as PROJECT/COLLECTION"));
        };
        let project = self.project(operation, project).await?;
        let spots = self.collections(operation, &project).await?;
        let wanted = format!("{}/{name}", project.name);
        let spot = spots
            .into_iter()
            .find(|spot| spot.path == wanted || spot.id() == name)
            .map(Arc::new)
            .ok_or_else(|| not_found(operation, path, "the project has no collection of that name"))?;
        self.spots().insert(container_of(path), Arc::clone(&spot));
        Ok(spot)
    }

    /// The collection of a path, as last seen: a name moves to another collection only when it is made anew.
    pub(crate) async fn spot(&self, operation: &'static str, path: &str) -> ProviderResult<Arc<Spot>> {
        let known = self.spots().get(&container_of(path)).cloned();
        match known {
            Some(spot) => Ok(spot),
            None => self.find_spot(operation, path).await,
        }
    }
}

/// The first two segments.
fn container_of(path: &str) -> String {
    let parts = split(path);
    format!("{}/{}", parts.project, parts.collection.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_project_collection_and_file() {
        let parts = split("p/c@1.2.3/x/y.txt");
        assert_eq!((parts.project, parts.collection, parts.file), ("p", Some("c@1.2.3"), Some("x/y.txt")));
        assert_eq!(split(""), Parts { project: "", collection: None, file: None });
        assert_eq!(split("p/c/").file, None);
    }
}
