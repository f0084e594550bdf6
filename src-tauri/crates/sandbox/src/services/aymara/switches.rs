//! What is not promised by the service, and so may be one way or another.

use serde::{Deserialize, Serialize};

/// What `count` in a listing means; nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Count {
    /// All files that match.
    Total,
    /// The offset of the page.
    Offset,
    /// Nothing is told.
    Null,
}

/// The behaviour of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Switches {
    /// The meaning of `count`.
    pub(crate) count: Count,
    /// Listings carry links to the files.
    pub(crate) links_in_lists: bool,
    /// Every page is the first one.
    pub(crate) ignore_offset: bool,
    /// Seconds a link lives.
    pub(crate) link_seconds: i64,
    /// A link to send to is good for the media type it was asked for with only.
    pub(crate) bind_content_type: bool,
    /// Questions for the status of a file until it is processed.
    pub(crate) polls: u32,
    /// Processing ends with an error.
    pub(crate) processing_fails: bool,
    /// Frames that are taken from a video.
    pub(crate) frames: u32,
    /// A form of more bytes is refused.
    pub(crate) form_limit: Option<u64>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            count: Count::Total,
            links_in_lists: false,
            ignore_offset: false,
            link_seconds: 1800,
            bind_content_type: true,
            polls: 2,
            processing_fails: false,
            frames: 3,
            form_limit: None,
        }
    }
}
