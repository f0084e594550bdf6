//! Digests of file content, ours and the services'.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A digest algorithm that a service keeps or that we compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// MD5, RFC 1321. Good against accidents only; it is what InvenioRDM keeps.
    Md5,
    /// SHA-256, FIPS 180-4.
    Sha256,
}

impl Algorithm {
    /// The name used in answers and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
        }
    }

    /// Length of the digest in bytes.
    #[must_use]
    pub fn byte_count(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha256 => 32,
        }
    }
}

/// The digest of a whole content, lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest {
    /// How it was computed.
    pub algorithm: Algorithm,
    /// Lower-case hexadecimal, twice the algorithm's length.
    pub hex: String,
}

impl Digest {
    /// Takes foreign text; `None` unless it is exactly one digest of that algorithm in hexadecimal.
    #[must_use]
    pub fn parse(algorithm: Algorithm, hex: &str) -> Option<Self> {
        let hex = hex.trim().to_ascii_lowercase();
        (hex.len() == algorithm.byte_count() * 2 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .then_some(Self { algorithm, hex })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

/// What a service says about the content it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RemoteDigest {
    /// The digest of the whole content.
    Whole {
        /// The digest.
        digest: Digest,
    },
    /// S3's form for objects sent in parts: the MD5 of the parts' MD5s, with the number of parts and their size.
    Md5OfParts {
        /// Lower-case hexadecimal of `md5(md5(part 1) ‖ md5(part 2) ‖ …)`.
        hex: String,
        /// Number of parts.
        parts: u32,
        /// Size of every part but the last, in bytes, where the service names it.
        part_size: Option<u64>,
    },
}

/// Digests of one content, at most one per algorithm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSet {
    /// MD5, when computed.
    pub md5: Option<String>,
    /// SHA-256, when computed.
    pub sha256: Option<String>,
}

impl DigestSet {
    /// The hexadecimal digest by that algorithm, if it is here.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm {
            Algorithm::Md5 => self.md5.as_deref(),
            Algorithm::Sha256 => self.sha256.as_deref(),
        }
    }

    /// Whether `digest` equals ours: `None` when we have none by that algorithm.
    #[must_use]
    pub fn agrees(&self, digest: &Digest) -> Option<bool> {
        self.get(digest.algorithm).map(|ours| ours == digest.hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_hexadecimal_digest_parses() {
        let md5 = "5D41402ABC4B2A76B9719D911017C592";
        assert_eq!(
            Digest::parse(Algorithm::Md5, md5).map(|d| d.to_string()),
            Some("md5:5d41402abc4b2a76b9719d911017c592".into())
        );
        assert_eq!(Digest::parse(Algorithm::Md5, &md5[1..]), None);
        assert_eq!(Digest::parse(Algorithm::Md5, &md5.replace('D', "g")), None);
        assert_eq!(Digest::parse(Algorithm::Sha256, md5), None);
    }
}
