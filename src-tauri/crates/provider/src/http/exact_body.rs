//! A request body of exactly the announced length: a source that fails, ends early or goes on too long fails the
//! request before its last byte has left, so that the service can never take it for complete.

use super::stall_watchdog::Pulse;
use bytes::Bytes;
use futures_util::{Stream, stream::BoxStream};
use std::{
    error::Error,
    fmt, io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

/// Largest piece handed to the connection at once: small enough that a slow link takes one within the stall time
/// (about 4 KiB/s at 60 s).
const PIECE: usize = 256 << 10;

/// What was wrong with the source.
#[derive(Debug)]
pub enum SourceFault {
    /// Reading it failed.
    Failed(io::Error),
    /// It ended before the announced length.
    Short {
        /// Announced, in bytes.
        announced: u64,
        /// Read, in bytes.
        read: u64,
    },
    /// It goes on after the announced length.
    Long {
        /// Announced, in bytes.
        announced: u64,
    },
}

impl fmt::Display for SourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "reading the file failed: {error}"),
            Self::Short { announced, read } => {
                write!(f, "the file ended after {read} of {announced} bytes")
            }
            Self::Long { announced } => write!(f, "the file holds more than the {announced} bytes announced"),
        }
    }
}

impl Error for SourceFault {}

/// What became of a body, seen from outside the connection.
#[derive(Debug, Default)]
pub(crate) struct SendLog {
    given: AtomicU64,
    fault: Mutex<Option<SourceFault>>,
}

impl SendLog {
    /// Bytes handed to the connection.
    pub(crate) fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// The source's fault, if there was one; handed out once.
    pub(crate) fn take_fault(&self) -> Option<SourceFault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn record(&self, fault: SourceFault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}

/// The fault inside the connection: the real one stays in the log.
#[derive(Debug)]
pub(crate) struct BodyBroken;

impl fmt::Display for BodyBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body broke off")
    }
}

impl Error for BodyBroken {}

/// The stream given to the connection.
pub(crate) struct ExactBody {
    source: BoxStream<'static, io::Result<Bytes>>,
    announced: u64,
    read: u64,
    held: Bytes,
    ended: bool,
    pulse: Arc<Pulse>,
    log: Arc<SendLog>,
}

impl ExactBody {
    pub(crate) fn new(
        source: BoxStream<'static, io::Result<Bytes>>,
        announced: u64,
        pulse: Arc<Pulse>,
    ) -> (Self, Arc<SendLog>) {
        let log = Arc::new(SendLog::default());
        let body = Self {
            source,
            announced,
            read: 0,
            held: Bytes::new(),
            ended: false,
            pulse,
            log: Arc::clone(&log),
        };
        (body, log)
    }

    fn broken(&mut self, fault: SourceFault) -> Poll<Option<Result<Bytes, BodyBroken>>> {
        self.ended = true;
        self.held = Bytes::new();
        self.log.record(fault);
        Poll::Ready(Some(Err(BodyBroken)))
    }

    fn give(&mut self, length: usize) -> Poll<Option<Result<Bytes, BodyBroken>>> {
        let piece = self.held.split_to(length);
        self.log.given.fetch_add(piece.len() as u64, Ordering::Relaxed);
        self.pulse.touch();
        Poll::Ready(Some(Ok(piece)))
    }
}

impl Stream for ExactBody {
    type Item = Result<Bytes, BodyBroken>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.ended {
                return if self.held.is_empty() {
                    Poll::Ready(None)
                } else {
                    let length = self.held.len().min(PIECE);
                    self.give(length)
                };
            }
            // The end of the held bytes leaves only once the source has shown what follows.
            if self.held.len() > PIECE {
                return self.give(PIECE);
            }
            if !self.held.is_empty() && self.read < self.announced {
                let length = self.held.len();
                return self.give(length);
            }
            self.pulse.hold(true);
            let next = ready!(self.source.as_mut().poll_next(context));
            self.pulse.hold(false);
            match next {
                None if self.read == self.announced => self.ended = true,
                None => {
                    let (announced, read) = (self.announced, self.read);
                    return self.broken(SourceFault::Short { announced, read });
                }
                Some(Err(error)) => return self.broken(SourceFault::Failed(error)),
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => {
                    self.read += bytes.len() as u64;
                    if self.read > self.announced {
                        let announced = self.announced;
                        return self.broken(SourceFault::Long { announced });
                    }
                    self.held = bytes;
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::http::stall_watchdog::StallWatchdog;
    use futures_util::{StreamExt, stream};
    use std::time::Duration;

    async fn run(chunks: Vec<io::Result<Bytes>>, announced: u64) -> (Vec<u8>, bool, Option<SourceFault>) {
        let pulse = StallWatchdog::new(Duration::from_secs(1)).pulse();
        let (mut body, log) = ExactBody::new(stream::iter(chunks).boxed(), announced, pulse);
        let (mut out, mut failed) = (Vec::new(), false);
        while let Some(piece) = body.next().await {
            match piece {
                Ok(bytes) => {
                    assert!(bytes.len() <= PIECE);
                    out.extend_from_slice(&bytes);
                }
                Err(_) => failed = true,
            }
        }
        assert_eq!(log.given(), out.len() as u64);
        (out, failed, log.take_fault())
    }

    #[tokio::test]
    async fn an_exact_source_passes_whatever_its_pieces() {
        let big = vec![7_u8; PIECE * 2 + 3];
        let chunks = vec![
            Ok(Bytes::from_static(b"ab")),
            Ok(Bytes::new()),
            Ok(Bytes::from(big.clone())),
            Ok(Bytes::new()),
        ];
        let (out, failed, fault) = run(chunks, big.len() as u64 + 2).await;
        assert!(out.len() == big.len() + 2 && !failed && fault.is_none());
        let (out, failed, _) = run(vec![], 0).await;
        assert!(out.is_empty() && !failed);
    }

    #[tokio::test]
    async fn a_wrong_source_fails_before_its_last_byte_leaves() {
        let (out, failed, fault) = run(vec![Ok(Bytes::from_static(b"abc"))], 4).await;
        assert!(out.len() < 4 && failed);
        assert!(matches!(fault, Some(SourceFault::Short { announced: 4, read: 3 })));

        let chunks = vec![Ok(Bytes::from_static(b"abc")), Ok(Bytes::from_static(b"d"))];
        let (out, failed, fault) = run(chunks, 3).await;
        assert!(out.len() < 3 && failed && matches!(fault, Some(SourceFault::Long { announced: 3 })));

        let chunks = vec![Ok(Bytes::from_static(b"abc")), Err(io::Error::other("disk"))];
        let (out, failed, fault) = run(chunks, 3).await;
        assert!(out.len() < 3 && failed && matches!(fault, Some(SourceFault::Failed(_))));
    }
}
