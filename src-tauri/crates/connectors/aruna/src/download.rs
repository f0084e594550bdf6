//! Fetching a file by a link of the data proxy.
//!
//! The link names a path and always gives the newest revision, so what comes is checked against the object's id. Version 1
//! answers a range with 200 and the slice, and sends a byte too many of small files: those are fetched whole.

use crate::{
    api_types::{LinkAnswer, Object},
    connector::Connector,
    errors,
    places::{Parts, Spot, not_found, split},
};
use futures_util::StreamExt;
use http::{HeaderValue, StatusCode, header};
use labferry_model::{ProblemCode, Secret, Timestamp};
use labferry_provider::{
    Advice, ByteRange, ByteStream, Download, ProviderError, ProviderResult, TemporaryLink,
    http::{Answer, Call, SignedUrl},
};
use std::sync::Arc;

const OPERATION: &str = "download";

/// Up to this size version 1 gets ranges wrong.
const NO_RANGES_UP_TO: u64 = 5 << 20;

fn changed(path: &str) -> ProviderError {
    ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Stop)
        .about(path)
        .because("the file changed on the service while it was fetched; start the download again")
}

/// An object's id from an `ETag`, which carries a minus sign on some answers and quotes on others.
fn id_of(etag: &str) -> &str {
    etag.trim().trim_start_matches("W/").trim_matches(['"', '-'])
}

/// Whether a text has the form of the service's ids.
fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl Connector {
    /// The available object of a path.
    async fn available(&self, operation: &'static str, path: &str) -> ProviderResult<(Arc<Spot>, Object)> {
        let Parts { file: Some(key), .. } = split(path) else {
            return Err(ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop)
                .about(path)
                .because("that is no file; name one of a collection"));
        };
        let spot = self.spot(operation, path).await?;
        let object = self
            .at_key(operation, &spot, key)
            .await?
            .ok_or_else(|| not_found(operation, path, "the collection has no complete file of that name"))?;
        Ok((spot, object))
    }

    async fn download_link(
        &self,
        operation: &'static str,
        path: &str,
        spot: &Spot,
        object: &Object,
    ) -> ProviderResult<SignedUrl> {
        let url = self.url(operation, &spot.object(&object.id, "/download"))?;
        let answer: LinkAnswer =
            self.json(&url, Call::get(operation)).await.map_err(|error| error.about(path))?;
        SignedUrl::parse(&answer.url.url).ok_or_else(|| {
            // An object that is not available gets an empty link and a 200.
            ProviderError::bad_answer(operation, "the service gave no link to the content").about(path)
        })
    }

    /// Opens a file; the link is asked anew each time.
    pub(crate) async fn open(
        &self,
        path: &str,
        range: Option<ByteRange>,
        guard: Option<&str>,
    ) -> ProviderResult<Download> {
        let (spot, object) = self.available(OPERATION, path).await?;
        if guard.is_some_and(|guard| guard != object.id) {
            return Err(changed(path));
        }
        let size = object.size();
        if range.is_some_and(|range| range.offset >= size && size > 0) {
            return Err(changed(path));
        }
        if size == 0 {
            // An object without bytes has no link.
            let stream = futures_util::stream::empty().boxed();
            return Ok(Download { offset: 0, total: Some(0), revision: Some(object.id), stream });
        }
        let asked = range;
        let range = range.filter(|_| size > NO_RANGES_UP_TO);
        let link = self.download_link(OPERATION, path, &spot, &object).await?;
        let mut call = Call::get(OPERATION)
            .header(header::ACCEPT, HeaderValue::from_static("*/*"))
            .header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(ByteRange { offset, length }) = range {
            let last = offset.saturating_add(length.max(1)).min(size) - 1;
            call = call.foreign_header(header::RANGE, &format!("bytes={offset}-{last}"))?;
        }
        let answer = self.storage.send(&link, call).await?;
        if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(changed(path));
        }
        if !answer.status().is_success() {
            return Err(errors::storage(&answer.refusal().await).about(path));
        }
        let told = answer.header(&header::ETAG).map(id_of).filter(|id| is_id(id));
        if told.is_some_and(|told| told != object.id) {
            return Err(changed(path));
        }
        let (revision, total) = (Some(object.id), Some(size));
        if let (Some(asked), None) = (asked, range) {
            // Of a small file everything comes, and what was asked for is taken out of it here.
            let stream = cut(answer.into_stream(), asked.offset, asked.length);
            return Ok(Download { offset: asked.offset, total, revision, stream });
        }
        let offset = first_byte(&answer, range, size)?;
        if range.is_some_and(|range| range.offset > 0) {
            self.saw_ranges(offset > 0);
        }
        Ok(Download { offset, total, revision, stream: answer.into_stream() })
    }

    /// A link to hand out.
    pub(crate) async fn link(&self, path: &str) -> ProviderResult<TemporaryLink> {
        const OPERATION: &str = "temporary link";
        let (spot, object) = self.available(OPERATION, path).await?;
        if object.size() == 0 {
            return Err(ProviderError::unsupported(OPERATION)
                .about(path)
                .because("an empty file has no link on this service"));
        }
        let link = self.download_link(OPERATION, path, &spot, &object).await?;
        Ok(TemporaryLink { url: Secret::new(link.reveal()), expires: expiry(&link) })
    }
}

/// `length` bytes of a stream from `offset` on.
fn cut(stream: ByteStream, offset: u64, length: u64) -> ByteStream {
    let state = Some((stream, offset, length));
    futures_util::stream::unfold(state, |state| async move {
        let (mut stream, mut skip, left) = state.filter(|(_, _, left)| *left > 0)?;
        loop {
            let mut piece = match stream.next().await? {
                Ok(piece) => piece,
                Err(error) => return Some((Err(error), None)),
            };
            let before = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip -= before as u64;
            let _skipped = piece.split_to(before);
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            if !piece.is_empty() {
                let left = left - piece.len() as u64;
                return Some((Ok(piece), Some((stream, skip, left))));
            }
        }
    })
    .boxed()
}

/// When a signed link ends: its date and its seconds.
fn expiry(link: &SignedUrl) -> Option<Timestamp> {
    let date = link.query_value("X-Amz-Date")?;
    let seconds: i64 = link.query_value("X-Amz-Expires")?.parse().ok()?;
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &date).ok()?;
    let begin = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp(begin.as_millisecond().saturating_add(seconds.saturating_mul(1000))))
}

/// Where the answer begins. Of a 200 only the length tells whether the range was honoured; the digest of the whole is what
/// proves it in the end.
fn first_byte(answer: &Answer, asked: Option<ByteRange>, size: u64) -> ProviderResult<u64> {
    let Some(asked) = asked else { return Ok(0) };
    let wanted = asked.length.max(1).min(size - asked.offset);
    if answer.status() == StatusCode::PARTIAL_CONTENT {
        let told = answer.header(&header::CONTENT_RANGE).and_then(|text| {
            text.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse::<u64>().ok()
        });
        if told == Some(asked.offset) {
            return Ok(asked.offset);
        }
    } else {
        let length = answer.header(&header::CONTENT_LENGTH).and_then(|text| text.trim().parse::<u64>().ok());
        match length {
            Some(length) if length == size => return Ok(0),
            Some(length) if length == wanted => return Ok(asked.offset),
            _ => {}
        }
    }
    Err(ProviderError::bad_answer(OPERATION, "the service sent another range than the one asked for"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_every_form_of_tag() {
        let id = "01H3Z8Q4M7YV2S6N0T9XKJ4B5C";
        for tag in [id.to_owned(), format!("-{id}"), format!("\"{id}\""), format!("-\"{id}\"")] {
            assert!(is_id(id_of(&tag)) && id_of(&tag) == id, "{tag}");
        }
        assert!(!is_id(id_of("\"5d41402abc4b2a76b9719d911017c592\"")));
    }

    #[test]
    fn a_link_says_when_it_ends() {
        let link = SignedUrl::parse(
            "https://b.example.org/k?X-Amz-Date=20230621T131628Z&X-Amz-Expires=604800&X-Amz-Signature=00",
        )
        .unwrap();
        assert_eq!(expiry(&link), Some(Timestamp(1_687_958_188_000)));
        assert_eq!(expiry(&SignedUrl::parse("https://b.example.org/k").unwrap()), None);
    }
}
