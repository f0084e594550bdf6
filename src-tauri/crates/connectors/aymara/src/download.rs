//! Fetching: every content is behind a link that lives for half an hour and carries its own permission.

use crate::{
    api_types::{FileDetail, FileFrames},
    connector::{Connector, encoded, no_such_path},
    places::{Place, place},
};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, RANGE},
};
use labferry_model::{Entry, FileStatus, Metadata, Page, ProblemCode, RemoteFile, Secret};
use labferry_provider::{
    Advice, ByteRange, Download, ProviderError, ProviderResult, TemporaryLink,
    http::{Answer, Call, SignedUrl, content_range, range_value},
};
use std::time::Duration;

const OPERATION: &str = "download";
/// How long links live where they do not say so themselves.
const LINK_LIFE: Duration = Duration::from_secs(30 * 60);

/// What the storage says of a file.
pub(crate) enum Probe {
    /// Its bytes are there.
    There { size: Option<u64>, tag: Option<String> },
    /// They never arrived.
    Missing,
    /// There is no link, or the storage could not be asked.
    Unknown,
}

impl Connector {
    /// Asks the storage for one byte: nothing else tells whether the bytes have arrived, and how many.
    pub(crate) async fn probe(&self, operation: &'static str, file: &FileDetail) -> ProviderResult<Probe> {
        let Some(link) = file.file_url.as_deref().and_then(SignedUrl::parse) else {
            return Ok(Probe::Unknown);
        };
        let first = Some(ByteRange { offset: 0, length: 1 });
        let answer = self.storage.send(&link, request(operation, first, None)?).await?;
        let tag = answer.header(&ETAG).map(str::to_owned);
        let size = match answer.status() {
            StatusCode::PARTIAL_CONTENT => range_of(&answer).and_then(|range| range.1),
            StatusCode::OK => length(&answer),
            // There is no first byte in an empty file.
            StatusCode::RANGE_NOT_SATISFIABLE => Some(0),
            StatusCode::NOT_FOUND => return Ok(Probe::Missing),
            _ => return Err(answer.refusal().await.storage_error()),
        };
        Ok(Probe::There { size, tag })
    }

    /// A fresh link to a file or a frame.
    async fn fresh_link(&self, operation: &'static str, path: &str) -> ProviderResult<SignedUrl> {
        let link = match place(path) {
            Some(Place::File { id, .. }) => {
                let file = self.detail(operation, id).await.map_err(|error| error.about(path))?;
                file.file_url.as_deref().and_then(SignedUrl::parse)
            }
            Some(Place::Frame { id, number, .. }) => {
                let frames = self.frames(operation, id).await.map_err(|error| error.about(path))?;
                frames.into_iter().nth(number - 1)
            }
            _ => return Err(no_such_path(operation, path)),
        };
        link.ok_or_else(|| {
            ProviderError::new(operation, ProblemCode::NotFound, Advice::Stop)
                .about(path)
                .because("the service gives no link to it")
        })
    }

    pub(crate) async fn link(&self, path: &str) -> ProviderResult<TemporaryLink> {
        let link = self.fresh_link("temporary link", path).await?;
        let life = link.query_value("X-Amz-Expires").and_then(|seconds| seconds.parse().ok());
        let life = life.map_or(LINK_LIFE, Duration::from_secs);
        Ok(TemporaryLink { url: Secret::new(link.reveal()), expires: Some(self.clock.now().plus(life)) })
    }

    pub(crate) async fn open(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        let link = self.fresh_link(OPERATION, path).await?;
        let answer = self.storage.send(&link, request(OPERATION, range, guard)?).await?;
        let revision = answer.header(&ETAG).map(str::to_owned);
        let changed = || {
            ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Stop)
                .about(path)
                .because("the file changed while it was fetched; start the download again")
        };
        if range.is_some() && answer.status().is_success() {
            self.saw_ranges(answer.status() == StatusCode::PARTIAL_CONTENT);
        }
        match answer.status() {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT
                if guard.is_some() && revision.is_some() && guard != revision.as_deref() =>
            {
                Err(changed())
            }
            StatusCode::OK => {
                Ok(Download { offset: 0, total: length(&answer), revision, stream: answer.into_stream() })
            }
            StatusCode::PARTIAL_CONTENT => match (range_of(&answer), range) {
                (Some((offset, total)), Some(range)) if offset == range.offset => {
                    Ok(Download { offset, total, revision, stream: answer.into_stream() })
                }
                _ => {
                    let words = "the storage sent another range than the one asked for";
                    Err(ProviderError::bad_answer(OPERATION, words))
                }
            },
            StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => Err(changed()),
            StatusCode::NOT_FOUND => {
                Err(ProviderError::new(OPERATION, ProblemCode::PendingFile, Advice::Stop)
                    .about(path)
                    .because("it was announced and its bytes never arrived, so there is nothing to fetch"))
            }
            _ => Err(answer.refusal().await.storage_error().about(path)),
        }
    }

    /// Links to the frames of a video, in order.
    pub(crate) async fn frames(&self, operation: &'static str, id: &str) -> ProviderResult<Vec<SignedUrl>> {
        let url = self.url(operation, &format!("v2/files/{}/frames", encoded(id)))?;
        let answer = self.send(&url, Call::get(operation)).await.map_err(|error| {
            // Too early and no video are told in several ways; asking again at once helps in none of them.
            match error.problem.code {
                ProblemCode::ServiceFailed if error.advice == Advice::Again => {
                    ProviderError { advice: Advice::Stop, ..error }
                }
                _ => error,
            }
        })?;
        let frames: FileFrames = answer.json().await?;
        frames
            .frame_urls
            .iter()
            .map(|link| {
                SignedUrl::parse(link).ok_or_else(|| {
                    ProviderError::bad_answer(operation, "the link to a frame is no web address")
                })
            })
            .collect()
    }

    /// A video as a container of its frames.
    pub(crate) async fn frames_page(&self, container: &str, id: &str) -> ProviderResult<Page> {
        let frames =
            self.frames("list", id).await.map_err(|error| error.about(format!("{container}/{id}")))?;
        let entries: Vec<Entry> = (1..=frames.len())
            .zip(&frames)
            .map(|(number, link)| Entry::File { file: frame(container, id, number, link) })
            .collect();
        Ok(Page { total: Some(entries.len() as u64), entries, next: None })
    }

    pub(crate) async fn describe_frame(
        &self,
        container: &str,
        id: &str,
        number: usize,
    ) -> ProviderResult<RemoteFile> {
        const OPERATION: &str = "describe";
        let path = format!("{container}/{id}/frame-{number:04}");
        let link = self.fresh_link(OPERATION, &path).await?;
        let first = Some(ByteRange { offset: 0, length: 1 });
        let answer = self.storage.send(&link, request(OPERATION, first, None)?).await?;
        let size = match answer.status() {
            StatusCode::PARTIAL_CONTENT => range_of(&answer).and_then(|range| range.1),
            StatusCode::OK => length(&answer),
            _ => return Err(answer.refusal().await.storage_error().about(path)),
        };
        let revision = answer.header(&ETAG).map(str::to_owned);
        Ok(RemoteFile { size, revision, ..frame(container, id, number, &link) })
    }
}

fn frame(container: &str, id: &str, number: usize, link: &SignedUrl) -> RemoteFile {
    let path = link.reveal().split(['?', '#']).next().unwrap_or_default();
    let ending =
        path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending);
    let is_ending = (1..=5).contains(&ending.len()) && ending.chars().all(|c| c.is_ascii_alphanumeric());
    let name = if is_ending { format!("frame-{number:04}.{ending}") } else { format!("frame-{number:04}") };
    RemoteFile {
        path: format!("{container}/{id}/{name}"),
        size: None,
        status: FileStatus::Ready,
        digests: Vec::new(),
        media_type: mime_guess::from_path(&name).first_raw().map(str::to_owned),
        modified: None,
        revision: None,
        metadata: Metadata::new(),
        name,
    }
}

/// A proxy that packs the bytes would change their number.
fn request(operation: &'static str, range: Option<ByteRange>, guard: Option<&str>) -> ProviderResult<Call> {
    let mut call = Call::get(operation).header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
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

fn range_of(answer: &Answer) -> Option<(u64, Option<u64>)> {
    answer.header(&CONTENT_RANGE).and_then(content_range)
}
