//! A draft's metadata as a form: the fields that InvenioRDM asks for before it publishes, each as people write it, and
//! everything else as JSON. What a field holds is from InvenioRDM's metadata reference
//! (<https://inveniordm.docs.cern.ch/reference/metadata/>). A repository with a model of its own keeps other things under
//! these names; a field that is not as expected is left out of the form, and stays as it is.

use labferry_model::Metadata;
use labferry_provider::{Action, ActionField, FieldKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The action's name.
pub(crate) const EDIT: &str = "edit";
/// The field for what has none of its own.
const OTHER: &str = "other";

/// Name, label and kind of each field.
const FIELDS: [(&str, &str, FieldKind); 6] = [
    ("title", "Title", FieldKind::Text),
    ("description", "Description", FieldKind::LongText),
    ("creators", "Creators, one a line: family name, given names", FieldKind::LongText),
    ("publication_date", "Publication date, such as 2026-05-18", FieldKind::Text),
    ("resource_type", "Resource type, such as dataset or image", FieldKind::Text),
    ("publisher", "Publisher", FieldKind::Text),
];

/// The form, filled in with what the draft has.
pub(crate) fn form(metadata: &Metadata) -> Action {
    let known = FIELDS.iter().filter_map(|&(name, label, kind)| {
        let value = written(name, metadata.get(name))?;
        Some(ActionField { name: name.into(), label: label.into(), kind, value, required: false })
    });
    let other = ActionField {
        name: OTHER.into(),
        label: "Other fields to change, as a JSON object; null removes one".into(),
        kind: FieldKind::LongText,
        ..ActionField::default()
    };
    Action {
        name: EDIT.into(),
        title: "Change the metadata".into(),
        confirmation: None,
        fields: known.chain([other]).collect(),
    }
}

/// The metadata that a filled-in form changes: a field that was emptied is null, one that was not given is not there.
///
/// # Errors
/// Other fields that are no JSON object.
pub(crate) fn changes(
    fields: &BTreeMap<String, String>,
    before: &Metadata,
) -> Result<Metadata, &'static str> {
    let mut changes = Metadata::new();
    for (name, text) in fields {
        let text = text.trim();
        if name != OTHER {
            changes.insert(name.clone(), read(name, text, before));
        } else if !text.is_empty() {
            let Ok(Value::Object(other)) = serde_json::from_str(text) else {
                return Err("the other fields must be a JSON object, such as {\"version\": \"2\"}");
            };
            changes.extend(other);
        }
    }
    Ok(changes)
}

/// The value as people write it; none when it is not what the field is for.
fn written(name: &str, value: Option<&Value>) -> Option<String> {
    match (name, value) {
        (_, None | Some(Value::Null)) => Some(String::new()),
        ("creators", Some(Value::Array(creators))) => {
            creators.iter().map(line).collect::<Option<Vec<_>>>().map(|lines| lines.join("\n"))
        }
        ("resource_type", Some(Value::Object(kind))) => kind.get("id")?.as_str().map(str::to_owned),
        ("creators" | "resource_type", Some(_)) => None,
        (_, Some(value)) => value.as_str().map(str::to_owned),
    }
}

fn read(name: &str, text: &str, before: &Metadata) -> Value {
    match name {
        _ if text.is_empty() => Value::Null,
        "creators" => {
            let mut known = before.get("creators").and_then(Value::as_array).cloned().unwrap_or_default();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            // Who was there keeps what the form does not show: an ORCID, an affiliation, a role. Each is given out once, for
            // two people may have one name.
            lines
                .map(|text| match known.iter().position(|each| line(each).as_deref() == Some(text)) {
                    Some(place) => known.remove(place),
                    None => creator(text),
                })
                .collect()
        }
        "resource_type" => json!({ "id": text }),
        _ => Value::String(text.to_owned()),
    }
}

/// A creator as one line: a person with a comma, an organisation without.
fn line(creator: &Value) -> Option<String> {
    let person = &creator["person_or_org"];
    let text = |field: &str| person[field].as_str().unwrap_or_default().trim();
    let line = match (text("family_name"), text("given_name")) {
        ("", _) => text("name").to_owned(),
        (family, given) => format!("{family}, {given}").trim_end().to_owned(),
    };
    (!line.is_empty()).then_some(line)
}

fn creator(line: &str) -> Value {
    let person = match line.split_once(',') {
        None => json!({ "type": "organizational", "name": line }),
        Some((family, given)) => {
            json!({ "type": "personal", "family_name": family.trim(), "given_name": given.trim() })
        }
    };
    json!({ "person_or_org": person })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn metadata(value: Value) -> Metadata {
        value.as_object().unwrap().clone()
    }

    fn given(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
        fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn value<'a>(form: &'a Action, name: &str) -> Option<&'a str> {
        form.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    #[test]
    fn the_form_shows_what_the_draft_has_as_people_write_it() {
        let form = form(&metadata(json!({
            "title": "Zebrafish", "resource_type": { "id": "dataset" },
            "creators": [
                { "person_or_org": { "type": "personal", "family_name": "Nováková", "given_name": "Jana" } },
                { "person_or_org": { "type": "organizational", "name": "CEITEC" } },
            ],
        })));
        assert_eq!(value(&form, "title"), Some("Zebrafish"));
        assert_eq!(value(&form, "creators"), Some("Nováková, Jana\nCEITEC"));
        assert_eq!(value(&form, "resource_type"), Some("dataset"));
        assert_eq!(value(&form, "publication_date"), Some(""));
    }

    #[test]
    fn a_field_of_another_shape_is_not_offered() {
        let form = form(&metadata(json!({
            "title": [{ "lang": "cs", "value": "Danio" }], "creators": [{ "name": "Jana" }], "resource_type": "dataset",
        })));
        assert_eq!(value(&form, "title"), None);
        assert_eq!(value(&form, "creators"), None);
        assert_eq!(value(&form, "resource_type"), None);
        assert!(value(&form, OTHER).is_some());
    }

    #[test]
    fn creators_who_stay_keep_what_the_form_does_not_show() {
        let jana = json!({
            "person_or_org": { "type": "personal", "family_name": "Nováková", "given_name": "Jana",
                "identifiers": [{ "scheme": "orcid", "identifier": "0000-0002-1825-0097" }] },
            "affiliations": [{ "id": "05k89ew48" }],
        });
        let before = metadata(json!({ "creators": [jana] }));
        let changed =
            changes(&given(&[("creators", "Doe, J.\n\n  Nováková, Jana \nCEITEC")]), &before).unwrap();
        assert_eq!(
            changed["creators"],
            json!([
                { "person_or_org": { "type": "personal", "family_name": "Doe", "given_name": "J." } },
                jana,
                { "person_or_org": { "type": "organizational", "name": "CEITEC" } },
            ])
        );
    }

    #[test]
    fn two_people_of_one_name_stay_two() {
        let wei = |orcid: &str| {
            json!({ "person_or_org": { "type": "personal", "family_name": "Wang", "given_name": "Wei",
                "identifiers": [{ "scheme": "orcid", "identifier": orcid }] } })
        };
        let creators = json!([wei("0000-0002-1825-0097"), wei("0000-0001-5109-3700")]);
        let before = metadata(json!({ "creators": creators }));
        let changed = changes(&given(&[("creators", "Wang, Wei\nWang, Wei\nDoe, Jo")]), &before).unwrap();
        assert_eq!(changed["creators"].as_array().unwrap()[..2], creators.as_array().unwrap()[..]);
    }

    #[test]
    fn emptied_fields_are_taken_away_and_those_not_given_stay() {
        let fields = given(&[("publisher", " "), ("resource_type", "image"), (OTHER, r#"{"version": "2"}"#)]);
        let changed = changes(&fields, &Metadata::new()).unwrap();
        let wanted = json!({ "publisher": null, "resource_type": { "id": "image" }, "version": "2" });
        assert_eq!(changed, metadata(wanted));
        assert!(changes(&given(&[(OTHER, "version 2")]), &Metadata::new()).is_err());
    }
}
