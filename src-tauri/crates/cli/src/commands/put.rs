//! `labferry put`.

use crate::{
    choices::{SHAPE, UPLOAD_CLASH, VERIFY, words},
    commands::import,
    context::Context,
    exit::{Exit, Failure, usage},
    follow, outcome,
    place::{Place, key_value, metadata},
    spool,
    table::{count, size},
};
use clap::Args;
use labferry_app::{
    App, ClashPolicy, ShapeChoice, VerifyChoice,
    wire::{
        answers::Queued,
        requests::{AddUploads, FolderNames, ImportLink},
    },
};
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  labferry put scan.tif lab:abcd-1234
  labferry put results/ notes.txt lab:abcd-1234 --on-clash rename
  labferry put run7.d lab:abcd-1234 --archive           one ZIP file with a manifest of what is in it
  tar cz run7 | labferry put - lab:abcd-1234 --name run7.tar.gz
  labferry put --from-url https://data.example.org/video.mp4 lab:WORKSPACE

A second start of the same command goes on with what is unfinished; finished parts are not sent again.";

#[derive(Args)]
#[command(after_help = EXAMPLES, override_usage = "labferry put [OPTIONS] <SOURCE>... <PLACE>")]
pub(crate) struct PutArguments {
    // One list: options may stand anywhere between its members.
    /// Files and folders, or - for standard input; then the record to put them into, ACCOUNT:PATH
    #[arg(required = true, value_name = "SOURCE… PLACE")]
    places: Vec<String>,
    /// The name on the service, for a single file
    #[arg(long, value_name = "KEY")]
    name: Option<String>,
    /// Metadata of each file; KEY:=VALUE for a value in JSON
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = key_value)]
    metadata: Vec<(String, String)>,
    /// What to do when the name is taken by another file
    #[arg(long, default_value = "ask", value_parser = words::<ClashPolicy>(UPLOAD_CLASH))]
    on_clash: ClashPolicy,
    /// One request, or parts
    #[arg(long, default_value = "auto", value_parser = words::<ShapeChoice>(SHAPE))]
    shape: ShapeChoice,
    /// The proof to ask for
    #[arg(long, default_value = "auto", value_parser = words::<VerifyChoice>(VERIFY))]
    verify: VerifyChoice,
    /// Send each folder as one ZIP file with a manifest inside, for services that keep no folders
    #[arg(long, conflicts_with = "from_url")]
    archive: bool,
    /// What standard input brings is in Base64: its bytes are sent
    #[arg(long)]
    base64: bool,
    /// Let the service fetch this link by itself, instead of a SOURCE
    #[arg(long, value_name = "URL", conflicts_with_all = ["base64", "metadata", "on_clash", "shape", "verify"])]
    from_url: Option<String>,
    /// With --from-url: the media type, where the link does not tell it
    #[arg(long, value_name = "TYPE", requires = "from_url")]
    media_type: Option<String>,
    /// Only queue; the window or `labferry queue run` sends
    #[arg(long)]
    no_wait: bool,
}

pub(crate) async fn run(arguments: PutArguments, context: &Context) -> Result<Exit, Failure> {
    if let Some(link) = &arguments.from_url {
        let place = match arguments.places.as_slice() {
            [place] => Place::parse(place)?,
            _ => {
                return Err(usage(
                    "With --from-url say only where to: labferry put --from-url URL ACCOUNT:PATH.",
                ));
            }
        };
        let wanted = ImportLink {
            account: place.account.clone(),
            place: place.path.clone(),
            link: link.clone(),
            name: arguments.name,
            media_type: arguments.media_type,
        };
        return import::run(wanted, arguments.no_wait, context).await;
    }
    let (place, mut sources) = split(&arguments)?;
    let metadata = metadata(&arguments.metadata)?;
    let data_folder = context.data_folder()?;
    let app = if arguments.no_wait { context.look().await? } else { context.work().await? };
    let spooled = match sources.iter_mut().find(|source| *source == "-") {
        None => None,
        Some(source) => {
            let spooled = spool::standard_input(&data_folder, arguments.base64)?;
            *source = spooled.path.display().to_string();
            context.out.say(&format!("Standard input: {}.", size(spooled.bytes)));
            Some(spooled)
        }
    };
    if arguments.archive
        && let Some(folder) = sources.iter().find(|source| Path::new(source).is_dir())
    {
        context.out.say(&format!("Packing {folder} …"));
    }
    let size_will_do = arguments.verify == VerifyChoice::Size;
    let request = AddUploads {
        sources,
        account: place.account.clone(),
        place: place.path.clone(),
        name: arguments.name,
        metadata,
        on_clash: arguments.on_clash,
        shape: arguments.shape,
        verify: arguments.verify,
        folders: if arguments.archive { FolderNames::Archive } else { FolderNames::Keep },
        ..AddUploads::default()
    };
    let queued = app.uploads_add(request).await;
    drop(spooled);
    let result = match queued {
        Ok(queued) => work(&app, context, &queued, arguments.no_wait, size_will_do).await,
        Err(problem) => Err(problem.into()),
    };
    if !matches!(result, Err(Failure::Stopped(_))) {
        spool::clean_up(&app, &data_folder).await?;
        app.clean_staged().await?;
        app.stop().await;
    }
    result
}

async fn work(
    app: &App,
    context: &Context,
    queued: &Queued,
    no_wait: bool,
    size_will_do: bool,
) -> Result<Exit, Failure> {
    let out = &context.out;
    let mut exit = Exit::Done;
    for problem in &queued.refused {
        out.problem(problem)?;
        exit = exit.and(Exit::of(problem));
    }
    let ids: Vec<i64> = queued.ids.iter().chain(&queued.continued).copied().collect();
    if !queued.continued.is_empty() {
        let rows = outcome::rows_of(app, &queued.continued).await?;
        for row in rows.iter().take(20) {
            let there =
                if row.sent > 0 { format!(", {} are there already", size(row.sent)) } else { String::new() };
            out.say(&format!("{}: goes on with the unfinished transfer {}{there}.", row.name, row.id));
        }
        if rows.len() > 20 {
            out.say(&format!("{} more unfinished transfers go on.", rows.len() - 20));
        }
    }
    if no_wait {
        let rows = outcome::rows_of(app, &ids).await?;
        outcome::list(out, &rows)?;
        if !rows.is_empty() {
            out.say(&format!(
                "Queued {}; `labferry queue run` or the open window sends.",
                count(rows.len(), "file")
            ));
        }
        return Ok(exit);
    }
    if ids.is_empty() {
        return Ok(exit);
    }
    if !app.owns() {
        out.say("Another Labferry works on this data folder; it sends, and this command waits for it.");
    }
    follow::until_settled(app, out, &ids).await?;
    Ok(exit.and(outcome::tell_of(app, out, &ids, size_will_do).await?))
}

/// The place and the sources, once they make sense together.
fn split(arguments: &PutArguments) -> Result<(Place, Vec<String>), Failure> {
    let (place, sources) = match arguments.places.split_last() {
        Some((place, sources)) if !sources.is_empty() => (Place::parse(place)?, sources),
        _ => return Err(usage("Say what to send and where to: labferry put SOURCE… ACCOUNT:PATH.")),
    };
    let inputs = sources.iter().filter(|source| *source == "-").count();
    if inputs > 1 {
        return Err(usage("Standard input can be sent only once: give - a single time."));
    }
    if inputs == 0 && arguments.base64 {
        return Err(usage(
            "--base64 is for standard input: give - as the source, as in `labferry put - --base64`.",
        ));
    }
    if inputs == 1 && arguments.name.is_none() {
        return Err(usage("Standard input has no name of its own: give it one with --name."));
    }
    if let Some(name) = &arguments.name {
        if sources.len() > 1 {
            return Err(usage(format!(
                "The name \"{name}\" is for a single file, and {} were given: leave --name out or send them one by one.",
                sources.len()
            )));
        }
        let folder = sources.iter().find(|source| Path::new(source).is_dir());
        if let Some(folder) = folder.filter(|_| !arguments.archive) {
            return Err(usage(format!(
                "{folder} is a folder, and --name \"{name}\" is for a single file: leave --name out, or name a file."
            )));
        }
    }
    Ok((place, sources.to_vec()))
}
