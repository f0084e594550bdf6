//! `labferry rm`, and `labferry record rm`.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    listing::Selection,
    place::Place,
    table::{count, size},
};
use clap::Args;
use labferry_app::{
    App,
    wire::{
        answers::EntryRow,
        requests::{PlaceRequest, PlacesRequest},
    },
};

const EXAMPLES: &str = "\
Examples:
  labferry rm lab:abcd-1234/scan.tif
  labferry rm lab:abcd-1234 --matching '*.tmp'   the files of the record with such a name
  labferry rm lab:abcd-1234 --files              all its files; the record stays";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RemoveArguments {
    /// Records or files, ACCOUNT:PATH
    #[arg(required = true)]
    places: Vec<String>,
    /// These are uploads that were begun and never finished (`labferry ls --leftovers`), and nothing else
    #[arg(long, conflicts_with_all = ["files", "matching", "larger_than"])]
    leftovers: bool,
    #[command(flatten)]
    selection: Selection,
}

pub(crate) async fn run(arguments: RemoveArguments, context: &Context) -> Result<Exit, Failure> {
    if arguments.selection.is_made() {
        return files(context, &arguments).await;
    }
    if !arguments.leftovers {
        return places(context, &arguments.places, false).await;
    }
    let places = parse(&arguments.places)?;
    let app = context.look().await?;
    for place in &places {
        let request = PlacesRequest { account: place.account.clone(), paths: vec![place.path.clone()] };
        app.browse_clear_leftovers(request).await?;
        told(context, place)?;
    }
    app.stop().await;
    Ok(Exit::Done)
}

/// Deletes the files that are chosen in places, once somebody who knows which said yes.
async fn files(context: &Context, arguments: &RemoveArguments) -> Result<Exit, Failure> {
    let places = parse(&arguments.places)?;
    let app = context.look().await?;
    let chosen = arguments.selection.of(&app, &places).await?;
    let bytes = chosen.iter().filter_map(|(_, file)| file.size).sum();
    let names = chosen.iter().map(|(place, _)| place.to_string()).collect::<Vec<_>>().join(", ");
    let what = format!("{} ({})", count(chosen.len(), "file"), size(bytes));
    context.out.confirm(&format!("Delete on the service, for good: {what}: {names}?"))?;
    for (place, file) in chosen {
        let request = PlacesRequest { account: place.account.clone(), paths: vec![file.path] };
        app.places_remove(request).await?;
        told(context, &place)?;
    }
    app.stop().await;
    Ok(Exit::Done)
}

/// Deletes places once somebody who knows what is lost said yes.
pub(crate) async fn places(context: &Context, given: &[String], records_only: bool) -> Result<Exit, Failure> {
    let places = parse(given)?;
    let app = context.look().await?;
    let mut lost = Vec::new();
    for place in &places {
        lost.push(what_is_lost(&app, place, records_only).await?);
    }
    context.out.confirm(&format!("Delete on the service, for good: {}?", lost.join("; ")))?;
    for place in &places {
        let request = PlacesRequest { account: place.account.clone(), paths: vec![place.path.clone()] };
        app.places_remove(request).await?;
        told(context, place)?;
    }
    app.stop().await;
    Ok(Exit::Done)
}

fn parse(given: &[String]) -> Result<Vec<Place>, Failure> {
    let places = given.iter().map(|place| Place::parse(place)).collect::<Result<Vec<_>, _>>()?;
    match places.iter().find(|place| place.path.is_empty()) {
        Some(place) => Err(usage(format!(
            "{place} is a whole account and cannot be deleted: say which of its records or files."
        ))),
        None => Ok(places),
    }
}

async fn what_is_lost(app: &App, place: &Place, records_only: bool) -> Result<String, Failure> {
    let request = PlaceRequest { account: place.account.clone(), path: place.path.clone() };
    match app.browse_show(request).await? {
        EntryRow::File { .. } if records_only => {
            Err(usage(format!("{place} is a file, not a record: delete it with `labferry rm {place}`.")))
        }
        EntryRow::File { file } => {
            let size = file.size.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
            Ok(format!("the file {place}{size}"))
        }
        EntryRow::Container { container } => {
            let files = container.files.map(|files| format!(", {files} files")).unwrap_or_default();
            let size = container.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
            Ok(format!("the {} {place} \"{}\"{files}{size}", container.kind, container.title))
        }
    }
}

pub(crate) fn told(context: &Context, place: &Place) -> Result<(), Failure> {
    if context.out.json {
        return context.out.json(&serde_json::json!({ "removed": place.to_string() }));
    }
    context.out.line(&format!("{place}: deleted"))
}
