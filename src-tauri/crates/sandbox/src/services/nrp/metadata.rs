//! What of a record's metadata is taken, dropped and required.

use serde_json::{Map, Value, json};

use super::answer::{ApiError, field_error};

/// Descriptive fields of the InvenioRDM schema; others are dropped with a note.
const KNOWN: [&str; 22] = [
    "title",
    "publication_date",
    "resource_type",
    "creators",
    "publisher",
    "additional_titles",
    "description",
    "additional_descriptions",
    "rights",
    "copyright",
    "contributors",
    "subjects",
    "languages",
    "dates",
    "version",
    "identifiers",
    "related_identifiers",
    "sizes",
    "formats",
    "locations",
    "funding",
    "references",
];

/// The resource types of the lab's vocabulary, without their refinements.
const RESOURCE_TYPES: [&str; 12] = [
    "dataset",
    "image",
    "publication",
    "software",
    "video",
    "audio",
    "lesson",
    "model",
    "other",
    "physicalobject",
    "poster",
    "presentation",
];

/// Characters a title needs at least.
const TITLE_LENGTH: usize = 3;

/// The known fields, with a note for each unknown one.
///
/// # Errors
/// A resource type that is not in the vocabulary is refused outright.
pub(crate) fn accept(metadata: &Value) -> Result<(Map<String, Value>, Vec<Value>), ApiError> {
    let mut notes = Vec::new();
    let mut accepted = Map::new();
    let given = match metadata {
        Value::Null => Map::new(),
        Value::Object(given) => given.clone(),
        _ => return Err(ApiError::field("metadata", "Invalid input type.")),
    };
    for (name, value) in given {
        if KNOWN.contains(&name.as_str()) {
            accepted.insert(name, value);
        } else {
            notes.push(field_error(format!("metadata.{name}"), "Unknown field."));
        }
    }
    if let Some(id) = accepted.get("resource_type").and_then(|kind| kind["id"].as_str()) {
        let kind = id.split('-').next().unwrap_or(id);
        if !RESOURCE_TYPES.contains(&kind) {
            return Err(ApiError::bad_request(format!("Invalid value {id}.")));
        }
        // The vocabulary's own title is added to what was sent.
        let id = id.to_owned();
        let title = format!("{}{}", kind[..1].to_ascii_uppercase(), &kind[1..]);
        accepted.insert("resource_type".to_owned(), json!({"id": id, "title": {"en": title}}));
    }
    Ok((accepted, notes))
}

/// What is missing or wrong, as it stands in `errors` of a draft and as it blocks publishing.
pub(crate) fn problems(metadata: &Map<String, Value>) -> Vec<Value> {
    const MISSING: &str = "Missing data for required field.";
    let mut problems = Vec::new();
    let mut required = |name: &str, is_there: bool| {
        if !is_there {
            problems.push(field_error(format!("metadata.{name}"), MISSING));
        }
    };
    let text = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or_default();
    required(
        "creators",
        metadata.get("creators").and_then(Value::as_array).is_some_and(|list| !list.is_empty()),
    );
    required("publication_date", !text("publication_date").is_empty());
    required("resource_type", metadata.get("resource_type").is_some_and(|kind| kind["id"].is_string()));
    required("title", !text("title").is_empty());
    if (1..TITLE_LENGTH).contains(&text("title").chars().count()) {
        problems.push(field_error("metadata.title", format!("Shorter than minimum length {TITLE_LENGTH}.")));
    }
    problems
}
