//! `labferry check`.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    outcome::proof_words,
    place::Place,
    table::size_or_none,
};
use clap::Args;
use labferry_app::{
    App,
    wire::{
        answers::{CheckRow, EntryRow},
        requests::{CheckLedger, CheckPlace, PlaceRequest},
    },
};
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  labferry check lab:abcd-1234                        every file, against what was sent from here
  labferry check scan.tif lab:abcd-1234/scan.tif      one file, against a copy on this computer
  labferry check --read-back lab:abcd-1234/scan.tif   fetches it where the service keeps no digest
  labferry check --ledger                             everything that was ever proven, all accounts
  labferry check --ledger lab                         the same of one account";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArguments {
    /// Files or records, ACCOUNT:PATH; or one file on this computer, and then its place
    #[arg(required_unless_present = "ledger", value_name = "[SOURCE] PLACE…")]
    places: Vec<String>,
    /// Check everything in the ledger, of one account or of all
    // An empty name stands for all of them.
    #[arg(long, value_name = "ACCOUNT", num_args = 0..=1, default_missing_value = "", conflicts_with = "places")]
    ledger: Option<String>,
    /// Fetch the content where the service keeps no digest that can be compared
    #[arg(long)]
    read_back: bool,
}

pub(crate) async fn run(arguments: CheckArguments, context: &Context) -> Result<Exit, Failure> {
    if let Some(account) = arguments.ledger {
        return ledger(context, Some(account).filter(|name| !name.is_empty()), arguments.read_back).await;
    }
    let (source, places) = split(&arguments.places)?;
    let app = context.look().await?;
    let mut exit = Exit::Done;
    for place in places {
        let path = match &source {
            Some(source) => file_path(&app, source, &place).await?,
            None => place.path.clone(),
        };
        let request = CheckPlace {
            account: place.account.clone(),
            path,
            source: source.clone(),
            read_back: arguments.read_back,
        };
        let rows = app.checks_run(request).await?;
        if rows.is_empty() {
            context.out.say(&format!("{place} has no files to check."));
        }
        for row in rows {
            exit = exit.and(tell(context, &row)?);
        }
    }
    app.stop().await;
    Ok(exit)
}

fn split(given: &[String]) -> Result<(Option<String>, Vec<Place>), Failure> {
    if let [source, place] = given
        && Place::is_local(source)
    {
        if Path::new(source).is_dir() {
            return Err(usage(format!(
                "{source} is a folder, and a file is compared with a file: name a file, or check the whole record \
                 against what was sent with `labferry check {place}`."
            )));
        }
        return Ok((Some(source.clone()), vec![Place::parse(place)?]));
    }
    if let Some(local) = given.iter().find(|text| Path::new(text).exists()) {
        return Err(usage(format!(
            "{local} is on this computer: say with which place to compare it, as in `labferry check FILE ACCOUNT:PATH`."
        )));
    }
    let places = given.iter().map(|place| Place::parse(place)).collect::<Result<Vec<_>, _>>()?;
    if let Some(place) = places.iter().find(|place| place.path.is_empty()) {
        return Err(usage(format!(
            "{place} is a whole account: say which of its records or files to check."
        )));
    }
    Ok((None, places))
}

/// The path of the file to compare with: in a record, the one with the source's name.
async fn file_path(app: &App, source: &str, place: &Place) -> Result<String, Failure> {
    let request = PlaceRequest { account: place.account.clone(), path: place.path.clone() };
    let name = Path::new(source).file_name().and_then(|name| name.to_str());
    match (app.browse_show(request).await, name) {
        (Ok(EntryRow::Container { container }), Some(name)) => Ok(format!("{}/{name}", container.path)),
        // A file that is not there is what the check tells about.
        _ => Ok(place.path.clone()),
    }
}

/// Page by page, so that a ledger of any length takes no more memory.
async fn ledger(context: &Context, account: Option<String>, read_back: bool) -> Result<Exit, Failure> {
    let app = context.look().await?;
    let (mut exit, mut after, mut files, mut verified) = (Exit::Done, None, 0_u64, 0_u64);
    loop {
        let request = CheckLedger { account: account.clone(), after, limit: 0, read_back };
        let page = app.checks_ledger(request).await?;
        for row in &page.rows {
            files += 1;
            verified += u64::from(row.result == "verified");
            exit = exit.and(tell(context, row)?);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    app.stop().await;
    context.out.say(&match files {
        0 => "The ledger has no files to check.".to_owned(),
        files => format!("{verified} of {files} files in the ledger are proven to be there."),
    });
    Ok(exit)
}

fn tell(context: &Context, row: &CheckRow) -> Result<Exit, Failure> {
    let out = &context.out;
    let (exit, words) = match row.result.as_str() {
        "verified" => (Exit::Done, row.proof.as_deref().map_or("", proof_words)),
        "differs" => (Exit::Failed, "not the same bytes"),
        "missing" => (Exit::Failed, "the service does not have it whole"),
        "unverifiable" => {
            (Exit::Unproven, "the service tells no digest; --read-back fetches it and compares")
        }
        "not_asked" => {
            (row.problem.as_ref().map_or(Exit::Failed, Exit::of), "the service could not be asked")
        }
        _ => (Exit::Unproven, "nothing was sent from here to compare it with; name a local copy"),
    };
    if out.json {
        out.json(row)?;
    } else {
        let size = size_or_none(row.size);
        out.line(&format!("{}: {}:{}, {size} ({words})", row.result, row.account, row.path))?;
    }
    if let Some(problem) = &row.problem {
        out.say_always(&format!("{} {}", problem.message, problem.next));
    }
    Ok(exit)
}
