//! What the gateway answers, as far as it is read. 64-bit numbers come as text; both forms are taken.

use labferry_model::{Algorithm, Digest, FileStatus, Metadata, RemoteDigest, RemoteFile, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

/// Labels of the server's own: shown to nobody.
const INTERNAL: &str = "app.aruna-storage.org/";
/// The label that says why an object failed.
const FAILURE: &str = "app.aruna-storage.org/error";
/// FIPS 180-4 of no byte at all.
const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    match Value::deserialize(from)? {
        Value::Null => Ok(0),
        Value::String(text) => text.trim().parse().map_err(serde::de::Error::custom),
        value => value.as_i64().ok_or_else(|| serde::de::Error::custom("no whole number")),
    }
}

/// A missing message stands as `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// A label or hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyValue {
    #[serde(default)]
    pub(crate) key: String,
    #[serde(default)]
    pub(crate) value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Hash {
    #[serde(default)]
    pub(crate) alg: String,
    #[serde(default)]
    pub(crate) hash: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(crate) enum Status {
    #[serde(rename = "STATUS_INITIALIZING")]
    Initializing,
    #[serde(rename = "STATUS_AVAILABLE")]
    Available,
    #[serde(rename = "STATUS_UNAVAILABLE")]
    Unavailable,
    #[serde(rename = "STATUS_ERROR")]
    Error,
    #[serde(rename = "STATUS_TRASH")]
    Trash,
    #[serde(rename = "STATUS_FINALIZING")]
    Finalizing,
    #[default]
    #[serde(other)]
    Unknown,
}

/// One revision of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Object {
    pub(crate) id: String,
    pub(crate) filename: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) labels: Vec<KeyValue>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) hooks: Vec<KeyValue>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) created: String,
    #[serde(deserialize_with = "number")]
    pub(crate) content_len: i64,
    pub(crate) status: Status,
    #[serde(deserialize_with = "or_default")]
    pub(crate) data_class: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) hashes: Vec<Hash>,
    #[serde(deserialize_with = "number")]
    pub(crate) rev_number: i64,
    pub(crate) source: Value,
    #[serde(deserialize_with = "or_default")]
    pub(crate) latest: bool,
}

/// An object with where it is to be found.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Located {
    #[serde(deserialize_with = "or_default")]
    pub(crate) object: Object,
    #[serde(deserialize_with = "or_default")]
    pub(crate) paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OneObject {
    pub(crate) object: Located,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectList {
    #[serde(deserialize_with = "or_default")]
    pub(crate) objects: Vec<Located>,
}

/// The answer to a question by path: a list under a singular name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ByPath {
    #[serde(deserialize_with = "or_default")]
    pub(crate) object: Vec<Object>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Staged {
    pub(crate) object_id: String,
    /// `uploadId` of a new object, `stagingId` of an update.
    #[serde(alias = "stagingId")]
    pub(crate) upload_id: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Link {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) url: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LinkAnswer {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) url: Link,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectList {
    #[serde(deserialize_with = "or_default")]
    pub(crate) projects: Vec<Project>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) patch: u32,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ObjectStats {
    #[serde(deserialize_with = "number")]
    pub(crate) count: i64,
    #[serde(deserialize_with = "number")]
    pub(crate) acc_size: i64,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Stats {
    pub(crate) object_stats: Option<ObjectStats>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) last_updated: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LabelOntology {
    #[serde(deserialize_with = "or_default")]
    pub(crate) required_label_keys: Vec<String>,
}

/// A collection, or one pinned version of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Collection {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) description: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) labels: Vec<KeyValue>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) hooks: Vec<KeyValue>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) label_ontology: LabelOntology,
    #[serde(deserialize_with = "or_default")]
    pub(crate) created: String,
    pub(crate) stats: Option<Stats>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) is_public: bool,
    pub(crate) semantic_version: Option<Version>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Overviews {
    #[serde(deserialize_with = "or_default")]
    pub(crate) collection_overviews: Vec<Collection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CollectionList {
    #[serde(deserialize_with = "or_default")]
    pub(crate) collections: Overviews,
}

/// Where an object is referred to.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Reference {
    pub(crate) object_id: String,
    pub(crate) collection_id: String,
    pub(crate) is_writeable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ReferenceList {
    #[serde(deserialize_with = "or_default")]
    pub(crate) references: Vec<Reference>,
}

/// RFC 3339 to our time.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// Labels as people gave them.
pub(crate) fn own_labels(labels: &[KeyValue]) -> Vec<KeyValue> {
    labels.iter().filter(|label| !label.key.starts_with(INTERNAL)).cloned().collect()
}

/// Labels or hooks as an object; of two with one key the later counts.
pub(crate) fn as_object(pairs: &[KeyValue]) -> Value {
    Value::Object(pairs.iter().map(|pair| (pair.key.clone(), pair.value.clone().into())).collect())
}

impl Version {
    pub(crate) fn text(&self) -> String {
        format!("{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Object {
    /// What the server says went wrong with it.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.labels.iter().find(|label| label.key == FAILURE).map(|label| label.value.as_str())
    }

    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.content_len).unwrap_or(0)
    }

    /// Digests the service computed itself. Before the object is available they are only what was declared.
    fn digests(&self) -> Vec<RemoteDigest> {
        if self.status != Status::Available {
            return Vec::new();
        }
        let known = |hash: &Hash| {
            let algorithm = match hash.alg.as_str() {
                "HASHALGORITHM_MD5" => Algorithm::Md5,
                "HASHALGORITHM_SHA256" => Algorithm::Sha256,
                _ => return None,
            };
            Digest::parse(algorithm, &hash.hash).map(|digest| RemoteDigest::Whole { digest })
        };
        let told: Vec<_> = self.hashes.iter().filter_map(known).collect();
        if told.is_empty() && self.size() == 0 {
            // The service keeps none of an object without bytes; there is only one content of that length.
            let nothing = Digest::parse(Algorithm::Sha256, SHA256_OF_NOTHING);
            return nothing.map(|digest| RemoteDigest::Whole { digest }).into_iter().collect();
        }
        told
    }

    /// The file, under that name of that container.
    pub(crate) fn into_remote_file(self, container: &str, name: &str) -> RemoteFile {
        let metadata = json!({
            "object_id": self.id,
            "revision": self.rev_number,
            "latest": self.latest,
            "data_class": self.data_class,
            "labels": as_object(&own_labels(&self.labels)),
            "hooks": as_object(&self.hooks),
        });
        RemoteFile {
            path: format!("{container}/{name}"),
            name: name.to_owned(),
            size: Some(self.size()),
            status: match self.status {
                Status::Available => FileStatus::Ready,
                Status::Finalizing => FileStatus::Processing,
                Status::Initializing => FileStatus::Pending,
                Status::Error | Status::Trash | Status::Unavailable | Status::Unknown => FileStatus::Failed,
            },
            digests: self.digests(),
            media_type: None,
            modified: time(&self.created),
            revision: Some(self.id.clone()),
            metadata: match metadata {
                Value::Object(fields) => fields,
                _ => Metadata::new(),
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_the_gateway_writes_it() {
        let text = r#"{"object": {"id": "01H", "filename": "a.txt", "labels": [{"key": "app.aruna-storage.org/new_path",
            "value": "/a.txt"}, {"key": "sample", "value": "S17"}], "hooks": [], "created": "2023-06-21T13:16:28Z",
            "contentLen": "734003200", "status": "STATUS_FINALIZING", "origin": null, "dataClass": "DATA_CLASS_PRIVATE",
            "hashes": [{"alg": "HASHALGORITHM_MD5", "hash": "5d41402abc4b2a76b9719d911017c592"}], "revNumber": "2",
            "source": null, "latest": true, "autoUpdate": true}, "url": "", "paths": null}"#;
        let mut located: Located = serde_json::from_str(text).unwrap();
        let file = located.object.clone().into_remote_file("p/c", "x/a.txt");
        assert_eq!((file.size, file.status), (Some(734_003_200), FileStatus::Processing));
        assert_eq!(file.metadata["labels"], json!({"sample": "S17"}));
        assert!(file.digests.is_empty(), "a declared hash is no digest of the service");
        located.object.status = Status::Available;
        assert_eq!(located.object.into_remote_file("p/c", "a").digests.len(), 1);
    }
}
