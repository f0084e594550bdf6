//! Byte ranges in headers (RFC 9110, 14).

use crate::provider::ByteRange;

/// The value of a `Range` header.
#[must_use]
pub fn range_value(range: ByteRange) -> String {
    let last = range.offset.saturating_add(range.length.max(1)) - 1;
    format!("bytes={}-{last}", range.offset)
}

/// First byte and whole size of a `Content-Range`, such as `bytes 0-9/70000`; the size may be `*`.
#[must_use]
pub fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then(|| (first, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_it_is_told() {
        assert_eq!(content_range("bytes 69990-69999/70000"), Some((69_990, Some(70_000))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0, None)));
        for bad in ["", "bytes */70000", "bytes 9-1/10", "items 0-1/2", "bytes 0-1"] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_is_asked_for_by_its_first_and_last_byte() {
        assert_eq!(range_value(ByteRange { offset: 5, length: 10 }), "bytes=5-14");
        assert_eq!(range_value(ByteRange { offset: 0, length: 0 }), "bytes=0-0");
    }
}
