//! Sending a file onto a record's field or an activity's property: one request, which adds a value each time it is made.
//!
//! So a request whose answer was lost is not simply made again: what is there is looked at first, and a value that was
//! not there when the upload began and that nobody else of this process made is taken for ours. The proof is the engine's:
//! it fetches the file and compares.

use crate::{
    api_types::{Field, text},
    browse::{Found, remote_file, values_of},
    connector::{Connector, NAME_LIMIT, locked},
    errors,
    file_value::{files_in, takes_files},
    paths::{Place, parse},
};
use labferry_model::{FileStatus, Metadata, PartPlan, PartReceipt, Problem, ProblemCode, RemoteFile};
use labferry_provider::{
    Advice, PartBody, ProviderError, ProviderResult, ReceivedParts, UploadRequest, UploadSession,
    http::{Call, multipart_form::MultipartForm},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Metadata of an upload that names the field on a record, and the view of the activity.
const FIELD: &str = "field";
const VIEW: &str = "record_view_id";

/// Where the file goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    Field { record: String, field: String, activity: Option<String>, view: Option<String> },
    Property { activity: String, property: String },
}

/// What is kept of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Memory {
    /// Tells uploads of one process apart.
    upload: String,
    container: String,
    name: String,
    media_type: String,
    /// The field's name, for people.
    field: Option<String>,
    target: Target,
    /// Ids of values and files that were there before.
    known: Vec<String>,
}

/// A value or file at the upload's target.
struct Added {
    /// The value's id where there is one, else the file's.
    id: String,
    file: Option<Found>,
}

/// Names that no file system would take back, or that would change the form.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(ProblemCode::NameRefused).about(name).because(why);
    if name.is_empty() {
        return Err(refused("the name is empty"));
    }
    if name.len() > NAME_LIMIT as usize {
        return Err(refused("the name has more than 255 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(refused("the name holds control characters"));
    }
    if name.contains(['/', '\\']) {
        return Err(refused("the name holds \"/\" or \"\\\"; fields keep files, not folders"));
    }
    if name.chars().all(|c| c == '.') {
        return Err(refused("the name holds nothing but dots"));
    }
    Ok(())
}

fn memory(operation: &'static str, session: &UploadSession) -> ProviderResult<Memory> {
    serde_json::from_value(session.memory.clone()).map_err(|_| {
        ProviderError::new(operation, ProblemCode::UploadLost, Advice::FreshSession)
            .because("what was stored of the upload cannot be read")
    })
}

impl Connector {
    pub(crate) async fn begin(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        const OPERATION: &str = "begin upload";
        let refuse = |why: &str| {
            ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&request.container)
                .because(why)
        };
        let spot = parse(OPERATION, &request.container)?;
        let mut field_name = None;
        let target = match spot.place {
            Place::Record { activity, record, field } if spot.file.is_none() => {
                let wanted = field.as_deref().or_else(|| text(&request.metadata, FIELD));
                let Field { id: field, name, .. } = self.field_for(OPERATION, &record, wanted).await?;
                field_name = Some(name);
                let view = text(&request.metadata, VIEW).map(str::to_owned).filter(|_| activity.is_some());
                Target::Field { record, field, activity, view }
            }
            Place::Property { activity, property } if spot.file.is_none() => {
                let found = self.property(OPERATION, &activity, &property).await?;
                if !takes_files(text(&found, "field_type")) {
                    return Err(refuse("the property takes no files"));
                }
                Target::Property { activity, property }
            }
            _ => return Err(refuse("files go onto a record, one of its fields, or an activity's property")),
        };
        let media_type = request.media_type.clone().unwrap_or_else(|| {
            mime_guess::from_path(&request.name).first_or_octet_stream().essence_str().to_owned()
        });
        let mut memory = Memory {
            upload: format!("{:032x}", fastrand::u128(..)),
            container: request.container.clone(),
            name: request.name.clone(),
            media_type,
            field: field_name,
            target,
            known: Vec::new(),
        };
        memory.known = self.added(OPERATION, &memory).await?.into_iter().map(|added| added.id).collect();
        Ok(UploadSession {
            in_parts: false,
            part_size: request.size,
            memory: serde_json::to_value(memory).map_err(|error| {
                ProviderError::new(OPERATION, ProblemCode::Internal, Advice::Stop).caused_by(error)
            })?,
        })
    }

    /// The field a file goes into: the one named, or the only one there is.
    async fn field_for(
        &self,
        operation: &'static str,
        record: &str,
        wanted: Option<&str>,
    ) -> ProviderResult<Field> {
        let fields = self.file_fields(operation).await?;
        let refuse = |why: String| {
            ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop)
                .about(record)
                .because(why)
        };
        let names = || fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
        match (wanted, fields.as_slice()) {
            (_, []) => Err(refuse("the workspace has no field that takes files".into())),
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(refuse(format!("several fields take files, choose one: {}", names()))),
            (Some(wanted), _) => {
                fields.iter().find(|field| field.is_called(wanted)).cloned().ok_or_else(|| {
                    refuse(format!("no field \"{wanted}\" takes files; these do: {}", names()))
                })
            }
        }
    }

    pub(crate) async fn send_file(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        const OPERATION: &str = "send file";
        let memory = memory(OPERATION, session)?;
        if locked(&self.claimed).values().any(|upload| *upload == memory.upload) {
            // Sent again, it would be a second value.
            return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&memory.name)
                .because("the file of this upload is there already"));
        }
        // A first try that ended without an answer may have arrived.
        let was_tried = !locked(&self.tried).insert(memory.upload.clone());
        if was_tried && let Some(added) = self.ours(OPERATION, &memory).await? {
            locked(&self.claimed).insert(added.id.clone(), memory.upload.clone());
            return Ok(receipt(part, &added.id));
        }
        let (url, mut fields) = match &memory.target {
            Target::Field { record, field, activity, view } => {
                let mut told = json!({ "field_id": field });
                if let Some(activity) = activity {
                    told["operation_id"] = activity.as_str().into();
                }
                if let Some(view) = view {
                    told["record_view_id"] = view.as_str().into();
                }
                let url = self.url(OPERATION, &["records", record, "values", "file"])?;
                (url, vec![("body".to_owned(), told.to_string())])
            }
            Target::Property { property, .. } => {
                (self.url(OPERATION, &["properties", property, "file"])?, Vec::new())
            }
        };
        let form = MultipartForm {
            fields: std::mem::take(&mut fields),
            file_field: "file".into(),
            file_name: memory.name.clone(),
            media_type: memory.media_type.clone(),
        };
        let boundary = format!("{:032x}", fastrand::u128(..));
        let (content_type, body) = form.around(body, &boundary);
        let call =
            Call::post(OPERATION).part(body).foreign_header(http::header::CONTENT_TYPE, &content_type)?;
        let answer = self.send_once(&url, call).await?;
        if !answer.status().is_success() {
            return Err(errors::refused(&answer.refusal().await).about(&memory.container));
        }
        // An empty answer is one, too: then what is new there is ours.
        let answered = serde_json::from_str::<Value>(&answer.start_of_text().await).unwrap_or_default();
        let told = match &memory.target {
            Target::Field { .. } => answered.get("resource").and_then(|value| text(value.as_object()?, "id")),
            Target::Property { .. } => None,
        };
        let id = match told {
            Some(id) => id.to_owned(),
            None => match property_file(&answered) {
                Some(id) => id,
                None => self.ours(OPERATION, &memory).await?.map(|added| added.id).ok_or_else(|| {
                    ProviderError::bad_answer(OPERATION, "the service took the file and does not show it")
                        .about(&memory.container)
                })?,
            },
        };
        locked(&self.claimed).insert(id.clone(), memory.upload.clone());
        Ok(receipt(part, &id))
    }

    pub(crate) async fn received(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        const OPERATION: &str = "received parts";
        let memory = memory(OPERATION, session)?;
        match self.ours(OPERATION, &memory).await {
            Ok(Some(added)) => Ok(match self.as_file(OPERATION, &memory, &added).await? {
                Some(file) => ReceivedParts::Finished(Box::new(file)),
                None => ReceivedParts::NotTold,
            }),
            Ok(None) => Ok(ReceivedParts::NotTold),
            // The record or activity may be gone.
            Err(error) if error.is_not_found() => Ok(ReceivedParts::Gone),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn finish(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        const OPERATION: &str = "finish upload";
        let memory = memory(OPERATION, session)?;
        let id = receipts.first().and_then(|receipt| receipt.etag.as_deref());
        let all = self.added(OPERATION, &memory).await?;
        let told = id.and_then(|id| {
            all.into_iter()
                .find(|added| added.id == id || added.file.as_ref().is_some_and(|found| found.file.id == id))
        });
        let added = match told {
            Some(added) => Some(added),
            None => self.ours(OPERATION, &memory).await?,
        };
        let added = added.ok_or_else(|| {
            ProviderError::new(OPERATION, ProblemCode::UploadLost, Advice::FreshSession)
                .about(&memory.container)
                .because("the service does not show the file it took")
        })?;
        locked(&self.tried).remove(&memory.upload);
        match self.as_file(OPERATION, &memory, &added).await? {
            Some(file) => Ok(file),
            None => Ok(unrecognised(&memory, &added)),
        }
    }

    pub(crate) fn forget(&self, session: &UploadSession) -> ProviderResult<()> {
        let memory = memory("abandon upload", session)?;
        locked(&self.tried).remove(&memory.upload);
        Ok(())
    }

    /// The new file as it is listed, with its size.
    async fn as_file(
        &self,
        operation: &'static str,
        memory: &Memory,
        added: &Added,
    ) -> ProviderResult<Option<RemoteFile>> {
        let Some(found) = &added.file else { return Ok(None) };
        locked(&self.claimed).insert(added.id.clone(), memory.upload.clone());
        let place = parse(operation, &memory.container)?.place;
        let found = Found { field: found.field.clone().or_else(|| memory.field.clone()), ..found.clone() };
        let mut file = remote_file(&place, &found, self.known_head(&found.file.id).as_ref());
        if found.file.name.is_none() {
            // The service names no file here; we know what we sent.
            file.name = memory.name.clone();
        }
        Ok(Some(file))
    }

    /// What is at the target: values of the field, or the property's files.
    async fn added(&self, operation: &'static str, memory: &Memory) -> ProviderResult<Vec<Added>> {
        match &memory.target {
            Target::Field { record, field, .. } => {
                let found = self.record(operation, record).await?;
                Ok(values_of(&found, field).filter_map(of_value).collect())
            }
            Target::Property { activity, property } => {
                let place = Place::Property { activity: activity.clone(), property: property.clone() };
                let files = self.files_of(operation, &place).await?;
                Ok(files
                    .into_iter()
                    .map(|found| Added { id: found.file.id.clone(), file: Some(found) })
                    .collect())
            }
        }
    }

    /// What was added since the upload began and can only be ours.
    async fn ours(&self, operation: &'static str, memory: &Memory) -> ProviderResult<Option<Added>> {
        let mut new = self.added(operation, memory).await?;
        {
            let claimed = locked(&self.claimed);
            let is_free = |id: &String| claimed.get(id).is_none_or(|upload| *upload == memory.upload);
            new.retain(|added| !memory.known.contains(&added.id) && is_free(&added.id));
        }
        let name = |added: &Added| added.file.as_ref().and_then(|found| found.file.name.clone());
        if let Some(at) = new.iter().position(|added| name(added).as_deref() == Some(memory.name.as_str())) {
            return Ok(Some(new.swap_remove(at)));
        }
        new.retain(|added| name(added).is_none());
        match new.len() {
            0 | 1 => Ok(new.pop()),
            // Several nameless ones: the downloads may tell which is ours.
            _ => {
                for at in 0..new.len() {
                    let Some(found) = &new[at].file else { continue };
                    if self.head(operation, found).await?.name.as_deref() == Some(memory.name.as_str()) {
                        return Ok(Some(new.swap_remove(at)));
                    }
                }
                Err(ProviderError::new(operation, ProblemCode::BadAnswer, Advice::Stop)
                    .about(&memory.container)
                    .because(
                        "the connection broke while several files were sent, and the service does not tell which arrived; \
                         look at the record before sending it again",
                    ))
            }
        }
    }
}

fn of_value(value: &Metadata) -> Option<Added> {
    let id = text(value, "id")?.to_owned();
    let file = files_in(value.get("content").unwrap_or(&Value::Null)).into_iter().next().map(|file| Found {
        file,
        activity: text(value, "operation_id").map(str::to_owned),
        field: None,
        created: crate::api_types::time(value, "created_at"),
        status: FileStatus::Ready,
    });
    Some(Added { id, file })
}

/// The file's id in the answer to an upload to a property, whose shape is not known.
fn property_file(answered: &Value) -> Option<String> {
    let candidates = [answered.get("content"), answered.get("file"), answered.get("resource")];
    let named = answered.as_object().and_then(|object| text(object, "file_id")).map(str::to_owned);
    named.or_else(|| {
        candidates.into_iter().flatten().find_map(|value| {
            let value = value.get("content").unwrap_or(value);
            files_in(value).into_iter().next().map(|file| file.id)
        })
    })
}

/// The receipt of a whole file: which value or file it became.
fn receipt(part: PartPlan, id: &str) -> PartReceipt {
    PartReceipt { part, crc32c: 0, md5: None, etag: Some(id.to_owned()) }
}

/// A file the service took and names in a way that cannot be read: it cannot be fetched.
fn unrecognised(memory: &Memory, added: &Added) -> RemoteFile {
    RemoteFile {
        path: format!("{}/{}", memory.container, added.id),
        name: memory.name.clone(),
        size: None,
        status: FileStatus::Ready,
        digests: Vec::new(),
        media_type: None,
        modified: None,
        revision: None,
        metadata: Metadata::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{check_name, property_file};
    use serde_json::json;

    #[test]
    fn names_that_cannot_come_back_are_refused() {
        let long = "x".repeat(256);
        for bad in ["", "a/b", "a\\b", ".", "..", "a\nb", &long] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "Größe 1.csv", ".profile", "a?b#c%d", "\"quoted\".csv", &"x".repeat(255)] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn an_answer_of_any_shape_names_the_file_or_nothing() {
        let id = "f1f1f1f1-0000-4000-8000-000000000001";
        for answer in [
            json!({"file_id": id}),
            json!({"id": "p", "content": {"file_id": id}}),
            json!({"resource": {"content": [id]}}),
        ] {
            assert_eq!(property_file(&answer).as_deref(), Some(id), "{answer}");
        }
        assert_eq!(property_file(&json!({"id": id})), None, "that is the property");
        assert_eq!(property_file(&json!(null)), None);
    }
}
