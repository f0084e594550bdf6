//! What can be shown of a file.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a preview is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PreviewKind {
    /// A picture, in `bytes`.
    Image,
    /// A document, in `bytes`.
    Pdf,
    /// Sound, in `bytes`.
    Audio,
    /// Moving pictures, in `bytes`.
    Video,
    /// Characters, in `text`. Markup is shown as it is written.
    Text,
    /// Rows of cells, in `rows`.
    Table,
    /// Nothing is in the file.
    Empty,
    /// More bytes than a preview fetches.
    TooLarge,
    /// What the bytes are is not known, or cannot be shown.
    Unknown,
    /// The bytes begin like something that can be shown, and go on like nothing that can.
    Broken,
    /// The service does not have the file whole.
    NotReady,
}

/// What can be shown of a file. The bytes decide what it is, never its name or what the service calls it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PreviewAnswer {
    /// How to show it.
    pub kind: PreviewKind,
    /// The media type of `bytes`, by what they are.
    pub media_type: Option<String>,
    /// The bytes, in Base64.
    pub bytes: Option<String>,
    /// The characters.
    pub text: Option<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// Whether this is only the beginning.
    pub cut: bool,
}
