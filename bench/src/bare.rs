//! A bare HTTP client: the limit that ours is compared with. It reads a file in ranges and sends each as the body of a
//! `PUT`, several at once, or fetches ranges and lets them go. No database, no retry, no proof; digests only when asked.

use crate::{Outcome, rows::PART};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
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

/// Fetches ranges and lets them go: `bare-get URL SIZE AT_ONCE`.
pub(crate) fn get(mut arguments: impl Iterator<Item = String>) -> Outcome<()> {
    let mut next = || arguments.next().ok_or("bare-get URL SIZE AT_ONCE");
    let (url, size, at_once): (_, u64, _) = (next()?, next()?.parse()?, next()?.parse()?);
    let client = client()?;
    let ranges = (0..size.div_ceil(PART)).map(|index| {
        let (client, url) = (&client, &url);
        async move {
            let (first, last) = (index * PART, ((index + 1) * PART).min(size) - 1);
            let request = client.get(url).header("range", format!("bytes={first}-{last}"));
            let mut pieces = request.send().await?.error_for_status()?.bytes_stream();
            let mut came = 0;
            while let Some(piece) = pieces.next().await {
                came += piece?.len() as u64;
            }
            if came == last + 1 - first { Outcome::Ok(()) } else { Err("a range was not kept to".into()) }
        }
    });
    runtime()?.block_on(stream::iter(ranges).buffer_unordered(at_once).try_for_each(|()| async { Ok(()) }))
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
