//! What can be looked at: the account's protocols, records by id, and single files.

use crate::{
    connector::Connector,
    ids::{extension, files_in, is_file, is_protocol, is_record, protocol_title},
};
use labferry_model::{Container, ContainerKind, Entry, FileStatus, Metadata, Page, ProblemCode, RemoteFile};
use labferry_provider::{
    Action, ActionField, ActionResult, Advice, FieldKind, ListRequest, ProviderError, ProviderResult,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The action that fetches records.
const RECORDS: &str = "records";
/// Records asked for at once; one unknown id among them fails them all.
const BATCH: usize = 50;

/// The container and the file of a path. Ids hold no `/` but in a file's extension.
pub(crate) fn split(path: &str) -> (&str, Option<&str>) {
    if is_file(path) {
        return ("", Some(path));
    }
    match path.split_once('/') {
        Some((container, file)) => (container, Some(file)),
        None => (path, None),
    }
}

fn no_such_id(operation: &'static str, id: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop).about(id).because(
        "Airalogy knows protocols (airalogy.id.lab.… or airalogy.id.protocol.…), records \
         (airalogy.id.record.UUID.v.NUMBER) and files (airalogy.id.file.UUID.EXTENSION); this is none of them",
    )
}

impl Connector {
    pub(crate) async fn list_page(&self, request: &ListRequest) -> ProviderResult<Page> {
        const OPERATION: &str = "list";
        let entries: Vec<Entry> = match request.path.as_str() {
            "" => self.protocols.iter().map(|id| Entry::Container { container: protocol(id) }).collect(),
            path if is_record(path) => {
                let record = self.record(OPERATION, path).await?;
                files_in(&record)
                    .into_iter()
                    .map(|id| Entry::File { file: named_by_id(path, &id, None, None) })
                    .collect()
            }
            path if is_protocol(path) => {
                return Err(ProviderError::unsupported(OPERATION)
                    .about(path)
                    .because("Airalogy cannot list the files of a protocol"));
            }
            path => return Err(no_such_id(OPERATION, path)),
        };
        Ok(Page { total: Some(entries.len() as u64), entries, next: None })
    }

    async fn record(&self, operation: &'static str, id: &str) -> ProviderResult<Value> {
        let mut records = self.records(operation, &[id]).await.map_err(|error| error.about(id))?;
        records.pop().ok_or_else(|| ProviderError::bad_answer(operation, "the answer holds no record"))
    }

    pub(crate) async fn describe_path(&self, path: &str) -> ProviderResult<Entry> {
        const OPERATION: &str = "describe";
        match split(path) {
            (container, Some(id)) if is_file(id) => {
                let file = self.describe_file(container, id, None).await?;
                Ok(Entry::File { file })
            }
            (id, None) if is_protocol(id) => Ok(Entry::Container { container: protocol(id) }),
            (id, None) if is_record(id) => {
                let record = self.record(OPERATION, id).await?;
                Ok(Entry::Container { container: record_container(id, record) })
            }
            _ => Err(no_such_id(OPERATION, path)),
        }
    }

    /// A file, with its size and the storage's tag where a temporary link tells them.
    pub(crate) async fn describe_file(
        &self,
        container: &str,
        id: &str,
        name: Option<&str>,
    ) -> ProviderResult<RemoteFile> {
        let (size, revision) = self.size_by_link(id).await?;
        let mut file = named_by_id(container, id, name, size);
        file.revision = revision;
        Ok(file)
    }

    pub(crate) fn actions_of(&self, path: &str) -> Vec<Action> {
        if !path.is_empty() && !is_protocol(path) {
            return Vec::new();
        }
        vec![Action {
            name: RECORDS.into(),
            title: "Records by their ids".into(),
            confirmation: None,
            fields: vec![ActionField {
                name: "ids".into(),
                label: "Record ids, with blanks or line breaks between".into(),
                kind: FieldKind::LongText,
                required: true,
                ..ActionField::default()
            }],
        }]
    }

    pub(crate) async fn act(
        &self,
        _path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        const OPERATION: &str = "run action";
        if name != RECORDS {
            return Err(ProviderError::unsupported(OPERATION).about(name).because("there is no such action"));
        }
        let text = fields.get("ids").map(String::as_str).unwrap_or_default();
        let ids: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c == ',').filter(|id| !id.is_empty()).collect();
        if let Some(wrong) = ids.iter().find(|id| !is_record(id)) {
            return Err(no_such_id(OPERATION, wrong));
        }
        let mut records = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            records.extend(self.records(OPERATION, batch).await?);
        }
        Ok(ActionResult {
            message: format!("{} records.", records.len()),
            place: None,
            details: Value::Array(records),
        })
    }
}

fn protocol(id: &str) -> Container {
    Container {
        path: id.to_owned(),
        title: protocol_title(id),
        kind: ContainerKind::Project,
        writable: true,
        files: None,
        bytes: None,
        modified: None,
        web_page: None,
        metadata: Metadata::new(),
        complaints: Vec::new(),
    }
}

fn record_container(id: &str, record: Value) -> Container {
    let number = record["metadata"]["record_num"].as_u64();
    let title = number.map_or_else(|| id.to_owned(), |number| format!("Record {number}"));
    let files = files_in(&record).len() as u64;
    let metadata = match record {
        Value::Object(members) => members,
        _ => Metadata::new(),
    };
    Container {
        path: id.to_owned(),
        title,
        kind: ContainerKind::Record,
        writable: false,
        files: Some(files),
        bytes: None,
        modified: None,
        web_page: None,
        metadata,
        complaints: Vec::new(),
    }
}

/// A file of which the service tells nothing but its id. Without a name of ours it is called by its id, which ends in the
/// extension.
pub(crate) fn named_by_id(container: &str, id: &str, name: Option<&str>, size: Option<u64>) -> RemoteFile {
    let path = if container.is_empty() { id.to_owned() } else { format!("{container}/{id}") };
    RemoteFile {
        path,
        name: name.unwrap_or(id).to_owned(),
        size,
        status: FileStatus::Ready,
        digests: Vec::new(),
        media_type: mime_guess::from_ext(extension(id)).first_raw().map(str::to_owned),
        modified: None,
        revision: None,
        metadata: Metadata::new(),
    }
}
