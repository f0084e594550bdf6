//! Bytes coming in: the content of an `L` file, the parts of an `M` file, and the commit of both.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode, header};

use super::answer::ApiError;
use super::callers::too_large;
use super::checksums::composite;
use super::files::{entry_answer, failed_transfer, unlocked};
use super::switches::{Checksums, NrpSwitches, Storage};
use super::world::{Content, FileEntry, Multipart, Waiting};
use super::{Nrp, change_file, file_of, own_draft};
use crate::blobs::{Arrived, Piece, ReceiveError, length};

type Answer = Result<Response, ApiError>;

/// Characters of a key the storage can hold; a longer one passes the init.
const LONGEST_KEY: usize = 255;

/// The content of an `L` file. Sent to a file that is committed, or to a pending `M` file, it answers 200 with `errors`
/// and removes the file.
pub(crate) async fn put_content(
    nrp: &Arc<Nrp>,
    caller: Option<u64>,
    id: &str,
    key: &str,
    request: Request<Body>,
) -> Answer {
    let (file, used) = {
        let world = nrp.world();
        let (record, draft) = own_draft(&world, caller, id)?;
        let file = file_of(record, draft, key)?.clone();
        unlocked(draft)?;
        let used: u64 = draft.files.values().filter_map(|file| Some(file.content.as_ref()?.size)).sum();
        (file, used)
    };
    if key.chars().count() > LONGEST_KEY {
        return Err(ApiError::bad_request("File key is too long."));
    }
    is_octets(request.headers())?;
    let switches = nrp.switches();
    let limit = allowed_bytes(&switches, request.headers(), used)?;
    if let Some(quota) = switches.quota
        && told_length(request.headers()).is_some_and(|length| used + length > quota)
    {
        return Err(ApiError::bad_request("Bucket quota exceeded."));
    }
    let arrived =
        nrp.lab.blobs.receive(request.into_body(), limit).await.map_err(|error| refused(error, &switches))?;
    if file.content.is_some() || file.multipart.is_some() {
        return lose_file(nrp, caller, id, key);
    }
    keep_content(nrp, id, key, &file.file_id, arrived)?;
    entry_answer(nrp, caller, id, key)
}

fn keep_content(nrp: &Nrp, id: &str, key: &str, file_id: &str, arrived: Arrived) -> Result<(), ApiError> {
    let md5 = arrived.md5.clone();
    change_file(nrp, id, key, move |file| {
        // Deleted and announced anew, or committed, while the bytes came in.
        if file.file_id != file_id || file.content.is_some() {
            return Err(ApiError::internal());
        }
        file.waiting = Some(Waiting { piece: arrived.keep()?, md5 });
        Ok(())
    })?
}

/// Answers as if all were well, and takes the file out of the draft.
fn lose_file(nrp: &Nrp, caller: Option<u64>, id: &str, key: &str) -> Answer {
    let mut world = nrp.world();
    let (record, draft) = own_draft(&world, caller, id)?;
    let entry = nrp.entry_json(record, draft, file_of(record, draft, key)?, true);
    let mut record = record.clone();
    if let Some(draft) = &mut record.draft {
        draft.files.remove(key);
    }
    world.put(record)?;
    Ok(failed_transfer(entry))
}

/// A part through the API. Wrong lengths and numbers past the plan answer 200 with `errors` and store nothing.
pub(crate) async fn put_part(
    nrp: &Arc<Nrp>,
    caller: Option<u64>,
    id: &str,
    key: &str,
    number: u32,
    request: Request<Body>,
) -> Answer {
    let (file, entry) = {
        let world = nrp.world();
        let (record, draft) = own_draft(&world, caller, id)?;
        unlocked(draft)?;
        let file = file_of(record, draft, key)?.clone();
        (file.clone(), nrp.entry_json(record, draft, &file, true))
    };
    let multipart = match &file.multipart {
        Some(multipart) if file.content.is_none() => multipart,
        _ => return Err(ApiError::bad_request("Transfer type \"L\" does not support multipart uploads.")),
    };
    if multipart.storage == Storage::Signed || number == 0 {
        return Err(ApiError::internal());
    }
    is_octets(request.headers())?;
    let switches = nrp.switches();
    let limit = allowed_bytes(&switches, request.headers(), 0)?;
    let arrived =
        nrp.lab.blobs.receive(request.into_body(), limit).await.map_err(|error| refused(error, &switches))?;
    if !fits(&file, multipart, number, arrived.size) {
        return Ok(failed_transfer(entry));
    }
    keep_part(nrp, &multipart.upload, number, arrived)?;
    entry_answer(nrp, caller, id, key)
}

/// Whether a part has the length its number calls for; the last one may be longer and is cut off later.
fn fits(file: &FileEntry, multipart: &Multipart, number: u32, size: u64) -> bool {
    let part_size = multipart.part_size.unwrap_or_default();
    if number > multipart.parts {
        return false;
    }
    if number < multipart.parts {
        return size == part_size;
    }
    let before = part_size.saturating_mul(u64::from(multipart.parts - 1));
    size >= file.told_size.unwrap_or_default().saturating_sub(before)
}

/// Notes a part; an upload that was ended meanwhile does not take it.
pub(crate) fn keep_part(nrp: &Nrp, upload: &str, number: u32, arrived: Arrived) -> Result<(), ApiError> {
    let mut world = nrp.world();
    let (id, key) = world.upload_place(upload).ok_or_else(ApiError::internal)?;
    let file = world.record(&id).and_then(|record| record.draft.as_ref()?.files.get(&key));
    if file.is_none_or(|file| file.content.is_some()) {
        return Err(ApiError::bad_request("Transfer type \"L\" does not support multipart uploads."));
    }
    let md5 = arrived.md5.clone();
    let piece = arrived.keep()?;
    Ok(world.add_part(upload, number, piece, md5)?)
}

/// Ends a transfer. Repeating it after a success does nothing.
pub(crate) async fn commit(nrp: &Arc<Nrp>, caller: Option<u64>, id: &str, key: &str) -> Answer {
    let switches = nrp.switches();
    let is_done = {
        let mut world = nrp.world();
        let (record, draft) = own_draft(&world, caller, id)?;
        let file = file_of(record, draft, key)?;
        if file.content.is_none() {
            unlocked(draft)?;
            let content = match &file.multipart {
                None => whole(file, &switches)?,
                Some(multipart) => {
                    let parts = world.parts(&multipart.upload);
                    assembled(file, multipart, parts, &switches)?
                }
            };
            let mut record = record.clone();
            let file = record.draft.as_mut().and_then(|draft| draft.files.get_mut(key));
            let file = file.ok_or_else(ApiError::internal)?;
            let is_done = !content.waits_for_job;
            file.waiting = None;
            file.content = Some(content);
            file.updated = nrp.now();
            world.put(record)?;
            is_done
        } else {
            true
        }
    };
    if !is_done {
        match switches.checksums {
            Checksums::AtOnce => _ = nrp.run_checksum_job().await?,
            Checksums::AfterMs(delay) => nrp.run_checksum_job_in(delay),
            Checksums::ByJob => {}
        }
    }
    entry_answer(nrp, caller, id, key)
}

/// The content of an `L` file; 500 where nothing arrived.
fn whole(file: &FileEntry, switches: &NrpSwitches) -> Result<Content, ApiError> {
    let waiting = file.waiting.as_ref().ok_or_else(ApiError::internal)?;
    if waiting.piece.length == 0 && !switches.empty_files {
        return Err(ApiError::bad_request("Empty files are not accepted."));
    }
    Ok(Content {
        size: waiting.piece.length,
        checksum: Some(format!("md5:{}", waiting.md5)),
        waits_for_job: false,
        storage_tag: None,
        pieces: vec![waiting.piece.clone()],
    })
}

/// The content of an `M` file. On the repository's own disk missing parts become zeros and nobody says so; the storage
/// host of signed links refuses, and the server makes a 500 of it.
fn assembled(
    file: &FileEntry,
    multipart: &Multipart,
    parts: std::collections::BTreeMap<u32, super::world::Part>,
    switches: &NrpSwitches,
) -> Result<Content, ApiError> {
    if multipart.storage == Storage::Signed {
        let is_complete = (1..=multipart.parts).all(|number| parts.contains_key(&number));
        let mut inner = parts.values().take(parts.len().saturating_sub(1));
        if !is_complete || inner.any(|part| part.piece.length < switches.smallest_part) {
            return Err(ApiError::internal());
        }
        let pieces: Vec<_> = parts.values().map(|part| part.piece.clone()).collect();
        let checksum = composite(parts.values().map(|part| part.md5.as_str()), multipart.part_size);
        // The job cannot read a composite that names no part size.
        let waits_for_job = multipart.part_size.is_some();
        let storage_tag = storage_tag(&checksum);
        let size = length(&pieces);
        return Ok(Content { size, pieces, checksum: Some(checksum), waits_for_job, storage_tag });
    }
    let part_size = multipart.part_size.unwrap_or_default();
    let mut left = file.told_size.unwrap_or_default();
    let mut pieces = Vec::new();
    for number in 1..=multipart.parts {
        // The last part takes whatever the plan left over.
        let wanted = if number == multipart.parts { left } else { left.min(part_size) };
        let piece = match parts.get(&number) {
            Some(part) => Piece { blob: part.piece.blob.clone(), length: wanted.min(part.piece.length) },
            None => Piece { blob: None, length: wanted },
        };
        left -= piece.length;
        pieces.push(piece);
    }
    // A checksum told at init is believed, and then never computed.
    let checksum = file.told_checksum.clone();
    let size = length(&pieces);
    Ok(Content { size, pieces, waits_for_job: checksum.is_none(), checksum, storage_tag: None })
}

/// S3's ETag of an object in parts: the checksum InvenioRDM makes of it, without its own additions.
fn storage_tag(checksum: &str) -> Option<String> {
    let (tag, _part_size) = checksum.strip_prefix("multipart:")?.rsplit_once('-')?;
    Some(tag.to_owned())
}

fn is_octets(headers: &HeaderMap) -> Result<(), ApiError> {
    match headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()) {
        None | Some(b"application/octet-stream") => Ok(()),
        Some(_) => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Invalid 'Content-Type' header. Expected one of: application/octet-stream",
        )),
    }
}

fn told_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Bytes a body may have; one that says beforehand that it is longer is refused unread.
fn allowed_bytes(switches: &NrpSwitches, headers: &HeaderMap, used: u64) -> Result<u64, ApiError> {
    let by_server = switches.body_limit.map_or(u64::MAX, |limit| limit.saturating_sub(1));
    if told_length(headers).is_some_and(|length| length > by_server) {
        return Err(too_large());
    }
    let by_quota = switches.quota.map_or(u64::MAX, |quota| quota.saturating_sub(used));
    Ok(by_server.min(by_quota))
}

fn refused(error: ReceiveError, switches: &NrpSwitches) -> ApiError {
    match error {
        ReceiveError::Broken => ApiError::bad_request("File is smaller than expected."),
        ReceiveError::TooLarge if switches.quota.is_some() => ApiError::bad_request("Bucket quota exceeded."),
        ReceiveError::TooLarge => too_large(),
        ReceiveError::Disk(error) => error.into(),
    }
}
