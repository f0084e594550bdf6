//! The service's JSON, as far as it is read. Every member may be missing or null.

use labferry_model::Timestamp;
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

/// A file in a listing or by itself.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileDetail {
    #[serde(deserialize_with = "lenient")]
    pub(crate) file_uuid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) file_type: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) content_type: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) created_at: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) updated_at: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) organization_uuid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) workspace_uuid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) uploaded_by_uuid: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) remote_file_path: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) file_size_bytes: Option<u64>,
    /// A secret while it lives.
    #[serde(deserialize_with = "lenient")]
    pub(crate) file_url: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) original_file_url: Option<String>,
    pub(crate) video_metadata: Value,
}

/// A page of files. Without `items` it is none.
#[derive(Deserialize)]
pub(crate) struct FileList {
    pub(crate) items: Vec<FileDetail>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) count: Option<u64>,
}

/// What the service says of a new file.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileUpload {
    #[serde(deserialize_with = "lenient")]
    pub(crate) file_uuid: Option<String>,
    /// A secret while it lives.
    #[serde(deserialize_with = "lenient")]
    pub(crate) file_url: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) processing_status: Option<String>,
    /// The name it was announced by.
    #[serde(deserialize_with = "lenient")]
    pub(crate) local_file_path: Option<String>,
}

/// The new files, in the order they were asked for.
#[derive(Deserialize)]
pub(crate) struct FileUploads {
    pub(crate) files: Vec<FileUpload>,
}

/// How far processing is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FileStatus {
    #[serde(deserialize_with = "lenient")]
    pub(crate) processing_status: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) error_message: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) updated_at: Option<String>,
}

/// The pictures of a video; the links are secrets while they live.
#[derive(Deserialize)]
pub(crate) struct FileFrames {
    #[serde(default)]
    pub(crate) frame_urls: Vec<String>,
}

/// A time, ISO 8601 with zone.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_millisecond()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_of_another_type_is_no_failure() {
        let text = r#"{"items":[{"file_uuid":"u","file_size_bytes":"?","file_url":null},{}],"count":"many"}"#;
        let list: FileList = serde_json::from_str(text).unwrap();
        assert_eq!(list.items[0].file_uuid.as_deref(), Some("u"));
        assert_eq!((list.items[0].file_size_bytes, list.count), (None, None));
        assert!(serde_json::from_str::<FileList>(r#"{"hits":[]}"#).is_err());
        assert_eq!(time("2026-11-22T10:28:22.371611+00:00"), Some(Timestamp(1_795_343_302_371)));
    }
}
