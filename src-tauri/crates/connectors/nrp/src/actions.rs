//! What can be done with a record or a file besides what every service does.

use crate::{
    connector::{ANY_JSON, Connector, split},
    edit,
    records::{merged, refuse},
};
use http::{HeaderName, HeaderValue};
use labferry_model::{Container, Metadata, ProblemCode};
use labferry_provider::{
    Action, ActionField, ActionResult, FieldKind, ProviderError, ProviderResult, http::Call,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OPERATION: &str = "run action";

fn action(name: &str, title: &str, confirmation: Option<&str>) -> Action {
    Action {
        name: name.into(),
        title: title.into(),
        confirmation: confirmation.map(Into::into),
        fields: Vec::new(),
    }
}

/// The change of a file's metadata.
fn change_metadata() -> Action {
    let field = ActionField {
        name: "metadata".into(),
        label: "Fields to change, as a JSON object; null removes one".into(),
        kind: FieldKind::LongText,
        required: true,
        ..ActionField::default()
    };
    Action { fields: vec![field], ..action("change_metadata", "Change the file's metadata", None) }
}

impl Connector {
    pub(crate) async fn actions_of(&self, path: &str) -> ProviderResult<Vec<Action>> {
        let (record, key) = split(path);
        if record.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.locate("actions", record).await?;
        let changeable = found.record.is_draft && !found.record.is_published;
        if key.is_some() {
            return Ok(changeable.then(change_metadata).into_iter().collect());
        }
        if changeable {
            let question = "Publish the record? Its files can never be changed or removed afterwards.";
            // Without the link the repository publishes on request only.
            let publish = found.record.links.publish.map(|_| action("publish", "Publish", Some(question)));
            let import = action("import_files", "Take over the files of the previous version", None);
            let edit = edit::form(&found.record.metadata);
            return Ok([edit].into_iter().chain(publish).chain([import]).collect());
        }
        Ok(vec![action("new_version", "New version", None)])
    }

    pub(crate) async fn act(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        let result = |message: &str, container: Container| ActionResult {
            message: message.into(),
            place: Some(container.path.clone()),
            details: Value::Object(container.metadata),
        };
        match name {
            "publish" => Ok(result("The record is published.", self.publish_draft(path).await?)),
            "new_version" => {
                Ok(result("The new version is a draft without files.", self.begin_version(path).await?))
            }
            "import_files" => self.import_files(path).await,
            edit::EDIT => {
                let found = self.locate(OPERATION, path).await?;
                let changes = edit::changes(fields, &found.record.metadata)
                    .map_err(|why| refuse(OPERATION, ProblemCode::InvalidRequest, path, why))?;
                // As a document: a field of the repository's own called "metadata" would be taken for one.
                let document = Metadata::from_iter([("metadata".to_owned(), Value::Object(changes))]);
                Ok(result("The metadata is changed.", self.update_draft(path, &document).await?))
            }
            "change_metadata" => {
                self.change_file_metadata(path, fields.get("metadata").map_or("", String::as_str)).await
            }
            other => Err(refuse(OPERATION, ProblemCode::Unsupported, other, "there is no such action")),
        }
    }

    async fn import_files(&self, path: &str) -> ProviderResult<ActionResult> {
        let url = self.draft_url(OPERATION, path)?;
        let link = format!("{}/actions/files-import", url.relative());
        let url = self.url(OPERATION, &link)?;
        let call = Call::post(OPERATION)
            .header(HeaderName::from_static("accept"), HeaderValue::from_static(ANY_JSON));
        let details = self.send(&url, call).await?.json().await?;
        Ok(ActionResult {
            message: "The files of the previous version are in the draft.".into(),
            place: Some(path.to_owned()),
            details,
        })
    }

    /// Changes the given fields and keeps the others. The repository replaces the whole, so it is read first.
    async fn change_file_metadata(&self, path: &str, given: &str) -> ProviderResult<ActionResult> {
        let refused = |why: &str| Err(refuse(OPERATION, ProblemCode::InvalidRequest, path, why));
        let (record, Some(key)) = split(path) else {
            return refused("that is a record; its metadata is changed as a record's, name one of its files");
        };
        let Ok(Value::Object(given)) = serde_json::from_str(given) else {
            return refused("the new metadata must be a JSON object, such as {\"instrument\": \"TEM 2\"}");
        };
        let found = self.locate(OPERATION, record).await?;
        if !found.record.is_draft || found.record.is_published {
            let why = "the record is published; make a new version";
            return Err(refuse(OPERATION, ProblemCode::RecordLocked, path, why));
        }
        let entry = self.find_entry(&found.files, key).await?.ok_or_else(|| {
            refuse(OPERATION, ProblemCode::NotFound, path, "the record has no file of that name")
        })?;
        let metadata = merged(entry.metadata, given);
        let url = self.file_url(OPERATION, &found.files, key, "")?;
        let call = Call::put(OPERATION).json(&json!({ "metadata": metadata }))?;
        let changed = self.entry(&url, call).await?;
        if changed.metadata != metadata {
            return Err(ProviderError::bad_answer(
                OPERATION,
                "the repository answered with other metadata than it was given",
            )
            .about(path));
        }
        Ok(ActionResult {
            message: format!("The metadata of {key} is changed."),
            place: Some(path.to_owned()),
            details: Value::Object(changed.metadata),
        })
    }
}
