//! The local file that is sent: whether it is still the one we looked at, and its bytes range by range.

use crate::limits::Bandwidth;
use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use labferry_model::{Fingerprint, PartPlan, Problem, ProblemCode};
use md5::{Digest as _, Md5};
use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};
use tokio::fs::File;

/// Bytes read from the disk at once: large enough that the hop to the reading thread does not count, small enough that
/// sixteen connections hold 4 MiB.
pub(crate) const READ: usize = 256 << 10;

/// A failure of the local file system, with the file's name.
pub(crate) fn problem(path: &Path, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::NotFound => ProblemCode::SourceMissing,
        io::ErrorKind::IsADirectory => ProblemCode::SourceNotAFile,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProblemCode::DiskFull,
        _ => ProblemCode::SourceUnreadable,
    };
    Problem::new(code).about(path.display().to_string()).because(error.to_string())
}

/// What the file looks like now.
///
/// # Errors
/// A file that is missing, no file, or cannot be read by us.
pub(crate) async fn fingerprint(path: &Path) -> Result<Fingerprint, Problem> {
    let found = tokio::fs::metadata(path).await.map_err(|error| problem(path, &error))?;
    if !found.is_file() {
        let what = if found.is_dir() { "it is a folder" } else { "it is a device, pipe or socket" };
        return Err(Problem::new(ProblemCode::SourceNotAFile)
            .about(path.display().to_string())
            .because(what));
    }
    // Opened once, so that a file we may not read is found before anything is announced.
    File::open(path).await.map_err(|error| problem(path, &error))?;
    Ok(fingerprint_of(&found))
}

/// The fingerprint in a file's metadata.
pub(crate) fn fingerprint_of(found: &std::fs::Metadata) -> Fingerprint {
    let modified_ns = found.modified().map_or(0, |modified| match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    });
    #[cfg(unix)]
    let file_id = Some(std::os::unix::fs::MetadataExt::ino(found));
    #[cfg(not(unix))]
    let file_id = None;
    Fingerprint { size: found.len(), modified_ns, file_id }
}

/// What was handed out of a range, complete once the stream has ended.
#[derive(Clone, Default)]
pub(crate) struct RangeSums(Arc<Mutex<Sums>>);

#[derive(Default)]
struct Sums {
    crc32c: u32,
    read: u64,
    md5: Option<Md5>,
}

impl RangeSums {
    fn new(with_md5: bool) -> Self {
        Self(Arc::new(Mutex::new(Sums { md5: with_md5.then(Md5::new), ..Sums::default() })))
    }

    fn add(&self, piece: &[u8]) {
        let mut sums = self.lock();
        sums.crc32c = crc32c::crc32c_append(sums.crc32c, piece);
        sums.read += piece.len() as u64;
        if let Some(md5) = &mut sums.md5 {
            md5.update(piece);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// CRC-32C of the bytes, their number and, where asked for, their MD5.
    pub(crate) fn finish(&self) -> (u32, u64, Option<[u8; 16]>) {
        let mut sums = self.lock();
        let md5 = sums.md5.take().map(|md5| md5.finalize().into());
        (sums.crc32c, sums.read, md5)
    }
}

/// A freshly opened range of the file.
pub(crate) struct Range {
    /// The bytes.
    pub(crate) stream: BoxStream<'static, io::Result<Bytes>>,
    /// Their sums.
    pub(crate) sums: RangeSums,
}

/// The memory of one file's pieces. A piece that has left gives its memory to the next one of any part, so that a file of
/// any size is sent from a few buffers; thousands of parts with buffers of their own would leave the heap in pieces.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| Vec::with_capacity(READ))
    }
}

/// A piece on its way.
struct Piece {
    content: Vec<u8>,
    home: Buffers,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let content = std::mem::take(&mut self.content);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(content);
    }
}

/// Opens a range of which the pieces come from `buffers`. `sent` counts the bytes handed out; `bandwidth` slows them
/// down.
///
/// # Errors
/// A file that cannot be opened any more.
pub(crate) async fn open_range(
    path: &Path,
    part: PartPlan,
    with_md5: bool,
    sent: Arc<AtomicU64>,
    bandwidth: Arc<Bandwidth>,
    buffers: Buffers,
) -> io::Result<Range> {
    let path = path.to_path_buf();
    let file = blocking(move || {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(part.offset))?;
        Ok(file)
    })
    .await?;
    let sums = RangeSums::new(with_md5);
    let begin = (file, part.length, sums.clone(), buffers);
    let stream = stream::try_unfold(begin, move |(file, left, sums, buffers)| {
        let (sent, bandwidth) = (sent.clone(), bandwidth.clone());
        async move {
            let length = left.min(bandwidth.piece(READ) as u64);
            let mut content = buffers.take();
            let reading = sums.clone();
            let (file, content) = blocking(move || {
                content.clear();
                (&file).take(length).read_to_end(&mut content)?;
                reading.add(&content);
                Ok((file, content))
            })
            .await?;
            if content.is_empty() {
                return Ok(None);
            }
            bandwidth.take(content.len()).await;
            sent.fetch_add(content.len() as u64, Ordering::Relaxed);
            let left = left - content.len() as u64;
            let piece = Bytes::from_owner(Piece { content, home: buffers.clone() });
            Ok(Some((piece, (file, left, sums, buffers))))
        }
    });
    Ok(Range { stream: stream.boxed(), sums })
}

/// Does something with the disk where it may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
