//! How an Aruna instance may behave: what differs between servers, and the traps.

use serde::{Deserialize, Serialize};

/// The behaviour of the Aruna service. `POST /switches/aruna` on the control door takes any subset as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Switches {
    /// Seconds a link of the data proxy lives; seven days unless set.
    pub(crate) link_seconds: i64,
    /// When an object that came in parts is hashed and becomes available.
    pub(crate) finalisation: Finalisation,
    /// The shape of the receipts for parts.
    pub(crate) etags: Etags,
    /// How byte ranges are answered.
    pub(crate) ranges: Ranges,
    /// Bytes wanted in every part but the last, checked when the upload is finished.
    pub(crate) smallest_part: u64,
    /// Whether the listing drops staging objects after it cut the page, as v1.0.1 does: short pages while more follows.
    pub(crate) short_pages: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            link_seconds: 604_800,
            finalisation: Finalisation::AfterMs(300),
            etags: Etags::Odd,
            ranges: Ranges::SliceWith200,
            smallest_part: 5 * 1024 * 1024,
            short_pages: true,
        }
    }
}

/// When a finished multipart upload becomes an available object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finalisation {
    /// Before the answer to the finish.
    AtOnce,
    /// This many milliseconds after it was finished.
    AfterMs(u64),
    /// Only when `POST /jobs/checksums/run` is called; until then it is like a server whose job died.
    ByJob,
}

/// What a part's `ETag` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Etags {
    /// `-"HEX"`, of the encrypted bytes: no MD5 of what was sent.
    Odd,
    /// `"MD5"`.
    Plain,
}

/// How byte ranges are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ranges {
    /// 200 with the slice and no `Content-Range`, as v1 does; one byte too many in objects of up to 5 MiB.
    SliceWith200,
    /// 206, as v2 does.
    Proper,
    /// 200 with everything.
    Ignored,
}
