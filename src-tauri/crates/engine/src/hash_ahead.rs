//! Reads a file once, in order, and computes everything that is wanted of it: digests of the whole and sums of the
//! parts. While a file is sent it runs beside the part workers, a bounded distance ahead of them, so that they find in
//! the page cache what it has read and the disk is visited once. While a file is fetched it follows what was written
//! without a gap, and finds in the page cache what the workers have just put there.

use crate::source_file;
use labferry_model::{Algorithm, DigestSet, PartPlan, Problem, ProblemCode, RemoteDigest};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};

/// Bytes read at once: few enough that they are still in a core's second cache (256 KiB to 2 MiB on the desktop processors
/// of the last ten years) when each of the sums goes over them.
const READ: usize = 256 << 10;
/// How far the reader may be ahead of what was sent: what stays in the page cache of a small machine, and several parts
/// of the usual size, so that it rarely waits.
const AHEAD: u64 = 256 << 20;
/// How often a waiting reader looks whether it was given up.
const LOOK: Duration = Duration::from_millis(200);

/// What to compute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Digests of the whole besides SHA-256, which the ledger always gets.
    pub(crate) digests: Vec<Algorithm>,
    /// Parts whose CRC-32C is wanted, in file order without gaps; empty for none.
    pub(crate) parts: Vec<PartPlan>,
    /// MD5 of each part as well.
    pub(crate) part_md5: bool,
}

/// The sums of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartSums {
    /// CRC-32C.
    pub(crate) crc32c: u32,
    /// MD5, where wanted.
    pub(crate) md5: Option<[u8; 16]>,
}

/// What was computed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hashes {
    /// Digests of the whole.
    pub(crate) digests: DigestSet,
    /// Sums by part, in file order.
    pub(crate) parts: Vec<PartSums>,
    /// Bytes of every part but the last, where there are parts.
    pub(crate) part_size: Option<u64>,
}

impl Hashes {
    /// Digests of a whole alone.
    pub(crate) fn of_whole(digests: DigestSet) -> Self {
        Self { digests, parts: Vec::new(), part_size: None }
    }
}

/// How far the reader may go, as those who move the bytes tell it.
pub(crate) struct Pace {
    allowed: Mutex<u64>,
    moved: Condvar,
    given_up: AtomicBool,
    hashed: AtomicU64,
    /// Sums of the parts that were read to their end, and whether no more will come.
    sums: Mutex<(Vec<PartSums>, bool)>,
    summed: Notify,
    /// Parts that were counted as sent.
    passed: Mutex<HashSet<u32>>,
}

impl Pace {
    fn new(allowed: u64) -> Self {
        Self {
            allowed: Mutex::new(allowed),
            moved: Condvar::new(),
            given_up: AtomicBool::new(false),
            hashed: AtomicU64::new(0),
            sums: Mutex::default(),
            summed: Notify::new(),
            passed: Mutex::default(),
        }
    }

    /// That many bytes more need not be waited for.
    pub(crate) fn sent(&self, bytes: u64) {
        self.allow(|allowed| allowed.saturating_add(bytes));
    }

    /// That part need not be waited for any more, however often this is said.
    pub(crate) fn passed(&self, part: PartPlan) {
        if self.passed.lock().unwrap_or_else(PoisonError::into_inner).insert(part.number) {
            self.sent(part.length);
        }
    }

    /// Whether the reader is close to the part or beyond it, so that its sums are worth waiting for. After a restart it
    /// begins at the first byte again, far behind the parts that are sent.
    pub(crate) fn is_near(&self, part: PartPlan) -> bool {
        self.hashed.load(Ordering::Relaxed).saturating_add(AHEAD) >= part.end()
    }

    /// The sums of a part, once the reader has come to its end; none when the reader failed before.
    pub(crate) async fn sums_of(&self, number: u32) -> Option<PartSums> {
        let index = number.saturating_sub(1) as usize;
        loop {
            let mut more = std::pin::pin!(self.summed.notified());
            more.as_mut().enable();
            {
                let sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
                if sums.0.len() > index || sums.1 {
                    return sums.0.get(index).cloned();
                }
            }
            more.await;
        }
    }

    fn has_summed(&self, sums: Option<PartSums>) {
        let mut known = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        known.1 |= sums.is_none();
        known.0.extend(sums);
        drop(known);
        self.summed.notify_waiters();
    }

    /// The file is there up to that byte.
    pub(crate) fn reached(&self, offset: u64) {
        self.allow(|allowed| allowed.max(offset));
    }

    fn allow(&self, next: impl Fn(u64) -> u64) {
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        *allowed = next(*allowed);
        drop(allowed);
        self.moved.notify_all();
    }

    fn release(&self) {
        self.reached(u64::MAX);
    }

    /// Bytes hashed until now.
    #[cfg(test)]
    pub(crate) fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Waits until the reader may go on to `end`; false when nobody wants the result any more.
    fn wait(&self, end: u64) -> bool {
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        while end > *allowed {
            if self.given_up.load(Ordering::Relaxed) {
                return false;
            }
            allowed = self.moved.wait_timeout(allowed, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        !self.given_up.load(Ordering::Relaxed)
    }
}

/// A reader at work on a thread of its own. Dropping it gives it up.
pub(crate) struct HashAhead {
    pace: Arc<Pace>,
    path: PathBuf,
    work: Option<JoinHandle<io::Result<Hashes>>>,
}

impl HashAhead {
    /// Starts to read `size` bytes of the file.
    pub(crate) fn start(path: &Path, size: u64, wanted: Wanted) -> Self {
        Self::with(path, size, wanted, AHEAD + READ as u64)
    }

    /// Starts to read a file that is still being written, and of it only what [`Pace::reached`] says is there.
    pub(crate) fn behind(path: &Path, size: u64, wanted: Wanted) -> Self {
        Self::with(path, size, wanted, 0)
    }

    fn with(path: &Path, size: u64, wanted: Wanted, allowed: u64) -> Self {
        let pace = Arc::new(Pace::new(allowed));
        let (reader_pace, reader_path) = (pace.clone(), path.to_path_buf());
        let work = tokio::task::spawn_blocking(move || {
            let result = read(&reader_path, size, &wanted, &reader_pace);
            reader_pace.has_summed(None);
            result
        });
        Self { pace, path: path.to_path_buf(), work: Some(work) }
    }

    /// Where those who move the bytes say how far they are.
    pub(crate) fn pace(&self) -> Arc<Pace> {
        self.pace.clone()
    }

    /// Waits for the end of the file.
    ///
    /// # Errors
    /// A file that cannot be read, or that is shorter than it was.
    pub(crate) async fn finish(mut self) -> Result<Hashes, Problem> {
        self.pace.release();
        let Some(work) = self.work.as_mut() else { return Err(Problem::new(ProblemCode::Internal)) };
        // Kept until it has ended: a wait that is dropped must give the reader up, or it reads on to the file's end.
        let ended = work.await;
        self.work = None;
        match ended {
            Ok(Ok(hashes)) => Ok(hashes),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Problem::new(ProblemCode::SourceChanged)
                    .about(self.path.display().to_string())
                    .because("the file became shorter while it was read"))
            }
            Ok(Err(error)) => Err(source_file::problem(&self.path, &error)),
            Err(error) => Err(Problem::new(ProblemCode::Internal).because(error.to_string())),
        }
    }
}

impl Drop for HashAhead {
    fn drop(&mut self) {
        if self.work.is_some() {
            self.pace.given_up.store(true, Ordering::Relaxed);
            self.pace.moved.notify_all();
        }
    }
}

/// Everything of a local file of `size` bytes that what a service tells of its copy can be compared with.
///
/// # Errors
/// As [`HashAhead::finish`].
pub(crate) async fn hash_to_compare(
    path: &Path,
    size: u64,
    algorithms: &[Algorithm],
    theirs: &[RemoteDigest],
) -> Result<Hashes, Problem> {
    let reader = HashAhead::start(path, size, Wanted::to_compare(size, algorithms, theirs));
    reader.pace().release();
    reader.finish().await
}

/// The digests of a local file by the reader that hashes what is sent: of a file sent whole, or in parts of `part_size`
/// bytes, each of which is summed as well. It is what an upload computes, without the upload.
///
/// # Errors
/// A file that cannot be read, or that became shorter meanwhile.
pub async fn digest_source(path: &Path, part_size: u64) -> Result<DigestSet, Problem> {
    let size = source_file::fingerprint(path).await?.size;
    let parts = if part_size == 0 { Vec::new() } else { parts_of(size, part_size) };
    let reader = HashAhead::start(path, size, Wanted { parts, ..Wanted::default() });
    reader.pace().release();
    Ok(reader.finish().await?.digests)
}

impl Wanted {
    /// What it takes to compare a file of `size` bytes with what a service tells of its copy.
    pub(crate) fn to_compare(size: u64, algorithms: &[Algorithm], theirs: &[RemoteDigest]) -> Self {
        let part_size = theirs.iter().find_map(|digest| match digest {
            RemoteDigest::Md5OfParts { part_size, .. } => part_size.filter(|&bytes| bytes > 0),
            RemoteDigest::Whole { .. } => None,
        });
        let parts = part_size.map(|bytes| parts_of(size, bytes)).unwrap_or_default();
        Self { digests: algorithms.to_vec(), part_md5: !parts.is_empty(), parts }
    }
}

/// Parts of that size; none for a file that is too small to have them or a size that would make absurdly many.
fn parts_of(size: u64, part_size: u64) -> Vec<PartPlan> {
    /// More than any service allows.
    const MOST: u64 = 100_000;
    let count = size.div_ceil(part_size);
    if count > MOST {
        return Vec::new();
    }
    (0..count)
        .zip(1..)
        .map(|(index, number)| {
            let offset = index * part_size;
            PartPlan { number, offset, length: part_size.min(size - offset) }
        })
        .collect()
}

/// Digests of bytes that come in order.
#[derive(Clone)]
pub(crate) struct Hasher {
    sha256: Sha256,
    md5: Option<Md5>,
}

impl Hasher {
    pub(crate) fn new(algorithms: &[Algorithm]) -> Self {
        Self { sha256: Sha256::new(), md5: algorithms.contains(&Algorithm::Md5).then(Md5::new) }
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.sha256.update(piece);
        if let Some(md5) = &mut self.md5 {
            md5.update(piece);
        }
    }

    pub(crate) fn finish(self) -> DigestSet {
        DigestSet {
            sha256: Some(hex::encode(self.sha256.finalize())),
            md5: self.md5.map(|md5| hex::encode(md5.finalize())),
        }
    }
}

fn read(path: &Path, size: u64, wanted: &Wanted, pace: &Pace) -> io::Result<Hashes> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; READ];
    let mut whole = Hasher::new(&wanted.digests);
    let mut parts = Vec::with_capacity(wanted.parts.len());
    let mut offset = 0;
    let one = [PartPlan { number: 1, offset: 0, length: size }];
    let in_parts = !wanted.parts.is_empty();
    let stretches = if in_parts { &wanted.parts } else { &one[..] };
    for stretch in stretches {
        let mut crc32c = 0;
        let mut md5 = wanted.part_md5.then(Md5::new);
        while offset < stretch.end() {
            let left = usize::try_from(stretch.end() - offset).unwrap_or(READ).min(READ);
            if !pace.wait(offset + left as u64) {
                return Err(io::Error::from(io::ErrorKind::Interrupted));
            }
            file.read_exact(&mut buffer[..left])?;
            let piece = &buffer[..left];
            whole.update(piece);
            if in_parts {
                crc32c = crc32c::crc32c_append(crc32c, piece);
            }
            if let Some(md5) = &mut md5 {
                md5.update(piece);
            }
            offset += left as u64;
            pace.hashed.store(offset, Ordering::Relaxed);
        }
        if in_parts {
            let sums = PartSums { crc32c, md5: md5.map(|md5| md5.finalize().into()) };
            parts.push(sums.clone());
            pace.has_summed(Some(sums));
        }
    }
    let part_size = wanted.parts.first().map(|part| part.length);
    Ok(Hashes { digests: whole.finish(), parts, part_size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::Folder;

    #[tokio::test]
    async fn the_whole_and_the_parts_are_hashed_in_one_reading() {
        let folder = Folder::new();
        let path = folder.write("a", b"hello world");
        let parts =
            vec![PartPlan { number: 1, offset: 0, length: 6 }, PartPlan { number: 2, offset: 6, length: 5 }];
        let wanted = Wanted { digests: vec![Algorithm::Md5], parts, part_md5: true };
        let hashes = HashAhead::start(&path, 11, wanted).finish().await.unwrap();
        assert_eq!(hashes.digests.md5.as_deref(), Some("5eb63bbbe01eeed093cb22bb8f5acdc3"));
        assert_eq!(
            hashes.digests.sha256.as_deref(),
            Some("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")
        );
        assert_eq!(hashes.parts[1].crc32c, crc32c::crc32c(b"world"));
        assert_eq!(hex::encode(hashes.parts[1].md5.unwrap()), "7d793037a0760186574b0282f2f435e7");
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_told() {
        let folder = Folder::new();
        let path = folder.write("a", b"hello");
        let problem = hash_to_compare(&path, 6, &[], &[]).await.unwrap_err();
        assert_eq!(problem.code, ProblemCode::SourceChanged);
        let missing = hash_to_compare(&folder.path("missing"), 6, &[], &[]).await.unwrap_err();
        assert_eq!(missing.code, ProblemCode::SourceMissing);
        assert_eq!(
            hash_to_compare(&folder.write("b", b""), 0, &[], &[])
                .await
                .unwrap()
                .digests
                .sha256
                .unwrap()
                .len(),
            64
        );
    }

    #[tokio::test]
    async fn a_wait_that_is_dropped_gives_the_reader_up() {
        use futures_util::FutureExt;
        let folder = Folder::new();
        let path = folder.path("sparse");
        let size = 64 << 30;
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let reader = HashAhead::start(&path, size, Wanted::default());
        let pace = reader.pace();
        while pace.hashed() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(reader.finish().now_or_never().is_none());
        while Arc::strong_count(&pace) > 1 {
            tokio::task::yield_now().await;
        }
        assert!(pace.hashed() < size);
    }

    #[tokio::test]
    async fn the_reader_waits_for_the_senders() {
        let folder = Folder::new();
        let path = folder.path("sparse");
        let size = AHEAD + (64 << 20);
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let reader = HashAhead::start(&path, size, Wanted::default());
        let pace = reader.pace();
        while pace.hashed() <= AHEAD {
            tokio::task::yield_now().await;
        }
        assert!(pace.hashed() <= AHEAD + READ as u64);
        assert!(reader.finish().await.is_ok());
        assert_eq!(pace.hashed(), size);
    }
}
