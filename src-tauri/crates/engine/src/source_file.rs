//! The local file that is sent: whether it is still the one we looked at, and its bytes range by range.

use crate::limits::Bandwidth;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use labferry_model::{Fingerprint, PartPlan, Problem, ProblemCode};
use md5::{Digest as _, Md5};
use std::{
    io::{self, SeekFrom},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use tokio_util::io::ReaderStream;

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

/// Sums over the bytes that were handed out, complete once the stream has ended.
#[derive(Clone, Default)]
pub(crate) struct RangeSums(Arc<Mutex<Sums>>);

#[derive(Default)]
struct Sums {
    crc32c: u32,
    md5: Option<Md5>,
    read: u64,
}

impl RangeSums {
    fn new(with_md5: bool) -> Self {
        Self(Arc::new(Mutex::new(Sums { md5: with_md5.then(Md5::new), ..Sums::default() })))
    }

    fn add(&self, piece: &[u8]) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.crc32c = crc32c::crc32c_append(sums.crc32c, piece);
        sums.read += piece.len() as u64;
        if let Some(md5) = &mut sums.md5 {
            md5.update(piece);
        }
    }

    /// CRC-32C and, where asked for, MD5 of the bytes, with their number.
    pub(crate) fn finish(&self) -> (u32, Option<String>, u64) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let md5 = sums.md5.take().map(|md5| hex::encode(md5.finalize()));
        (sums.crc32c, md5, sums.read)
    }
}

/// A freshly opened range of the file.
pub(crate) struct Range {
    /// The bytes.
    pub(crate) stream: BoxStream<'static, io::Result<Bytes>>,
    /// Their sums.
    pub(crate) sums: RangeSums,
}

/// Opens a range. `sent` counts the bytes handed out; `bandwidth` slows them down.
///
/// # Errors
/// A file that cannot be opened any more.
pub(crate) async fn open_range(
    path: &Path,
    part: PartPlan,
    with_md5: bool,
    sent: Arc<AtomicU64>,
    bandwidth: Arc<Bandwidth>,
) -> io::Result<Range> {
    let mut file = File::open(path).await?;
    file.seek(SeekFrom::Start(part.offset)).await?;
    let sums = RangeSums::new(with_md5);
    let adding = sums.clone();
    let stream = ReaderStream::with_capacity(file.take(part.length), READ).then(move |piece| {
        let (adding, sent, bandwidth) = (adding.clone(), sent.clone(), bandwidth.clone());
        async move {
            let piece = piece?;
            bandwidth.take(piece.len()).await;
            adding.add(&piece);
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            Ok(piece)
        }
    });
    Ok(Range { stream: stream.boxed(), sums })
}
