//! Sending a file: one form, one answer with the file's id.

use crate::{
    api_types::Uploaded,
    browse::named_by_id,
    connector::Connector,
    errors,
    ids::{is_file, is_protocol},
};
use http::header::{ACCEPT, CONTENT_TYPE};
use labferry_model::{PartPlan, PartReceipt, Problem, ProblemCode, RemoteFile};
use labferry_provider::{
    Advice, PartBody, ProviderError, ProviderResult, UploadRequest, UploadSession,
    http::{Call, MultipartForm},
};
use serde::{Deserialize, Serialize};

/// What is kept of an upload.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Memory {
    protocol: String,
    name: String,
    size: u64,
    media_type: String,
}

/// Names that the service makes no usable id of: what follows the last dot becomes part of the id, and a name without a dot
/// becomes it as a whole.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(ProblemCode::NameRefused).about(name).because(why);
    if name.len() > 255 {
        return Err(refused("the name has more than 255 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(refused("the name holds control characters"));
    }
    if name.split('/').any(|piece| matches!(piece, "" | "." | "..")) {
        return Err(refused("a part between slashes is empty, \".\" or \"..\""));
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    let extension = last.rsplit_once('.').map(|(stem, extension)| (stem.trim_matches('.'), extension));
    match extension {
        Some((stem, extension))
            if !stem.is_empty()
                && !extension.is_empty()
                && extension.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) =>
        {
            Ok(())
        }
        _ => Err(refused(
            "Airalogy knows a file's type by its extension; give the file a name with one, such as scan.csv",
        )),
    }
}

impl Connector {
    pub(crate) fn begin(&self, request: &UploadRequest) -> ProviderResult<UploadSession> {
        const OPERATION: &str = "begin upload";
        if !is_protocol(&request.container) {
            return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(&request.container)
                .because("files are sent to a protocol; this is no protocol id with its version"));
        }
        let guessed =
            || mime_guess::from_path(&request.name).first_raw().unwrap_or("application/octet-stream");
        let memory = Memory {
            protocol: request.container.clone(),
            name: request.name.clone(),
            size: request.size,
            media_type: request.media_type.clone().unwrap_or_else(|| guessed().to_owned()),
        };
        let memory = serde_json::to_value(memory).map_err(|error| {
            ProviderError::new(OPERATION, ProblemCode::Internal, Advice::Stop).caused_by(error)
        })?;
        Ok(UploadSession { in_parts: false, part_size: request.size, memory })
    }

    pub(crate) fn memory(operation: &'static str, session: &UploadSession) -> ProviderResult<Memory> {
        serde_json::from_value(session.memory.clone()).map_err(|_| {
            ProviderError::new(operation, ProblemCode::UploadLost, Advice::FreshSession)
                .because("what was stored of the upload cannot be read")
        })
    }

    pub(crate) async fn send_file(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        const OPERATION: &str = "send file";
        let memory = Self::memory(OPERATION, session)?;
        let form = MultipartForm {
            fields: vec![("airalogy_protocol_id".into(), memory.protocol)],
            file_field: "file".into(),
            file_name: memory.name,
            media_type: memory.media_type,
        };
        let (kind, body) = form.around(body, &uuid::Uuid::new_v4().simple().to_string());
        let url = self.url(OPERATION, "airalogy/upload")?;
        let call = Call::post(OPERATION)
            .part(body)
            .foreign_header(CONTENT_TYPE, &kind)?
            .foreign_header(ACCEPT, "application/json")?;
        let answer = self.api.answer(&url, call).await.map_err(once_only)?;
        if !answer.status().is_success() {
            return Err(once_only(errors::refused(&answer.refusal().await)));
        }
        let uploaded: Uploaded = answer.json().await.map_err(once_only)?;
        if !is_file(&uploaded.id) {
            return Err(ProviderError::bad_answer(OPERATION, "the answer to the upload holds no file id"));
        }
        Ok(PartReceipt { part, crc32c: 0, md5: None, etag: Some(uploaded.id) })
    }

    pub(crate) async fn finish(
        &self,
        session: &UploadSession,
        receipts: &[PartReceipt],
    ) -> ProviderResult<RemoteFile> {
        const OPERATION: &str = "finish upload";
        let memory = Self::memory(OPERATION, session)?;
        let id = receipts.first().and_then(|receipt| receipt.etag.as_deref()).ok_or_else(|| {
            ProviderError::new(OPERATION, ProblemCode::UploadLost, Advice::FreshSession)
                .because("the file's id was not kept")
        })?;
        // The upload's own size: the service tells none, and the proof fetches the content anyway.
        Ok(named_by_id(&memory.protocol, id, Some(&memory.name), Some(memory.size)))
    }
}

/// Every upload that arrives makes a new file that nobody can remove. So one that may have arrived is not sent again without
/// a person's word.
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

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn only_names_with_an_extension_are_sent() {
        for good in ["a.csv", "archive.tar.gz", "UPPER.PNG", "run 1/Größe.tif", ".x.csv"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "README",
            "trail.",
            ".profile",
            "..",
            "...",
            "",
            "a.b c",
            "a.ü",
            "x.d/README",
            "a\n.csv",
            "../a.csv",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
