//! `labferry action` and `labferry url`.

use crate::{
    context::Context,
    exit::{Exit, Failure},
    listing::Selection,
    place::{Place, key_value},
    table,
};
use clap::{Args, Subcommand};
use labferry_app::wire::requests::{PlaceRequest, RunAction};
use serde_json::Value;
use std::{
    collections::HashSet,
    io::Write as _,
    path::{Path, PathBuf},
};

#[derive(Subcommand)]
pub(crate) enum ActionCommand {
    /// What the service can do with a place
    Ls(PlaceArgument),
    /// Do it
    Run(RunArguments),
}

#[derive(Args)]
pub(crate) struct PlaceArgument {
    /// The place, ACCOUNT:PATH
    place: String,
}

const EXAMPLES: &str = "\
Examples:
  labferry action ls lab:abcd-1234
  labferry action run lab:abcd-1234 NAME --set KEY=VALUE
  labferry action run air: records --set ids=\"$(cat ids.txt)\" --save records.json";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    /// The place, ACCOUNT:PATH
    place: String,
    /// The action, as `labferry action ls` names it
    name: String,
    /// A field of the action
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    selection: Selection,
    /// Write the service's answer to this new file, as JSON
    #[arg(long, value_name = "FILE", conflicts_with = "Selection")]
    save: Option<PathBuf>,
}

pub(crate) async fn run(command: ActionCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        ActionCommand::Ls(argument) => list(&argument, context).await,
        ActionCommand::Run(arguments) if arguments.selection.is_made() => {
            act_on_each(arguments, context).await
        }
        ActionCommand::Run(arguments) => act(arguments, context).await,
    }
}

async fn list(argument: &PlaceArgument, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&argument.place)?;
    let app = context.look().await?;
    let actions = app.actions_list(request(&place)).await?;
    app.stop().await;
    if context.out.json {
        context.out.json(&actions)?;
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = actions
        .into_iter()
        .map(|action| {
            let fields = action
                .fields
                .into_iter()
                .map(|field| if field.required { field.name } else { format!("[{}]", field.name) });
            vec![action.name, action.title, fields.collect::<Vec<_>>().join(" ")]
        })
        .collect();
    for line in table::rows(&cells) {
        context.out.line(&line)?;
    }
    Ok(Exit::Done)
}

async fn act(arguments: RunArguments, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&arguments.place)?;
    let app = context.look().await?;
    let actions = app.actions_list(request(&place)).await?;
    let known = actions.into_iter().find(|action| action.name == arguments.name);
    if let Some(question) = known.and_then(|action| action.confirmation) {
        context.out.confirm(&format!("{place}: {question}"))?;
    }
    let answer = app
        .actions_run(RunAction {
            account: place.account.clone(),
            path: place.path.clone(),
            name: arguments.name,
            fields: arguments.set.into_iter().collect(),
        })
        .await?;
    app.stop().await;
    if let Some(path) = &arguments.save {
        save(path, &answer.details)?;
    }
    if context.out.json {
        context.out.json(&answer)?;
    } else {
        context.out.line(&answer.message)?;
        details(&answer.details).iter().try_for_each(|line| context.out.line(line))?;
        if let Some(path) = answer.path {
            context.out.line(&format!("{}:{path}", place.account))?;
        }
    }
    Ok(Exit::Done)
}

/// The same action with each of the files that are chosen in the place.
async fn act_on_each(arguments: RunArguments, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&arguments.place)?;
    let app = context.look().await?;
    let chosen = arguments.selection.of(&app, std::slice::from_ref(&place)).await?;
    if let Some((first, _)) = chosen.first() {
        let known = app.actions_list(request(first)).await?;
        let question = known.into_iter().find(|action| action.name == arguments.name);
        if let Some(question) = question.and_then(|action| action.confirmation) {
            let files = table::count(chosen.len(), "file");
            context.out.confirm(&format!("{files} of {place}: {question}"))?;
        }
    }
    for (file, _) in chosen {
        let answer = app
            .actions_run(RunAction {
                account: file.account.clone(),
                path: file.path.clone(),
                name: arguments.name.clone(),
                fields: arguments.set.iter().cloned().collect(),
            })
            .await?;
        if context.out.json {
            context.out.json(&answer)?;
        } else {
            context.out.line(&format!("{file}: {}", answer.message))?;
        }
    }
    app.stop().await;
    Ok(Exit::Done)
}

/// Writes an answer to a file of its own.
fn save(path: &Path, details: &Value) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "a file of that name is there already".to_owned(),
            _ => error.to_string(),
        };
        Failure::Words(format!(
            "{} was not written: {why}. The action is done; name another file and ask for the answer again.",
            path.display()
        ))
    };
    let text = format!("{details:#}\n");
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// An answer as a table: a line for each member, and several things side by side.
fn details(details: &Value) -> Vec<String> {
    let columns = match details {
        Value::Array(items) if items.iter().all(Value::is_object) => items.iter().map(flat).collect(),
        Value::Object(_) => vec![flat(details)],
        _ => Vec::new(),
    };
    let mut names: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    for (name, _) in columns.iter().flatten() {
        if seen.insert(name.as_str()) {
            names.push(name);
        }
    }
    let cells: Vec<Vec<String>> = names
        .into_iter()
        .map(|name| {
            let value = |column: &Vec<(String, String)>| {
                column.iter().find(|(known, _)| known == name).map_or("-", |(_, value)| value).to_owned()
            };
            std::iter::once(name.to_owned()).chain(columns.iter().map(value)).collect()
        })
        .collect();
    table::rows(&cells)
}

/// Every plain value in something, by its path in it.
fn flat(value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    gather(value, String::new(), &mut found);
    found
}

fn gather(value: &Value, path: String, found: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| gather(value, below(name), found));
        }
        Value::Array(items) => {
            (1..).zip(items).for_each(|(number, item)| gather(item, below(&number.to_string()), found));
        }
        Value::String(text) => found.push((path, text.lines().collect::<Vec<_>>().join(" "))),
        other => found.push((path, other.to_string())),
    }
}

/// Prints a temporary link. It is for whoever asked, so it goes to standard output and nowhere else.
pub(crate) async fn url(argument: PlaceArgument, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&argument.place)?;
    let app = context.look().await?;
    let link = app.places_link(request(&place)).await?;
    app.stop().await;
    if context.out.json {
        context.out.json(&link)?;
        return Ok(Exit::Done);
    }
    context.out.line(&link.url)?;
    match link.expires {
        Some(at) => {
            context.out.say(&format!("It works until {}; whoever has it has the file.", table::time(at)))
        }
        None => context.out.say("The service does not say how long it works; whoever has it has the file."),
    }
    Ok(Exit::Done)
}

fn request(place: &Place) -> PlaceRequest {
    PlaceRequest { account: place.account.clone(), path: place.path.clone() }
}
