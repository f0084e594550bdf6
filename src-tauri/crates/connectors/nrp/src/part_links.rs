//! Where parts go. Links are kept in memory only: a signed one is a secret, and each is given anew when asked for.

use crate::api_types::FileEntry;
use labferry_provider::http::SignedUrl;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Uploads that are kept, most of them small files without links; the oldest are dropped and asked for again.
const MOST_UPLOADS: usize = 1_024;
/// Links that are kept, all uploads together: a few files of the most parts there can be, at some 300 bytes a link.
const MOST_LINKS: usize = 40_000;

/// One link of a part.
#[derive(Clone)]
pub(crate) enum PartTarget {
    /// The service itself, with the token.
    Service(String),
    /// A storage host, without it.
    Storage(SignedUrl),
}

/// The links of the uploads in hand.
#[derive(Default)]
pub(crate) struct PartLinks {
    uploads: Mutex<Vec<(String, BTreeMap<u32, PartTarget>)>>,
}

impl PartLinks {
    /// Keeps the links of an entry under the upload's name.
    pub(crate) fn keep(&self, upload: &str, entry: &FileEntry) {
        let links = entry
            .links
            .parts
            .iter()
            .filter_map(|link| Some((link.part, target(&link.url)?)))
            .collect::<BTreeMap<_, _>>();
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.retain(|(name, _)| name != upload);
        let mut kept: usize = uploads.iter().map(|(_, links)| links.len()).sum();
        while !uploads.is_empty() && (uploads.len() >= MOST_UPLOADS || kept + links.len() > MOST_LINKS) {
            kept -= uploads.remove(0).1.len();
        }
        uploads.push((upload.to_owned(), links));
    }

    pub(crate) fn get(&self, upload: &str, part: u32) -> Option<PartTarget> {
        let uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.iter().find(|(name, _)| name == upload)?.1.get(&part).cloned()
    }

    /// Whether the upload was seen to wait for bytes, whole files included.
    pub(crate) fn knows(&self, upload: &str) -> bool {
        let uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.iter().any(|(name, _)| name == upload)
    }

    pub(crate) fn forget(&self, upload: &str) {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner).retain(|(name, _)| name != upload);
    }
}

/// A link with a signature carries its own permission; any other is the service's own and is checked against its
/// origin before the token goes there.
pub(crate) fn target(url: &str) -> Option<PartTarget> {
    let signed = SignedUrl::parse(url)?;
    let has = |name| signed.query_value(name).is_some();
    if has("X-Amz-Signature") || has("Signature") || has("sig") {
        Some(PartTarget::Storage(signed))
    } else {
        Some(PartTarget::Service(url.to_owned()))
    }
}
