//! Reading the service's JSON. Every member may be missing or of another type than seen so far: objects are kept as they
//! came, and what is needed is looked for where it is used.

use crate::file_value::takes_files;
use labferry_model::{Metadata, Timestamp};
use serde_json::Value;

/// A member that is text and not empty.
pub(crate) fn text<'a>(object: &'a Metadata, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A member that is a whole number, also where it is written as text.
pub(crate) fn number(object: &Metadata, name: &str) -> Option<u64> {
    let value = object.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A member that is a time.
pub(crate) fn time(object: &Metadata, name: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text(object, name)?.parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// A member that is an array, its objects only.
pub(crate) fn objects<'a>(object: &'a Metadata, name: &str) -> impl Iterator<Item = &'a Metadata> + use<'a> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// A data or key field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether its values are files that can be added here.
    pub(crate) takes_files: bool,
}

impl Field {
    /// A field as it is listed; nothing where it is archived, deleted or cannot be used.
    pub(crate) fn read(object: &Metadata) -> Option<Self> {
        let is = |name: &str| object.get(name).and_then(Value::as_bool).unwrap_or(false);
        if is("is_archived") || is("is_deleted") {
            return None;
        }
        let id = text(object, "id")?.to_owned();
        let name = text(object, "field_name").unwrap_or(&id).to_owned();
        let takes_files = takes_files(text(object, "field_type")) && !is("is_readonly");
        Some(Self { id, name, takes_files })
    }

    /// Whether a person means this field: by its id, or its name in whatever case.
    pub(crate) fn is_called(&self, wanted: &str) -> bool {
        self.id == wanted || self.name.eq_ignore_ascii_case(wanted.trim())
    }
}
