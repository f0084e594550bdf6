//! The links that announced files are sent to. They are secrets and live in memory only: a new process announces anew.

use labferry_provider::http::SignedUrl;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Links by the file's id.
#[derive(Default)]
pub(crate) struct UploadLinks {
    links: Mutex<BTreeMap<String, SignedUrl>>,
}

impl UploadLinks {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, SignedUrl>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keep(&self, id: &str, link: SignedUrl) {
        self.all().insert(id.to_owned(), link);
    }

    pub(crate) fn get(&self, id: &str) -> Option<SignedUrl> {
        self.all().get(id).cloned()
    }

    pub(crate) fn forget(&self, id: &str) {
        self.all().remove(id);
    }
}
