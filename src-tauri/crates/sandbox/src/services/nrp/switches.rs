//! How an InvenioRDM instance may be set up: what differs between repositories, and the traps.

use serde::{Deserialize, Serialize};

/// The behaviour of the NRP service. `POST /switches` on the control door takes any subset as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NrpSwitches {
    /// Where files are kept, and with it who takes the parts of new uploads.
    pub storage: Storage,
    /// Whether transfer type `M` is listed and allowed; without it an init with `M` is 403.
    pub multipart: bool,
    /// Whether downloads through the API honour `Range`; InvenioRDM's own default is off. Signed links always do.
    pub ranges: bool,
    /// When a file that came in parts gets its MD5.
    pub checksums: Checksums,
    /// Whether `/.well-known/repository` is there; without it only the page's generator tag tells what runs here.
    pub nrp_documents: bool,
    /// Whether publishing is a request to a curator: no `publish` link, and publishing directly is 403.
    pub publish_by_request: bool,
    /// A request body of this many bytes or more is 413. InvenioRDM: 104857600 unless set.
    pub body_limit: Option<u64>,
    /// Bytes a draft may hold, checked when the content of an `L` file arrives.
    pub quota: Option<u64>,
    /// Files a draft may have.
    pub files_per_record: usize,
    /// Whether files without a byte are taken.
    pub empty_files: bool,
    /// Requests a minute, all callers together; more are 429.
    pub requests_per_minute: Option<u32>,
    /// Seconds a signed link for a part lives.
    pub part_link_seconds: i64,
    /// Seconds a signed link for a download lives.
    pub download_link_seconds: i64,
    /// Bytes the storage host wants in every part but the last, checked at commit.
    pub smallest_part: u64,
    /// Milliseconds until a new draft shows up in lists.
    pub index_lag_ms: u64,
}

impl Default for NrpSwitches {
    fn default() -> Self {
        Self {
            storage: Storage::Api,
            multipart: true,
            ranges: true,
            checksums: Checksums::AfterMs(300),
            nrp_documents: true,
            publish_by_request: false,
            body_limit: None,
            quota: None,
            files_per_record: 100,
            empty_files: true,
            requests_per_minute: None,
            part_link_seconds: 604_800,
            download_link_seconds: 60,
            smallest_part: 5 * 1024 * 1024,
            index_lag_ms: 0,
        }
    }
}

/// Where a repository keeps files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// On its own disk: parts and downloads go through the API, with the token.
    Api,
    /// In S3, the usual set-up of NRP: parts and downloads go by signed links, without the token.
    Signed,
}

/// When a file that came in parts gets its MD5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksums {
    /// Before the answer to the commit.
    AtOnce,
    /// By a job that runs this many milliseconds after the commit.
    AfterMs(u64),
    /// Only when `POST /jobs/checksums/run` is called on the control door.
    ByJob,
}
