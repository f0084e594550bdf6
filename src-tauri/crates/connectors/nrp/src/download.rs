//! Fetching a file, from the service or from the storage it sends us to.

use crate::connector::{Connector, split};
use http::{HeaderValue, StatusCode, header};
use labferry_model::{FileStatus, ProblemCode};
use labferry_provider::{
    Advice, ByteRange, Download, ProviderError, ProviderResult,
    http::{Answer, ApiUrl, Call, Reply, content_range, range_value},
};

const OPERATION: &str = "download";

impl Connector {
    /// Opens a file. The address of the content is asked anew each time: where it leads to lives for a minute.
    pub(crate) async fn open(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        let (record, key) = split(path);
        let key = key.ok_or_else(|| {
            ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(path)
                .because("that is a record; name one of its files")
        })?;
        let found = self.locate(OPERATION, record).await?;
        let url = self.file_url(OPERATION, &found.files, key, "/content")?;
        let (answer, from_storage) = match self.api.send(&url, request(range)?).await? {
            Reply::Answer(answer) => (answer, false),
            Reply::Redirected(link) => {
                let mut call = request(range)?;
                // The service's own revision means nothing to the storage.
                if let Some(guard) = guard.filter(|guard| !is_checksum(guard)) {
                    call = call.foreign_header(header::IF_MATCH, guard)?;
                }
                (self.storage.send(&link, call).await?, true)
            }
        };
        let status = answer.status();
        if !status.is_success() {
            let refusal = answer.refusal().await;
            return Err(match (status, from_storage) {
                (StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PRECONDITION_FAILED, _) => changed(path),
                (_, true) => refusal.storage_error().about(path),
                (_, false) => {
                    let error = self.refused(refusal).await;
                    self.unfinished_file(&found.files, key).await.unwrap_or(error).about(path)
                }
            });
        }
        let revision = answer.header(&header::ETAG).map(str::to_owned);
        if let (Some(guard), Some(revision)) = (guard, &revision)
            && is_checksum(guard) == is_checksum(revision)
            && guard != revision
        {
            return Err(changed(path));
        }
        let (offset, total) = extent(&answer, range)?;
        if range.is_some() {
            self.saw_ranges(status == StatusCode::PARTIAL_CONTENT);
        }
        Ok(Download { offset, total, revision, stream: answer.into_stream() })
    }
}

impl Connector {
    /// The content of an unfinished file is refused as if the service had failed (500) or we had no right (403), so the
    /// entry is asked: trying again would never help.
    async fn unfinished_file(&self, files: &ApiUrl, key: &str) -> Option<ProviderError> {
        let entry = self.find_entry(files, key).await.ok()??;
        let status = entry.into_remote_file("").status;
        (status != FileStatus::Ready).then(|| {
            ProviderError::new(OPERATION, ProblemCode::PendingFile, Advice::Stop)
                .because("its upload was begun and never finished, so there is nothing to fetch")
        })
    }
}

fn request(range: Option<ByteRange>) -> ProviderResult<Call> {
    let call = Call::get(OPERATION).header(header::ACCEPT, HeaderValue::from_static("*/*"));
    match range {
        None => Ok(call),
        Some(range) => call.foreign_header(header::RANGE, &range_value(range)),
    }
}

/// Whether a revision is the service's checksum, which it uses as the ETag where it sends the content itself.
fn is_checksum(revision: &str) -> bool {
    let text = revision.trim_matches('"');
    text.starts_with("md5:") || text.starts_with("multipart:")
}

fn changed(path: &str) -> ProviderError {
    ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Stop)
        .about(path)
        .because("the file changed on the service while it was fetched; start the download again")
}

/// First byte and whole size, as the answer tells.
fn extent(answer: &Answer, asked: Option<ByteRange>) -> ProviderResult<(u64, Option<u64>)> {
    if answer.status() != StatusCode::PARTIAL_CONTENT {
        let total = answer.header(&header::CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
        return Ok((0, total));
    }
    let told = answer.header(&header::CONTENT_RANGE).and_then(content_range);
    match (told, asked) {
        (Some((offset, total)), Some(asked)) if offset == asked.offset => Ok((offset, total)),
        _ => {
            Err(ProviderError::bad_answer(OPERATION, "the service sent another range than the one asked for"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_checksum;

    #[test]
    fn revisions_of_service_and_storage_are_told_apart() {
        assert!(is_checksum("\"md5:82c3fb373406d6797ed58406981dc42a\""));
        assert!(!is_checksum("\"79b281060d337b9b2b84ccf390adcf74\""));
    }
}
