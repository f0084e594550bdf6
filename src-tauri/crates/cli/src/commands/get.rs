//! `labferry get`.

use crate::{
    choices::{DOWNLOAD_CLASH, words},
    context::Context,
    exit::{Exit, Failure, usage},
    follow, outcome,
    place::Place,
};
use clap::Args;
use labferry_app::{
    App, ClashPolicy, ShapeChoice,
    wire::{
        answers::{EntryRow, Renamed, TransferRow},
        requests::{AddDownloads, PlaceRequest, TransferSelection},
    },
};
use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Characters of a foreign name that are shown; services allow names of 64 KiB.
const SHOWN_NAME: usize = 200;

const EXAMPLES: &str = "\
Examples:
  labferry get lab:abcd-1234/scan.tif .
  labferry get lab:abcd-1234 copy/            a whole record, its metadata beside the files
  labferry get lab:abcd-1234/stack.tif . --range-parts 8
  labferry get lab:abcd-1234/table.csv - | head";

#[derive(Args)]
#[command(after_help = EXAMPLES, override_usage = "labferry get [OPTIONS] <PLACE>... <DEST>")]
pub(crate) struct GetArguments {
    // One list: options may stand anywhere between its members.
    /// Files or records, ACCOUNT:PATH; then the folder or file to write, or - for standard output
    #[arg(required = true, value_name = "PLACE… DEST")]
    places: Vec<String>,
    /// What to do when a file of the name is here already
    #[arg(long, default_value = "ask", value_parser = words::<ClashPolicy>(DOWNLOAD_CLASH))]
    on_clash: ClashPolicy,
    /// Fetch each file in so many byte ranges at once; 1 for one request [default: by size and settings]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    range_parts: Option<u8>,
    /// Write standard output in Base64
    #[arg(long)]
    base64: bool,
}

/// How the files are fetched.
#[derive(Clone, Copy)]
struct Way {
    on_clash: ClashPolicy,
    range_parts: Option<u8>,
}

impl Way {
    fn shape(self) -> ShapeChoice {
        match self.range_parts {
            None => ShapeChoice::Auto,
            Some(1) => ShapeChoice::Whole,
            Some(_) => ShapeChoice::Parts,
        }
    }

    async fn open(self, context: &Context) -> Result<App, Failure> {
        let app = context.work_with(self.range_parts.map(usize::from)).await?;
        if self.range_parts.is_some() && !app.owns() {
            context.out.say("Another Labferry fetches; how many ranges it takes at once is its own setting.");
        }
        Ok(app)
    }
}

pub(crate) async fn run(arguments: GetArguments, context: &Context) -> Result<Exit, Failure> {
    let (destination, places) = match arguments.places.split_last() {
        Some((destination, places)) if !places.is_empty() => (destination, places),
        _ => return Err(usage("Say what to fetch and where to: labferry get ACCOUNT:PATH… DEST.")),
    };
    let places = places.iter().map(|place| Place::parse(place)).collect::<Result<Vec<_>, _>>()?;
    if let Some(place) = places.iter().find(|place| place.path.is_empty()) {
        return Err(usage(format!(
            "{place} is a whole account: say which of its records or files to fetch; `labferry ls {place}` lists them."
        )));
    }
    let way = Way { on_clash: arguments.on_clash, range_parts: arguments.range_parts };
    if destination == "-" {
        return match places.as_slice() {
            [place] if !context.out.json => to_standard_output(context, place, arguments.base64, way).await,
            [_] => Err(usage("--json and - both want standard output: leave one of them out.")),
            _ => Err(usage("Standard output takes one file: fetch several into a folder.")),
        };
    }
    if arguments.base64 {
        return Err(usage("--base64 is for standard output: give - as the destination."));
    }
    let app = way.open(context).await?;
    let result = fetch(&app, context, &places, destination, way).await;
    let result = result.and_then(|(exit, rows)| Ok(exit.and(outcome::tell(&context.out, &rows, false)?)));
    if !matches!(result, Err(Failure::Stopped(_))) {
        app.stop().await;
    }
    result
}

/// Queues and runs the downloads.
async fn fetch(
    app: &App,
    context: &Context,
    places: &[Place],
    destination: &str,
    way: Way,
) -> Result<(Exit, Vec<TransferRow>), Failure> {
    let mut exit = Exit::Done;
    let mut ids = Vec::new();
    let mut left: &[Place] = places;
    // A request is about one account; neighbours of one account go together.
    while let Some(first) = left.first() {
        let same = left.iter().take_while(|place| place.account == first.account).count();
        let (now, later) = left.split_at(same);
        let request = AddDownloads {
            account: first.account.clone(),
            paths: now.iter().map(|place| place.path.clone()).collect(),
            destination: destination.to_owned(),
            on_clash: way.on_clash,
            shape: way.shape(),
        };
        let queued = app.downloads_add(request).await?;
        for problem in &queued.refused {
            context.out.problem(problem)?;
            exit = exit.and(Exit::of(problem));
        }
        for Renamed { name, local } in &queued.renamed {
            let shown: String = name.escape_debug().take(SHOWN_NAME).collect();
            context.out.say(&format!(
                "\"{shown}\" is saved as {local}: not every system takes that name beside the others."
            ));
        }
        ids.extend(queued.ids);
        ids.extend(queued.continued);
        left = later;
    }
    if ids.is_empty() {
        return Ok((exit, Vec::new()));
    }
    follow::until_settled(app, &context.out, &ids).await?;
    Ok((exit, outcome::rows_of(app, &ids).await?))
}

/// Fetches and proves a file first, and writes it then: whoever reads gets proven bytes or none.
async fn to_standard_output(
    context: &Context,
    place: &Place,
    base64: bool,
    way: Way,
) -> Result<Exit, Failure> {
    let folder = context.data_folder()?.join("standard-output");
    let kept = std::fs::create_dir_all(&folder)
        .and_then(|()| tempfile::Builder::new().prefix("output-").tempdir_in(&folder))
        .map_err(|error| {
            Failure::Words(format!(
                "{} cannot be written: {error}. Make room there or choose another data folder.",
                folder.display()
            ))
        })?;
    let app = way.open(context).await?;
    let found =
        app.browse_show(PlaceRequest { account: place.account.clone(), path: place.path.clone() }).await?;
    if matches!(found, EntryRow::Container { .. }) {
        return Err(usage(format!(
            "{place} is a record, and standard output takes one file: name one of its files."
        )));
    }
    let file = kept.path().join("content");
    let places = std::slice::from_ref(place);
    let (mut exit, rows) =
        fetch(&app, context, places, &file.display().to_string(), Way { on_clash: ClashPolicy::Ask, ..way })
            .await?;
    for row in &rows {
        if row.verified {
            write_out(&PathBuf::from(&row.local), base64)?;
        } else {
            exit = exit.and(if row.state == "done" { Exit::Unproven } else { Exit::Failed });
            let (message, next) = row.problem.as_ref().map_or(
                (format!("{place} was not proven to be what the service holds."), "Nothing was written."),
                |problem| (problem.message.clone(), problem.next.as_str()),
            );
            context.out.say_always(&format!("{message} {next}"));
        }
    }
    // The file goes with its folder, so the row would lead nowhere.
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    app.transfers_cancel(TransferSelection { ids: ids.clone(), ..TransferSelection::default() }).await.ok();
    app.transfers_clear(TransferSelection { ids, ..TransferSelection::default() }).await?;
    app.stop().await;
    Ok(exit)
}

fn write_out(path: &Path, base64: bool) -> Result<(), Failure> {
    let mut file = File::open(path)?;
    let mut stdout = io::stdout().lock();
    if base64 {
        let engine = &base64::engine::general_purpose::STANDARD;
        let mut encoder = base64::write::EncoderWriter::new(&mut stdout, engine);
        io::copy(&mut file, &mut encoder)?;
        encoder.finish()?;
        drop(encoder);
        writeln!(stdout)?;
    } else {
        io::copy(&mut file, &mut stdout)?;
    }
    Ok(stdout.flush()?)
}
