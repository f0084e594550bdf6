//! All files of a record as one zip, made while it is sent: no length, no ranges.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use tokio::sync::mpsc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::answer::ApiError;
use super::callers::Caller;
use super::files::may_see_files;
use super::world::Edition;
use super::{Nrp, own_draft, published};
use crate::blobs::{Blobs, Piece, length, stream_of};

/// Buffers that may wait for the network.
const BUFFERS_WAITING: usize = 4;
/// From this size on a file needs the large form of zip.
const LARGE_FILE: u64 = u32::MAX as u64;

pub(crate) async fn of_draft(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let world = nrp.world();
    let (record, draft) = own_draft(&world, caller, &id)?;
    Ok(packed(&nrp.lab.blobs, &record.id, draft))
}

pub(crate) async fn of_published(
    State(nrp): State<Arc<Nrp>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let world = nrp.world();
    let (record, edition) = published(&world, caller, &id)?;
    may_see_files(record, edition, caller)?;
    Ok(packed(&nrp.lab.blobs, &record.id, edition))
}

fn packed(blobs: &Blobs, id: &str, edition: &Edition) -> Response {
    let files: Vec<_> = edition
        .files
        .values()
        .filter_map(|file| Some((file.key.clone(), file.content.as_ref()?.pieces.clone())))
        .collect();
    let (buffers, waiting) = mpsc::channel(BUFFERS_WAITING);
    let blobs = blobs.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = pack(&blobs, &files, Sender(buffers.clone())) {
            // The reader sees that the zip is not whole, unless it is the one who left.
            let _ = buffers.blocking_send(Err(error));
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename={id}.zip")),
    ];
    (headers, Body::from_stream(stream_of(waiting))).into_response()
}

fn pack(blobs: &Blobs, files: &[(String, Vec<Piece>)], to: Sender) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(to);
    for (key, pieces) in files {
        let size = length(pieces);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(size >= LARGE_FILE);
        zip.start_file(key.as_str(), options).map_err(io::Error::other)?;
        blobs.walk(pieces, 0..size, |bytes| zip.write_all(bytes))?;
    }
    zip.finish().map_err(io::Error::other)?.into_inner().flush()
}

/// Gives written bytes to the network.
struct Sender(mpsc::Sender<io::Result<Bytes>>);

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
