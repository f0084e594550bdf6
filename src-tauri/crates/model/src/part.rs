//! Parts of a file: the unit of sending, of resuming and of the receipt.

use serde::{Deserialize, Serialize};

/// One part of a plan: a byte range of the file. A whole file is a plan with one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartPlan {
    /// Part number, from 1, in file order.
    pub number: u32,
    /// First byte, from 0.
    pub offset: u64,
    /// Number of bytes; 0 only for the single part of an empty file.
    pub length: u64,
}

impl PartPlan {
    /// One past the last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// What is kept of a part that the service accepted: enough to prove later that the same bytes are still in the
/// source, and to finish the upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReceipt {
    /// The part this is the receipt of.
    pub part: PartPlan,
    /// CRC-32C of the bytes we sent. It only guards our own source against change between two runs; the proof
    /// towards the service is made with digests.
    pub crc32c: u32,
    /// MD5 of the bytes we sent, lower-case hexadecimal, where the service's part receipts carry one.
    pub md5: Option<String>,
    /// The service's own receipt (an S3 ETag without its quotes), where it gives one.
    pub etag: Option<String>,
}
