//! The service's JSON, as far as it is read. Every member may be missing or of another type than documented: what is
//! not needed is not asked for, and what is needed is checked where it is used.

use labferry_model::{
    Algorithm, Container, ContainerKind, Digest, FileStatus, Metadata, RemoteDigest, RemoteFile, Timestamp,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a member that may have any type; another type than expected counts as missing.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

/// A record or draft.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    #[serde(deserialize_with = "lenient")]
    pub(crate) id: Id,
    #[serde(deserialize_with = "lenient")]
    pub(crate) is_published: bool,
    #[serde(deserialize_with = "lenient")]
    pub(crate) is_draft: bool,
    #[serde(deserialize_with = "lenient")]
    pub(crate) updated: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) revision_id: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) metadata: Metadata,
    #[serde(deserialize_with = "lenient")]
    pub(crate) files: RecordFiles,
    #[serde(deserialize_with = "lenient")]
    pub(crate) links: RecordLinks,
    pub(crate) errors: Value,
    pub(crate) access: Value,
}

/// An id: text, or a number with Zenodo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        }))
    }
}

/// What a record says of its files.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RecordFiles {
    #[serde(deserialize_with = "lenient")]
    pub(crate) count: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) total_bytes: Option<u64>,
}

/// A record's links that are followed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RecordLinks {
    #[serde(rename = "self", deserialize_with = "lenient")]
    pub(crate) own: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) self_html: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) files: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) publish: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) versions: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) draft: Option<String>,
}

/// One page of a search.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SearchPage {
    #[serde(deserialize_with = "lenient")]
    pub(crate) hits: Hits,
    #[serde(deserialize_with = "lenient")]
    pub(crate) links: PageLinks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Hits {
    /// Read one by one, so that one odd record does not hide the others.
    pub(crate) hits: Vec<Value>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) total: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PageLinks {
    #[serde(deserialize_with = "lenient")]
    pub(crate) next: Option<String>,
}

/// All files of a record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileList {
    pub(crate) entries: Vec<FileEntry>,
}

/// One file of a record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileEntry {
    pub(crate) key: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) status: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) size: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) checksum: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) mimetype: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) created: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) updated: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) metadata: Metadata,
    #[serde(deserialize_with = "lenient")]
    pub(crate) transfer: TransferEntry,
    #[serde(deserialize_with = "lenient")]
    pub(crate) links: FileLinks,
    /// Present in a 200 that means a failure.
    pub(crate) errors: Value,
}

/// How a file is being transferred; missing before InvenioRDM 13, which knows whole files only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TransferEntry {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) parts: Option<u32>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) part_size: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileLinks {
    #[serde(deserialize_with = "lenient")]
    pub(crate) content: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) commit: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) parts: Vec<PartLink>,
}

/// Where one part goes.
#[derive(Clone, Deserialize)]
pub(crate) struct PartLink {
    pub(crate) part: u32,
    pub(crate) url: String,
}

impl std::fmt::Debug for PartLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PartLink({})", self.part)
    }
}

impl Record {
    /// In model words; `path` is what it was asked for by.
    pub(crate) fn into_container(self) -> Container {
        let draft = self.is_draft && !self.is_published;
        let title = self.metadata.get("title").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        Container {
            path: self.id.0,
            title,
            kind: if draft { ContainerKind::Draft } else { ContainerKind::Record },
            writable: draft,
            files: self.files.count,
            bytes: self.files.total_bytes,
            modified: self.updated.as_deref().and_then(time),
            web_page: self.links.self_html,
            metadata: self.metadata,
            complaints: complaints(&self.errors),
        }
    }
}

/// The service's validation errors as sentences: a list of `{field, messages}`, or text.
pub(crate) fn complaints(errors: &Value) -> Vec<String> {
    match errors {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(complaints).collect(),
        Value::Object(error) => {
            let field = error.get("field").and_then(Value::as_str).unwrap_or_default();
            let messages = error.get("messages").or_else(|| error.get("message")).unwrap_or(&Value::Null);
            let messages = complaints(messages);
            if messages.is_empty() && !field.is_empty() {
                return vec![field.to_owned()];
            }
            messages
                .into_iter()
                .map(|text| if field.is_empty() { text } else { format!("{field}: {text}") })
                .collect()
        }
        other => vec![other.to_string()],
    }
}

impl FileEntry {
    /// Whether the service has the whole file.
    pub(crate) fn is_complete(&self) -> bool {
        self.status.as_deref() == Some("completed")
    }

    /// In model words.
    pub(crate) fn into_remote_file(self, record: &str) -> RemoteFile {
        let status = match self.status.as_deref() {
            // Before InvenioRDM 13 a file without content has no size.
            Some("completed") => FileStatus::Ready,
            Some("failed") => FileStatus::Failed,
            None if self.size.is_some() && self.checksum.is_some() => FileStatus::Ready,
            _ => FileStatus::Pending,
        };
        // Before it is complete, size and checksum are the client's own words.
        let checksum = self.checksum.filter(|_| status == FileStatus::Ready);
        RemoteFile {
            path: format!("{record}/{}", self.key),
            name: self.key,
            size: self.size,
            status,
            digests: checksum.as_deref().and_then(digest).into_iter().collect(),
            media_type: self.mimetype,
            modified: self.updated.as_deref().and_then(time),
            revision: checksum.map(|checksum| format!("\"{checksum}\"")),
            metadata: self.metadata,
        }
    }
}

/// `md5:<hex>`, or `multipart:<hex>-<parts>-<part size>` until the service's job has read the file again.
pub(crate) fn digest(text: &str) -> Option<RemoteDigest> {
    let (algorithm, value) = text.split_once(':')?;
    match algorithm {
        "md5" => Digest::parse(Algorithm::Md5, value).map(|digest| RemoteDigest::Whole { digest }),
        "sha256" => Digest::parse(Algorithm::Sha256, value).map(|digest| RemoteDigest::Whole { digest }),
        "multipart" => {
            let mut fields = value.split('-');
            let hex = Digest::parse(Algorithm::Md5, fields.next()?)?.hex;
            let parts = fields.next()?.parse().ok()?;
            let part_size = fields.next().and_then(|size| size.parse().ok());
            Some(RemoteDigest::Md5OfParts { hex, parts, part_size })
        }
        _ => None,
    }
}

/// RFC 3339, as the service writes it.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_millisecond()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_forms_of_a_checksum_are_read() {
        let md5 = "eb54edf86ca0a6253f5ac8fe7e0e7833";
        let whole = RemoteDigest::Whole { digest: Digest::parse(Algorithm::Md5, md5).unwrap() };
        assert_eq!(digest(&format!("md5:{md5}")), Some(whole));
        assert_eq!(
            digest("multipart:8b0be7847da5564ae08e97af63b60885-2-5242880"),
            Some(RemoteDigest::Md5OfParts {
                hex: "8b0be7847da5564ae08e97af63b60885".into(),
                parts: 2,
                part_size: Some(5_242_880)
            })
        );
        assert!(matches!(
            digest("multipart:8b0be7847da5564ae08e97af63b60885-2-None"),
            Some(RemoteDigest::Md5OfParts { part_size: None, .. })
        ));
        for bad in ["", "md5", "md5:", "md5:zz", "crc32:abcd", "multipart:x-2-3", "multipart:", "md5:-1"] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_pending_file_has_no_digest_whatever_it_says() {
        let entry = json!({ "key": "a", "status": "pending", "size": 5, "checksum": "md5:5d41402abc4b2a76b9719d911017c592",
            "transfer": { "type": "M", "parts": 3, "part_size": 4 }, "links": { "parts": [{ "part": 1, "url": "https://s3/x" }] } });
        let entry: FileEntry = serde_json::from_value(entry).unwrap();
        assert_eq!((entry.transfer.parts, entry.links.parts.len()), (Some(3), 1));
        let file = entry.into_remote_file("r");
        assert_eq!((file.status, file.digests.len(), file.size), (FileStatus::Pending, 0, Some(5)));
        assert_eq!(file.path, "r/a");
    }

    #[test]
    fn members_of_other_types_count_as_missing() {
        let record = json!({ "id": 1234567, "is_draft": "yes", "metadata": [], "files": null, "links": 3,
            "updated": 5, "revision_id": "x", "new": {} });
        let record: Record = serde_json::from_value(record).unwrap();
        let container = record.into_container();
        assert_eq!((container.path.as_str(), container.title.as_str()), ("1234567", ""));
        let entry = json!({ "key": "a", "metadata": null, "size": "5", "links": [], "transfer": "L" });
        let entry: FileEntry = serde_json::from_value(entry).unwrap();
        assert_eq!(entry.size, None);
    }

    #[test]
    fn complaints_are_sentences() {
        let errors = json!([{ "field": "metadata.title", "messages": ["Too short.", "Odd."] }, "Plain.", { "field": "x" }]);
        assert_eq!(
            complaints(&errors),
            ["metadata.title: Too short.", "metadata.title: Odd.", "Plain.", "x"]
        );
        assert!(complaints(&Value::Null).is_empty());
    }

    #[test]
    fn times_are_read_with_their_zone() {
        assert_eq!(time("2026-11-22T10:28:22.371611+00:00"), Some(Timestamp(1_795_343_302_371)));
        assert_eq!(time("yesterday"), None);
    }
}
