//! What else can be done: let the service fetch a link, ask how far processing is, and see the frames of a video.

use crate::{
    connector::{Connector, no_such_path},
    places::{ALL, Place, place},
    upload::NO_ID,
};
use labferry_model::ProblemCode;
use labferry_provider::{
    Action, ActionField, ActionResult, Advice, ImportRequest, ProviderError, ProviderResult, http::SignedUrl,
};
use serde_json::json;
use std::collections::BTreeMap;

const OPERATION: &str = "run action";
const IMPORT: &str = "import";
const STATUS: &str = "status";
const FRAMES: &str = "frames";

fn action(name: &str, title: &str, fields: Vec<ActionField>) -> Action {
    Action { name: name.into(), title: title.into(), confirmation: None, fields }
}

impl Connector {
    pub(crate) fn actions_of(&self, path: &str) -> Vec<Action> {
        match place(path) {
            Some(Place::Top | Place::Container(_)) => {
                let field = |name: &str, label: &str, required| ActionField {
                    name: name.into(),
                    label: label.into(),
                    required,
                    ..ActionField::default()
                };
                let fields = vec![
                    field("link", "Link to the file", true),
                    field(
                        "type",
                        "Media type, such as video/mp4, where the link's ending does not tell it",
                        false,
                    ),
                ];
                vec![action(IMPORT, "Import from a link", fields)]
            }
            Some(Place::File { .. }) => vec![
                action(STATUS, "How far processing is", Vec::new()),
                action(FRAMES, "Frames of the video", Vec::new()),
            ],
            _ => Vec::new(),
        }
    }

    pub(crate) async fn act(
        &self,
        path: &str,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        match (place(path), name) {
            (Some(Place::Top), IMPORT) => {
                let container = self.workspaces.first().map_or(ALL, String::as_str);
                self.import_by_action(container, fields).await
            }
            (Some(Place::Container(container)), IMPORT) => self.import_by_action(container, fields).await,
            (Some(Place::File { id, .. }), STATUS) => {
                self.tell_status(path, id).await.map_err(|error| error.about(path))
            }
            (Some(Place::File { id, .. }), FRAMES) => {
                self.tell_frames(id).await.map_err(|error| error.about(path))
            }
            (None, _) => Err(no_such_path(OPERATION, path)),
            _ => {
                Err(ProviderError::unsupported(OPERATION).about(name).because("there is no such action here"))
            }
        }
    }

    async fn import_by_action(
        &self,
        container: &str,
        fields: &BTreeMap<String, String>,
    ) -> ProviderResult<ActionResult> {
        let field = |name: &str| fields.get(name).map_or("", |text| text.trim());
        let link = SignedUrl::parse(field("link")).ok_or_else(|| {
            ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .because("the link must begin with https:// or http:// and name a host")
        })?;
        let media_type = Some(field("type").to_owned()).filter(|kind| !kind.is_empty());
        let (id, status) = self.import(OPERATION, container, &link, media_type).await?;
        Ok(ActionResult {
            message: format!("The service fetches the file from {}; it is {status}.", link.host()),
            place: Some(format!("{container}/{id}")),
            details: json!({ "file_uuid": id, "processing_status": status }),
        })
    }

    pub(crate) async fn import_from(&self, request: &ImportRequest) -> ProviderResult<String> {
        const OPERATION: &str = "import link";
        let Some(Place::Container(container)) = place(&request.container) else {
            return Err(no_such_path(OPERATION, &request.container));
        };
        if let Some(name) = &request.name {
            let why = "Aymara AI names a file it fetches by its link; leave the name out";
            return Err(ProviderError::new(OPERATION, ProblemCode::InvalidRequest, Advice::Stop)
                .about(name)
                .because(why));
        }
        let (id, _) = self.import(OPERATION, container, &request.link, request.media_type.clone()).await?;
        Ok(format!("{container}/{id}"))
    }

    /// Lets the service fetch a file. The file's id, and how far that is.
    async fn import(
        &self,
        operation: &'static str,
        container: &str,
        link: &SignedUrl,
        media_type: Option<String>,
    ) -> ProviderResult<(String, String)> {
        let mut file = json!({ "remote_uri": link.reveal() });
        if let Some(kind) = media_type {
            file["content_type"] = kind.into();
        }
        let made = self.make_files(operation, container, vec![file], Some(link.reveal())).await?;
        let [made] = made.as_slice() else {
            let words = format!("one file was asked for and the service answered with {}", made.len());
            return Err(ProviderError::bad_answer(operation, words));
        };
        let id = made.file_uuid.clone().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| ProviderError::bad_answer(operation, NO_ID))?;
        Ok((id, made.processing_status.clone().unwrap_or_else(|| "pending".into())))
    }

    async fn tell_status(&self, path: &str, id: &str) -> ProviderResult<ActionResult> {
        let status = self.status(OPERATION, id).await?;
        let word = status.processing_status.unwrap_or_else(|| "unknown".into());
        let message = match (word.as_str(), &status.error_message) {
            ("completed", _) => "Processing is completed.".to_owned(),
            ("failed", Some(error)) => format!("Processing has failed: {error}."),
            ("failed", None) => "Processing has failed; the service does not say why.".to_owned(),
            (other, _) => format!("Processing is {other}."),
        };
        Ok(ActionResult {
            message,
            place: Some(path.to_owned()),
            details: json!({
                "processing_status": word, "error_message": status.error_message, "updated_at": status.updated_at,
            }),
        })
    }

    /// The links are what is asked for here, as with a temporary link: they live for half an hour.
    async fn tell_frames(&self, id: &str) -> ProviderResult<ActionResult> {
        let frames = self.frames(OPERATION, id).await?;
        let links: Vec<&str> = frames.iter().map(SignedUrl::reveal).collect();
        Ok(ActionResult {
            message: format!("{} frames.", links.len()),
            place: None,
            details: json!({ "frame_count": links.len(), "frame_urls": links }),
        })
    }
}
