//! Fetching a file: by its temporary link, which tells length and tag and gives ranges, or through the interface, which
//! tells nothing and may end early with a clean answer.

use crate::{api_types::FileUrl, browse::split, connector::Connector, ids::is_file};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, RANGE},
};
use labferry_model::{ProblemCode, Secret};
use labferry_provider::{
    Advice, ByteRange, Download, ProviderError, ProviderResult, TemporaryLink,
    http::{Answer, Call, SignedUrl, content_range, range_value},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{sync::PoisonError, time::Duration};

const OPERATION: &str = "download";
/// How long the server makes its links live; it does not say so itself.
const LINK_LIFE: Duration = Duration::from_secs(24 * 3600);

impl Connector {
    /// A fresh temporary link; `None` when it is no web address (a file that is kept elsewhere).
    async fn fresh_link(&self, id: &str) -> ProviderResult<Option<SignedUrl>> {
        let id = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let url = self.url("temporary link", &format!("airalogy/get_file_url/{id}"))?;
        let call = Call::get("temporary link").foreign_header(ACCEPT, "application/json")?;
        let answer: FileUrl = self.file_answer(&url, call).await?.json().await?;
        Ok(SignedUrl::parse(&answer.url))
    }

    pub(crate) async fn link(&self, path: &str) -> ProviderResult<TemporaryLink> {
        let id = file_id(path)?;
        let link = self.fresh_link(id).await.map_err(|error| error.about(path))?.ok_or_else(|| {
            ProviderError::unsupported("temporary link")
                .about(path)
                .because("the file is kept outside Airalogy")
        })?;
        Ok(TemporaryLink { url: Secret::new(link.reveal()), expires: Some(self.clock.now().plus(LINK_LIFE)) })
    }

    /// Size and tag of a file, by one byte of it; neither where the storage cannot be reached from here.
    pub(crate) async fn size_by_link(&self, id: &str) -> ProviderResult<(Option<u64>, Option<String>)> {
        let Some(link) = self.fresh_link(id).await.map_err(|error| error.about(id))? else {
            return Ok((None, None));
        };
        let first = Some(ByteRange { offset: 0, length: 1 });
        let Ok(answer) = self.storage.send(&link, request(first, None)?).await else {
            return Ok((None, None));
        };
        let tag = answer.header(&ETAG).map(str::to_owned);
        let size = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                answer.header(&CONTENT_RANGE).and_then(content_range).and_then(|range| range.1)
            }
            StatusCode::OK => length(&answer),
            // There is no first byte in an empty file.
            StatusCode::RANGE_NOT_SATISFIABLE => Some(0),
            _ => None,
        };
        Ok((size, tag))
    }

    pub(crate) async fn open(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        let id = file_id(path)?;
        let Some(link) = self.fresh_link(id).await.map_err(|error| error.about(path))? else {
            return self.open_through_service(id, range).await;
        };
        let answer = match self.storage.send(&link, request(range, guard)?).await {
            Ok(answer) => answer,
            // The link may name the storage as only the server can reach it.
            Err(error) if error.problem.code == ProblemCode::Unreachable => {
                return self.open_through_service(id, range).await;
            }
            Err(error) => return Err(error),
        };
        let revision = answer.header(&ETAG).map(str::to_owned);
        match answer.status() {
            StatusCode::OK => {
                self.saw_range(range, false);
                Ok(Download { offset: 0, total: length(&answer), revision, stream: answer.into_stream() })
            }
            StatusCode::PARTIAL_CONTENT => {
                let told = answer.header(&CONTENT_RANGE).and_then(content_range);
                match (told, range) {
                    (Some((offset, total)), Some(range)) if offset == range.offset => {
                        self.saw_range(Some(range), true);
                        Ok(Download { offset, total, revision, stream: answer.into_stream() })
                    }
                    _ => Err(ProviderError::bad_answer(
                        OPERATION,
                        "the storage sent another range than asked for",
                    )),
                }
            }
            StatusCode::PRECONDITION_FAILED => {
                Err(ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Stop)
                    .about(path)
                    .because("the file changed while it was fetched; start the download again"))
            }
            _ => Err(answer.refusal().await.storage_error().about(path)),
        }
    }

    /// Notes whether a range that was asked for was kept to.
    fn saw_range(&self, asked: Option<ByteRange>, kept_to: bool) {
        if asked.is_some() {
            *self.ranges.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept_to);
        }
    }

    /// Everything, without a length: whether it is complete, only a digest of ours can tell.
    async fn open_through_service(&self, id: &str, range: Option<ByteRange>) -> ProviderResult<Download> {
        let encoded = utf8_percent_encode(id, NON_ALPHANUMERIC);
        let url = self.url(OPERATION, &format!("airalogy/download/{encoded}"))?;
        let answer = self.file_answer(&url, request(None, None)?).await.map_err(|error| error.about(id))?;
        self.saw_range(range, false);
        Ok(Download { offset: 0, total: length(&answer), revision: None, stream: answer.into_stream() })
    }
}

fn file_id(path: &str) -> ProviderResult<&str> {
    match split(path) {
        (_, Some(id)) if is_file(id) => Ok(id),
        _ => Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
            .about(path)
            .because("it is no file id, like airalogy.id.file.UUID.EXTENSION")),
    }
}

/// A proxy that packs the bytes would change their number.
fn request(range: Option<ByteRange>, guard: Option<&str>) -> ProviderResult<Call> {
    let mut call = Call::get(OPERATION).header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(range) = range {
        call = call.foreign_header(RANGE, &range_value(range))?;
    }
    match guard {
        Some(guard) => call.foreign_header(IF_MATCH, guard),
        None => Ok(call),
    }
}

fn length(answer: &Answer) -> Option<u64> {
    answer.header(&CONTENT_LENGTH)?.trim().parse().ok()
}
