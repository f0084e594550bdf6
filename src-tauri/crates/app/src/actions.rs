//! What a service can do with a place besides what every service does, and links to hand out.

use crate::{
    app::App,
    browse::{about_place, clean},
    problem_text::invalid,
    wire::{answers::*, requests::*},
};
use labferry_model::ProblemCode;
use labferry_provider::{Action, FieldKind};

impl App {
    /// A temporary link to a file.
    ///
    /// # Errors
    /// A service that gives none, and what it answers.
    pub async fn places_link(&self, request: PlaceRequest) -> Result<LinkAnswer, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let link = provider.temporary_link(path).await.map_err(|mut error| {
            // The place can be used; it is the link that cannot be had.
            if error.problem.code == ProblemCode::Unsupported {
                error.problem.subject = Some(format!("Making a temporary link to {account}:{path}"));
            }
            about_place(error, &account, path)
        })?;
        Ok(LinkAnswer { url: link.url.reveal().to_owned(), expires: link.expires.map(|at| at.0) })
    }

    /// What else can be done with a place.
    ///
    /// # Errors
    /// What the service answers.
    pub async fn actions_list(&self, request: PlaceRequest) -> Result<Vec<ActionRow>, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let actions = provider.actions(path).await.map_err(|error| about_place(error, &account, path))?;
        Ok(actions.into_iter().map(action_row).collect())
    }

    /// Does it. A question to confirm is the front end's to ask.
    ///
    /// # Errors
    /// An action the place does not have, a field that is missing or unknown, and what the service answers.
    pub async fn actions_run(&self, request: RunAction) -> Result<ActionAnswer, ProblemWords> {
        let (account, provider) = self.provider(&request.account).await?;
        let path = clean(&request.path);
        let actions = provider.actions(path).await.map_err(|error| about_place(error, &account, path))?;
        let Some(action) = actions.iter().find(|action| action.name == request.name) else {
            let known: Vec<_> = actions.iter().map(|action| action.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(invalid(format!(
                "{account}:{path} has no action \"{}\"; it has {known}",
                request.name
            )));
        };
        for field in action.fields.iter().filter(|field| field.required) {
            if request.fields.get(&field.name).is_none_or(|value| value.trim().is_empty()) {
                return Err(invalid(format!(
                    "\"{}\" needs \"{}\" ({})",
                    action.name, field.name, field.label
                )));
            }
        }
        let known = |name: &String| action.fields.iter().any(|field| field.name == *name);
        if let Some(name) = request.fields.keys().find(|name| !known(name)) {
            return Err(invalid(format!("\"{}\" has no field \"{name}\"", action.name)));
        }
        let result = provider
            .run_action(path, &request.name, &request.fields)
            .await
            .map_err(|error| about_place(error, &account, path))?;
        Ok(ActionAnswer { message: result.message, path: result.place, details: result.details })
    }
}

fn action_row(action: Action) -> ActionRow {
    let fields = action.fields.into_iter().map(|field| ActionFieldRow {
        name: field.name,
        label: field.label,
        kind: match field.kind {
            FieldKind::Text => "text",
            FieldKind::LongText => "long_text",
            FieldKind::Switch => "switch",
        }
        .to_owned(),
        value: field.value,
        required: field.required,
    });
    ActionRow {
        name: action.name,
        title: action.title,
        confirmation: action.confirmation,
        fields: fields.collect(),
    }
}
