//! Bytes to send, and the steps of an upload and a download without any retry.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_model::{
    Algorithm, Digest, FileStatus, Metadata, PartPlan, PartReceipt, RemoteDigest, RemoteFile,
};
use labferry_provider::{
    ByteRange, PartBody, Provider, ProviderError, ProviderResult, ShapeWish, UploadRequest, UploadSession,
};
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// Pieces a body is sent in.
const PIECE: usize = 64 << 10;
/// A prime: no part of a power of two begins at the same byte of the pattern.
const PATTERN: usize = 65_521;

/// Bytes without a pattern at any part's length; another seed gives others.
pub(crate) fn bytes(seed: u64, length: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let pattern: Vec<u8> = (0..PATTERN)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect();
    let length = usize::try_from(length).unwrap();
    let mut bytes = Vec::with_capacity(length + PATTERN);
    while bytes.len() < length {
        bytes.extend_from_slice(&pattern);
    }
    bytes.truncate(length);
    bytes.into()
}

pub(crate) fn md5_of(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// S3's digest of an object that came in these parts.
pub(crate) fn md5_of_parts(content: &[u8], parts: &[PartPlan]) -> String {
    let mut whole = Md5::new();
    for part in parts {
        whole.update(Md5::digest(slice(content, *part)));
    }
    hex::encode(whole.finalize())
}

fn slice(content: &[u8], part: PartPlan) -> &[u8] {
    &content[usize::try_from(part.offset).unwrap()..usize::try_from(part.end()).unwrap()]
}

/// What to ask for.
pub(crate) fn request(place: &str, name: &str, size: u64, part_size: Option<u64>) -> UploadRequest {
    let shape = match part_size {
        None => ShapeWish::whole(size),
        Some(part_size) => {
            let part_count = u32::try_from(size.div_ceil(part_size).max(1)).unwrap();
            ShapeWish { in_parts: true, part_size, part_count }
        }
    };
    UploadRequest {
        container: place.into(),
        name: name.into(),
        size,
        shape,
        media_type: None,
        metadata: Metadata::new(),
    }
}

/// The parts of a session for a file of that size.
pub(crate) fn parts_of(session: &UploadSession, size: u64) -> Vec<PartPlan> {
    if !session.in_parts {
        return vec![PartPlan { number: 1, offset: 0, length: size }];
    }
    (0..size.div_ceil(session.part_size))
        .map(|index| {
            let offset = index * session.part_size;
            let length = session.part_size.min(size - offset);
            PartPlan { number: u32::try_from(index + 1).unwrap(), offset, length }
        })
        .collect()
}

/// The bytes of one part, in pieces.
pub(crate) fn body(content: &Bytes, part: PartPlan) -> PartBody {
    let mut rest = content.slice(usize::try_from(part.offset).unwrap()..usize::try_from(part.end()).unwrap());
    let md5 = Some(md5_of(&rest));
    let pieces = std::iter::from_fn(move || {
        let piece = rest.split_to(rest.len().min(PIECE));
        (!piece.is_empty()).then_some(Ok(piece))
    });
    PartBody { length: part.length, md5, stream: stream::iter(pieces).boxed() }
}

/// Sends one part, once.
pub(crate) async fn send(
    provider: &dyn Provider,
    session: &UploadSession,
    content: &Bytes,
    part: PartPlan,
) -> ProviderResult<PartReceipt> {
    let receipt = provider.send_part(session, part, body(content, part)).await?;
    assert_eq!(receipt.part, part);
    let is_md5 = provider.capabilities().await?.parts.is_some_and(|rules| rules.part_md5);
    if let Some(etag) = &receipt.etag
        && session.in_parts
        && is_md5
    {
        assert_eq!(*etag, md5_of(slice(content, part)), "the receipt of part {}", part.number);
    }
    Ok(PartReceipt { md5: Some(md5_of(slice(content, part))), ..receipt })
}

/// Sends these parts, one after the other, each once.
pub(crate) async fn send_all(
    provider: &dyn Provider,
    session: &UploadSession,
    content: &Bytes,
    parts: &[PartPlan],
) -> Vec<PartReceipt> {
    let mut receipts = Vec::new();
    for part in parts {
        receipts.push(send(provider, session, content, *part).await.unwrap());
    }
    receipts
}

/// Uploads a file from beginning to end.
pub(crate) async fn put(
    provider: &dyn Provider,
    place: &str,
    name: &str,
    content: &Bytes,
    part_size: Option<u64>,
) -> RemoteFile {
    let size = content.len() as u64;
    let session = provider.begin_upload(&request(place, name, size, part_size)).await.unwrap();
    let receipts = send_all(provider, &session, content, &parts_of(&session, size)).await;
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    is_complete(&file, name, size);
    file
}

/// What a finished upload must look like.
pub(crate) fn is_complete(file: &RemoteFile, name: &str, size: u64) {
    assert_eq!((file.name.as_str(), file.status, file.size), (name, FileStatus::Ready, Some(size)));
}

/// What a download gave.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) offset: u64,
    pub(crate) total: Option<u64>,
    pub(crate) revision: Option<String>,
    pub(crate) bytes: Vec<u8>,
    /// How it ended when it broke off.
    pub(crate) broke: Option<ProviderError>,
}

/// Opens a download and reads it to its end or its break.
pub(crate) async fn fetch(
    provider: &dyn Provider,
    path: &str,
    range: Option<ByteRange>,
    guard: Option<&str>,
) -> ProviderResult<Fetched> {
    let mut download = provider.open_download(path, range, guard).await?;
    let mut fetched = Fetched {
        offset: download.offset,
        total: download.total,
        revision: download.revision.clone(),
        bytes: Vec::new(),
        broke: None,
    };
    loop {
        match download.stream.try_next().await {
            Ok(Some(piece)) => fetched.bytes.extend_from_slice(&piece),
            Ok(None) => return Ok(fetched),
            Err(error) => {
                fetched.broke = Some(error);
                return Ok(fetched);
            }
        }
    }
}

/// Checks that the service gives back exactly these bytes.
pub(crate) async fn holds(provider: &dyn Provider, path: &str, content: &[u8]) {
    let fetched = fetch(provider, path, None, None).await.unwrap();
    assert!(fetched.broke.is_none(), "{:?}", fetched.broke);
    assert_eq!(fetched.offset, 0);
    assert!(fetched.total.is_none_or(|total| total == content.len() as u64), "{:?}", fetched.total);
    assert!(fetched.bytes == content, "{path} came back with other bytes ({} of them)", fetched.bytes.len());
}

/// The digest of the whole that a service tells.
pub(crate) fn whole_digest(file: &RemoteFile) -> Option<&Digest> {
    file.digests.iter().find_map(|digest| match digest {
        RemoteDigest::Whole { digest } => Some(digest),
        RemoteDigest::Md5OfParts { .. } => None,
    })
}

/// Whether a digest is the one of these bytes.
pub(crate) fn is_of(digest: &Digest, content: &[u8]) -> bool {
    digest.hex
        == match digest.algorithm {
            Algorithm::Md5 => md5_of(content),
            Algorithm::Sha256 => hex::encode(Sha256::digest(content)),
        }
}
