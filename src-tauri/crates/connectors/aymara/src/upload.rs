//! Sending a file: announce it, send its bytes to the link that comes back, look whether they arrived. Or, where the
//! account says so, one form through the service.
//!
//! The service calls a file complete before a byte of it was sent, so only the storage is asked.

use crate::{
    api_types::{FileUpload, FileUploads},
    connector::{Connector, encoded, no_such_path},
    errors,
    places::{Place, place, workspace},
};
use http::header;
use labferry_model::{FileStatus, PartPlan, PartReceipt, ProblemCode, RemoteFile};
use labferry_provider::{
    Advice, PartBody, ProviderError, ProviderResult, ReceivedParts, UploadRequest, UploadSession,
    http::{Call, MultipartForm, SignedUrl},
    one_by_one,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const BEGIN: &str = "begin upload";
pub(crate) const NO_ID: &str = "the service gave the new file no id";

/// What is kept of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Memory {
    container: String,
    name: String,
    size: u64,
    media_type: String,
    /// The file's id; none while a form has not been sent.
    id: Option<String>,
}

fn lost(operation: &'static str, why: impl Into<String>) -> ProviderError {
    ProviderError::new(operation, ProblemCode::UploadLost, Advice::FreshSession).because(why)
}

fn memory(operation: &'static str, session: &UploadSession) -> ProviderResult<Memory> {
    serde_json::from_value(session.memory.clone())
        .map_err(|_| lost(operation, "what was stored of the upload cannot be read"))
}

/// What is sent with a file and announced for it.
fn media_type(request: &UploadRequest) -> String {
    let guessed = || mime_guess::from_path(&request.name).first_raw().unwrap_or("application/octet-stream");
    request.media_type.clone().unwrap_or_else(|| guessed().to_owned())
}

/// What is kept of an announced file, or of one that will go in a form.
fn session(container: &str, request: &UploadRequest, id: Option<String>) -> ProviderResult<UploadSession> {
    let memory = Memory {
        container: container.to_owned(),
        name: request.name.clone(),
        size: request.size,
        media_type: media_type(request),
        id,
    };
    let memory = serde_json::to_value(memory)
        .map_err(|error| ProviderError::new(BEGIN, ProblemCode::Internal, Advice::Stop).caused_by(error))?;
    Ok(UploadSession { in_parts: false, part_size: request.size, memory })
}

impl Connector {
    /// Announces files, in one request for all of them. Where that is refused, each is announced by itself and told of its
    /// own refusal: one bad name takes no other file with it.
    pub(crate) async fn begin_many(&self, requests: &[UploadRequest]) -> Vec<ProviderResult<UploadSession>> {
        let together = match requests {
            [first, _, ..] if !self.by_form => match place(&first.container) {
                Some(Place::Container(container)) => self.announce(container, requests).await,
                _ => Err(no_such_path(BEGIN, &first.container)),
            },
            _ => return one_by_one(requests, |request| self.begin(request)).await,
        };
        match together {
            Ok(sessions) => sessions,
            Err(error) if error.advice == Advice::Stop && error.problem.code != ProblemCode::BadAnswer => {
                one_by_one(requests, |request| self.begin(request)).await
            }
            Err(error) => requests.iter().map(|request| Err(error.repeated().about(&request.name))).collect(),
        }
    }

    pub(crate) async fn begin(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        let Some(Place::Container(container)) = place(&request.container) else {
            return Err(no_such_path(BEGIN, &request.container));
        };
        if self.by_form {
            return session(container, request, None);
        }
        let announced = self.announce(container, std::slice::from_ref(request)).await;
        let mut announced = announced.map_err(|error| error.about(&request.name))?;
        announced.pop().unwrap_or_else(|| Err(ProviderError::bad_answer(BEGIN, NO_ID)))
    }

    /// Asks for the links that files are sent to, all in one request.
    async fn announce(
        &self,
        container: &str,
        requests: &[UploadRequest],
    ) -> ProviderResult<Vec<ProviderResult<UploadSession>>> {
        let files = requests
            .iter()
            .map(|file| json!({ "local_file_path": file.name, "content_type": media_type(file) }))
            .collect();
        let made = self.make_files(BEGIN, container, files, None).await?;
        // Another's link would put the right bytes under the wrong name.
        let in_order = made.len() == requests.len()
            && made.iter().zip(requests).all(|(made, request)| {
                made.local_file_path.as_ref().is_none_or(|name| *name == request.name)
            });
        if !in_order {
            let words = format!(
                "{} files were announced and the service answered with {} or with others",
                requests.len(),
                made.len()
            );
            let left = self.take_back(&made).await;
            return Err(ProviderError::bad_answer(BEGIN, format!("{words}{left}")));
        }
        let mut sessions = Vec::with_capacity(made.len());
        for (made, request) in made.into_iter().zip(requests) {
            sessions.push(self.announced(container, request, made).await);
        }
        Ok(sessions)
    }

    /// The session of an announced file.
    async fn announced(
        &self,
        container: &str,
        request: &UploadRequest,
        made: FileUpload,
    ) -> ProviderResult<UploadSession> {
        let link = made.file_url.as_deref().and_then(SignedUrl::parse);
        match (made.file_uuid.clone().filter(|id| !id.is_empty()), link) {
            (Some(id), Some(link)) => {
                self.links.keep(&id, link);
                session(container, request, Some(id))
            }
            (Some(_), None) => {
                // Nobody could ever send it.
                let left = self.take_back(&[made]).await;
                let words = format!("the service gave no link to send to{left}");
                Err(ProviderError::bad_answer(BEGIN, words).about(&request.name))
            }
            _ => Err(ProviderError::bad_answer(BEGIN, NO_ID).about(&request.name)),
        }
    }

    /// Removes what was announced in vain, and gives the words for what could not be removed.
    async fn take_back(&self, made: &[FileUpload]) -> String {
        let mut left = Vec::new();
        for id in made.iter().filter_map(|file| file.file_uuid.as_deref()).filter(|id| !id.is_empty()) {
            match self.remove(BEGIN, id).await {
                Err(error) if !error.is_not_found() => left.push(id),
                _ => {}
            }
        }
        match left[..] {
            [] => String::new(),
            _ => format!(", and keeps empty entries: {}", left.join(", ")),
        }
    }

    /// Makes files, to be sent or to be fetched by the service. `secret` is what no error may repeat.
    pub(crate) async fn make_files(
        &self,
        operation: &'static str,
        container: &str,
        files: Vec<serde_json::Value>,
        secret: Option<&str>,
    ) -> ProviderResult<Vec<FileUpload>> {
        let mut body = json!({ "files": files });
        if let Some(workspace) = workspace(container) {
            body["workspace_uuid"] = workspace.into();
        }
        let url = self.url(operation, "v2/files")?;
        let mut call = Call::post(operation).json(&body)?;
        if let Some(secret) = secret {
            call = call.secret(secret);
        }
        let made: FileUploads = self.send(&url, call).await?.json().await?;
        Ok(made.files)
    }

    pub(crate) async fn send_file(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        const OPERATION: &str = "send file";
        let memory = memory(OPERATION, session)?;
        let Some(id) = memory.id.clone() else {
            let id = self.send_form(OPERATION, memory, body).await?;
            return Ok(PartReceipt { part, crc32c: 0, md5: None, etag: Some(id) });
        };
        let Some(link) = self.links.get(&id) else {
            // A file that is whole is not touched.
            let why = "the link to send to is not known any more";
            return Err(match self.describe_file(OPERATION, &memory.container, &id).await {
                Ok(file) if file.status == FileStatus::Pending => self.given_up(OPERATION, &id, why).await,
                _ => lost(OPERATION, why),
            });
        };
        let call =
            Call::put(OPERATION).part(body).foreign_header(header::CONTENT_TYPE, &memory.media_type)?;
        let answer = self.storage.send(&link, call).await?;
        if answer.status().is_success() {
            return Ok(PartReceipt { part, crc32c: 0, md5: None, etag: Some(id) });
        }
        let error = answer.refusal().await.storage_error();
        if error.advice != Advice::FreshLink {
            return Err(error);
        }
        // A fresh link comes with a new file only, so this one is removed.
        let words = error.problem.detail.unwrap_or_default();
        Err(self
            .given_up(OPERATION, &id, &format!("the link to send to does not work any more: {words}"))
            .await)
    }

    /// The upload begins anew; what was announced for this one is removed, or it is said that it could not be.
    async fn given_up(&self, operation: &'static str, id: &str, why: &str) -> ProviderError {
        self.links.forget(id);
        match self.remove(operation, id).await {
            Err(error) if !error.is_not_found() => {
                lost(operation, format!("{why}; the entry {id} on the service could not be removed"))
            }
            _ => lost(operation, why),
        }
    }

    async fn send_form(
        &self,
        operation: &'static str,
        memory: Memory,
        body: PartBody,
    ) -> ProviderResult<String> {
        let form = MultipartForm {
            fields: Vec::new(),
            file_field: "file".into(),
            file_name: memory.name,
            media_type: memory.media_type,
        };
        let (kind, body) = form.around(body, &uuid::Uuid::new_v4().simple().to_string());
        let query = workspace(&memory.container)
            .map_or_else(String::new, |uuid| format!("?workspace_uuid={}", encoded(uuid)));
        let url = self.url(operation, &format!("v2/files/-/uploads{query}"))?;
        let call = Call::post(operation).part(body).foreign_header(header::CONTENT_TYPE, &kind)?;
        let answer = self.api.answer(&url, self.call(call)?).await.map_err(once_only)?;
        if !answer.status().is_success() {
            return Err(once_only(errors::refused(&answer.refusal().await)));
        }
        let made: FileUpload = answer.json().await.map_err(once_only)?;
        made.file_uuid
            .filter(|id| !id.is_empty())
            .ok_or_else(|| ProviderError::bad_answer(operation, "the answer to the upload holds no file id"))
    }

    pub(crate) async fn received(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        const OPERATION: &str = "received parts";
        let memory = memory(OPERATION, session)?;
        // A form leaves nothing behind but the receipt of its answer.
        let Some(id) = &memory.id else { return Ok(ReceivedParts::NotTold) };
        let file = match self.describe_file(OPERATION, &memory.container, id).await {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(ReceivedParts::Gone),
            Err(error) => return Err(error),
        };
        // The storage takes an object whole or not at all.
        if file.status != FileStatus::Pending && file.size == Some(memory.size) {
            return Ok(ReceivedParts::Finished(Box::new(file)));
        }
        if self.links.get(id).is_some() {
            return Ok(ReceivedParts::NotTold);
        }
        // Its link was lost with the process that asked for it, and a fresh one comes with a new file only.
        match self.remove(OPERATION, id).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(ReceivedParts::Gone),
        }
    }

    pub(crate) async fn finish(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        const OPERATION: &str = "finish upload";
        let memory = memory(OPERATION, session)?;
        let receipt = receipts.first().and_then(|receipt| receipt.etag.as_deref());
        let Some(id) = memory.id.as_deref().or(receipt) else {
            return Err(lost(OPERATION, "the file's id was not kept"));
        };
        let file = match self.describe_file(OPERATION, &memory.container, id).await {
            Ok(file) => file,
            // The storage takes the bytes of a removed file, too.
            Err(error) if error.is_not_found() => {
                self.links.forget(id);
                return Err(lost(OPERATION, "the service does not know the file any more"));
            }
            Err(error) => return Err(error),
        };
        if file.status == FileStatus::Pending {
            return Err(self.given_up(OPERATION, id, "the bytes did not arrive at the storage").await);
        }
        self.links.forget(id);
        Ok(file)
    }

    pub(crate) async fn abandon(&self, session: &UploadSession) -> ProviderResult<()> {
        const OPERATION: &str = "abandon upload";
        let Some(id) = memory(OPERATION, session)?.id else { return Ok(()) };
        self.links.forget(&id);
        match self.remove(OPERATION, &id).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

/// Every form that arrives makes a new file. So one that may have arrived is not sent again without a person's word.
fn once_only(error: ProviderError) -> ProviderError {
    let surely_not_there = matches!(error.problem.code, ProblemCode::Unreachable | ProblemCode::RateLimited);
    match error.advice {
        Advice::Again | Advice::AgainAfter(_) if !surely_not_there => {
            let words = error.problem.detail.clone().unwrap_or_default();
            ProviderError { advice: Advice::Stop, ..error }.because(format!(
                "{words}; the file may have arrived all the same, and sending it again would make a second one"
            ))
        }
        _ => error,
    }
}
