//! Addresses, as they stand in `links`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Nrp;
use super::world::Record;

/// What stays as it is in a key within a path, as InvenioRDM's own links show it.
const IN_KEY: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

impl Nrp {
    /// Below the API's root.
    pub(crate) fn api(&self, path: &str) -> String {
        format!("{}/api{path}", self.url)
    }

    /// A record as published.
    pub(crate) fn record_link(&self, record: &Record) -> String {
        self.api(&format!("/records/{}", record.id))
    }

    /// The file list of a draft or of what is published.
    pub(crate) fn files_link(&self, record: &Record, is_draft: bool) -> String {
        let draft = if is_draft { "/draft" } else { "" };
        self.api(&format!("/records/{}{draft}/files", record.id))
    }

    /// One file.
    pub(crate) fn file_link(&self, record: &Record, is_draft: bool, key: &str) -> String {
        format!("{}/{}", self.files_link(record, is_draft), utf8_percent_encode(key, &IN_KEY))
    }

    /// The site's root.
    pub(crate) fn site(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}
