//! Fetching a file, within its activity's permissions where it has one, from the service or from wherever it sends us.

use crate::{
    api_types::text,
    browse::{Found, values_of},
    connector::Connector,
    errors,
    file_value::bare_name,
    paths::{Place, parse},
};
use futures_util::TryStreamExt;
use http::{HeaderValue, StatusCode, header};
use labferry_model::ProblemCode;
use labferry_provider::{
    Advice, ByteRange, Download, ProviderError, ProviderResult,
    http::{Answer, Call, Reply, content_range},
};
use percent_encoding::percent_decode_str;

const OPERATION: &str = "download";

/// What the first bytes of a download tell of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) media_type: Option<String>,
    /// The activity it was found in, so that parts need not look for it again.
    pub(crate) activity: Option<String>,
}

impl Connector {
    /// Opens a file.
    pub(crate) async fn open(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        let spot = parse(OPERATION, path)?;
        let wanted = spot.file.ok_or_else(|| {
            ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(path)
                .because("that holds files; name one of them")
        })?;
        let (id, activity) = match self.known_head(&wanted) {
            Some(head) => (wanted, head.activity),
            None => {
                let found =
                    self.locate(OPERATION, &spot.place, &wanted).await.map_err(|error| error.about(path))?;
                let Some(found) = found else {
                    return Err(self.missing(&spot.place, &wanted).await?.about(path));
                };
                (found.file.id, found.activity)
            }
        };
        // The id is the revision: another content has another.
        let revision = format!("\"{id}\"");
        if guard.is_some_and(|guard| guard != revision) {
            return Err(changed(path));
        }
        let answer = self
            .content(OPERATION, &id, activity.as_deref(), range)
            .await
            .map_err(|error| error.about(path))?;
        let status = answer.status();
        let (offset, total) = extent(&answer, range)?;
        if range.is_some() {
            self.saw_ranges(status == StatusCode::PARTIAL_CONTENT);
        }
        Ok(Download { offset, total, revision: Some(revision), stream: answer.into_stream() })
    }

    /// Why there is no file: it is not there, or a value is and does not say which file it holds.
    async fn missing(&self, place: &Place, wanted: &str) -> ProviderResult<ProviderError> {
        if let Place::Record { record, .. } = place {
            let record = self.record(OPERATION, record).await?;
            for field in self.file_fields(OPERATION).await? {
                if values_of(&record, &field.id).any(|value| text(value, "id") == Some(wanted)) {
                    let why =
                        "the service does not tell which file this value holds, so it cannot be fetched";
                    return Ok(ProviderError::unsupported(OPERATION).because(why));
                }
            }
        }
        Ok(ProviderError::new(OPERATION, ProblemCode::NotFound, Advice::Stop)
            .because("there is no such file"))
    }

    /// The answer to a request for a file's bytes, when it is a yes.
    async fn content(
        &self,
        operation: &'static str,
        id: &str,
        activity: Option<&str>,
        range: Option<ByteRange>,
    ) -> ProviderResult<Answer> {
        let url = match activity {
            Some(activity) => self.url(operation, &["activities", activity, "file", id])?,
            None => self.url(operation, &["files", id])?,
        };
        match self.send(&url, || request(operation, range)).await? {
            Reply::Answer(answer) if answer.status().is_success() => Ok(answer),
            Reply::Answer(answer) if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE => {
                Err(past_the_end(operation))
            }
            Reply::Answer(answer) => Err(errors::refused(&answer.refusal().await)),
            // Elsewhere nobody needs the token or the extra headers, and nobody gets them.
            Reply::Redirected(link) => {
                let answer = self.storage.send(&link, request(operation, range)?).await?;
                match answer.status() {
                    status if status.is_success() => Ok(answer),
                    StatusCode::RANGE_NOT_SATISFIABLE => Err(past_the_end(operation)),
                    _ => Err(answer.refusal().await.storage_error()),
                }
            }
        }
    }

    /// Asks for the first byte: the answer's headers tell the size, the name, and whether ranges work.
    pub(crate) async fn head(&self, operation: &'static str, found: &Found) -> ProviderResult<Head> {
        if let Some(head) = self.known_head(&found.file.id) {
            return Ok(head);
        }
        let activity = found.activity.clone();
        let first = ByteRange { offset: 0, length: 1 };
        let head = match self.content(operation, &found.file.id, activity.as_deref(), Some(first)).await {
            Ok(answer) => {
                self.saw_ranges(answer.status() == StatusCode::PARTIAL_CONTENT);
                let (_, size) = extent(&answer, Some(first))?;
                let text = |name| answer.header(&name).map(str::to_owned);
                Head {
                    size,
                    name: text(header::CONTENT_DISPOSITION).as_deref().and_then(disposition_name),
                    media_type: text(header::CONTENT_TYPE),
                    activity,
                }
            }
            // A range refused: there is no first byte.
            Err(error) if error.problem.code == ProblemCode::BadAnswer && is_past_the_end(&error) => {
                Head { size: Some(0), activity, ..Head::default() }
            }
            Err(error) => return Err(error),
        };
        self.keep_head(&found.file.id, head.clone());
        Ok(head)
    }

    /// The size of a file whose length no answer tells: it is read through once, and never again.
    pub(crate) async fn measured(
        &self,
        operation: &'static str,
        found: &Found,
        head: Head,
    ) -> ProviderResult<Head> {
        let answer = self.content(operation, &found.file.id, head.activity.as_deref(), None).await?;
        let size = answer
            .into_stream()
            .try_fold(0_u64, |size, piece| std::future::ready(Ok(size + piece.len() as u64)))
            .await?;
        let head = Head { size: Some(size), ..head };
        self.keep_head(&found.file.id, head.clone());
        Ok(head)
    }
}

fn request(operation: &'static str, range: Option<ByteRange>) -> ProviderResult<Call> {
    let call = Call::get(operation).header(header::ACCEPT, HeaderValue::from_static("*/*"));
    match range {
        None => Ok(call),
        Some(ByteRange { offset, length }) => {
            let last = offset.saturating_add(length.max(1)) - 1;
            call.foreign_header(header::RANGE, &format!("bytes={offset}-{last}"))
        }
    }
}

const PAST_THE_END: &str = "the file has no such bytes; it changed on the service, or was never that long";

fn past_the_end(operation: &'static str) -> ProviderError {
    ProviderError::bad_answer(operation, PAST_THE_END)
}

fn is_past_the_end(error: &ProviderError) -> bool {
    error.problem.detail.as_deref() == Some(PAST_THE_END)
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

/// The file's name in a `Content-Disposition` (RFC 6266), reduced to a bare name: the encoded form before the plain one.
fn disposition_name(text: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        text.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let encoded = parameter("filename*").and_then(|value| {
        let (charset, rest) = value.split_once('\'')?;
        let (_, name) = rest.split_once('\'')?;
        charset.eq_ignore_ascii_case("utf-8").then_some(())?;
        percent_decode_str(name).decode_utf8().ok().map(|name| name.into_owned())
    });
    let name = encoded.or_else(|| Some(parameter("filename")?.trim_matches('"').to_owned()))?;
    Some(bare_name(&name)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::disposition_name;

    #[test]
    fn a_told_name_is_bare() {
        let name = |text| disposition_name(text);
        assert_eq!(name("attachment; filename=\"scan 1.csv\"").as_deref(), Some("scan 1.csv"));
        assert_eq!(
            name("attachment; filename=\"Gr__e.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv").as_deref(),
            Some("Größe.csv")
        );
        assert_eq!(name("attachment; filename=\"../../etc/passwd\"").as_deref(), Some("passwd"));
        for bad in ["inline", "attachment; filename=\"..\"", "attachment; filename=\"\""] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
