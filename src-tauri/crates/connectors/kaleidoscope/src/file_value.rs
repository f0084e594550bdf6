//! Files inside values. What a file value looks like is not documented, so every likely shape is read and none is
//! guessed at: no address is ever made of anything but an id.

use crate::api_types::{number, text};
use labferry_model::Metadata;
use serde_json::Value;

/// Field types whose values are files of the service's own. `google-drive-file` and `s3-file` lie elsewhere.
const FILE_KINDS: [&str; 4] = ["file", "image", "molfile", "protein-structure"];

/// A file as a value names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRef {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) media_type: Option<String>,
}

/// Whether values of such a field are files that can be fetched and added here.
pub(crate) fn takes_files(field_type: Option<&str>) -> bool {
    field_type.is_some_and(|kind| FILE_KINDS.contains(&kind))
}

/// The files a value's content names.
pub(crate) fn files_in(content: &Value) -> Vec<FileRef> {
    match content {
        Value::String(id) if is_uuid(id) => {
            vec![FileRef { id: id.clone(), name: None, size: None, media_type: None }]
        }
        Value::Object(members) => of_object(members).into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(files_in).collect(),
        _ => Vec::new(),
    }
}

fn of_object(members: &Metadata) -> Option<FileRef> {
    let first = |names: &[&str]| names.iter().find_map(|name| text(members, name)).map(str::to_owned);
    let id = ["file_id", "fileId", "id", "uuid"]
        .iter()
        .find_map(|name| text(members, name).filter(|id| is_uuid(id)))?;
    Some(FileRef {
        id: id.to_owned(),
        name: first(&["file_name", "fileName", "filename", "name", "original_filename"])
            .map(|name| bare_name(&name))
            .filter(|name| !name.is_empty()),
        size: ["size", "file_size", "fileSize"].iter().find_map(|name| number(members, name)),
        media_type: first(&["mime_type", "content_type", "type"]).filter(|kind| kind.contains('/')),
    })
}

/// The last part of a name that may be a path.
pub(crate) fn bare_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    if matches!(name.as_str(), "." | "..") { String::new() } else { name }
}

/// 8-4-4-4-12 hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "f1f1f1f1-0000-4000-8000-000000000001";

    #[test]
    fn every_likely_shape_is_read_and_nothing_is_guessed() {
        let ids = |content: &Value| files_in(content).into_iter().map(|file| file.id).collect::<Vec<_>>();
        for content in
            [json!(ID), json!({"file_id": ID}), json!({"fileId": ID}), json!([{"uuid": ID}]), json!([ID])]
        {
            assert_eq!(ids(&content), [ID], "{content}");
        }
        for content in
            [json!("results.csv"), json!({"url": format!("https://x/{ID}")}), json!({"id": 7}), json!(null)]
        {
            assert!(ids(&content).is_empty(), "{content}");
        }
        assert_eq!(ids(&json!([{"id": ID}, {"id": ID.replace('1', "2")}])).len(), 2);
    }

    #[test]
    fn names_sizes_and_types_are_taken_where_told() {
        let content = json!({"id": ID, "filename": "a/..\\scan.csv", "file_size": "12", "type": "file"});
        let file = &files_in(&content)[0];
        assert_eq!(
            (file.name.as_deref(), file.size, file.media_type.as_deref()),
            (Some("scan.csv"), Some(12), None)
        );
        assert_eq!(files_in(&json!({"id": ID, "name": ".."}))[0].name, None);
    }
}
