//! What else can be done, as data.

use crate::{
    api_types::text,
    connector::Connector,
    file_value::is_uuid,
    paths::{Place, parse},
};
use labferry_model::{Container, Metadata, ProblemCode};
use labferry_provider::{
    Action, ActionField, ActionResult, Advice, ProviderError, ProviderResult, http::Call,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn field(name: &str, label: &str) -> ActionField {
    ActionField { name: name.into(), label: label.into(), required: true, ..ActionField::default() }
}

fn action(name: &str, title: &str, fields: Vec<ActionField>) -> Action {
    Action { name: name.into(), title: title.into(), confirmation: None, fields }
}

fn done(message: &str, container: Container) -> ActionResult {
    ActionResult {
        message: message.into(),
        place: Some(container.path),
        details: Value::Object(container.metadata),
    }
}

fn open_file() -> Action {
    action("open_file", "Go to a file by its ID", vec![field("file_id", "File ID")])
}

fn wrong(about: &str, why: &str) -> ProviderError {
    ProviderError::new("run action", ProblemCode::InvalidRequest, Advice::Stop).about(about).because(why)
}

impl Connector {
    pub(crate) async fn actions_of(&self, path: &str) -> ProviderResult<Vec<Action>> {
        const OPERATION: &str = "actions";
        let spot = parse(OPERATION, path)?;
        let find_or_make = async || -> ProviderResult<Action> {
            let keys = self.key_fields(OPERATION).await?;
            let fields = keys.iter().map(|key| field(&key.name, &key.name)).collect();
            Ok(action("find_or_create_record", "Find or make a record", fields))
        };
        Ok(match (&spot.place, &spot.file) {
            (Place::Top, None) => vec![
                open_file(),
                action(
                    "create_activity",
                    "New activity",
                    vec![
                        field("title", "Title"),
                        ActionField {
                            required: false,
                            ..field("activity_type", "Type (experiment, task, project, …)")
                        },
                    ],
                ),
            ],
            (Place::Records { .. }, None) => vec![find_or_make().await?],
            (Place::Activity(_), None) => vec![
                find_or_make().await?,
                action(
                    "set_property",
                    "Set a property",
                    vec![field("property", "Property"), field("value", "Value")],
                ),
                open_file(),
            ],
            (Place::Record { field: None, .. }, None) => {
                vec![action(
                    "set_value",
                    "Write a value",
                    vec![field("field", "Field"), field("value", "Value")],
                )]
            }
            (_, Some(_)) if activity_of(&spot.place).is_some() => {
                vec![action("register", "Hand over for registration", Vec::new())]
            }
            _ => Vec::new(),
        })
    }

    pub(crate) async fn act(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        const OPERATION: &str = "run action";
        let spot = parse(OPERATION, path)?;
        let filled =
            |name: &str| fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let needed = |name: &str| filled(name).ok_or_else(|| wrong(name, "it must be filled in"));
        match (name, &spot.place) {
            ("open_file", Place::Top | Place::Activity(_)) => {
                let id = needed("file_id")?;
                if !is_uuid(id) {
                    return Err(wrong(
                        id,
                        "it is no file ID; one looks like f1f1f1f1-0000-4000-8000-000000000001",
                    ));
                }
                let place = Place::Files { activity: activity_of(&spot.place).map(str::to_owned) };
                let file = self.find_in(OPERATION, &place, id).await?;
                let file = file.ok_or_else(|| wrong(id, "there is no such file"))?;
                Ok(ActionResult {
                    message: format!("The file is called \"{}\".", file.name),
                    place: Some(file.path),
                    details: json!({ "name": file.name, "size": file.size, "media_type": file.media_type }),
                })
            }
            ("create_activity", Place::Top) => {
                let mut metadata = Metadata::from_iter([("title".to_owned(), needed("title")?.into())]);
                if let Some(kind) = filled("activity_type") {
                    metadata.insert("activity_type".to_owned(), kind.into());
                }
                Ok(done("The activity is there.", self.create_in("", &metadata).await?))
            }
            ("find_or_create_record", Place::Records { .. } | Place::Activity(_)) => {
                let keys = fields.iter().map(|(name, value)| (name.clone(), value.trim().into())).collect();
                Ok(done("The record is there.", self.create_in(path, &keys).await?))
            }
            ("set_value", Place::Record { field: None, .. }) => {
                let values = Metadata::from_iter([(needed("field")?.to_owned(), needed("value")?.into())]);
                Ok(done(
                    "The value is written; older ones are kept.",
                    self.write_values(path, &values).await?,
                ))
            }
            ("set_property", Place::Activity(_)) => {
                let values = Metadata::from_iter([(needed("property")?.to_owned(), needed("value")?.into())]);
                Ok(done("The property is set.", self.write_values(path, &values).await?))
            }
            ("register", place) => {
                let (Some(activity), Some(file)) = (activity_of(place), &spot.file) else {
                    return Err(wrong(
                        path,
                        "only a file of an activity can be handed over for registration",
                    ));
                };
                let found = self.locate(OPERATION, place, file).await?;
                let id =
                    found.map(|found| found.file.id).ok_or_else(|| wrong(path, "there is no such file"))?;
                let segments = ["operations", activity, "register", id.as_str()];
                let details = self.change(OPERATION, Call::post, &segments, &json!({})).await?;
                let status = details.as_object().and_then(|told| text(told, "status")).unwrap_or("accepted");
                Ok(ActionResult {
                    message: format!("The file is handed over for registration: {status}."),
                    place: Some(Place::Files { activity: Some(activity.to_owned()) }.path()),
                    details,
                })
            }
            (other, _) => Err(ProviderError::new(OPERATION, ProblemCode::Unsupported, Advice::Stop)
                .about(other)
                .because("there is no such action")),
        }
    }
}

/// The activity a place is in.
fn activity_of(place: &Place) -> Option<&str> {
    match place {
        Place::Activity(activity) | Place::Property { activity, .. } => Some(activity),
        Place::Record { activity, .. } | Place::Files { activity } | Place::Records { activity } => {
            activity.as_deref()
        }
        Place::Top => None,
    }
}
