//! Bytes on disk. What arrives is written to `incoming/` and moved to `blobs/` only when it is whole, so that a killed lab
//! never shows half a part. Memory is a few buffers per body, whatever its length.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::disk::make_folder;
use crate::options::SandboxError;

/// Bytes read from disk at a time.
const READ_BYTES: usize = 512 * 1024;
/// Buffers that may wait between network and disk, per body.
const BUFFERS_WAITING: usize = 4;

/// The bytes of one lab.
#[derive(Clone)]
pub(crate) struct Blobs {
    blobs: Arc<Path>,
    incoming: Arc<Path>,
}

/// A stretch of a file's content: bytes of a blob from its beginning, or zeros where nothing ever arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) blob: Option<String>,
    pub(crate) length: u64,
}

/// A body that has arrived whole but belongs to nothing yet; dropped without [`Arrived::keep`] it is removed.
pub(crate) struct Arrived {
    incoming: PathBuf,
    blobs: Arc<Path>,
    /// Bytes.
    pub(crate) size: u64,
    /// MD5 in hex.
    pub(crate) md5: String,
}

/// Why a body did not arrive.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    /// The connection broke.
    Broken,
    /// More bytes than allowed.
    TooLarge,
    /// The disk refused.
    Disk(io::Error),
}

/// Both digests of a content, in hex.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Digests {
    pub(crate) md5: String,
    pub(crate) sha256: String,
}

impl Blobs {
    /// Opens the two folders below `folder` and removes what a killed lab left half-written.
    pub(crate) fn open(folder: &Path) -> Result<Self, SandboxError> {
        let blobs = folder.join("blobs");
        let incoming = folder.join("incoming");
        make_folder(&blobs)?;
        if incoming.exists() {
            fs::remove_dir_all(&incoming)
                .map_err(|source| SandboxError::Folder { path: incoming.clone(), source })?;
        }
        make_folder(&incoming)?;
        Ok(Self { blobs: blobs.into(), incoming: incoming.into() })
    }

    /// Writes a body to disk as it comes, at most `limit` bytes.
    pub(crate) async fn receive(&self, body: Body, limit: u64) -> Result<Arrived, ReceiveError> {
        let name = Uuid::new_v4().simple().to_string();
        let mut arrived = Arrived {
            incoming: self.incoming.join(&name),
            blobs: Arc::clone(&self.blobs),
            size: 0,
            md5: String::new(),
        };
        let path = arrived.incoming.clone();
        let (buffers, mut waiting) = mpsc::channel::<Bytes>(BUFFERS_WAITING);
        let writer = tokio::task::spawn_blocking(move || -> io::Result<String> {
            let mut file = File::create(&path)?;
            let mut md5 = Md5::new();
            while let Some(bytes) = waiting.blocking_recv() {
                md5.update(&bytes);
                file.write_all(&bytes)?;
            }
            Ok(hex::encode(md5.finalize()))
        });
        let mut stream = body.into_data_stream();
        let mut outcome = Ok(());
        while let Some(next) = stream.next().await {
            let Ok(bytes) = next else {
                outcome = Err(ReceiveError::Broken);
                break;
            };
            arrived.size += bytes.len() as u64;
            if arrived.size > limit {
                outcome = Err(ReceiveError::TooLarge);
                break;
            }
            // A writer that is gone has failed; it says why below.
            if buffers.send(bytes).await.is_err() {
                break;
            }
        }
        drop(buffers);
        arrived.md5 = writer
            .await
            .map_err(|error| ReceiveError::Disk(io::Error::other(error)))?
            .map_err(ReceiveError::Disk)?;
        outcome.map(|()| arrived)
    }

    /// Stores bytes made in this process.
    pub(crate) fn store(&self, bytes: &[u8]) -> io::Result<Piece> {
        let name = Uuid::new_v4().simple().to_string();
        let incoming = self.incoming.join(&name);
        fs::write(&incoming, bytes)?;
        fs::rename(&incoming, self.blobs.join(&name))?;
        Ok(Piece { blob: Some(name), length: bytes.len() as u64 })
    }

    /// Removes a blob nobody refers to any more.
    pub(crate) fn remove(&self, blob: &str) {
        if let Err(error) = fs::remove_file(self.blobs.join(blob)) {
            tracing::warn!(blob, %error, "a blob of the practice lab could not be removed");
        }
    }

    /// Removes every blob `is_used` does not know, left by a kill between the arrival and its note.
    pub(crate) fn remove_unused(&self, is_used: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.blobs)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().filter(|name| !is_used(name)) {
                self.remove(name);
            }
        }
        Ok(())
    }

    /// The bytes `range` of a content, as a body read while it is sent.
    pub(crate) fn read(&self, pieces: Vec<Piece>, range: Range<u64>) -> Body {
        let (buffers, waiting) = mpsc::channel::<io::Result<Bytes>>(BUFFERS_WAITING);
        let blobs = self.clone();
        tokio::task::spawn_blocking(move || {
            let sent = blobs.walk(&pieces, range, |bytes| {
                // A reader that went away ends the walk.
                buffers
                    .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
                    .map_err(|_| io::ErrorKind::BrokenPipe.into())
            });
            if let Err(error) = sent {
                let _ = buffers.blocking_send(Err(error));
            }
        });
        Body::from_stream(stream_of(waiting))
    }

    /// Reads a content through and digests it. Blocks.
    pub(crate) fn digest(&self, pieces: &[Piece]) -> io::Result<Digests> {
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        self.walk(pieces, 0..length(pieces), |bytes| {
            md5.update(bytes);
            sha256.update(bytes);
            Ok(())
        })?;
        Ok(Digests { md5: hex::encode(md5.finalize()), sha256: hex::encode(sha256.finalize()) })
    }

    /// Reads a content through for its MD5 only. Blocks.
    pub(crate) fn md5(&self, pieces: &[Piece]) -> io::Result<String> {
        let mut md5 = Md5::new();
        self.walk(pieces, 0..length(pieces), |bytes| {
            md5.update(bytes);
            Ok(())
        })?;
        Ok(hex::encode(md5.finalize()))
    }

    /// Hands the bytes `range` of a content to `each`, a buffer at a time. Blocks.
    pub(crate) fn walk(
        &self,
        pieces: &[Piece],
        range: Range<u64>,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        let mut piece_begins = 0;
        for piece in pieces {
            let piece_ends = piece_begins + piece.length;
            let from = range.start.clamp(piece_begins, piece_ends) - piece_begins;
            let mut left = range.end.clamp(piece_begins, piece_ends) - piece_begins - from;
            piece_begins = piece_ends;
            if left == 0 {
                continue;
            }
            let mut source: Box<dyn Read> = match &piece.blob {
                None => Box::new(io::repeat(0)),
                Some(blob) => {
                    let mut file = File::open(self.blobs.join(blob))?;
                    file.seek(SeekFrom::Start(from))?;
                    Box::new(file)
                }
            };
            while left > 0 {
                let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                source.read_exact(&mut buffer[..wanted])?;
                each(&buffer[..wanted])?;
                left -= wanted as u64;
            }
        }
        Ok(())
    }
}

impl Arrived {
    /// Moves the bytes to where contents are kept and names them.
    pub(crate) fn keep(self) -> io::Result<Piece> {
        let name = self.incoming.file_name().unwrap_or_default().to_owned();
        fs::rename(&self.incoming, self.blobs.join(&name))?;
        Ok(Piece { blob: Some(name.to_string_lossy().into_owned()), length: self.size })
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        // Gone already when it was kept.
        let _ = fs::remove_file(&self.incoming);
    }
}

/// Bytes of a content.
pub(crate) fn length(pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| piece.length).sum()
}

/// What comes through a channel, as a stream for a body.
pub(crate) fn stream_of(
    waiting: mpsc::Receiver<io::Result<Bytes>>,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    futures_util::stream::unfold(waiting, |mut waiting| async move {
        waiting.recv().await.map(|next| (next, waiting))
    })
}
