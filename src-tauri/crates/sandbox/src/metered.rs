//! A body that counts its bytes, and where a fault asks for it changes one or breaks off.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::StreamExt;

/// What is to happen to the bytes that pass.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tampering {
    /// Break off after this many bytes.
    pub(crate) cut_after: Option<u64>,
    /// Change the byte at this offset.
    pub(crate) flip: Option<u64>,
}

/// What has passed so far.
#[derive(Default)]
pub(crate) struct Meter {
    pub(crate) bytes: AtomicU64,
    /// Whether the body was broken off by a fault.
    pub(crate) was_cut: AtomicBool,
}

struct Passing {
    stream: BodyDataStream,
    meter: Arc<Meter>,
    tampering: Tampering,
    /// Whether the reader has been given the chance to send on what it got before the break.
    flushed: bool,
}

/// Wraps a body.
pub(crate) fn metered(body: Body, meter: Arc<Meter>, tampering: Tampering) -> Body {
    let passing = Passing { stream: body.into_data_stream(), meter, tampering, flushed: false };
    Body::from_stream(futures_util::stream::unfold(passing, next))
}

async fn next(mut passing: Passing) -> Option<(io::Result<Bytes>, Passing)> {
    let before = passing.meter.bytes.load(Ordering::Relaxed);
    if passing.tampering.cut_after.is_some_and(|cut| before >= cut) {
        return broken(passing).await;
    }
    let mut bytes = match passing.stream.next().await? {
        Ok(bytes) => bytes,
        Err(error) => return Some((Err(io::Error::other(error)), passing)),
    };
    if let Some(cut) = passing.tampering.cut_after {
        let left = usize::try_from(cut - before).unwrap_or(usize::MAX);
        bytes.truncate(left);
    }
    let length = bytes.len() as u64;
    if let Some(at) = passing.tampering.flip.filter(|at| (before..before + length).contains(at)) {
        let mut changed = bytes.to_vec();
        if let Some(byte) = changed.get_mut((at - before) as usize) {
            *byte ^= 0x01;
        }
        bytes = changed.into();
    }
    passing.meter.bytes.fetch_add(length, Ordering::Relaxed);
    Some((Ok(bytes), passing))
}

async fn broken(mut passing: Passing) -> Option<(io::Result<Bytes>, Passing)> {
    if !passing.flushed {
        passing.flushed = true;
        // Returning to the connection once lets it send what is in its buffer, so that the other side sees the bytes
        // before the break.
        tokio::task::yield_now().await;
    }
    passing.meter.was_cut.store(true, Ordering::Relaxed);
    Some((Err(io::ErrorKind::ConnectionAborted.into()), passing))
}
