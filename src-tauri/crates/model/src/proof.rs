//! How sure we are that two copies are the same bytes.

use crate::digest::Algorithm;
use serde::{Deserialize, Serialize};

/// What was shown at the end of a transfer or a check. Only digest proofs are green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Proof {
    /// The service computed a digest of what it holds and it equals ours.
    ServerDigest {
        /// The algorithm compared.
        algorithm: Algorithm,
    },
    /// The service's digest over the parts it holds equals the one we computed from ours.
    PartDigests {
        /// How many parts.
        parts: u32,
    },
    /// The service's copy was fetched and its digest equals ours.
    ReadBack {
        /// The algorithm compared.
        algorithm: Algorithm,
    },
    /// Only the size was compared. Never green.
    SizeOnly,
}

impl Proof {
    /// Whether the bytes themselves were compared.
    #[must_use]
    pub fn is_green(&self) -> bool {
        !matches!(self, Self::SizeOnly)
    }

    /// The name used in answers.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ServerDigest { .. } => "server_digest",
            Self::PartDigests { .. } => "part_digests",
            Self::ReadBack { .. } => "read_back",
            Self::SizeOnly => "size_only",
        }
    }
}
