//! An upload as it is stored: enough to go on tomorrow, in another process.

use labferry_model::Capabilities;
use serde::{Deserialize, Serialize};

/// A begun upload. The engine stores it before the first byte leaves and hands it back unread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadSession {
    /// Whether the bytes go in parts; otherwise the one part is the file.
    pub in_parts: bool,
    /// Bytes of every part but the last, as agreed with the service; the planner's wish may have been changed.
    pub part_size: u64,
    /// The connector's own memory: ids and names, never a secret, never a signed link.
    pub memory: serde_json::Value,
}

/// What the planner wishes for; a connector may answer with another shape in its [`UploadSession`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShapeWish {
    /// Parts or whole.
    pub in_parts: bool,
    /// Bytes of every part but the last.
    pub part_size: u64,
    /// Number of parts.
    pub part_count: u32,
}

impl ShapeWish {
    /// One request for the whole file of `size` bytes.
    #[must_use]
    pub fn whole(size: u64) -> Self {
        Self { in_parts: false, part_size: size, part_count: 1 }
    }

    /// Whether these capabilities have the shape at all.
    #[must_use]
    pub fn possible_with(&self, capabilities: &Capabilities) -> bool {
        !self.in_parts || capabilities.parts.is_some()
    }
}
