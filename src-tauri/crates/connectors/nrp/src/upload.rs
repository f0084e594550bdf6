//! Sending a file that was announced: send the content or its parts, commit.
//!
//! The announcement never carries a checksum: the service would store ours unread and give it back as its own.

use crate::{
    api_types::{FileEntry, TransferEntry},
    connector::{ANY_JSON, Connector},
    part_links::PartTarget,
};
use http::{HeaderValue, header};
use labferry_model::{PartPlan, PartReceipt, Problem, ProblemCode, RemoteFile};
use labferry_provider::{
    Advice, Leftover, PartBody, ProviderError, ProviderResult, ReceivedParts, UploadSession,
    http::{ApiUrl, Call, SignedUrl},
};
use serde::{Deserialize, Serialize};

/// Commits that may fail inside the service before the upload is begun anew: S3 storage answers 500 for ever when it
/// misses a part.
const COMMITS: u32 = 3;

/// What is kept of an upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) record: String,
    pub(crate) key: String,
    /// Path of the record's files.
    pub(crate) files: String,
    /// When the entry was made: another one of the same name is not ours.
    pub(crate) created: Option<String>,
    pub(crate) parts: Option<u32>,
}

/// An upload that is gone on with.
pub(crate) struct Upload {
    memory: Memory,
    files: ApiUrl,
}

impl Upload {
    /// The name its links are kept under.
    pub(crate) fn name(&self) -> String {
        format!("{}/{} {}", self.memory.record, self.memory.key, self.memory.created.as_deref().unwrap_or(""))
    }

    fn is_ours(&self, entry: &FileEntry) -> bool {
        match (&self.memory.created, &entry.created) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        }
    }
}

/// Names that the service takes at first and fails on later.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let refused = |why: &str| Problem::new(ProblemCode::NameRefused).about(name).because(why);
    if name.is_empty() {
        return Err(refused("the name is empty"));
    }
    if name.len() > 255 {
        return Err(refused("the name has more than 255 bytes").about(name));
    }
    if name.chars().any(char::is_control) {
        return Err(refused("the name holds control characters"));
    }
    if name.starts_with('/') || name.ends_with('/') {
        return Err(refused("the name begins or ends with \"/\""));
    }
    if name.split('/').any(|piece| matches!(piece, "" | "." | "..")) {
        return Err(refused("a part of the name between \"/\" is empty, \".\" or \"..\""));
    }
    if name.chars().all(|c| c == '.') {
        return Err(refused("the name holds nothing but dots"));
    }
    if let Some(last @ ("content" | "commit")) = name.rsplit('/').next() {
        return Err(refused(&format!("a file called \"{last}\" cannot be read back from this service")));
    }
    Ok(())
}

fn lost(operation: &'static str, why: &str) -> ProviderError {
    ProviderError::new(operation, ProblemCode::UploadLost, Advice::FreshSession).because(why)
}

impl Connector {
    pub(crate) fn upload(&self, operation: &'static str, session: &UploadSession) -> ProviderResult<Upload> {
        let memory: Memory = serde_json::from_value(session.memory.clone())
            .map_err(|_| lost(operation, "what was stored of the upload cannot be read"))?;
        let files = self.url(operation, &memory.files)?;
        Ok(Upload { memory, files })
    }

    pub(crate) async fn send_bytes(
        &self,
        session: &UploadSession,
        part: PartPlan,
        body: PartBody,
    ) -> ProviderResult<PartReceipt> {
        const OPERATION: &str = "send part";
        let upload = self.upload(OPERATION, session)?;
        let call = Call::put(OPERATION)
            .part(body)
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(header::ACCEPT, HeaderValue::from_static(ANY_JSON));
        let etag = if session.in_parts {
            match self.part_target(&upload, part.number).await? {
                PartTarget::Storage(link) => self.put_to_storage(&upload, &link, call).await?,
                PartTarget::Service(link) => {
                    let url = self.url(OPERATION, &link)?;
                    self.put_to_service(&url, call).await?;
                    None
                }
            }
        } else {
            // Content sent to a complete file removes it (NOTES.md), so it only goes to one known to be pending.
            if !self.links.knows(&upload.name()) {
                self.pending(&upload).await?;
            }
            let url = self.file_url(OPERATION, &upload.files, &upload.memory.key, "/content")?;
            self.put_to_service(&url, call).await?;
            None
        };
        Ok(PartReceipt { part, crc32c: 0, md5: None, etag })
    }

    async fn put_to_service(&self, url: &ApiUrl, call: Call) -> ProviderResult<()> {
        const OPERATION: &str = "send part";
        let call = call.header(header::ACCEPT, HeaderValue::from_static(ANY_JSON));
        match self.entry(url, call).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => {
                Err(lost(OPERATION, "the service does not know the upload any more"))
            }
            Err(error) => Err(error),
        }
    }

    async fn put_to_storage(
        &self,
        upload: &Upload,
        link: &SignedUrl,
        call: Call,
    ) -> ProviderResult<Option<String>> {
        let answer = self.storage.send(link, call).await?;
        if answer.status().is_success() {
            let etag = answer.header(&header::ETAG).map(|etag| etag.trim_matches('"').to_owned());
            return Ok(etag);
        }
        let error = answer.refusal().await.storage_error();
        if error.advice == Advice::FreshLink {
            self.links.forget(&upload.name());
        }
        Err(error)
    }

    /// Where a part goes; a link that is not in memory is asked for.
    async fn part_target(&self, upload: &Upload, number: u32) -> ProviderResult<PartTarget> {
        const OPERATION: &str = "send part";
        if let Some(target) = self.links.get(&upload.name(), number) {
            return Ok(target);
        }
        self.pending(upload).await?;
        self.links
            .get(&upload.name(), number)
            .ok_or_else(|| lost(OPERATION, &format!("the service gives no link for part {number}")))
    }

    /// Makes sure that the upload still waits for bytes, and keeps its links.
    async fn pending(&self, upload: &Upload) -> ProviderResult<()> {
        const OPERATION: &str = "send part";
        let entry = match self.find_entry(&upload.files, &upload.memory.key).await {
            // The record itself may be gone.
            Err(error) if error.is_not_found() => None,
            entry => entry?,
        };
        let entry = entry
            .filter(|entry| upload.is_ours(entry))
            .ok_or_else(|| lost(OPERATION, "the service does not know the upload any more"))?;
        if entry.is_complete() {
            return Err(lost(OPERATION, "the file is complete already"));
        }
        self.links.keep(&upload.name(), &entry);
        Ok(())
    }

    pub(crate) async fn received(&self, session: &UploadSession) -> ProviderResult<ReceivedParts> {
        const OPERATION: &str = "received parts";
        let upload = self.upload(OPERATION, session)?;
        let entry = match self.find_entry(&upload.files, &upload.memory.key).await {
            // The record itself may be gone.
            Err(error) if error.is_not_found() => None,
            entry => entry?,
        };
        let Some(entry) = entry.filter(|entry| upload.is_ours(entry)) else { return Ok(ReceivedParts::Gone) };
        if entry.is_complete() {
            return Ok(ReceivedParts::Finished(Box::new(entry.into_remote_file(&upload.memory.record))));
        }
        let TransferEntry { kind, parts, part_size } = &entry.transfer;
        let same_shape = if session.in_parts {
            kind.as_deref() == Some("M")
                && *parts == upload.memory.parts
                && part_size.is_none_or(|size| size == session.part_size)
        } else {
            kind.as_deref().is_none_or(|kind| kind == "L")
        };
        if entry.status.as_deref() == Some("failed") || !same_shape {
            return Ok(ReceivedParts::Gone);
        }
        self.links.keep(&upload.name(), &entry);
        Ok(ReceivedParts::NotTold)
    }

    pub(crate) async fn commit(&self, session: &UploadSession) -> ProviderResult<RemoteFile> {
        const OPERATION: &str = "finish upload";
        let upload = self.upload(OPERATION, session)?;
        let url = self.file_url(OPERATION, &upload.files, &upload.memory.key, "/commit")?;
        // Whatever the answer, the file may be complete from here on.
        self.links.forget(&upload.name());
        let error = match self.entry(&url, Call::post(OPERATION)).await {
            Ok(entry) => {
                self.failed_commits().remove(&upload.name());
                return Ok(entry.into_remote_file(&upload.memory.record));
            }
            Err(error) => error,
        };
        if error.is_not_found() {
            return Err(lost(OPERATION, "the service does not know the upload any more"));
        }
        if error.problem.code != ProblemCode::ServiceFailed {
            return Err(error);
        }
        // A 500 says little here: the file may be complete, or the service may miss what we sent.
        match self.find_entry(&upload.files, &upload.memory.key).await? {
            None => Err(lost(OPERATION, "the service does not know the upload any more")),
            Some(entry) if entry.is_complete() && upload.is_ours(&entry) => {
                Ok(entry.into_remote_file(&upload.memory.record))
            }
            Some(_) => {
                let failures = {
                    let mut failed = self.failed_commits();
                    let count = failed.entry(upload.name()).or_default();
                    *count += 1;
                    *count
                };
                if failures < COMMITS {
                    return Err(error);
                }
                self.failed_commits().remove(&upload.name());
                Err(lost(OPERATION, "the service does not finish the upload; it may miss a part"))
            }
        }
    }

    pub(crate) async fn abandon(&self, session: &UploadSession) -> ProviderResult<()> {
        const OPERATION: &str = "abandon upload";
        let upload = self.upload(OPERATION, session)?;
        self.links.forget(&upload.name());
        match self.find_entry(&upload.files, &upload.memory.key).await {
            Ok(Some(entry)) if upload.is_ours(&entry) => {
                let url = self.file_url(OPERATION, &upload.files, &upload.memory.key, "")?;
                match self.send(&url, Call::delete(OPERATION)).await {
                    Err(error) if !error.is_not_found() => Err(error),
                    _ => Ok(()),
                }
            }
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn unfinished(&self, container: &str) -> ProviderResult<Vec<Leftover>> {
        let found = self.locate("leftovers", container).await?;
        let entries = self.entries(&found.files).await?;
        Ok(entries
            .into_iter()
            .map(|entry| entry.into_remote_file(container))
            .filter(|file| file.status != labferry_model::FileStatus::Ready)
            .map(|file| Leftover { path: file.path, name: file.name, size: file.size })
            .collect())
    }

    pub(crate) async fn clear(&self, leftover: &Leftover) -> ProviderResult<()> {
        const OPERATION: &str = "clear leftover";
        let (record, _) = crate::connector::split(&leftover.path);
        let found = self.locate(OPERATION, record).await?;
        match self.find_entry(&found.files, &leftover.name).await? {
            None => return Ok(()),
            Some(entry) if entry.is_complete() => {
                return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                    .about(&leftover.name)
                    .because("the file is complete by now; it is no leftover"));
            }
            Some(_) => {}
        }
        let url = self.file_url(OPERATION, &found.files, &leftover.name, "")?;
        match self.send(&url, Call::delete(OPERATION)).await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::check_name;

    #[test]
    fn names_that_fail_later_are_refused_at_once() {
        let long = "x".repeat(256);
        for bad in [
            "", "/a", "a/", "a//b", "a/../b", ".", "..", "...", "a/.", "content", "x/commit", "a\nb", "\0",
            &long,
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        let longest = "x".repeat(255);
        for good in ["a", "Größe 1.csv", "a/b.txt", "contents", ".profile", "a?b#c%d", &longest] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
    }
}
