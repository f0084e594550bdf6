//! `labferry sync`: a record is made to hold what a folder holds.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    follow,
    listing::files_of,
    outcome,
    place::Place,
    table::count,
};
use clap::Args;
use labferry_app::{
    App, ClashPolicy, ShapeChoice, VerifyChoice,
    wire::requests::{AddUploads, PlacesRequest},
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
What is there already with the same bytes is not sent again, what differs is replaced, and everything is verified.

Examples:
  labferry sync results/ lab:abcd-1234
  labferry sync results/ lab:abcd-1234 --delete   also delete there what is not in the folder";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SyncArguments {
    /// The folder; its files get the names they have below it
    folder: PathBuf,
    /// The record, ACCOUNT:PATH
    place: String,
    /// Afterwards delete the files in the record that are not in the folder
    #[arg(long)]
    delete: bool,
}

pub(crate) async fn run(arguments: SyncArguments, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&arguments.place)?;
    let sources = sources(&arguments.folder)?;
    let app = context.work().await?;
    let result = sync(&app, context, &place, sources, arguments.delete).await;
    if !matches!(result, Err(Failure::Stopped(_))) {
        app.stop().await;
    }
    result
}

/// What stands in the folder, so that names begin below it.
fn sources(folder: &Path) -> Result<Vec<String>, Failure> {
    let bad =
        |why: String| usage(format!("{} cannot be used: {why}. Name a folder with files.", folder.display()));
    let entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad(error.to_string()))?;
    let mut sources = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = entry.path();
        let text = path.to_str().ok_or_else(|| bad(format!("{} is no text in UTF-8", path.display())))?;
        sources.push(text.to_owned());
    }
    // An empty folder is more often a disk that is not mounted than a wish to empty the record.
    if sources.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    sources.sort();
    Ok(sources)
}

async fn sync(
    app: &App,
    context: &Context,
    place: &Place,
    sources: Vec<String>,
    delete: bool,
) -> Result<Exit, Failure> {
    let request = AddUploads {
        sources,
        account: place.account.clone(),
        place: place.path.clone(),
        name: None,
        metadata: serde_json::Map::new(),
        on_clash: ClashPolicy::Replace,
        shape: ShapeChoice::Auto,
        verify: VerifyChoice::Auto,
        ..AddUploads::default()
    };
    let queued = app.uploads_add(request).await?;
    let mut exit = Exit::Done;
    for problem in &queued.refused {
        context.out.problem(problem)?;
        exit = exit.and(Exit::of(problem));
    }
    let ids: Vec<i64> = queued.ids.iter().chain(&queued.continued).copied().collect();
    if !ids.is_empty() {
        follow::until_settled(app, &context.out, &ids).await?;
    }
    let rows = outcome::rows_of(app, &ids).await?;
    exit = exit.and(outcome::tell(&context.out, &rows, false)?);
    if !delete {
        return Ok(exit);
    }
    if exit != Exit::Done {
        context.out.say_always(
            "Nothing is deleted there, because not every file was proven to be there. Mend that and sync again.",
        );
        return Ok(exit);
    }
    let ours: HashSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let others: Vec<_> =
        files_of(app, place).await?.into_iter().filter(|file| !ours.contains(file.name.as_str())).collect();
    if others.is_empty() {
        return Ok(exit);
    }
    let names = others.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ");
    context.out.confirm(&format!(
        "Delete on the service, for good: {} of {place} that are not in the folder: {names}?",
        count(others.len(), "file")
    ))?;
    for file in others {
        let request = PlacesRequest { account: place.account.clone(), paths: vec![file.path.clone()] };
        app.places_remove(request).await?;
        let gone = Place { account: place.account.clone(), path: file.path };
        super::remove::told(context, &gone)?;
    }
    Ok(exit)
}
