//! What differs between Airalogy servers, and the traps that come and go.

use serde::{Deserialize, Serialize};

/// The behaviour of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Switches {
    /// The answer to an upload says `file_name`, as documented, instead of `filename`, as the server does.
    pub(crate) documented_names: bool,
    /// A download through the interface ends after this many bytes, with a clean end.
    pub(crate) short_downloads: Option<u64>,
    /// Temporary links name the storage by a host that nobody outside can reach.
    pub(crate) unreachable_links: bool,
    /// Temporary links are no web addresses, as for files that are kept elsewhere.
    pub(crate) foreign_links: bool,
    /// Seconds a temporary link lives.
    pub(crate) link_seconds: i64,
    /// A body of more bytes is refused by the proxy before the server.
    pub(crate) body_limit: Option<u64>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            documented_names: false,
            short_downloads: None,
            unreachable_links: false,
            foreign_links: false,
            link_seconds: 86_400,
            body_limit: None,
        }
    }
}
