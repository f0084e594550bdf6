//! Listing projects, collections and objects, and finding one object.

use crate::{
    api_types::{ByPath, Located, Object, ObjectList, OneObject, Status, as_object, own_labels, time},
    api_types::{Project, Stats},
    connector::{Connector, KEY},
    places::{Parts, Spot, not_found, split},
};
use labferry_model::{Container, ContainerKind, Entry, Metadata, Page, ProblemCode, RemoteFile};
use labferry_provider::{Advice, ListRequest, ProviderError, ProviderResult, http::Call};
use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Lines of one question where a collection does not fit into one answer.
const LARGE_PAGE: u32 = 5_000;

/// What a listing is narrowed to: words of the name, ids, labels. The gateway takes no labels over REST, so they are
/// looked at here.
#[derive(Debug, Default, PartialEq)]
struct Filter {
    words: Vec<String>,
    ids: Vec<String>,
    labels: Vec<(String, Option<String>)>,
}

impl Filter {
    /// `id:01H… label:sample=S17 label:stage frame`
    fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            if let Some(id) = word.strip_prefix("id:") {
                filter.ids.push(id.to_owned());
            } else if let Some(label) = word.strip_prefix("label:") {
                let (key, value) = match label.split_once('=') {
                    Some((key, value)) => (key, Some(value.to_owned())),
                    None => (label, None),
                };
                filter.labels.push((key.to_owned(), value));
            } else {
                filter.words.push(word.to_lowercase());
            }
        }
        filter
    }

    fn takes(&self, name: &str, object: &Object) -> bool {
        let name = name.to_lowercase();
        let has = |(key, value): &(String, Option<String>)| {
            object
                .labels
                .iter()
                .any(|label| label.key == *key && value.as_ref().is_none_or(|value| label.value == *value))
        };
        self.words.iter().all(|word| name.contains(word)) && self.labels.iter().all(has)
    }
}

impl Project {
    pub(crate) fn into_container(self) -> Container {
        let mut metadata = Metadata::new();
        metadata.insert("id".into(), self.id.into());
        metadata.insert("name".into(), self.name.clone().into());
        metadata.insert("description".into(), self.description.into());
        Container {
            path: self.name.clone(),
            title: self.name,
            kind: ContainerKind::Project,
            writable: false,
            files: None,
            bytes: None,
            modified: None,
            web_page: None,
            metadata,
            complaints: Vec::new(),
        }
    }
}

impl Spot {
    pub(crate) fn to_container(&self) -> Container {
        let found = &self.collection;
        let version = found.semantic_version.as_ref().map(|version| version.text());
        let metadata = json!({
            "id": found.id,
            "name": found.name,
            "description": found.description,
            "labels": as_object(&own_labels(&found.labels)),
            "hooks": as_object(&found.hooks),
            "required_labels": found.label_ontology.required_label_keys,
            "data_class": if found.is_public { "public" } else { "private" },
            "version": version,
        });
        // The figures come from a view that is renewed now and then; before that there are none.
        let stats: Option<&Stats> = found.stats.as_ref();
        let counted = stats.and_then(|stats| stats.object_stats.as_ref());
        Container {
            path: self.path.clone(),
            title: match &version {
                Some(version) => format!("{} {version}", found.name),
                None => found.name.clone(),
            },
            kind: ContainerKind::Collection,
            writable: found.semantic_version.is_none(),
            files: counted.and_then(|stats| u64::try_from(stats.count).ok()),
            bytes: counted.and_then(|stats| u64::try_from(stats.acc_size).ok()),
            modified: stats.and_then(|stats| time(&stats.last_updated)).or_else(|| time(&found.created)),
            web_page: None,
            metadata: match metadata {
                Value::Object(fields) => fields,
                _ => Metadata::new(),
            },
            complaints: Vec::new(),
        }
    }

    /// The key of an object in this collection.
    fn key_of(&self, located: &Located) -> String {
        let prefix = format!("s3://{}/", self.bucket);
        let path = located.paths.iter().find_map(|path| path.strip_prefix(&prefix));
        path.map_or_else(|| located.object.filename.clone(), str::to_owned)
    }
}

impl Connector {
    pub(crate) async fn list_page(&self, request: &ListRequest) -> ProviderResult<Page> {
        const OPERATION: &str = "list";
        if request.page.is_some() {
            return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .because("that page does not exist: everything is listed at once"));
        }
        let words = request.query.as_deref().unwrap_or_default();
        let has = |name: &str| {
            let name = name.to_lowercase();
            words.to_lowercase().split_whitespace().all(|word| name.contains(word))
        };
        let entries: Vec<Entry> = match split(&request.path) {
            Parts { project: "", .. } => self
                .projects(OPERATION)
                .await?
                .into_iter()
                .filter(|project| has(&project.name))
                .map(|project| Entry::Container { container: project.into_container() })
                .collect(),
            Parts { project, collection: None, .. } => {
                let project = self.project(OPERATION, project).await?;
                let spots = self.collections(OPERATION, &project).await?;
                spots
                    .iter()
                    .filter(|spot| has(&spot.path))
                    .map(|spot| Entry::Container { container: spot.to_container() })
                    .collect()
            }
            Parts { file: None, .. } => {
                let spot = self.find_spot(OPERATION, &request.path).await?;
                let files = self.objects(&spot, &Filter::parse(words)).await?;
                files.into_iter().map(|file| Entry::File { file }).collect()
            }
            Parts { file: Some(file), .. } => {
                return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                    .about(file)
                    .because("a file holds no further files; name the collection"));
            }
        };
        Ok(Page { total: Some(entries.len() as u64), entries, next: None })
    }

    /// The objects of a collection, by name. Pages of the gateway are cut before staged objects are dropped and come in no
    /// order, so everything is asked for at once; only where that is too much it is fetched in large pages.
    async fn objects(&self, spot: &Spot, filter: &Filter) -> ProviderResult<Vec<RemoteFile>> {
        let all = match self.object_page(spot, filter, "-1", "").await {
            Err(error) if error.problem.code == ProblemCode::BadAnswer => {
                self.object_pages(spot, filter).await?
            }
            all => all?,
        };
        let mut files: Vec<RemoteFile> = all
            .into_iter()
            .map(|located| (spot.key_of(&located), located.object))
            .filter(|(name, object)| filter.takes(name, object))
            .map(|(name, object)| object.into_remote_file(&spot.path, &name))
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    async fn object_pages(&self, spot: &Spot, filter: &Filter) -> ProviderResult<Vec<Located>> {
        let (mut all, mut seen, mut last) = (Vec::new(), BTreeSet::new(), String::new());
        loop {
            let page = self.object_page(spot, filter, &LARGE_PAGE.to_string(), &last).await?;
            let Some(highest) = page.iter().map(|located| located.object.id.clone()).max() else {
                return Ok(all);
            };
            if highest <= last {
                return Ok(all);
            }
            last = highest;
            all.extend(page.into_iter().filter(|located| seen.insert(located.object.id.clone())));
        }
    }

    async fn object_page(
        &self,
        spot: &Spot,
        filter: &Filter,
        size: &str,
        last: &str,
    ) -> ProviderResult<Vec<Located>> {
        const OPERATION: &str = "list files";
        let mut query = vec![("pageRequest.pageSize", size)];
        if !last.is_empty() {
            query.push(("pageRequest.lastUuid", last));
        }
        query.extend(filter.ids.iter().map(|id| ("labelIdFilter.ids", id.as_str())));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        // No links: one empty object on the page would make the whole question fail.
        let path = format!("/v1/collection/{}/objects?{query}", spot.id());
        let list: ObjectList = self.json(&self.url(OPERATION, &path)?, Call::get(OPERATION)).await?;
        Ok(list.objects)
    }

    pub(crate) async fn describe_path(&self, path: &str) -> ProviderResult<Entry> {
        const OPERATION: &str = "describe";
        match split(path) {
            Parts { project: "", .. } => {
                Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                    .because("name a project, a collection or a file"))
            }
            Parts { project, collection: None, .. } => {
                let container = self.project(OPERATION, project).await?.into_container();
                Ok(Entry::Container { container })
            }
            Parts { file: None, .. } => {
                let container = self.find_spot(OPERATION, path).await?.to_container();
                Ok(Entry::Container { container })
            }
            Parts { file: Some(name), .. } => {
                let container = path.strip_suffix(name).unwrap_or(path).trim_end_matches('/');
                let file = self.find(container, name).await?;
                let file = file
                    .ok_or_else(|| not_found(OPERATION, path, "the collection has no file of that name"))?;
                Ok(Entry::File { file })
            }
        }
    }

    /// One revision by its id.
    pub(crate) async fn object(
        &self,
        operation: &'static str,
        spot: &Spot,
        id: &str,
    ) -> ProviderResult<Object> {
        let url = self.url(operation, &spot.object(id, ""))?;
        let one: OneObject = self.json(&url, Call::get(operation)).await?;
        Ok(one.object.object)
    }

    /// The available object under a key.
    pub(crate) async fn at_key(
        &self,
        operation: &'static str,
        spot: &Spot,
        key: &str,
    ) -> ProviderResult<Option<Object>> {
        let key = utf8_percent_encode(key, KEY);
        let url = self.url(operation, &format!("/v1/path/object/s3://{}/{key}", spot.bucket))?;
        let found: ByPath = match self.json(&url, Call::get(operation)).await {
            Ok(found) => found,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let there = found.object.into_iter().filter(|object| object.status == Status::Available);
        Ok(there.max_by_key(|object| object.rev_number))
    }

    /// The object of an upload in hand under that key, which no list shows.
    pub(crate) async fn staged(
        &self,
        operation: &'static str,
        spot: &Spot,
        key: &str,
    ) -> ProviderResult<Option<Object>> {
        let place = (spot.bucket.clone(), key.to_owned());
        let Some(id) = self.in_hand().get(&place).cloned() else { return Ok(None) };
        match self.object(operation, spot, &id).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_not_found() => {
                self.in_hand().remove(&place);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn find(&self, container: &str, name: &str) -> ProviderResult<Option<RemoteFile>> {
        const OPERATION: &str = "find file";
        let spot = self.spot(OPERATION, container).await?;
        let staged = self.staged(OPERATION, &spot, name).await?;
        if let Some(object) = &staged
            && object.status == Status::Error
        {
            return Err(crate::upload::failed(OPERATION, name, object));
        }
        let found = match staged {
            Some(object) => Some(object),
            None => self.at_key(OPERATION, &spot, name).await?,
        };
        Ok(found.map(|object| object.into_remote_file(container, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_types::KeyValue;

    #[test]
    fn a_query_names_words_ids_and_labels() {
        let filter = Filter::parse("id:01H label:stage=3dpf label:raw Frame");
        assert_eq!(filter.ids, ["01H"]);
        let label = |key: &str, value: &str| KeyValue { key: key.into(), value: value.into() };
        let mut object =
            Object { labels: vec![label("stage", "3dpf"), label("raw", "x")], ..Object::default() };
        assert!(filter.takes("a/frame_1.raw", &object));
        assert!(!filter.takes("a/other.raw", &object));
        object.labels.pop();
        assert!(!filter.takes("frame", &object));
    }
}
