//! Making, changing, publishing and deleting records.

use crate::connector::{Connector, split};
use http::{HeaderValue, header::IF_MATCH};
use labferry_model::{Container, Metadata, ProblemCode};
use labferry_provider::{Advice, ProviderError, ProviderResult, http::Call};
use serde_json::{Value, json};

pub(crate) fn refuse(operation: &'static str, code: ProblemCode, about: &str, why: &str) -> ProviderError {
    ProviderError::new(operation, code, Advice::Stop).about(about).because(why)
}

/// A document from what a person gave: a whole one, or the descriptive fields alone.
fn document(metadata: &Metadata) -> Value {
    let mut document = if metadata.get("metadata").is_some_and(Value::is_object) {
        Value::Object(metadata.clone())
    } else {
        json!({ "metadata": metadata })
    };
    if document.get("files").is_none() {
        document["files"] = json!({ "enabled": true });
    }
    document
}

/// The given fields in place of those there; null takes one away.
pub(crate) fn merged(mut there: Metadata, given: Metadata) -> Metadata {
    there.extend(given);
    there.retain(|_, value| !value.is_null());
    there
}

impl Connector {
    pub(crate) async fn create_draft(&self, parent: &str, metadata: &Metadata) -> ProviderResult<Container> {
        const OPERATION: &str = "create draft";
        if !parent.is_empty() {
            return Err(refuse(
                OPERATION,
                ProblemCode::Unsupported,
                parent,
                "records hold files and no further records",
            ));
        }
        let url = self.url(OPERATION, "/api/records")?;
        let record = self.record(&url, Call::post(OPERATION).json(&document(metadata))?).await?;
        if record.id.0.is_empty() {
            return Err(ProviderError::bad_answer(OPERATION, "the new draft has no id"));
        }
        Ok(self.complaints.keep(record.into_container()))
    }

    /// Changes the fields that are given, takes away those that are null, and keeps the others; somebody else's change in
    /// between is not overwritten.
    pub(crate) async fn update_draft(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container> {
        const OPERATION: &str = "change draft";
        let found = self.locate(OPERATION, path).await?;
        if !found.record.is_draft {
            return Err(refuse(
                OPERATION,
                ProblemCode::RecordLocked,
                path,
                "the record is published; make a new version",
            ));
        }
        let mut body = document(metadata);
        if let Some(given) = body["metadata"].as_object() {
            body["metadata"] = Value::Object(merged(found.record.metadata.clone(), given.clone()));
        }
        if body.get("access").is_none() && found.record.access.is_object() {
            body["access"] = found.record.access.clone();
        }
        let mut call = Call::put(OPERATION).json(&body)?;
        if let Some(revision) = found.record.revision_id {
            // The bare number: a quoted one is refused.
            call = call.header(IF_MATCH, HeaderValue::from(revision));
        }
        let segment = self.draft_url(OPERATION, path)?;
        Ok(self.complaints.keep(self.record(&segment, call).await?.into_container()))
    }

    pub(crate) fn draft_url(
        &self,
        operation: &'static str,
        id: &str,
    ) -> ProviderResult<labferry_provider::http::ApiUrl> {
        let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        self.url(operation, &format!("/api/records/{id}/draft"))
    }

    pub(crate) async fn publish_draft(&self, path: &str) -> ProviderResult<Container> {
        const OPERATION: &str = "publish";
        let found = self.locate(OPERATION, path).await?;
        if !found.record.is_draft {
            return Err(refuse(OPERATION, ProblemCode::RecordLocked, path, "it is published already"));
        }
        self.drafts.forget(path);
        let Some(link) = found.record.links.publish else {
            let why = "this repository publishes on request only; open the record there and ask for it";
            return Err(refuse(OPERATION, ProblemCode::Unsupported, path, why));
        };
        let url = self.url(OPERATION, &link)?;
        Ok(self
            .record(&url, Call::post(OPERATION))
            .await
            .map_err(|error| error.about(path))?
            .into_container())
    }

    pub(crate) async fn begin_version(&self, path: &str) -> ProviderResult<Container> {
        const OPERATION: &str = "new version";
        let found = self.locate(OPERATION, path).await?;
        if found.record.is_draft && !found.record.is_published {
            return Err(refuse(
                OPERATION,
                ProblemCode::InvalidRequest,
                path,
                "it is a draft; only published records get versions",
            ));
        }
        let link = found.record.links.versions.ok_or_else(|| {
            refuse(OPERATION, ProblemCode::Unsupported, path, "the repository offers no new version of it")
        })?;
        let url = self.url(OPERATION, &link)?;
        Ok(self.complaints.keep(self.record(&url, Call::post(OPERATION)).await?.into_container()))
    }

    pub(crate) async fn delete_path(&self, path: &str) -> ProviderResult<()> {
        const OPERATION: &str = "delete";
        let (record, key) = split(path);
        let found = self.locate(OPERATION, record).await?;
        if !found.record.is_draft {
            let why = "published records and their files stay; the repository's staff can remove them";
            return Err(refuse(OPERATION, ProblemCode::RecordLocked, path, why));
        }
        let url = match key {
            Some(key) => self.file_url(OPERATION, &found.files, key, "")?,
            None => self.draft_url(OPERATION, record)?,
        };
        self.send(&url, Call::delete(OPERATION)).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::merged;
    use serde_json::json;

    #[test]
    fn given_fields_replace_and_null_removes() {
        let object = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
        let there = object(json!({ "a": 1, "b": { "c": 2 }, "d": 3 }));
        let given = object(json!({ "b": "x", "d": null, "e": [] }));
        assert_eq!(merged(there, given), object(json!({ "a": 1, "b": "x", "e": [] })));
    }
}
