//! `labferry copy`: files from one record to another, also of another service.
//!
//! The copy is the app's, as in the window: it is kept in the database, and a copy that was broken off goes on with the
//! parts that had arrived, in whichever process. This asks for it, waits for it, and tells how each file ended.

use crate::{
    choices::{UPLOAD_CLASH, words},
    context::Context,
    exit::{Exit, Failure, usage},
    follow, outcome,
    place::Place,
};
use clap::Args;
use labferry_app::{
    App, ClashPolicy,
    wire::{
        copies::{AddCopy, CopyFileRow, CopyRow, ListCopyFiles},
        requests::Empty,
    },
};
use std::collections::BTreeSet;

/// Files read at a time: a bundle and what failed before it.
const PAGE: u32 = 500;

const EXAMPLES: &str = "\
Examples:
  labferry copy lab:abcd-1234/scan.tif zenodo:5678
  labferry copy lab:abcd-1234 aruna:PROJECT/COLLECTION   every file of the record

Each file is verified twice: as it was fetched, and as the other service holds it. It passes through the data
folder; a second start of the same command goes on with what is unfinished, and so does the open window.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CopyArguments {
    /// The file or record to copy, ACCOUNT:PATH
    from: String,
    /// The record to copy into, ACCOUNT:PATH
    to: String,
    /// What to do when the name is taken there by another file
    #[arg(long, default_value = "ask", value_parser = words::<ClashPolicy>(UPLOAD_CLASH))]
    on_clash: ClashPolicy,
}

pub(crate) async fn run(arguments: CopyArguments, context: &Context) -> Result<Exit, Failure> {
    let (from, to) = (Place::parse(&arguments.from)?, Place::parse(&arguments.to)?);
    let request = AddCopy {
        account: from.account,
        paths: vec![from.path],
        to_account: to.account,
        to_place: to.path,
        on_clash: arguments.on_clash,
    };
    let app = context.work().await?;
    let result = copy(&app, context, request).await;
    if !matches!(result, Err(Failure::Stopped(_))) {
        app.stop().await;
    }
    result
}

async fn copy(app: &App, context: &Context, request: AddCopy) -> Result<Exit, Failure> {
    let id = app.copies_add(request).await?.id;
    // It runs from the first file to the last one's proof: stopped between the steps, it would drop the parts that an
    // earlier start's upload has on their way.
    app.start_engine();
    if !app.owns() {
        context
            .out
            .say("Another Labferry works on this data folder; it copies, and this command waits for it.");
    }
    let (mut told, mut exit) = (Told::default(), Exit::Done);
    loop {
        // Read before the files: what settles in between is told the next time.
        let row = row(app, id).await?;
        exit = exit.and(told.tell(app, context, &row, false).await?);
        if follow::until_copied(app, &context.out, id, &row.transfers).await? {
            break;
        }
    }
    let row = self::row(app, id).await?;
    exit = exit.and(told.tell(app, context, &row, true).await?);
    if let Some(problem) = row.problem.as_ref().filter(|_| row.failed == 0) {
        context.out.problem(problem)?;
        exit = exit.and(Exit::of(problem));
    }
    if told.not_begun > 0 {
        context.out.say_always(&format!(
            "{} of {}:{} did not have their turn: the same command goes on with them.",
            crate::table::count(told.not_begun, "file"),
            row.account,
            row.source
        ));
        exit = exit.and(Exit::Cancelled);
    }
    Ok(exit)
}

async fn row(app: &App, id: i64) -> Result<CopyRow, Failure> {
    let rows = app.copies_list(Empty {}).await?;
    rows.into_iter().find(|row| row.id == id).ok_or_else(|| {
        usage(format!("Somebody forgot copy {id} meanwhile: start it again if it is still wanted."))
    })
}

/// Which files were told of.
#[derive(Default)]
struct Told {
    numbers: BTreeSet<i64>,
    /// Those up to this one all were.
    all_up_to: i64,
    not_begun: usize,
}

impl Told {
    /// Tells of files that are over, or at the end of all that were not told of.
    async fn tell(
        &mut self,
        app: &App,
        context: &Context,
        row: &CopyRow,
        at_end: bool,
    ) -> Result<Exit, Failure> {
        let mut exit = Exit::Done;
        let mut after = Some(self.all_up_to);
        while after.is_some() {
            let request = ListCopyFiles { id: row.id, after, limit: PAGE, ..ListCopyFiles::default() };
            let page = app.copies_files(request).await?;
            let over = |file: &&CopyFileRow| at_end || matches!(file.state.as_str(), "copied" | "skipped");
            let new: Vec<&CopyFileRow> =
                page.rows.iter().filter(|file| !self.numbers.contains(&file.number)).filter(over).collect();
            exit = exit.and(self.tell_files(app, context, row, &new).await?);
            self.numbers.extend(new.iter().map(|file| file.number));
            while self.numbers.remove(&(self.all_up_to + 1)) {
                self.all_up_to += 1;
            }
            // Files go in their order: behind a page on which nothing is over nothing is.
            after = page.next.filter(|_| at_end || !new.is_empty());
        }
        Ok(exit)
    }

    async fn tell_files(
        &mut self,
        app: &App,
        context: &Context,
        row: &CopyRow,
        files: &[&CopyFileRow],
    ) -> Result<Exit, Failure> {
        let out = &context.out;
        let begun = |file: &&&CopyFileRow| !matches!(file.state.as_str(), "waiting" | "fetched" | "stopped");
        let id = |file: &CopyFileRow| file.upload.or(file.download);
        let ids: Vec<i64> = files.iter().filter(begun).filter_map(|file| id(file)).collect();
        let rows = outcome::rows_of(app, &ids).await?;
        let mut exit = outcome::tell(out, &rows, false)?;
        let has_row: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
        for file in files {
            match &file.problem {
                _ if begun(&file) && id(file).is_some_and(|id| has_row.contains(&id)) => {}
                Some(problem) => {
                    out.problem(problem)?;
                    exit = exit.and(Exit::of(problem));
                }
                // Its row was cleared; the copy knows.
                None if file.verified || file.state == "skipped" => {}
                None if file.state == "copied" => exit = exit.and(Exit::Unproven),
                None => self.not_begun += 1,
            }
            if file.fetched_proven == Some(false) {
                out.say_always(&format!(
                    "{}:{} tells no digest: whether {} was fetched as it is there is not proven.",
                    row.account, row.source, file.name
                ));
                exit = exit.and(Exit::Unproven);
            }
        }
        Ok(exit)
    }
}
