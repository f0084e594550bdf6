//! Files as JSON: the entry of the file endpoints, the list, and the short form inside a record.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::Nrp;
use super::switches::Storage;
use super::world::{Edition, FileEntry, Multipart, Record};
use crate::clock::{short_time, wire_time};

/// Days ahead that a part link through the API says it expires; recomputed at each read and never enforced.
const API_PART_DAYS: i64 = 14;

impl Nrp {
    /// A file as its own endpoint and the list tell it.
    pub(crate) fn entry_json(
        &self,
        record: &Record,
        edition: &Edition,
        file: &FileEntry,
        is_draft: bool,
    ) -> Value {
        let link = self.file_link(record, is_draft, &file.key);
        let is_pending_multipart = file.content.is_none() && file.multipart.is_some();
        let mut links = Map::from_iter([("self".to_owned(), json!(link))]);
        if is_draft {
            links.insert("commit".to_owned(), json!(format!("{link}/commit")));
        }
        if !is_pending_multipart {
            links.insert("content".to_owned(), json!(format!("{link}/content")));
        }
        let mut entry = json!({
            "key": file.key,
            "created": wire_time(file.created),
            "updated": wire_time(file.updated),
            "access": {"hidden": file.is_hidden},
            "metadata": file.metadata,
            "status": if file.content.is_some() { "completed" } else { "pending" },
            "transfer": {"type": "L"},
        });
        match (&file.content, &file.multipart) {
            (Some(content), _) => {
                entry["size"] = content.size.into();
                entry["checksum"] = json!(content.checksum);
                entry["storage_class"] = "L".into();
                entry["mimetype"] = mimetype(&file.key).into();
                entry["version_id"] = file.version_id.clone().into();
                entry["file_id"] = file.file_id.clone().into();
                entry["bucket_id"] = edition.bucket.clone().into();
                if entry["metadata"].is_null() {
                    entry["metadata"] = json!({});
                }
            }
            (None, Some(multipart)) => {
                entry["size"] = json!(file.told_size);
                entry["checksum"] = json!(file.told_checksum);
                entry["storage_class"] = "L".into();
                entry["transfer"] = json!({"type": "M", "parts": multipart.parts});
                if let Some(part_size) = multipart.part_size {
                    entry["transfer"]["part_size"] = part_size.into();
                }
                links.insert("parts".to_owned(), self.part_links(&link, file, multipart).into());
            }
            (None, None) => {
                for (name, told) in [
                    ("size", json!(file.told_size)),
                    ("checksum", json!(file.told_checksum)),
                    ("storage_class", json!(file.told_storage_class)),
                ] {
                    if !told.is_null() {
                        entry[name] = told;
                    }
                }
            }
        }
        entry["links"] = links.into();
        entry
    }

    fn part_links(&self, link: &str, file: &FileEntry, multipart: &Multipart) -> Vec<Value> {
        let now = self.now();
        let seconds = self.switches().part_link_seconds;
        let later = |duration| now.checked_add(duration).unwrap_or(now);
        (1..=multipart.parts)
            .map(|part| match multipart.storage {
                Storage::Api => {
                    let expiration = wire_time(later(SignedDuration::from_hours(24 * API_PART_DAYS)));
                    json!({"part": part, "url": format!("{link}/content/{part}"), "expiration": expiration})
                }
                Storage::Signed => {
                    let number = part.to_string();
                    let query = [("uploadId", multipart.upload.as_str()), ("partNumber", number.as_str())];
                    let url = self.lab.links.sign("PUT", &object_path(&file.file_id), &query, now, seconds);
                    let expiration = short_time(later(SignedDuration::from_secs(seconds)));
                    json!({"part": part, "url": url, "expiration": expiration})
                }
            })
            .collect()
    }

    /// All files of an edition.
    pub(crate) fn list_json(&self, record: &Record, edition: &Edition, is_draft: bool) -> Value {
        let files = self.files_link(record, is_draft);
        let archive = format!("{}-archive", files);
        let links = json!({"self": files, "archive": archive});
        if !edition.files_enabled {
            return json!({"enabled": false, "links": links});
        }
        let entries: Vec<_> =
            edition.files.values().map(|file| self.entry_json(record, edition, file, is_draft)).collect();
        json!({
            "enabled": true,
            "links": links,
            "entries": entries,
            "default_preview": edition.default_preview,
            "order": [],
        })
    }
}

/// Committed files as a record shows them: an object by key.
pub(crate) fn record_files_json(edition: &Edition) -> Value {
    if !edition.files_enabled {
        return json!({"enabled": false, "order": [], "count": 0, "total_bytes": 0, "entries": {}});
    }
    let mut entries = Map::new();
    let mut bytes = 0;
    for file in edition.files.values() {
        let Some(content) = &file.content else { continue };
        bytes += content.size;
        let entry = json!({
            "id": file.file_id,
            "checksum": content.checksum,
            "ext": file.key.rsplit_once('.').map(|(_, ending)| ending),
            "size": content.size,
            "mimetype": mimetype(&file.key),
            "storage_class": "L",
            "key": file.key,
            "metadata": file.metadata.clone().unwrap_or_default(),
            "access": {"hidden": file.is_hidden},
        });
        entries.insert(file.key.clone(), entry);
    }
    let mut files = json!({
        "enabled": true,
        "order": [],
        "count": entries.len(),
        "total_bytes": bytes,
        "entries": entries,
    });
    if let Some(preview) = &edition.default_preview {
        files["default_preview"] = preview.clone().into();
    }
    files
}

/// Where a file lies on the storage host.
pub(crate) fn object_path(file_id: &str) -> String {
    let plain: String = file_id.chars().filter(char::is_ascii_alphanumeric).collect();
    let (first, rest) = plain.split_at(plain.len().min(2));
    let (second, rest) = rest.split_at(rest.len().min(2));
    format!("/default/{first}/{second}/{rest}/data")
}

/// The type a name suggests.
pub(crate) fn mimetype(key: &str) -> &'static str {
    match key.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("txt" | "log") => "text/plain",
        Some("csv") => "text/csv",
        Some("md") => "text/markdown",
        Some("json") => "application/json",
        Some("html" | "htm") => "text/html",
        Some("xml") => "application/xml",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("tif" | "tiff") => "image/tiff",
        Some("zip") => "application/zip",
        Some("gz") => "application/gzip",
        _ => "application/octet-stream",
    }
}
