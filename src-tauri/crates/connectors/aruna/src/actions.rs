//! What can be done with a file or collection besides sending and fetching: labels, revisions, references, moves, pins,
//! and deletion with its rules told beforehand.

use crate::{
    api_types::{KeyValue, Object, ObjectList, Reference, ReferenceList, Staged, as_object, own_labels},
    connector::Connector,
    object_fields::{ObjectFields, data_class, pairs},
    places::{Parts, Spot, not_found, split},
};
use http::Method;
use labferry_model::ProblemCode;
use labferry_provider::{
    Action, ActionField, ActionResult, Advice, FieldKind, ProviderError, ProviderResult, http::Call,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

const OPERATION: &str = "run action";

/// What a person filled in.
struct Given<'a>(&'a BTreeMap<String, String>);

impl Given<'_> {
    /// A field that was filled in.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str) -> ProviderResult<&str> {
        self.text(name).ok_or_else(|| refuse(name, "this field is missing"))
    }

    fn flag(&self, name: &str) -> ProviderResult<bool> {
        match self.text(name).unwrap_or("false").to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(refuse(name, "it is yes or no")),
        }
    }

    fn pairs(&self, name: &str) -> ProviderResult<Option<Vec<KeyValue>>> {
        self.text(name).map(|text| pairs(OPERATION, name, &text.into())).transpose()
    }
}

fn refuse(about: &str, why: &str) -> ProviderError {
    ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop).about(about).because(why)
}

fn field(name: &str, label: &str, kind: FieldKind, required: bool) -> ActionField {
    ActionField { name: name.into(), label: label.into(), kind, required, ..ActionField::default() }
}

fn action(name: &str, title: &str, confirmation: Option<String>, fields: Vec<ActionField>) -> Action {
    Action { name: name.into(), title: title.into(), confirmation, fields }
}

/// What deleting would do, before it is done.
fn delete_rules(here: &Spot, references: &[Reference]) -> String {
    let own = references.iter().find(|reference| reference.collection_id == here.id());
    let others: Vec<_> = references.iter().filter(|reference| reference.collection_id != here.id()).collect();
    let writeable = others.iter().filter(|reference| reference.is_writeable).count();
    let plain = match (own.is_none_or(|own| own.is_writeable), others.len(), writeable) {
        (false, _, _) => "Only this read-only reference goes; the file stays where it belongs.".to_owned(),
        (true, 0, _) => "This is the only collection with the file: it is deleted for good.".to_owned(),
        (true, count, 0) => format!(
            "The reference here goes; {count} read-only one{} stay{} and nobody can change the file any more.",
            if count == 1 { "" } else { "s" },
            if count == 1 { "s" } else { "" }
        ),
        (true, count, _) => format!(
            "Only the reference here goes; the file stays in {count} other collection{}.",
            if count == 1 { "" } else { "s" }
        ),
    };
    format!(
        "{plain} With \"force\" it is deleted from every collection, which takes an administrator of the project. \
         Without \"all revisions\" older revisions stay on the service. Files of pinned versions are never deleted. \
         There is no undo."
    )
}

impl Connector {
    pub(crate) async fn actions_of(&self, path: &str) -> ProviderResult<Vec<Action>> {
        use FieldKind::{LongText, Switch, Text};
        match split(path) {
            Parts { collection: None, .. } => Ok(Vec::new()),
            Parts { file: None, .. } => {
                let spot = self.spot("actions", path).await?;
                if spot.collection.semantic_version.is_some() {
                    return Ok(Vec::new());
                }
                let pin = "A pinned version is a copy that can never be changed, and its files can never be deleted. \
                           Pin it?";
                let delete = "Delete the collection? Without \"force\" only an empty one is deleted; with it everything in \
                              it goes, and there is no undo.";
                Ok(vec![
                    action(
                        "pin",
                        "Pin a version",
                        Some(pin.into()),
                        vec![field("version", "Version, such as 1.0.0", Text, true)],
                    ),
                    action(
                        "delete",
                        "Delete the collection",
                        Some(delete.into()),
                        vec![field("force", "With everything in it", Switch, false)],
                    ),
                ])
            }
            Parts { file: Some(_), .. } => {
                let (spot, object) = self.subject(path).await?;
                let references = self.references(&spot, &object).await?;
                let target = || field("target", "The other collection, as PROJECT/COLLECTION", Text, true);
                let labels = |label: &str, required| field("labels", label, LongText, required);
                Ok(vec![
                    action(
                        "add_labels",
                        "Add labels",
                        None,
                        vec![labels("Labels, key=value, one a line", true)],
                    ),
                    action(
                        "update",
                        "Change labels, hooks, class or name (new revision)",
                        None,
                        vec![
                            labels("All labels from now on, key=value, one a line", false),
                            field("hooks", "All hooks from now on, key=value, one a line", LongText, false),
                            field("data_class", "public, private, confidential or protected", Text, false),
                            field("name", "New name, folder included", Text, false),
                        ],
                    ),
                    action(
                        "set_hooks",
                        "Replace the hooks",
                        None,
                        vec![field("hooks", "Hooks, key=value, one a line", LongText, false)],
                    ),
                    action("revisions", "Show all revisions", None, Vec::new()),
                    action("references", "Show where it is referred to", None, Vec::new()),
                    action(
                        "reference",
                        "Refer to it in another collection",
                        None,
                        vec![
                            target(),
                            field("writeable", "The other collection may change it", Switch, false),
                            field("fixed", "Stay with this revision", Switch, false),
                        ],
                    ),
                    action(
                        "move",
                        "Move to another collection",
                        Some("The file leaves this collection with all its revisions. Move it?".into()),
                        vec![target()],
                    ),
                    action("clone", "Copy to another collection", None, vec![target()]),
                    action(
                        "delete",
                        "Delete",
                        Some(delete_rules(&spot, &references)),
                        vec![
                            field("with_revisions", "All revisions", Switch, false),
                            field("force", "From every collection", Switch, false),
                        ],
                    ),
                ])
            }
        }
    }

    pub(crate) async fn act(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        let given = Given(fields);
        let is_file = split(path).file.is_some();
        match (is_file, name) {
            (false, "pin") => self.pin(path, given.needed("version")?).await,
            (false, "delete") => {
                self.delete_collection(OPERATION, path, given.flag("force")?).await?;
                let place = Some(split(path).project.to_owned());
                Ok(ActionResult { message: "The collection is deleted.".into(), place, details: Value::Null })
            }
            (true, "add_labels") => self.add_labels(path, &given).await,
            (true, "update") => self.update_object(path, &given).await,
            (true, "set_hooks") => self.set_hooks(path, &given).await,
            (true, "revisions") => self.show_revisions(path).await,
            (true, "references") => self.show_references(path).await,
            (true, "reference") => self.refer(path, &given).await,
            (true, "move") => self.move_object(path, &given).await,
            (true, "clone") => self.clone_object(path, &given).await,
            (true, "delete") => self.delete_by_rules(path, &given).await,
            _ => {
                Err(ProviderError::unsupported(OPERATION).about(name).because("there is no such action here"))
            }
        }
    }

    /// The available object a path names.
    async fn subject(&self, path: &str) -> ProviderResult<(Arc<Spot>, Object)> {
        let spot = self.spot(OPERATION, path).await?;
        let key = split(path).file.unwrap_or_default();
        let object = self
            .at_key(OPERATION, &spot, key)
            .await?
            .ok_or_else(|| not_found(OPERATION, path, "the collection has no complete file of that name"))?;
        Ok((spot, object))
    }

    async fn call(&self, path: &str, method: Method, body: &Value) -> ProviderResult<Value> {
        let url = self.url(OPERATION, path)?;
        self.json(&url, Call::new(OPERATION, method).json(body)?).await
    }

    async fn references(&self, spot: &Spot, object: &Object) -> ProviderResult<Vec<Reference>> {
        let url = self.url(OPERATION, &spot.object(&object.id, "/references"))?;
        let list: ReferenceList = self.json(&url, Call::get(OPERATION)).await?;
        Ok(list.references)
    }

    async fn add_labels(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let labels = given.pairs("labels")?.ok_or_else(|| refuse("labels", "this field is missing"))?;
        let (spot, object) = self.subject(path).await?;
        // Labels that are there already would stand there twice.
        let new: Vec<_> = labels.into_iter().filter(|label| !object.labels.contains(label)).collect();
        if !new.is_empty() {
            let body = json!({ "labelsToAdd": new });
            self.call(&spot.object(&object.id, "/add_labels"), Method::PATCH, &body).await?;
        }
        let mut all = own_labels(&object.labels);
        all.extend(new.iter().cloned());
        Ok(ActionResult {
            message: match new.len() {
                0 => "Those labels were there already.".into(),
                1 => "One label was added; the revision stays the same.".into(),
                count => format!("{count} labels were added; the revision stays the same."),
            },
            place: Some(path.to_owned()),
            details: json!({ "labels": as_object(&all) }),
        })
    }

    async fn set_hooks(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let hooks = given.pairs("hooks")?.unwrap_or_default();
        let (spot, object) = self.subject(path).await?;
        let body = json!({ "hooks": hooks });
        self.call(&spot.object(&object.id, "/set_hooks"), Method::PATCH, &body).await?;
        Ok(ActionResult {
            message: "The hooks were replaced.".into(),
            place: Some(path.to_owned()),
            details: json!({ "hooks": as_object(&hooks) }),
        })
    }

    /// A new revision with the same bytes. Everything is overwritten, so the old values are sent where none are given.
    async fn update_object(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let (spot, object) = self.subject(path).await?;
        let key = given.text("name").unwrap_or(split(path).file.unwrap_or_default()).to_owned();
        crate::upload::check_name(&key).map_err(|problem| ProviderError {
            problem,
            advice: Advice::Stop,
            operation: OPERATION,
            source: None,
        })?;
        let class = match given.text("data_class") {
            Some(text) => data_class(OPERATION, text)?,
            None => object.data_class.clone(),
        };
        let fields = ObjectFields {
            labels: Some(given.pairs("labels")?.unwrap_or_else(|| own_labels(&object.labels))),
            hooks: Some(given.pairs("hooks")?.unwrap_or_else(|| object.hooks.clone())),
            data_class: Some(class),
            hash: None,
            source: (!object.source.is_null()).then(|| object.source.clone()),
        };
        let body = json!({
            "object": fields.stage(&key, object.size()),
            "reupload": false,
            "multiPart": false,
            "isSpecification": false,
        });
        let staged = self.call(&spot.object(&object.id, "/update"), Method::POST, &body).await?;
        let staged: Staged = serde_json::from_value(staged).map_err(|_| {
            ProviderError::bad_answer(OPERATION, "the answer names no revision that was begun")
        })?;
        let finish = format!("/staging/{}/finish", staged.upload_id);
        let body = json!({ "noUpload": true, "autoUpdate": true });
        self.call(&spot.object(&staged.object_id, &finish), Method::PATCH, &body).await?;
        let now = self.object(OPERATION, &spot, &staged.object_id).await?;
        let file = now.into_remote_file(&spot.path, &key);
        Ok(ActionResult {
            message: format!("The file has a new revision, number {}.", file.metadata["revision"]),
            place: Some(file.path),
            details: Value::Object(file.metadata),
        })
    }

    async fn show_revisions(&self, path: &str) -> ProviderResult<ActionResult> {
        let (spot, object) = self.subject(path).await?;
        let url = self.url(OPERATION, &spot.object(&object.id, "/revisions"))?;
        let list: ObjectList = self.json(&url, Call::get(OPERATION)).await?;
        let shown: Vec<Value> = list
            .objects
            .into_iter()
            .map(|located| {
                let file = located.object.into_remote_file(&spot.path, split(path).file.unwrap_or_default());
                json!({
                    "object_id": file.metadata["object_id"], "revision": file.metadata["revision"],
                    "size": file.size, "status": file.status, "latest": file.metadata["latest"],
                    "labels": file.metadata["labels"],
                })
            })
            .collect();
        let message = match shown.len() {
            1 => "The file has one revision.".to_owned(),
            count => format!("The file has {count} revisions; links always give the newest."),
        };
        Ok(ActionResult { message, place: Some(path.to_owned()), details: json!({ "revisions": shown }) })
    }

    async fn show_references(&self, path: &str) -> ProviderResult<ActionResult> {
        let (spot, object) = self.subject(path).await?;
        let references = self.references(&spot, &object).await?;
        let mut shown = Vec::new();
        for reference in &references {
            let place = self.name_of(&reference.collection_id).await?;
            shown.push(json!({
                "collection": place.unwrap_or_else(|| reference.collection_id.clone()),
                "writeable": reference.is_writeable,
            }));
        }
        Ok(ActionResult {
            message: match shown.len() {
                1 => "The file is in one collection.".into(),
                count => format!("The file is in {count} collections."),
            },
            place: Some(path.to_owned()),
            details: json!({ "references": shown }),
        })
    }

    /// `project/collection` of an id, where it is one of ours.
    async fn name_of(&self, collection: &str) -> ProviderResult<Option<String>> {
        for project in self.projects(OPERATION).await? {
            let spots = self.collections(OPERATION, &project).await?;
            if let Some(spot) = spots.into_iter().find(|spot| spot.id() == collection) {
                return Ok(Some(spot.path));
            }
        }
        Ok(None)
    }

    async fn put_reference(
        &self,
        spot: &Spot,
        object: &Object,
        target: &Spot,
        writeable: bool,
        follows: bool,
    ) -> ProviderResult<bool> {
        // A second request for the same reference is a failure of the service's database.
        let references = self.references(spot, object).await?;
        match references.iter().find(|reference| reference.collection_id == target.id()) {
            Some(there) if there.is_writeable == writeable => return Ok(false),
            Some(_) => {
                return Err(refuse(
                    &target.path,
                    "that collection refers to the file already, with the other right; delete that reference first",
                ));
            }
            None => {}
        }
        let rest = format!("/reference/{}", target.id());
        let body = json!({ "writeable": writeable, "autoUpdate": follows, "subPath": "" });
        self.call(&spot.object(&object.id, &rest), Method::POST, &body).await?;
        Ok(true)
    }

    async fn target(&self, spot: &Spot, given: &Given<'_>) -> ProviderResult<Arc<Spot>> {
        let target = self.find_spot(OPERATION, given.needed("target")?).await?.changeable(OPERATION)?;
        if target.id() == spot.id() {
            return Err(refuse(&target.path, "that is the collection the file is in"));
        }
        Ok(target)
    }

    async fn refer(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let (spot, object) = self.subject(path).await?;
        let target = self.target(&spot, given).await?;
        let (writeable, fixed) = (given.flag("writeable")?, given.flag("fixed")?);
        let is_new = self.put_reference(&spot, &object, &target, writeable, !fixed).await?;
        let kind = if writeable { "writeable" } else { "read-only" };
        Ok(ActionResult {
            message: if is_new {
                format!("{} has a {kind} reference to the file now.", target.path)
            } else {
                format!("{} had a {kind} reference to the file already.", target.path)
            },
            place: Some(format!("{}/{}", target.path, split(path).file.unwrap_or_default())),
            details: Value::Null,
        })
    }

    /// A writeable reference there, shown to be there, and only then the one here goes.
    async fn move_object(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let (spot, object) = self.subject(path).await?;
        let target = self.target(&spot, given).await?;
        self.put_reference(&spot, &object, &target, true, true).await?;
        let references = self.references(&spot, &object).await?;
        let is_there = references
            .iter()
            .any(|reference| reference.collection_id == target.id() && reference.is_writeable);
        if !is_there {
            return Err(ProviderError::bad_answer(
                OPERATION,
                "the service does not show the file in the other collection; nothing was removed here",
            ));
        }
        self.drop_object(OPERATION, &spot.object(&object.id, ""), true).await?;
        Ok(ActionResult {
            message: format!("The file is in {} now.", target.path),
            place: Some(format!("{}/{}", target.path, split(path).file.unwrap_or_default())),
            details: Value::Null,
        })
    }

    async fn clone_object(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let (spot, object) = self.subject(path).await?;
        let target = self.target(&spot, given).await?;
        let body = json!({ "targetCollectionId": target.id() });
        self.call(&spot.object(&object.id, "/clone"), Method::POST, &body).await?;
        Ok(ActionResult {
            message: format!("{} has a copy of the file, which lives on its own.", target.path),
            place: Some(format!("{}/{}", target.path, split(path).file.unwrap_or_default())),
            details: Value::Null,
        })
    }

    async fn delete_by_rules(&self, path: &str, given: &Given<'_>) -> ProviderResult<ActionResult> {
        let key = split(path).file.unwrap_or_default();
        let (with_revisions, force) = (given.flag("with_revisions")?, given.flag("force")?);
        self.delete_file(OPERATION, path, key, with_revisions, force).await?;
        let spot = self.spot(OPERATION, path).await?;
        Ok(ActionResult {
            message: "The file is deleted here.".into(),
            place: Some(spot.path.clone()),
            details: Value::Null,
        })
    }

    async fn pin(&self, path: &str, version: &str) -> ProviderResult<ActionResult> {
        let spot = self.find_spot(OPERATION, path).await?.changeable(OPERATION)?;
        let numbers: Option<Vec<u32>> = version.split('.').map(|number| number.parse().ok()).collect();
        let Some([major, minor, patch]) = numbers.as_deref() else {
            return Err(refuse(version, "a version has three numbers, such as 1.0.0"));
        };
        let body = json!({ "version": { "major": major, "minor": minor, "patch": patch } });
        let made = self.call(&format!("/v1/collection/{}/pin", spot.id()), Method::POST, &body).await?;
        Ok(ActionResult {
            message: format!("Version {major}.{minor}.{patch} of the collection is pinned."),
            place: Some(format!("{}@{major}.{minor}.{patch}", spot.path)),
            details: json!({ "id": made["collection"]["id"] }),
        })
    }
}
