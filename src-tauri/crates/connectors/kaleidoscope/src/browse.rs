//! Listing activities, records and files. The service lists no files: they are found in the values of records, in the
//! properties of activities and among registrations.

use crate::{
    api_types::{Field, objects, text, time},
    connector::Connector,
    file_value::{FileRef, files_in, takes_files},
    paths::{Place, parse},
};
use labferry_model::{Container, ContainerKind, Entry, FileStatus, Metadata, Page, ProblemCode, RemoteFile};
use labferry_provider::{Advice, ListRequest, ProviderError, ProviderResult, http::Call};
use serde_json::Value;

/// Hits of a search for activities, the most the service gives.
const MOST_ACTIVITIES: &str = "500";
/// Ids of a search for records that are asked for; the service's own limit is not known.
const MOST_RECORDS: &str = "5000";
/// Records asked for at once, as the official client does.
const BATCH: usize = 250;
/// Files of one page whose name is asked for one by one, where values hold ids only.
const NAMES_ASKED: usize = 25;

/// A file where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) file: FileRef,
    /// The activity whose permissions it has.
    pub(crate) activity: Option<String>,
    /// The field, for people.
    pub(crate) field: Option<String>,
    pub(crate) created: Option<labferry_model::Timestamp>,
    pub(crate) status: FileStatus,
}

fn container(
    place: &Place,
    title: &str,
    kind: ContainerKind,
    writable: bool,
    metadata: Metadata,
) -> Container {
    Container {
        path: place.path(),
        title: title.to_owned(),
        kind,
        writable,
        files: None,
        bytes: None,
        modified: time(&metadata, "last_activity_at").or_else(|| time(&metadata, "created_at")),
        web_page: None,
        metadata,
        complaints: Vec::new(),
    }
}

fn activity_container(activity: &Metadata) -> Option<Container> {
    let id = text(activity, "id")?;
    let title = text(activity, "title").unwrap_or(id);
    let kind = match text(activity, "activity_type") {
        Some("project" | "stage" | "cycle") | None => ContainerKind::Project,
        Some(_) => ContainerKind::Collection,
    };
    Some(container(&Place::Activity(id.to_owned()), title, kind, false, activity.clone()))
}

impl Connector {
    pub(crate) async fn list_page(&self, request: &ListRequest) -> ProviderResult<Page> {
        const OPERATION: &str = "list";
        let from: usize = match request.page.as_deref().map(str::parse) {
            None => 0,
            Some(Ok(from)) if from > 0 => from,
            Some(_) => {
                return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                    .because("that page does not exist"));
            }
        };
        let spot = parse(OPERATION, &request.path)?;
        if spot.file.is_some() {
            return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&request.path)
                .because("a file holds no further files; name the field or property it is in"));
        }
        let words = request.query.as_deref().unwrap_or_default().trim();
        let size = request.limit.max(1) as usize;
        if let Place::Records { activity: None } = spot.place {
            return self.list_records(words, from, size).await;
        }
        let mut entries = match &spot.place {
            Place::Top => self.list_top(words).await?,
            Place::Activity(activity) => self.list_activity(activity).await?,
            Place::Records { activity: Some(activity) } => self.records_of_activity(activity).await?,
            place => self.list_files(place, from, size).await?,
        };
        // The top is searched by the service, which looks at more than titles.
        if !words.is_empty() && spot.place != Place::Top {
            let words = words.to_lowercase();
            entries.retain(|entry| match entry {
                Entry::Container { container } => container.title.to_lowercase().contains(&words),
                Entry::File { file } => file.name.to_lowercase().contains(&words),
            });
        }
        let total = entries.len();
        let entries: Vec<Entry> = entries.into_iter().skip(from).take(size).collect();
        let next =
            (from + entries.len() < total && !entries.is_empty()).then(|| (from + entries.len()).to_string());
        Ok(Page { entries, total: Some(total as u64), next })
    }

    /// The activities at the top, or those that a search finds wherever they are; then the way to all records.
    async fn list_top(&self, words: &str) -> ProviderResult<Vec<Entry>> {
        const OPERATION: &str = "list activities";
        let mut found = if words.is_empty() {
            let mut all = self.list_of(OPERATION, &["activities"]).await?;
            // One whose parent cannot be seen stands at the top, or nobody would find it.
            let ids: std::collections::BTreeSet<String> =
                all.iter().filter_map(|activity| Some(text(activity, "id")?.to_owned())).collect();
            all.retain(|activity| text(activity, "parent_id").is_none_or(|parent| !ids.contains(parent)));
            all
        } else {
            let url = self
                .url(OPERATION, &["activities", "search"])?
                .with_query("search_text", words)
                .with_query("limit", MOST_ACTIVITIES);
            self.get_json(&url, || Ok(Call::get(OPERATION))).await?
        };
        found.sort_by_key(|activity| std::cmp::Reverse(time(activity, "created_at")));
        let mut entries: Vec<Entry> = found
            .iter()
            .filter_map(activity_container)
            .map(|container| Entry::Container { container })
            .collect();
        if words.is_empty() {
            let all = container(
                &Place::Records { activity: None },
                "All records",
                ContainerKind::Collection,
                false,
                Metadata::new(),
            );
            entries.push(Entry::Container { container: all });
        }
        Ok(entries)
    }

    /// What is below an activity: other activities, properties that take files, registered files, records.
    async fn list_activity(&self, id: &str) -> ProviderResult<Vec<Entry>> {
        const OPERATION: &str = "list activity";
        let activity = self.activity(OPERATION, id).await?;
        let children = self.list_of(OPERATION, &["activities", id, "activities"]).await?;
        let mut entries: Vec<Entry> = children
            .iter()
            .filter_map(activity_container)
            .map(|container| Entry::Container { container })
            .collect();
        for property in objects(&activity, "properties") {
            if let Some(container) = property_container(id, property) {
                entries.push(Entry::Container { container });
            }
        }
        // Not every workspace registers files, and one that does not may refuse the question.
        if let Ok(registered) = self.list_of(OPERATION, &["operations", id, "registrations"]).await
            && !registered.is_empty()
        {
            let place = Place::Files { activity: Some(id.to_owned()) };
            let title = "Registered files";
            let container = container(&place, title, ContainerKind::Collection, false, Metadata::new());
            entries.push(Entry::Container { container });
        }
        entries.extend(self.records_of_activity(id).await?);
        Ok(entries)
    }

    async fn records_of_activity(&self, id: &str) -> ProviderResult<Vec<Entry>> {
        const OPERATION: &str = "list records";
        let records = self.list_of(OPERATION, &["operations", id, "records"]).await?;
        let takes_files = self.file_fields(OPERATION).await?.len() == 1;
        let records = records.iter().filter_map(|record| record_container(Some(id), record, takes_files));
        Ok(records.map(|container| Entry::Container { container }).collect())
    }

    /// Records by search: ids first, then the records of the page that is shown.
    async fn list_records(&self, words: &str, from: usize, size: usize) -> ProviderResult<Page> {
        const OPERATION: &str = "list records";
        let mut url = self.url(OPERATION, &["records", "search"])?.with_query("limit", MOST_RECORDS);
        if !words.is_empty() {
            url = url.with_query("search_text", words);
        }
        let ids: Vec<String> = self.get_json(&url, || Ok(Call::get(OPERATION))).await?;
        let takes_files = self.file_fields(OPERATION).await?.len() == 1;
        let shown: Vec<&String> = ids.iter().skip(from).take(size).collect();
        let mut entries = Vec::new();
        for batch in shown.chunks(BATCH) {
            let list: Vec<&str> = batch.iter().map(|id| id.as_str()).collect();
            let url = self.url(OPERATION, &["records"])?.with_query("record_ids", &list.join(","));
            let records: Vec<Metadata> = self.get_json(&url, || Ok(Call::get(OPERATION))).await?;
            // They come in any order, and one that was removed meanwhile not at all.
            for id in batch {
                let record = records.iter().find(|record| text(record, "id") == Some(id.as_str()));
                if let Some(container) = record.and_then(|record| record_container(None, record, takes_files))
                {
                    entries.push(Entry::Container { container });
                }
            }
        }
        let end = from + shown.len();
        let next = (end < ids.len()).then(|| end.to_string());
        Ok(Page { entries, total: Some(ids.len() as u64), next })
    }

    /// The files of a record, field or property; a record with several fields for files shows these instead.
    async fn list_files(&self, place: &Place, from: usize, size: usize) -> ProviderResult<Vec<Entry>> {
        const OPERATION: &str = "list files";
        if let Place::Record { activity, record, field: None } = place {
            let fields = self.file_fields(OPERATION).await?;
            if fields.len() > 1 {
                let found = self.record(OPERATION, record).await?;
                let entry = |field: &Field| {
                    let place = Place::Record {
                        activity: activity.clone(),
                        record: record.clone(),
                        field: Some(field.id.clone()),
                    };
                    Entry::Container { container: field_container(&place, &found, field) }
                };
                return Ok(fields.iter().map(entry).collect());
            }
        }
        let mut entries = Vec::new();
        let mut asked = 0;
        for (at, found) in self.files_of(OPERATION, place).await?.into_iter().enumerate() {
            let is_shown = (from..from.saturating_add(size)).contains(&at);
            let mut head = self.known_head(&found.file.id);
            if head.is_none() && found.file.name.is_none() && is_shown && asked < NAMES_ASKED {
                asked += 1;
                head = Some(self.head(OPERATION, &found).await?);
            }
            entries.push(Entry::File { file: remote_file(place, &found, head.as_ref()) });
        }
        Ok(entries)
    }

    /// One activity. The service gives no single one, so it is looked for among all.
    pub(crate) async fn activity(&self, operation: &'static str, id: &str) -> ProviderResult<Metadata> {
        let all = self.list_of(operation, &["activities"]).await?;
        all.into_iter().find(|activity| text(activity, "id") == Some(id)).ok_or_else(|| {
            ProviderError::new(operation, ProblemCode::NotFound, Advice::Stop)
                .about(id)
                .because("the workspace has no such activity")
        })
    }

    /// One record.
    pub(crate) async fn record(&self, operation: &'static str, id: &str) -> ProviderResult<Metadata> {
        let url = self.url(operation, &["records", id])?;
        self.get_json(&url, || Ok(Call::get(operation))).await.map_err(|error| error.about(id))
    }

    /// One property of an activity.
    pub(crate) async fn property(
        &self,
        operation: &'static str,
        activity: &str,
        id: &str,
    ) -> ProviderResult<Metadata> {
        let activity = self.activity(operation, activity).await?;
        objects(&activity, "properties")
            .find(|property| text(property, "id") == Some(id))
            .cloned()
            .ok_or_else(|| {
                ProviderError::new(operation, ProblemCode::NotFound, Advice::Stop)
                    .about(id)
                    .because("the activity has no such property")
            })
    }

    /// The data fields of the workspace.
    pub(crate) async fn fields(&self, operation: &'static str) -> ProviderResult<Vec<Field>> {
        Ok(self.list_of(operation, &["data_fields"]).await?.iter().filter_map(Field::read).collect())
    }

    /// Those that take files.
    pub(crate) async fn file_fields(&self, operation: &'static str) -> ProviderResult<Vec<Field>> {
        let mut fields = self.fields(operation).await?;
        fields.retain(|field| field.takes_files);
        Ok(fields)
    }

    /// The files in a container, newest first where the service keeps several.
    pub(crate) async fn files_of(
        &self,
        operation: &'static str,
        place: &Place,
    ) -> ProviderResult<Vec<Found>> {
        match place {
            Place::Record { record, field, .. } => {
                let found = self.record(operation, record).await?;
                let mut fields = self.file_fields(operation).await?;
                if let Some(wanted) = field {
                    fields.retain(|field| field.id == *wanted);
                }
                Ok(fields.iter().flat_map(|field| in_field(&found, field)).collect())
            }
            Place::Property { activity, property } => {
                let property = self.property(operation, activity, property).await?;
                Ok(in_property(&property, activity))
            }
            Place::Files { activity: Some(activity) } => {
                let registered = self.list_of(operation, &["operations", activity, "registrations"]).await?;
                Ok(registered.iter().filter_map(|one| in_registration(one, activity)).collect())
            }
            Place::Files { activity: None } | Place::Top | Place::Activity(_) | Place::Records { .. } => {
                Ok(Vec::new())
            }
        }
    }

    /// The file of that id in a container, or the newest of that name.
    pub(crate) async fn locate(
        &self,
        operation: &'static str,
        place: &Place,
        wanted: &str,
    ) -> ProviderResult<Option<Found>> {
        if let Place::Files { activity } = place {
            // Any file of the workspace can be asked for by its id; only the service knows whether it is there.
            let file = FileRef { id: wanted.to_owned(), name: None, size: None, media_type: None };
            return Ok(Some(Found {
                file,
                activity: activity.clone(),
                field: None,
                created: None,
                status: FileStatus::Ready,
            }));
        }
        let all = self.files_of(operation, place).await?;
        if let Some(found) = all.iter().find(|found| found.file.id == wanted) {
            return Ok(Some(found.clone()));
        }
        if let Some(found) = all.iter().find(|found| found.file.name.as_deref() == Some(wanted)) {
            return Ok(Some(found.clone()));
        }
        // Values that hold ids only: the download tells the name.
        for found in all.iter().filter(|found| found.file.name.is_none()) {
            if self.head(operation, found).await?.name.as_deref() == Some(wanted) {
                return Ok(Some(found.clone()));
            }
        }
        Ok(None)
    }

    /// The same as an entry, with what a look at the download tells.
    pub(crate) async fn find_in(
        &self,
        operation: &'static str,
        place: &Place,
        wanted: &str,
    ) -> ProviderResult<Option<RemoteFile>> {
        let Some(found) = self.locate(operation, place, wanted).await? else { return Ok(None) };
        let mut head = self.head(operation, &found).await?;
        if head.size.is_none() {
            head = self.measured(operation, &found, head).await?;
        }
        Ok(Some(remote_file(place, &found, Some(&head))))
    }

    pub(crate) async fn describe_path(&self, path: &str) -> ProviderResult<Entry> {
        const OPERATION: &str = "describe";
        let spot = parse(OPERATION, path)?;
        if let Some(file) = &spot.file {
            let found =
                self.find_in(OPERATION, &spot.place, file).await.map_err(|error| error.about(path))?;
            return found.map(|file| Entry::File { file }).ok_or_else(|| {
                ProviderError::new(OPERATION, ProblemCode::NotFound, Advice::Stop)
                    .about(path)
                    .because("there is no such file")
            });
        }
        let container = self.container_at(OPERATION, &spot.place).await?;
        Ok(Entry::Container { container })
    }

    /// One container, described.
    pub(crate) async fn container_at(
        &self,
        operation: &'static str,
        place: &Place,
    ) -> ProviderResult<Container> {
        let bad = || ProviderError::bad_answer(operation, "the answer names no id");
        let plain = |title: &str| container(place, title, ContainerKind::Collection, false, Metadata::new());
        match place {
            Place::Top => Ok(plain("Kaleidoscope")),
            Place::Records { .. } => Ok(plain("Records")),
            Place::Files { .. } => Ok(plain("Files")),
            Place::Activity(id) => activity_container(&self.activity(operation, id).await?).ok_or_else(bad),
            Place::Property { activity, property } => {
                let found = self.property(operation, activity, property).await?;
                property_container(activity, &found).ok_or_else(|| {
                    ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop)
                        .about(property)
                        .because("the property takes no files")
                })
            }
            Place::Record { activity, record, field } => {
                let found = self.record(operation, record).await?;
                let fields = self.fields(operation).await?;
                let for_files: Vec<&Field> = fields.iter().filter(|field| field.takes_files).collect();
                match field {
                    Some(id) => {
                        let field = for_files.iter().find(|field| field.id == *id).ok_or_else(|| {
                            ProviderError::new(operation, ProblemCode::NotFound, Advice::Stop)
                                .about(id)
                                .because("the workspace has no such field for files")
                        })?;
                        Ok(field_container(place, &found, field))
                    }
                    None => {
                        let mut container =
                            record_container(activity.as_deref(), &found, for_files.len() == 1)
                                .ok_or_else(bad)?;
                        container
                            .metadata
                            .insert("values".into(), Value::Object(newest_values(&found, &fields)));
                        if let [field] = for_files.as_slice() {
                            let files = in_field(&found, field);
                            container.files = Some(files.len() as u64);
                        }
                        Ok(container)
                    }
                }
            }
        }
    }
}

fn record_container(activity: Option<&str>, record: &Metadata, writable: bool) -> Option<Container> {
    let id = text(record, "id")?;
    let title = text(record, "record_identifier").unwrap_or(id);
    let place = Place::Record { activity: activity.map(str::to_owned), record: id.to_owned(), field: None };
    Some(container(&place, title, ContainerKind::Record, writable, record.clone()))
}

fn field_container(place: &Place, record: &Metadata, field: &Field) -> Container {
    let mut made = container(place, &field.name, ContainerKind::Collection, true, Metadata::new());
    made.files = Some(in_field(record, field).len() as u64);
    made
}

fn property_container(activity: &str, property: &Metadata) -> Option<Container> {
    let id = text(property, "id").filter(|_| takes_files(text(property, "field_type")))?;
    let place = Place::Property { activity: activity.to_owned(), property: id.to_owned() };
    let title = text(property, "property_name").unwrap_or(id);
    let mut made = container(&place, title, ContainerKind::Collection, true, property.clone());
    made.files = Some(in_property(property, activity).len() as u64);
    Some(made)
}

/// The newest value of each field that has one, by the field's name.
fn newest_values(record: &Metadata, fields: &[Field]) -> Metadata {
    let values = record.get("record_values").and_then(Value::as_object);
    let newest = |field: &Field| {
        let value = values?.get(&field.id)?.as_array()?.first()?.get("content")?;
        Some((field.name.clone(), value.clone()))
    };
    fields.iter().filter_map(newest).collect()
}

/// The values of one field of a record.
pub(crate) fn values_of<'a>(
    record: &'a Metadata,
    field: &str,
) -> impl Iterator<Item = &'a Metadata> + use<'a> {
    let values = record.get("record_values").and_then(Value::as_object).and_then(|values| values.get(field));
    values.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The files in one field of a record. Whose permissions one has is told by its value, not by where it was found.
pub(crate) fn in_field(record: &Metadata, field: &Field) -> Vec<Found> {
    let mut found = Vec::new();
    for value in values_of(record, &field.id) {
        for file in files_in(value.get("content").unwrap_or(&Value::Null)) {
            found.push(Found {
                file,
                activity: text(value, "operation_id").map(str::to_owned),
                field: Some(field.name.clone()),
                created: time(value, "created_at"),
                status: FileStatus::Ready,
            });
        }
    }
    // The sample answers show the newest first; nothing promises it.
    found.sort_by_key(|found| std::cmp::Reverse(found.created));
    found
}

fn in_property(property: &Metadata, activity: &str) -> Vec<Found> {
    if !takes_files(text(property, "field_type")) {
        return Vec::new();
    }
    let found = |file| Found {
        file,
        activity: Some(activity.to_owned()),
        field: text(property, "property_name").map(str::to_owned),
        created: time(property, "created_at"),
        status: FileStatus::Ready,
    };
    files_in(property.get("content").unwrap_or(&Value::Null)).into_iter().map(found).collect()
}

fn in_registration(registration: &Metadata, activity: &str) -> Option<Found> {
    let id = text(registration, "file_id")?.to_owned();
    Some(Found {
        file: FileRef {
            id,
            name: text(registration, "file_name").map(str::to_owned),
            size: None,
            media_type: None,
        },
        activity: Some(activity.to_owned()),
        field: text(registration, "status").map(|status| format!("registration: {status}")),
        created: time(registration, "created_at"),
        status: FileStatus::Ready,
    })
}

/// A file as front ends see it. Its id is what identifies the content: another upload has another.
pub(crate) fn remote_file(place: &Place, found: &Found, head: Option<&crate::download::Head>) -> RemoteFile {
    let FileRef { id, name, size, media_type } = &found.file;
    let mut metadata = Metadata::new();
    for (member, value) in
        [("file_id", Some(id)), ("field", found.field.as_ref()), ("activity", found.activity.as_ref())]
    {
        if let Some(value) = value {
            metadata.insert(member.to_owned(), Value::String(value.clone()));
        }
    }
    RemoteFile {
        path: place.file_path(id),
        name: name.clone().or_else(|| head?.name.clone()).unwrap_or_else(|| id.clone()),
        size: head.and_then(|head| head.size).or(*size),
        status: found.status,
        digests: Vec::new(),
        media_type: media_type.clone().or_else(|| head?.media_type.clone()),
        modified: found.created,
        revision: Some(format!("\"{id}\"")),
        metadata,
    }
}
