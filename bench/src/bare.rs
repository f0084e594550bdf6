//! A bare HTTP client: the limit that ours is compared with. It reads a file in ranges and sends each as the body of a
//! `PUT`, several at once, or fetches ranges and lets them go. No database, no retry, no proof; digests only when asked.

use crate::{Outcome, rows::PART};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    thread::JoinHandle,
};

/// Bytes of one piece of a body, as the engine's.
const PIECE: usize = 256 << 10;

fn client() -> Outcome<reqwest::Client> {
    // Whoever installed one before us is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || reqwest::Client::builder().http1_only().tcp_nodelay(true).no_proxy();
    Ok(builder().build().or_else(|_| builder().tls_certs_only([]).build())?)
}

/// Sends a file: `bare-put FILE URL AT_ONCE [digest]`. In the URL `{part}` becomes the number of the part.
pub(crate) fn put(mut arguments: impl Iterator<Item = String>) -> Outcome<()> {
    let mut next = || arguments.next().ok_or("bare-put FILE URL AT_ONCE [digest]");
    let (file, url, at_once) = (PathBuf::from(next()?), next()?, next()?.parse()?);
    let digest = next().is_ok();
    let size = std::fs::metadata(&file)?.len();
    let hashing = digest.then(|| {
        let file = file.clone();
        std::thread::spawn(move || digest_of(&file).map_err(|error| error.to_string()))
    });
    let client = client()?;
    let parts = (0..size.div_ceil(PART)).map(|index| {
        let (client, file, url) = (&client, &file, url.replace("{part}", &(index + 1).to_string()));
        async move {
            let offset = index * PART;
            let length = PART.min(size - offset);
            let body = reqwest::Body::wrap_stream(pieces(file, offset, length)?);
            client.put(url).header("content-length", length).body(body).send().await?.error_for_status()?;
            Outcome::Ok(())
        }
    });
    runtime()?.block_on(stream::iter(parts).buffer_unordered(at_once).try_for_each(|()| async { Ok(()) }))?;
    if let Some(hashing) = hashing {
        hashing.join().map_err(|_| "the digest was not computed")??;
    }
    Ok(())
}

/// Fetches ranges and lets them go, or writes them into a file that is digested behind: `bare-get URL SIZE AT_ONCE [FILE]`.
pub(crate) fn get(mut arguments: impl Iterator<Item = String>) -> Outcome<()> {
    let mut next = || arguments.next().ok_or("bare-get URL SIZE AT_ONCE [FILE]");
    let (url, size, at_once): (_, u64, _) = (next()?, next()?.parse()?, next()?.parse()?);
    let kept = next().ok().map(|path| Kept::begin(Path::new(&path), size)).transpose()?;
    let client = client()?;
    let path = kept.as_ref().map(|kept| kept.path.clone());
    let ranges = (0..size.div_ceil(PART)).map(|index| {
        let (client, url, path) = (&client, &url, path.as_ref());
        async move {
            let (first, last) = (index * PART, ((index + 1) * PART).min(size) - 1);
            let request = client.get(url).header("range", format!("bytes={first}-{last}"));
            let mut file = path.map(|path| File::options().write(true).open(path)).transpose()?;
            if let Some(file) = &mut file {
                file.seek(SeekFrom::Start(first))?;
            }
            let mut pieces = request.send().await?.error_for_status()?.bytes_stream();
            let mut came = 0;
            while let Some(piece) = pieces.next().await {
                let piece = piece?;
                if let Some(file) = &mut file {
                    file.write_all(&piece)?;
                }
                came += piece.len() as u64;
            }
            if came == last + 1 - first { Outcome::Ok(index) } else { Err("a range was not kept to".into()) }
        }
    });
    let mut there = stream::iter(ranges).buffer_unordered(at_once);
    runtime()?.block_on(async {
        while let Some(index) = there.try_next().await? {
            if let Some(kept) = &kept {
                kept.arrived.send(index)?;
            }
        }
        Outcome::Ok(())
    })?;
    kept.map_or(Ok(()), Kept::end)
}

/// A file that ranges are written into, and its digest, computed as far as the file is there without a gap.
struct Kept {
    path: PathBuf,
    arrived: mpsc::Sender<u64>,
    digesting: JoinHandle<std::io::Result<()>>,
}

impl Kept {
    fn begin(path: &Path, size: u64) -> Outcome<Self> {
        File::create(path)?;
        let mut reader = File::open(path)?;
        let (arrived, arrivals) = mpsc::channel();
        let digesting = std::thread::spawn(move || {
            let (mut early, mut front) = (BTreeSet::new(), 0);
            let (mut digest, mut buffer) = (Sha256::new(), vec![0; PIECE]);
            for index in arrivals {
                early.insert(index);
                while early.remove(&front) {
                    // Parts follow each other, so the reader stands where the next one begins.
                    let mut left = PART.min(size - front * PART);
                    while left > 0 {
                        let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                        reader.read_exact(&mut buffer[..now])?;
                        digest.update(&buffer[..now]);
                        left -= now as u64;
                    }
                    front += 1;
                }
            }
            std::hint::black_box(digest.finalize());
            Ok(())
        });
        Ok(Self { path: path.to_path_buf(), arrived, digesting })
    }

    fn end(self) -> Outcome<()> {
        drop(self.arrived);
        Ok(self.digesting.join().map_err(|_| "the digest was not computed")??)
    }
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// The bytes of a range, read where they are sent: from the page cache that waits for nothing.
fn pieces(
    file: &Path,
    offset: u64,
    length: u64,
) -> Outcome<impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    let begin = (file, length, BytesMut::new());
    Ok(stream::try_unfold(begin, |(mut file, left, mut buffer)| async move {
        if left == 0 {
            return Ok(None);
        }
        let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        buffer.resize(now, 0);
        file.read_exact(&mut buffer)?;
        // Its memory comes back to the next piece once this one has left.
        let piece = buffer.split().freeze();
        buffer.reserve(PIECE);
        Ok(Some((piece, (file, left - now as u64, buffer))))
    }))
}

/// The bare loop: SHA-256 of a file, read in pieces of 1 MiB.
pub(crate) fn digest_of(file: &Path) -> Outcome<String> {
    let (mut file, mut digest, mut buffer) = (File::open(file)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}
