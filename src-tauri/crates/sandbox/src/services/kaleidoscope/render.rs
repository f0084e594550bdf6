//! The service's JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Kaleidoscope;
use super::switches::FileValues;
use super::world::{Activity, Contents, Field, Held, Property, Record, RecordValue, Registration};

/// RFC 3339 with milliseconds and `Z`.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The user all practice data belongs to.
pub(crate) const USER: &str = "5f0f7a52-3c1d-4e5b-9a52-0d6d3f1c2b01";

impl Kaleidoscope {
    /// What a value holds, in the shape that is switched on.
    pub(crate) fn content_json(&self, contents: &Contents, held: &Held) -> Value {
        let id = match held {
            Held::Plain(value) => return value.clone(),
            Held::File(id) => id,
        };
        let object = || match contents.file(id) {
            Some(file) => json!({
                "file_id": id, "file_name": file.name, "file_size": file.size, "mime_type": file.media_type,
            }),
            None => json!({"file_id": id}),
        };
        match self.switches().file_values {
            FileValues::Id => id.clone().into(),
            FileValues::Object => object(),
            FileValues::Array => json!([object()]),
            FileValues::Opaque => json!({"stored": true}),
        }
    }

    pub(crate) fn activity_json(&self, contents: &Contents, activity: &Activity) -> Value {
        let children: Vec<_> = contents
            .activities
            .iter()
            .filter(|child| child.parent.as_ref() == Some(&activity.id))
            .map(|child| child.id.as_str())
            .collect();
        let properties: Vec<_> = activity
            .properties
            .iter()
            .map(|property| self.property_json(contents, activity, property))
            .collect();
        json!({
            "id": activity.id,
            "title": activity.title,
            "activity_type": activity.kind,
            "status": activity.status,
            "definition_id": null,
            "parent_id": activity.parent,
            "child_ids": children,
            "program_ids": activity.programs,
            "label_ids": [],
            "assigned_user_ids": [USER],
            "assigned_group_ids": [],
            "subscriber_ids": [],
            "reviewer_ids": [],
            "dependencies": [],
            "description": null,
            "due_date": null,
            "start_date": null,
            "duration": null,
            "completed_at_date": null,
            "created_at": time(activity.created),
            "created_by": USER,
            "last_activity_at": time(activity.active),
            "workspace_id": activity.workspace,
            "is_draft": false,
            "external_id": null,
            "document_ids": [],
            "note_section_ids": [],
            "all_record_ids": activity.records,
            "attached_record_ids": [],
            "data_table_record_ids": activity.records,
            "data_table_record_mapping": {},
            "data_table_draft_record_ids": [],
            "properties": properties,
        })
    }

    fn property_json(&self, contents: &Contents, activity: &Activity, property: &Property) -> Value {
        let field = contents.property_fields.iter().find(|field| field.id == property.field);
        json!({
            "id": property.id,
            "property_field_id": property.field,
            "property_name": field.map(|field| &field.name),
            "field_type": field.map(|field| &field.kind),
            "content": self.content_json(contents, &property.content),
            "created_at": time(property.created),
            "created_by": USER,
            "last_updated_by": USER,
            "resource_type": "task",
            "resource_id": activity.id,
        })
    }

    pub(crate) fn record_json(&self, contents: &Contents, record: &Record) -> Value {
        let mut values = Map::new();
        for field in &contents.key_fields {
            values.insert(field.id.clone(), json!([{"id": record.id, "content": record.key}]));
        }
        for (field, list) in &record.values {
            let list: Vec<_> = list.iter().map(|value| self.value_json(contents, record, value)).collect();
            values.insert(field.clone(), list.into());
        }
        let since: Map<String, Value> =
            record.activities.iter().map(|(activity, at)| (activity.clone(), time(*at).into())).collect();
        json!({
            "id": record.id,
            "record_identifier": record.key,
            "entity_slice_id": contents.slice,
            "identifier_ids": [],
            "created_at": time(record.created),
            "initial_operation_id": record.activities.keys().next(),
            "workspace_id": record.workspace,
            "sub_record_ids": [],
            "excluded_operation_ids": [],
            "operation_records_created_at": since,
            "record_values": values,
        })
    }

    /// A value as it stands inside its record.
    pub(crate) fn value_json(&self, contents: &Contents, record: &Record, value: &RecordValue) -> Value {
        json!({
            "id": value.id,
            "content": self.content_json(contents, &value.content),
            "created_at": time(value.created),
            "operation_id": value.activity,
            "record_id": record.id,
            "record_view_id": value.view,
        })
    }

    /// A value as it stands by itself.
    pub(crate) fn full_value_json(
        &self,
        contents: &Contents,
        record: &Record,
        field: &str,
        value: &RecordValue,
    ) -> Value {
        let mut full = self.value_json(contents, record, value);
        let kind = contents.data_fields.iter().find(|known| known.id == field).map(|known| &known.kind);
        full["field_id"] = field.into();
        full["field_type"] = json!(kind);
        full["created_by"] = USER.into();
        full["import_id"] = Value::Null;
        full["workspace_id"] = record.workspace.clone().into();
        full
    }
}

/// A data or key field.
pub(crate) fn field_json(field: &Field, is_key: bool) -> Value {
    json!({
        "id": field.id,
        "field_name": field.name,
        "field_type": field.kind,
        "is_key": is_key,
        "is_archived": false,
        "is_deleted": false,
        "is_readonly": false,
        "attrs": {},
        "ref_slice_id": null,
    })
}

/// A property field.
pub(crate) fn property_field_json(field: &Field) -> Value {
    json!({
        "id": field.id,
        "property_name": field.name,
        "property_description": null,
        "field_type": field.kind,
        "is_required": false,
        "is_archived": false,
    })
}

/// A registration.
pub(crate) fn registration_json(registration: &Registration, workspace: &str) -> Value {
    json!({
        "id": registration.id,
        "workspace_id": workspace,
        "operation_id": registration.activity,
        "file_id": registration.file,
        "status": registration.status,
        "message": null,
        "created_by": USER,
        "last_updated_by": USER,
        "created_at": time(registration.created),
        "updated_at": time(registration.created),
        "record_errors": [],
    })
}
