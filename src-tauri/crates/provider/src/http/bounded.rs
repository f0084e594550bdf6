//! Reading an answer's body with a ceiling, so that an endless one costs a clear error instead of the memory.

use crate::error::{ProviderError, ProviderResult};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

/// Most bytes of a JSON answer. The largest documented ones (a page of whole records, all files of a record with
/// the links of their parts) stay far below.
pub const JSON_CEILING: usize = 16 << 20;

/// Most bytes read of an error's body; more than any message needs.
pub const REFUSAL_CEILING: usize = 64 << 10;

/// The whole body, if it keeps to `ceiling` bytes.
///
/// # Errors
/// `BadAnswer` when it does not; the stream's own errors.
pub async fn read_within(
    operation: &'static str,
    ceiling: usize,
    mut body: impl Stream<Item = ProviderResult<Bytes>> + Unpin,
) -> ProviderResult<Bytes> {
    let mut all = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if all.len() + chunk.len() > ceiling {
            return Err(too_long(operation, ceiling));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// An answer of more than `ceiling` bytes.
pub(crate) fn too_long(operation: &'static str, ceiling: usize) -> ProviderError {
    ProviderError::bad_answer(operation, format!("the answer is longer than {} KiB", ceiling >> 10))
}

/// What fits of the body; the rest, and any failure on the way, is left.
pub async fn read_start(
    ceiling: usize,
    mut body: impl Stream<Item = ProviderResult<Bytes>> + Unpin,
) -> Bytes {
    let mut all = BytesMut::new();
    while let Some(Ok(chunk)) = body.next().await {
        let room = ceiling - all.len();
        all.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if all.len() == ceiling {
            break;
        }
    }
    all.freeze()
}
