//! What a service can do besides moving files, as data: front ends offer it without knowing the service.

use serde::{Deserialize, Serialize};

/// What a field of an action takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line of text.
    #[default]
    Text,
    /// Several lines, or JSON.
    LongText,
    /// Yes or no.
    Switch,
}

/// One field of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionField {
    /// The name used with `--set NAME=VALUE`.
    pub name: String,
    /// What people read.
    pub label: String,
    /// What it takes.
    pub kind: FieldKind,
    /// What it holds now, in the words it takes; empty for nothing. A field that is not given stays as it is.
    pub value: String,
    /// Whether it may stay empty.
    pub required: bool,
}

/// Something a service can do with one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The name used with `labferry action run`.
    pub name: String,
    /// What people read on the button.
    pub title: String,
    /// The question to confirm before it is done; none when it can be undone.
    pub confirmation: Option<String>,
    /// What must be filled in.
    pub fields: Vec<ActionField>,
}

/// What an action answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionResult {
    /// One sentence.
    pub message: String,
    /// The place to look at next, when it is another one (a new version, say).
    pub place: Option<String>,
    /// The service's own answer.
    pub details: serde_json::Value,
}
