//! Fetches a file again for its digests: in ranges, several at once and digested in order, where the service gives them, and
//! as one stream where it does not.

use crate::{engine::Shared, hash_ahead::Hasher, limits::Bandwidth, partial_file};
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_model::{AccountName, Capabilities, DigestSet, ProblemCode};
use labferry_provider::{Advice, ByteRange, Provider, ProviderError, ProviderResult};
use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt},
    sync::Mutex,
};

const OPERATION: &str = "read back";
/// Bytes of one range. A range is held in memory until those before it are digested, so it is small.
const RANGE: u64 = 1 << 20;

/// What was fetched again.
pub(crate) struct ReadBack {
    /// Bytes.
    pub(crate) size: u64,
    /// Their digests.
    pub(crate) digests: DigestSet,
}

/// Where to fetch from.
pub(crate) struct ReadingBack<'a> {
    engine: &'a Shared,
    provider: &'a dyn Provider,
    account: &'a AccountName,
    facts: &'a Capabilities,
}

/// The answer to one range.
struct Piece {
    bytes: Vec<u8>,
    revision: Option<String>,
}

impl<'a> ReadingBack<'a> {
    pub(crate) fn new(
        engine: &'a Shared,
        provider: &'a dyn Provider,
        account: &'a AccountName,
        facts: &'a Capabilities,
    ) -> Self {
        Self { engine, provider, account, facts }
    }

    /// Fetches the file, of `size` bytes where that is known, and digests it. `told` hears how far it is.
    pub(crate) async fn fetch(
        &self,
        path: &str,
        size: Option<u64>,
        told: impl Fn(u64) + Sync,
    ) -> ProviderResult<ReadBack> {
        if let Some(size) = size.filter(|&size| self.facts.ranges == Some(true) && size > RANGE)
            && let Some(back) = self.in_ranges(path, size, &told).await?
        {
            return Ok(back);
        }
        self.in_order(path, size, told).await
    }

    /// Fetches the file as one stream into a new file at `to`, and digests it.
    pub(crate) async fn copy(&self, path: &str, size: Option<u64>, to: &Path) -> ProviderResult<ReadBack> {
        let failed = |error: &io::Error| disk_error(to, error);
        let copy = File::create(to).await.map_err(|error| failed(&error))?;
        let mut reading = Reading::new(self.facts, size);
        reading.copy = Some(Copying {
            file: copy,
            path: to.to_owned(),
            bandwidth: self.engine.download_bandwidth.clone(),
        });
        let reading = Mutex::new(reading);
        self.request(|| async { reading.lock().await.go_on(self.provider, path, |_| {}).await }).await?;
        let mut reading = reading.into_inner();
        if let Some(copy) = reading.copy.take() {
            copy.file.sync_all().await.map_err(|error| failed(&error))?;
        }
        Ok(reading.finish())
    }

    /// None where the service does not keep to ranges, or names nothing that ties them together.
    async fn in_ranges(
        &self,
        path: &str,
        size: u64,
        told: &(impl Fn(u64) + Sync),
    ) -> ProviderResult<Option<ReadBack>> {
        let first = self.request(|| self.range(path, size, 0, None)).await?;
        let Some(Piece { bytes, revision: Some(revision) }) = first else { return Ok(None) };
        let guard = &Some(revision);
        let rest = (1..size.div_ceil(RANGE))
            .map(|number| self.request(move || self.range(path, size, number * RANGE, guard.as_deref())));
        let mut rest = stream::iter(rest).buffered(self.engine.parts_per_file());
        let (mut hasher, mut offset) = (Hasher::new(&self.facts.digests), 0);
        let mut piece = bytes;
        loop {
            offset += piece.len() as u64;
            hasher = digest(hasher, piece).await?;
            told(offset);
            match rest.try_next().await? {
                Some(Some(Piece { bytes, revision })) if revision.is_none() || revision == *guard => {
                    piece = bytes;
                }
                // Another content, or a range that was ignored: one stream tells.
                Some(_) => return Ok(None),
                None => return Ok(Some(ReadBack { size: offset, digests: hasher.finish() })),
            }
        }
    }

    /// One range, held in memory; none where the service does not keep to it.
    async fn range(
        &self,
        path: &str,
        size: u64,
        offset: u64,
        guard: Option<&str>,
    ) -> ProviderResult<Option<Piece>> {
        let length = RANGE.min(size - offset);
        let range = ByteRange { offset, length };
        let mut download = self.provider.open_download(path, Some(range), guard).await?;
        if download.offset != offset || download.total != Some(size) {
            return Ok(None);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let Some(piece) = download.stream.try_next().await? else { break };
            bytes.extend_from_slice(&piece[..piece.len().min(length - bytes.len())]);
        }
        if bytes.len() < length {
            return Err(ended_early(bytes.len() as u64, range.length));
        }
        Ok(Some(Piece { bytes, revision: download.revision }))
    }

    async fn in_order(
        &self,
        path: &str,
        size: Option<u64>,
        told: impl Fn(u64) + Sync,
    ) -> ProviderResult<ReadBack> {
        let reading = Mutex::new(Reading::new(self.facts, size));
        self.request(|| async { reading.lock().await.go_on(self.provider, path, &told).await }).await?;
        Ok(reading.into_inner().finish())
    }

    /// One request with a connection of its own for each try.
    async fn request<T, F>(&self, attempt: impl FnMut() -> F) -> ProviderResult<T>
    where
        F: Future<Output = ProviderResult<T>>,
    {
        self.engine.request(self.account, attempt).await
    }
}

/// Digests a range beside the connections.
async fn digest(mut hasher: Hasher, piece: Vec<u8>) -> ProviderResult<Hasher> {
    let work = tokio::task::spawn_blocking(move || {
        hasher.update(&piece);
        hasher
    });
    work.await.map_err(|error| {
        ProviderError::new(OPERATION, ProblemCode::Internal, Advice::Stop).because(error.to_string())
    })
}

fn ended_early(came: u64, of: u64) -> ProviderError {
    ProviderError::new(OPERATION, ProblemCode::ConnectionLost, Advice::Again)
        .because(format!("{came} of {of} bytes came"))
}

/// Where a stream is written to, at the pace of downloads.
struct Copying {
    file: File,
    path: PathBuf,
    bandwidth: Arc<Bandwidth>,
}

impl Copying {
    async fn write(&mut self, piece: &[u8]) -> ProviderResult<()> {
        self.bandwidth.take(piece.len()).await;
        self.file.write_all(piece).await.map_err(|error| disk_error(&self.path, &error))
    }

    async fn begin_anew(&mut self) -> ProviderResult<()> {
        let emptied = async {
            self.file.set_len(0).await?;
            self.file.rewind().await.map(drop)
        };
        emptied.await.map_err(|error| disk_error(&self.path, &error))
    }
}

/// Our own disk is no service's failure and is not tried again.
fn disk_error(path: &Path, error: &io::Error) -> ProviderError {
    let problem = partial_file::problem(path, error);
    ProviderError { problem, advice: Advice::Stop, operation: OPERATION, source: None }
}

/// A file being fetched as one stream. Survives a broken connection.
struct Reading {
    hasher: Hasher,
    offset: u64,
    revision: Option<String>,
    /// Bytes of the file, where a broken reading can go on; none where it begins anew.
    resumable: Option<u64>,
    /// Bytes that are to come; more need not be read.
    most: Option<u64>,
    fresh: Hasher,
    copy: Option<Copying>,
}

impl Reading {
    fn new(facts: &Capabilities, size: Option<u64>) -> Self {
        let resumable = size.filter(|_| facts.ranges != Some(false));
        let fresh = Hasher::new(&facts.digests);
        Self { hasher: fresh.clone(), offset: 0, revision: None, resumable, most: size, fresh, copy: None }
    }

    async fn begin_anew(&mut self) -> ProviderResult<()> {
        self.hasher = self.fresh.clone();
        self.offset = 0;
        self.revision = None;
        match &mut self.copy {
            Some(copy) => copy.begin_anew().await,
            None => Ok(()),
        }
    }

    /// Fetches to the end.
    async fn go_on(
        &mut self,
        provider: &dyn Provider,
        path: &str,
        told: impl Fn(u64) + Sync,
    ) -> ProviderResult<()> {
        let left = self.resumable.map_or(0, |size| size.saturating_sub(self.offset));
        if left == 0 || self.revision.is_none() {
            self.begin_anew().await?;
        }
        let range = (self.offset > 0).then_some(ByteRange { offset: self.offset, length: left });
        let guard = range.and(self.revision.clone());
        let mut download = provider.open_download(path, range, guard.as_deref()).await?;
        if download.offset != self.offset {
            self.begin_anew().await?;
        }
        self.revision = download.revision.take();
        while let Some(piece) = download.stream.try_next().await? {
            if let Some(copy) = &mut self.copy {
                copy.write(&piece).await?;
            }
            self.hasher.update(&piece);
            self.offset += piece.len() as u64;
            told(self.offset);
            // An answer without an end would be digested for ever.
            if download.total.or(self.most).is_some_and(|most| self.offset > most) {
                break;
            }
        }
        match download.total {
            Some(total) if total > self.offset => Err(ended_early(self.offset, total)),
            _ => Ok(()),
        }
    }

    /// What was fetched.
    fn finish(self) -> ReadBack {
        ReadBack { size: self.offset, digests: self.hasher.finish() }
    }
}
