//! Fetches the ranges of a download into their places, each byte once.

use crate::{
    disk_space,
    front::Front,
    partial_file::{self, Writing},
    run::{Run, Stop},
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_model::{PartPlan, PartReceipt, ProblemCode, RemoteFile, transfer::StoredPlan};
use labferry_provider::{Advice, ByteRange, Download, ProviderError, ProviderResult};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Mutex as AsyncMutex;

const OPERATION: &str = "download";
/// Bytes gathered before they are written: large enough that the hop to the writing thread does not count, small enough
/// that sixteen connections hold 8 MiB.
const WRITE: u64 = 512 << 10;

/// Pieces gathered at most: a service may send them byte by byte, and each takes more memory than it holds.
const PIECES: usize = 1_024;

/// What the ranges of one file share.
pub(crate) struct Fetch<'a> {
    pub(crate) run: &'a Run,
    pub(crate) file: &'a RemoteFile,
    pub(crate) plan: &'a StoredPlan,
    pub(crate) target: Writing,
    /// Whether the service gives ranges.
    pub(crate) ranges: bool,
    /// What follows the bytes; none where a broken answer is fetched anew and written over.
    pub(crate) front: Option<Front>,
    /// What the first answer called the content.
    pub(crate) revision: Mutex<Option<String>>,
}

/// How far one range is.
#[derive(Default)]
struct SoFar {
    bytes: u64,
    crc32c: u32,
}

impl Fetch<'_> {
    /// Fetches these ranges, several at once, and stores the receipt of each.
    pub(crate) async fn all(&self, missing: Vec<PartPlan>) -> Result<(), Stop> {
        let at_once = if self.plan.in_parts { self.run.engine.parts_per_file() } else { 1 };
        stream::iter(missing)
            .map(|part| self.part(part))
            .buffer_unordered(at_once)
            .try_for_each(|()| async { Ok(()) })
            .await
    }

    async fn part(&self, part: PartPlan) -> Result<(), Stop> {
        let in_flight = self.run.meter.part(part.number);
        let so_far = AsyncMutex::new(SoFar::default());
        loop {
            let before = so_far.lock().await.bytes;
            let result = self
                .run
                .retry
                .run(|| async {
                    let _connection = self.run.connection().await;
                    self.go_on(part, &mut *so_far.lock().await, in_flight.counter()).await
                })
                .await;
            match result {
                Ok(()) => break,
                // A link that breaks again and again and moves bytes in between is no failing one.
                Err(error) if may_pass(&error) && so_far.lock().await.bytes > before => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.plan.in_parts {
            let crc32c = so_far.into_inner().crc32c;
            let receipt = PartReceipt { part, crc32c, md5: None, etag: None };
            self.run.engine.store.add_receipt(self.run.transfer.id, &receipt).await?;
        }
        in_flight.finished(part.length);
        Ok(())
    }

    /// Fetches what is missing of a range. A broken answer leaves what it brought, and the next try goes on behind it:
    /// nothing that may have been hashed is written again.
    async fn go_on(&self, part: PartPlan, so_far: &mut SoFar, count: Arc<AtomicU64>) -> ProviderResult<()> {
        if self.front.is_none() {
            *so_far = SoFar::default();
        }
        count.store(so_far.bytes, Ordering::Relaxed);
        let (at, mut left) = (part.offset + so_far.bytes, part.length - so_far.bytes);
        if left == 0 {
            return Ok(());
        }
        let ranged = self.plan.in_parts || (at > 0 && self.ranges);
        let range = ranged.then_some(ByteRange { offset: at, length: left });
        let guard = if ranged || at > 0 { self.file.revision.as_deref() } else { None };
        let mut download = self.run.provider.open_download(&self.file.path, range, guard).await?;
        self.same_content(&download)?;
        // A service that ignores ranges sends everything from byte 0: what lies before is let go.
        let mut skip = at.checked_sub(download.offset).ok_or_else(|| {
            ProviderError::bad_answer(OPERATION, "the service sent another range than the one asked for")
        })?;
        let mut gathered = Gathered::default();
        let end = loop {
            let mut piece = match download.stream.try_next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip -= skipped as u64;
            let _ = piece.split_to(skipped);
            if piece.len() as u64 > left && !ranged {
                return Err(ProviderError::bad_answer(
                    OPERATION,
                    "the service sent more bytes than the file has",
                ));
            }
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.run.engine.download_bandwidth.take(piece.len()).await;
            left -= piece.len() as u64;
            count.fetch_add(piece.len() as u64, Ordering::Relaxed);
            gathered.add(piece);
            if gathered.bytes >= WRITE || gathered.pieces.len() >= PIECES {
                self.write(part, so_far, &mut gathered).await?;
            }
            // Of a range that may have been ignored no more is read than belongs to it.
            if left == 0 && ranged {
                break Ok(());
            }
        };
        self.write(part, so_far, &mut gathered).await?;
        end?;
        if left > 0 {
            return Err(ProviderError::new(OPERATION, ProblemCode::ConnectionLost, Advice::Again)
                .because(format!("the answer ended {left} bytes early")));
        }
        Ok(())
    }

    /// Refuses an answer that is about another content than the answers before it, whether or not the service kept to
    /// the guard.
    fn same_content(&self, download: &Download) -> ProviderResult<()> {
        let another_size = download.total.is_some_and(|total| Some(total) != self.file.size);
        let mut first = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        // A weak tag names a meaning and not the bytes (RFC 9110, 8.8.1).
        let told = download.revision.as_ref().filter(|told| !told.starts_with("W/"));
        let another_content = match (&*first, told) {
            (Some(first), Some(told)) => first != told,
            _ => false,
        };
        if another_size || another_content {
            return Err(ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Stop)
                .because("the file changed on the service while it was fetched; start the download again"));
        }
        if first.is_none() {
            *first = told.cloned();
        }
        Ok(())
    }

    async fn write(&self, part: PartPlan, so_far: &mut SoFar, gathered: &mut Gathered) -> ProviderResult<()> {
        let Gathered { pieces, bytes } = std::mem::take(gathered);
        if bytes == 0 {
            return Ok(());
        }
        let begin = part.offset + so_far.bytes;
        let (target, path) = (self.target.clone(), self.run.transfer.local.clone());
        let (reserve, mut crc32c) = (self.run.engine.limits.disk_reserve, so_far.crc32c);
        let work = tokio::task::spawn_blocking(move || {
            disk_space::watch(&path, reserve)?;
            for piece in &pieces {
                crc32c = crc32c::crc32c_append(crc32c, piece);
            }
            target.write(begin, &pieces).map(|()| crc32c)
        });
        let written = work.await.map_err(io::Error::other).and_then(|result| result);
        so_far.crc32c = written.map_err(|error| ProviderError {
            problem: partial_file::problem(&self.run.transfer.local, &error),
            advice: Advice::Stop,
            operation: OPERATION,
            source: None,
        })?;
        so_far.bytes += bytes;
        if let Some(front) = &self.front {
            front.written(begin, begin + bytes);
        }
        Ok(())
    }
}

/// Bytes that came and are not written yet.
#[derive(Default)]
struct Gathered {
    pieces: Vec<Bytes>,
    bytes: u64,
}

impl Gathered {
    fn add(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len() as u64;
            self.pieces.push(piece);
        }
    }
}

fn may_pass(error: &ProviderError) -> bool {
    matches!(error.advice, Advice::Again | Advice::AgainAfter(_) | Advice::FreshLink)
}
