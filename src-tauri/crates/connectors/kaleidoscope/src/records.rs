//! Making activities and records, and writing their values.

use crate::{
    api_types::{Field, objects, text},
    connector::Connector,
    paths::{Place, parse},
};
use labferry_model::{Container, Metadata, ProblemCode};
use labferry_provider::{Advice, ProviderError, ProviderResult, http::Call};
use serde_json::{Map, Value, json};

fn refuse(operation: &'static str, about: &str, why: impl Into<String>) -> ProviderError {
    ProviderError::new(operation, ProblemCode::InvalidRequest, Advice::Stop).about(about).because(why)
}

impl Connector {
    /// Sends JSON. What was asked is done at most once: only a refused token lets it be sent again.
    pub(crate) async fn change(
        &self,
        operation: &'static str,
        make: fn(&'static str) -> Call,
        segments: &[&str],
        body: &Value,
    ) -> ProviderResult<Value> {
        let url = self.url(operation, segments)?;
        let answer = self.answer(&url, || make(operation).json(body)).await?;
        // An answer without a body is a yes.
        Ok(serde_json::from_str(&answer.start_of_text().await).unwrap_or_default())
    }

    /// At the top an activity is made; among records, or in an activity, a record.
    pub(crate) async fn create_in(&self, parent: &str, metadata: &Metadata) -> ProviderResult<Container> {
        const OPERATION: &str = "create";
        let spot = parse(OPERATION, parent)?;
        match spot.place {
            Place::Top if spot.file.is_none() => self.create_activity(metadata).await,
            Place::Records { activity } => self.create_record(activity, metadata).await,
            Place::Activity(activity) => self.create_record(Some(activity), metadata).await,
            _ => Err(refuse(OPERATION, parent, "records are made in an activity or under records/")),
        }
    }

    async fn create_activity(&self, metadata: &Metadata) -> ProviderResult<Container> {
        const OPERATION: &str = "create activity";
        let mut body = metadata.clone();
        if text(&body, "title").is_none() {
            return Err(refuse(OPERATION, "title", "an activity needs a title"));
        }
        body.entry("activity_type").or_insert_with(|| "experiment".into());
        body.entry("program_ids").or_insert_with(|| json!([]));
        let answer = self.change(OPERATION, Call::post, &["activities"], &Value::Object(body)).await?;
        // An array of one.
        let made = answer.as_array().and_then(|list| list.first()).unwrap_or(&answer);
        let id = made.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = id.ok_or_else(|| ProviderError::bad_answer(OPERATION, "the new activity has no id"))?;
        self.container_at(OPERATION, &Place::Activity(id)).await
    }

    /// Gets the record with these values of the key fields, or makes it; then it belongs to the activity, too.
    pub(crate) async fn create_record(
        &self,
        activity: Option<String>,
        metadata: &Metadata,
    ) -> ProviderResult<Container> {
        const OPERATION: &str = "create record";
        let keys = self.key_fields(OPERATION).await?;
        let mut values = Map::new();
        for (name, value) in metadata {
            let field = keys.iter().find(|field| field.is_called(name)).ok_or_else(|| {
                let names: Vec<_> = keys.iter().map(|field| field.name.as_str()).collect();
                refuse(
                    OPERATION,
                    name,
                    format!("it is no key field; a record is named by {}", names.join(", ")),
                )
            })?;
            values.insert(field.id.clone(), plain_text(value).into());
        }
        if values.is_empty() {
            let names: Vec<_> = keys.iter().map(|field| field.name.as_str()).collect();
            return Err(refuse(OPERATION, "metadata", format!("give the record's {}", names.join(", "))));
        }
        let body = json!({ "key_field_to_value": values });
        let answer = self.change(OPERATION, Call::post, &["records"], &body).await?;
        let id = answer.get("id").and_then(Value::as_str).map(str::to_owned);
        let record = id.ok_or_else(|| ProviderError::bad_answer(OPERATION, "the record has no id"))?;
        if let Some(activity) = &activity {
            let body = json!({ "record_ids": [record] });
            self.change(OPERATION, Call::put, &["operations", activity, "records"], &body).await?;
        }
        self.container_at(OPERATION, &Place::Record { activity, record, field: None }).await
    }

    pub(crate) async fn key_fields(&self, operation: &'static str) -> ProviderResult<Vec<Field>> {
        Ok(self.list_of(operation, &["key_fields"]).await?.iter().filter_map(Field::read).collect())
    }

    /// Writes values by the names of fields or properties. A record keeps the older ones.
    pub(crate) async fn write_values(&self, path: &str, metadata: &Metadata) -> ProviderResult<Container> {
        const OPERATION: &str = "write values";
        let spot = parse(OPERATION, path)?;
        match &spot.place {
            Place::Record { activity, record, field: None } if spot.file.is_none() => {
                let fields = self.fields(OPERATION).await?;
                // All names first: a wrong one must not leave half of them written.
                let mut writes = Vec::new();
                for (name, value) in metadata {
                    let field = fields
                        .iter()
                        .find(|field| field.is_called(name))
                        .ok_or_else(|| refuse(OPERATION, name, "the workspace has no such data field"))?;
                    if field.takes_files {
                        return Err(refuse(OPERATION, name, "the field takes files; upload one to it"));
                    }
                    writes.push(json!({
                        "field_id": field.id, "content": value, "operation_id": activity, "record_view_id": null,
                    }));
                }
                for body in writes {
                    self.change(OPERATION, Call::post, &["records", record, "values"], &body).await?;
                }
            }
            Place::Activity(id) => {
                let activity = self.activity(OPERATION, id).await?;
                let mut writes = Vec::new();
                for (name, value) in metadata {
                    let is_meant = |property: &&Metadata| {
                        text(property, "id") == Some(name)
                            || text(property, "property_name")
                                .is_some_and(|own| own.eq_ignore_ascii_case(name))
                    };
                    let property = objects(&activity, "properties").find(is_meant);
                    let property = property
                        .and_then(|property| text(property, "id"))
                        .ok_or_else(|| refuse(OPERATION, name, "the activity has no such property"))?;
                    writes.push((property.to_owned(), json!({ "content": value })));
                }
                for (property, body) in writes {
                    self.change(OPERATION, Call::put, &["properties", &property], &body).await?;
                }
            }
            _ => return Err(refuse(OPERATION, path, "only records and activities have values to write")),
        }
        self.container_at(OPERATION, &spot.place).await
    }
}

fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
