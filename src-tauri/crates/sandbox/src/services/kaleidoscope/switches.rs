//! What is unknown of the service, as switches: shapes of answers, headers of downloads, limits.

use serde::{Deserialize, Serialize};

/// The behaviour of the Kaleidoscope service. `POST /switches?service=kaleidoscope` takes any subset as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KaleidoscopeSwitches {
    /// Seconds an access token lives, as the token answer tells it.
    pub expires_in: i64,
    /// What the content of a file value looks like.
    pub file_values: FileValues,
    /// Whether uploads are answered without a body.
    pub empty_upload_answers: bool,
    /// Whether an upload whose `Content-Type` says JSON, as the official client's does, is taken all the same.
    pub lenient_uploads: bool,
    /// Whether downloads honour `Range`.
    pub ranges: bool,
    /// Whether downloads tell their length; otherwise they are chunked.
    pub lengths: bool,
    /// Whether downloads carry an `ETag`.
    pub etags: bool,
    /// Whether downloads carry a `Content-Disposition` with the file's name.
    pub dispositions: bool,
    /// Whether downloads are redirected to a storage host, which refuses requests that carry a token.
    pub redirects: bool,
    /// An upload of more bytes than this is 413.
    pub body_limit: Option<u64>,
    /// Requests a minute, all callers together; more are 429 with `Retry-After`.
    pub requests_per_minute: Option<u32>,
    /// Most hits of a search for activities.
    pub search_cap: usize,
    /// How refusals are worded.
    pub errors: ErrorShape,
}

impl Default for KaleidoscopeSwitches {
    fn default() -> Self {
        Self {
            expires_in: 3600,
            file_values: FileValues::Object,
            empty_upload_answers: false,
            lenient_uploads: true,
            ranges: true,
            lengths: true,
            etags: false,
            dispositions: true,
            redirects: false,
            body_limit: None,
            requests_per_minute: None,
            search_cap: 500,
            errors: ErrorShape::CodeAndMessage,
        }
    }
}

/// What the content of a file value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileValues {
    /// The file's id as text.
    Id,
    /// An object with id and name.
    Object,
    /// An array of one such object.
    Array,
    /// Nothing from which the file's id can be told.
    Opaque,
}

/// How refusals are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `{"code", "message"}`
    CodeAndMessage,
    /// `{"statusCode", "error", "message"}`
    Framework,
    /// An array of `{"code", "path", "message"}`
    Validation,
    /// A page.
    Html,
}
