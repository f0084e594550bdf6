//! `labferry ls` and `labferry show`.

use crate::{
    context::Context,
    exit::{Exit, Failure},
    outcome::proof_words,
    output::Output,
    place::Place,
    table::{rows, size_or_none, time},
};
use clap::Args;
use labferry_app::{
    App,
    wire::{
        answers::{ContainerRow, EntryRow, FileRow},
        requests::{ListPlace, PlaceRequest},
    },
};

const EXAMPLES: &str = "\
Examples:
  labferry ls lab:                    your records
  labferry ls lab:abcd-1234           the files of a record
  labferry ls lab: --published --query microscopy
  labferry ls --leftovers lab:abcd-1234   uploads that were begun and never finished";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LsArguments {
    /// An account, or a record in it
    place: String,
    /// Only what matches these words
    #[arg(long)]
    query: Option<String>,
    /// Everything published instead of yours, at the top of an account
    #[arg(long)]
    published: bool,
    /// Lines to ask for
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Go on with this page
    #[arg(long, value_name = "TOKEN")]
    page: Option<String>,
    /// Instead: uploads to this record that were begun and never finished
    #[arg(long, conflicts_with_all = ["query", "published", "page"])]
    leftovers: bool,
}

#[derive(Args)]
pub(crate) struct ShowArguments {
    /// A record or file
    place: String,
    /// Wait until the service does not work on it any more; a file it gave up on is a failure
    #[arg(long)]
    wait: bool,
}

pub(crate) async fn list(arguments: LsArguments, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&arguments.place)?;
    let app = context.look().await?;
    if arguments.leftovers {
        leftovers(&app, context, &place).await?;
    } else {
        page(&app, context, place, arguments).await?;
    }
    app.stop().await;
    Ok(Exit::Done)
}

async fn page(app: &App, context: &Context, place: Place, arguments: LsArguments) -> Result<(), Failure> {
    let out = &context.out;
    let request = ListPlace {
        account: place.account.clone(),
        path: place.path.clone(),
        query: arguments.query,
        published: arguments.published,
        page: arguments.page,
        limit: arguments.limit,
    };
    let answer = app.browse_list(request).await?;
    if out.json {
        return out.json(&answer);
    }
    let cells: Vec<Vec<String>> = answer.entries.iter().map(|entry| cells(&place, entry)).collect();
    rows(&cells).iter().try_for_each(|line| out.line(line))?;
    if answer.remembered {
        out.say(&format!(
            "The service cannot list {place}: this is what was sent there from this computer, as its ledger remembers it."
        ));
    }
    if answer.entries.is_empty() {
        out.say(&format!("{place} holds nothing."));
    }
    if let Some(next) = answer.next {
        out.say(&format!("There is more: add --page {next}"));
    }
    Ok(())
}

fn cells(place: &Place, entry: &EntryRow) -> Vec<String> {
    match entry {
        EntryRow::Container { container } => vec![
            container.path.clone(),
            container.kind.clone(),
            container.files.map_or_else(|| "-".to_owned(), |files| format!("{files} files")),
            container.modified.map(time).unwrap_or_default(),
            container.title.clone(),
        ],
        EntryRow::File { file } => vec![
            file.name.clone(),
            size_or_none(file.size),
            if file.verified { "verified".to_owned() } else { file.status.clone() },
            file.modified.map(time).unwrap_or_default(),
            // Where files are known by ids, the name does not lead to them.
            if file.path == format!("{}/{}", place.path, file.name) {
                String::new()
            } else {
                file.path.clone()
            },
        ],
    }
}

async fn leftovers(app: &App, context: &Context, place: &Place) -> Result<(), Failure> {
    let out = &context.out;
    let request = PlaceRequest { account: place.account.clone(), path: place.path.clone() };
    let found = app.browse_leftovers(request).await?;
    if out.json {
        return out.json(&found);
    }
    let cells: Vec<Vec<String>> = found
        .iter()
        .map(|row| {
            let whose = if row.ours { "this queue will finish it" } else { "nobody here will finish it" };
            vec![format!("{}:{}", place.account, row.path), size_or_none(row.size), whose.to_owned()]
        })
        .collect();
    rows(&cells).iter().try_for_each(|line| out.line(line))?;
    if found.is_empty() {
        out.say(&format!("{place} has no unfinished uploads."));
    }
    Ok(())
}

pub(crate) async fn show(arguments: ShowArguments, context: &Context) -> Result<Exit, Failure> {
    let place = Place::parse(&arguments.place)?;
    let app = context.look().await?;
    let request = PlaceRequest { account: place.account.clone(), path: place.path.clone() };
    let entry =
        if arguments.wait { app.browse_processed(request).await? } else { app.browse_show(request).await? };
    print_entry(&context.out, &place, &entry)?;
    app.stop().await;
    Ok(Exit::Done)
}

/// One record or file, as a table or as JSON.
pub(crate) fn print_entry(out: &Output, place: &Place, entry: &EntryRow) -> Result<(), Failure> {
    if out.json {
        return out.json(entry);
    }
    let (cells, metadata) = match entry {
        EntryRow::Container { container } => (of_container(place, container), &container.metadata),
        EntryRow::File { file } => (of_file(place, file), &file.metadata),
    };
    let cells: Vec<Vec<String>> =
        cells.into_iter().map(|(name, value)| vec![format!("{name}:"), value]).collect();
    rows(&cells).iter().try_for_each(|line| out.line(line))?;
    if metadata.as_object().is_some_and(|fields| !fields.is_empty()) {
        out.line("metadata:")?;
        out.line(&format!("{metadata:#}"))?;
    }
    Ok(())
}

fn of_container(place: &Place, row: &ContainerRow) -> Vec<(&'static str, String)> {
    let mut cells = vec![
        ("place", place.to_string()),
        ("title", row.title.clone()),
        ("kind", row.kind.clone()),
        ("takes files", if row.writable { "yes" } else { "no" }.to_owned()),
    ];
    cells.extend(row.files.map(|files| ("files", files.to_string())));
    cells.extend(row.bytes.map(|bytes| ("size", crate::table::size(bytes))));
    cells.extend(row.modified.map(|at| ("changed", time(at))));
    cells.extend(row.web_page.clone().map(|page| ("page", page)));
    cells.extend(row.complaints.iter().map(|complaint| ("missing", complaint.clone())));
    cells
}

fn of_file(place: &Place, row: &FileRow) -> Vec<(&'static str, String)> {
    let mut cells = vec![("place", place.to_string()), ("status", row.status.clone())];
    cells.extend(row.size.map(|bytes| ("size", format!("{bytes} bytes"))));
    cells.extend(row.media_type.clone().map(|kind| ("type", kind)));
    cells.extend(row.modified.map(|at| ("changed", time(at))));
    cells.extend(row.digests.iter().map(|digest| ("digest", format!("{} {}", digest.algorithm, digest.hex))));
    if let Some(proof) = &row.proof {
        cells.push(("proof", proof_words(proof).to_owned()));
    }
    cells
}
