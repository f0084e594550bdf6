//! `labferry watch`.

use crate::{
    choices::{UPLOAD_CLASH, words},
    context::Context,
    exit::{Exit, Failure, usage},
    place::{Place, key_value, metadata},
    signals::told_to_stop,
    table::{self, count, size, time},
    times::{hours_of, seconds_of},
};
use clap::{Args, Subcommand};
use labferry_app::{
    App, ClashPolicy,
    wire::{answers::*, events::AppEvent, folders::*, requests::Empty, settings::HoursRow},
};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

const EXAMPLES: &str = "\
Examples:
  labferry watch check /data/qe2 lab:abcd-1234           what a rule would send now, and why not the rest
  labferry watch add /data/qe2 lab:abcd-1234 --only '*.raw' --backlog now
  labferry watch add /data/runs lab: --unit folder --marker RTAComplete.txt --record-per-run
  labferry watch run                                     watch and send until stopped
  labferry watch status                                  how the rules stand

A file is sent once it has come to rest: 10 s without a change up to 64 MiB, 60 s at 1 GiB, 10 min from 10 GiB on.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArguments {
    #[command(subcommand)]
    command: WatchCommand,
}

#[derive(Subcommand)]
enum WatchCommand {
    /// Watch a folder and send what comes to rest in it
    Add(RuleArguments),
    /// Show what a rule would send now, without making it
    Check(RuleArguments),
    /// List the rules
    Ls,
    /// How the rules stand, with numbers
    Status(StatusArguments),
    /// List a rule's files
    Files(FilesArguments),
    /// Say what shall happen to files that need you
    Answer(AnswerArguments),
    /// Pause rules; uploads in the queue go on
    Pause(Which),
    /// Let paused rules go on, or confirm that a replaced folder is the right one
    Resume(Which),
    /// Remove rules; nothing is deleted here or there
    Rm(Which),
    /// Watch and send until stopped: the agent for computers without a window
    Run(RunArguments),
}

#[derive(Args)]
struct RuleArguments {
    /// The folder
    folder: String,
    /// The record its files go to, ACCOUNT:PATH
    place: String,
    /// What is sent together: each file, each folder directly inside, or files of one name with different endings
    #[arg(long, default_value = "file", value_parser = ["file", "folder", "group"])]
    unit: String,
    /// Only files that fit this pattern, such as '*.tif' or 'raw/**/*.csv'
    #[arg(long = "only", value_name = "PATTERN")]
    include: Vec<String>,
    /// No files that fit this pattern
    #[arg(long = "not", value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Leave folders inside the folder out
    #[arg(long)]
    no_subfolders: bool,
    /// Send names that programs give to unfinished files as well
    #[arg(long)]
    temporary_names: bool,
    /// Seconds without a change, instead of the usual time
    #[arg(long, value_name = "SECONDS")]
    quiet_for: Option<f64>,
    /// For instruments that pause in the middle of a file: two hours without a change
    #[arg(long, conflicts_with = "quiet_for")]
    slow_acquisition: bool,
    /// A file that ends a run, such as RTAComplete.txt; several must all be there
    #[arg(long = "marker", value_name = "PATTERN")]
    markers: Vec<String>,
    /// What is there already: send it, leave it out, or send what was modified since a day such as 2026-11-26
    #[arg(long, default_value = "all", value_name = "all|now|DAY")]
    backlog: String,
    /// What to do when a name is taken by another file
    #[arg(long, default_value = "ask", value_parser = words::<ClashPolicy>(UPLOAD_CLASH))]
    on_clash: ClashPolicy,
    /// Move proven files to this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "recycle")]
    move_to: Option<String>,
    /// Move proven files to the recycle bin
    #[arg(long)]
    recycle: bool,
    /// Take metadata of each file from a file beside it: {stem}.json or {name}.csv
    #[arg(long, value_name = "NAME")]
    sidecar: Option<String>,
    /// How long a file waits for its sidecar, such as 90s or 1h [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = seconds_of, requires = "sidecar")]
    sidecar_wait: Option<f64>,
    /// Send files without their sidecar after that, instead of listing them
    #[arg(long, requires = "sidecar")]
    without_sidecar: bool,
    /// Send sidecars as files as well
    #[arg(long, requires = "sidecar")]
    send_sidecars: bool,
    /// Send in these hours only, such as 'mon-fri 18:00-07:00' or '22:00-06:00'; several count together
    #[arg(long, value_name = "HOURS", value_parser = hours_of)]
    hours: Vec<HoursRow>,
    /// Move or recycle proven files only that long after their proof, such as 12h, 7d or 4w; at once without it
    #[arg(long, value_name = "TIME", value_parser = seconds_of)]
    put_away_after: Option<f64>,
    /// What to do with bytes that were sent before under another name
    #[arg(long, default_value = "send", value_parser = ["send", "link", "skip"])]
    duplicates: String,
    /// A regular expression on the path inside the folder; its named groups become metadata
    #[arg(long, value_name = "REGEX")]
    path_pattern: Option<String>,
    /// Metadata of each file; KEY:=VALUE for a value in JSON
    #[arg(long = "meta", value_name = "KEY=VALUE", value_parser = key_value)]
    metadata: Vec<(String, String)>,
    /// Make a record for each run, below the place; its title is the run's name
    #[arg(long)]
    record_per_run: bool,
    /// Metadata of such a record; {run} stands for the run's name, {GROUP} for a group of --path-pattern
    #[arg(long = "record-meta", value_name = "KEY=VALUE", value_parser = key_value, requires = "record_per_run")]
    record_metadata: Vec<(String, String)>,
    /// Send each run that is a folder as one ZIP file with a manifest, instead of file by file
    #[arg(long)]
    archive_runs: bool,
    /// Look every so many seconds instead of waiting for the system's announcements
    #[arg(long, value_name = "SECONDS")]
    poll: Option<f64>,
}

#[derive(Args)]
struct StatusArguments {
    /// Only this rule
    id: Option<i64>,
}

#[derive(Args)]
struct FilesArguments {
    /// The rule's number
    id: i64,
    /// Which ones
    #[arg(long, default_value = "all", value_parser = ["all", "coming", "queued", "done", "needs_you", "ignored"])]
    filter: String,
    /// Lines to ask for
    #[arg(long, default_value_t = 200)]
    limit: u32,
}

#[derive(Args)]
struct AnswerArguments {
    /// The rule's number
    id: i64,
    /// Send it, send it under a new name, replace what is there, or leave it
    #[arg(value_parser = ["send", "new-name", "replace", "leave"])]
    answer: String,
    /// The files' names as `labferry watch files` lists them
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(Args)]
struct Which {
    /// The rules' numbers
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<i64>,
    /// All rules
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
struct RunArguments {
    /// Seconds between two lines of health; 0 for none
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    health_every: u64,
    /// End once nothing comes to rest and nothing is in the queue
    #[arg(long)]
    until_idle: bool,
}

pub(crate) async fn run(arguments: WatchArguments, context: &Context) -> Result<Exit, Failure> {
    if let WatchCommand::Run(arguments) = arguments.command {
        return agent(arguments, context).await;
    }
    let app = context.look().await?;
    let exit = match arguments.command {
        WatchCommand::Run(_) => Exit::Done,
        WatchCommand::Add(arguments) => add(&app, context, &arguments).await?,
        WatchCommand::Check(arguments) => check(&app, context, &arguments).await?,
        WatchCommand::Ls => list(context, &app.folders_list(Empty {}).await?)?,
        WatchCommand::Status(arguments) => status(&app, context, arguments.id).await?,
        WatchCommand::Files(arguments) => files(&app, context, arguments).await?,
        WatchCommand::Answer(AnswerArguments { id, answer, names }) => {
            let request = AnswerFolderFiles { id, names, answer: answer.replace('-', "_") };
            told(context, "file", "taken care of", &app.folders_answer(request).await?)?
        }
        WatchCommand::Pause(which) => {
            told(context, "rule", "paused", &app.folders_pause(which.into()).await?)?
        }
        WatchCommand::Resume(which) => {
            let what = "let go on; `labferry watch run` or the open window watches";
            told(context, "rule", what, &app.folders_resume(which.into()).await?)?
        }
        WatchCommand::Rm(which) => {
            told(context, "rule", "removed", &app.folders_remove(which.into()).await?)?
        }
    };
    app.stop().await;
    Ok(exit)
}

impl From<Which> for FolderSelection {
    fn from(Which { ids, all }: Which) -> Self {
        Self { ids, all }
    }
}

/// Seconds that an acquisition of hours may pause in the middle of a file, as in the window's form.
const SLOW: f64 = 7_200.0;

fn rule(arguments: &RuleArguments) -> Result<FolderRule, Failure> {
    let place = Place::parse(&arguments.place)?;
    let (backlog, since) = match arguments.backlog.as_str() {
        word @ ("all" | "now") => (word.to_owned(), None),
        day => {
            let day: jiff::civil::Date = day.parse().map_err(|error| {
                usage(format!(
                    "--backlog {day} cannot be used: {error}. Use all, now, or a day such as 2026-11-26."
                ))
            })?;
            let start = day.to_zoned(jiff::tz::TimeZone::system()).map_err(|error| {
                usage(format!("--backlog {day} is no day of this computer's calendar: {error}."))
            })?;
            ("since".to_owned(), Some(start.timestamp().as_millisecond()))
        }
    };
    let after = match (&arguments.move_to, arguments.recycle) {
        (Some(_), _) => "move",
        (None, true) => "recycle",
        (None, false) => "keep",
    };
    let template = arguments.record_per_run.then(|| metadata(&arguments.record_metadata)).transpose()?;
    let on_clash = serde_json::to_value(arguments.on_clash).unwrap_or_default();
    Ok(FolderRule {
        folder: arguments.folder.clone(),
        account: place.account,
        place: place.path,
        unit: arguments.unit.clone(),
        subfolders: !arguments.no_subfolders,
        include: arguments.include.clone(),
        exclude: arguments.exclude.clone(),
        ignore_temporary: !arguments.temporary_names,
        quiet_seconds: arguments.slow_acquisition.then_some(SLOW).or(arguments.quiet_for),
        markers: arguments.markers.clone(),
        backlog,
        since,
        on_clash: on_clash.as_str().unwrap_or("ask").to_owned(),
        after: after.to_owned(),
        sent_folder: arguments.move_to.clone(),
        put_away_seconds: arguments.put_away_after,
        duplicates: arguments.duplicates.clone(),
        path_pattern: arguments.path_pattern.clone(),
        metadata: metadata(&arguments.metadata)?,
        record_template: template,
        sidecar: arguments.sidecar.clone().map(|pattern| SidecarRule {
            pattern,
            wait_seconds: arguments.sidecar_wait,
            without: arguments.without_sidecar,
            send: arguments.send_sidecars,
        }),
        hours: arguments.hours.clone(),
        archive_runs: arguments.archive_runs,
        poll_seconds: arguments.poll,
    })
}

/// What became of a proven file here.
fn here(row: &FolderFileRow) -> String {
    match (row.put_away, row.put_away_due, &row.stays) {
        (Some(at), ..) => format!(" (put away on {})", time(at)),
        (None, Some(_), Some(why)) => format!(" (stays here: {why})"),
        (None, Some(at), None) => format!(" (put away from {} on)", time(at)),
        _ => String::new(),
    }
}

async fn add(app: &App, context: &Context, arguments: &RuleArguments) -> Result<Exit, Failure> {
    let row = app.folders_add(rule(arguments)?).await?;
    if context.out.json {
        context.out.json(&row)?;
    } else {
        let FolderRule { folder, account, place, .. } = &row.rule;
        context.out.line(&format!("Rule {}: {folder} goes to {account}:{place}.", row.id))?;
    }
    context.out.say("`labferry watch run` or the open window watches.");
    Ok(Exit::Done)
}

async fn check(app: &App, context: &Context, arguments: &RuleArguments) -> Result<Exit, Failure> {
    let check = app.folders_check(rule(arguments)?).await?;
    let out = &context.out;
    if out.json {
        out.json(&check)?;
        return Ok(Exit::Done);
    }
    for note in &check.notes {
        out.problem(note)?;
    }
    let send =
        check.send.iter().map(|row| vec!["send".to_owned(), table::size_or_none(row.size), row.name.clone()]);
    let leave = check.leave.iter().map(|row| {
        vec![
            "leave".to_owned(),
            String::new(),
            format!("{}: {}", row.name, row.sentence.as_deref().unwrap_or_default()),
        ]
    });
    let cells: Vec<Vec<String>> = send.chain(leave).collect();
    table::rows(&cells).iter().try_for_each(|line| out.line(line))?;
    out.say(&format!(
        "{} of {} would be sent, {} left.",
        count(usize::try_from(check.send_files).unwrap_or(usize::MAX), "file"),
        size(check.send_bytes),
        check.leave_files
    ));
    Ok(Exit::Done)
}

fn list(context: &Context, rows: &[FolderRow]) -> Result<Exit, Failure> {
    if context.out.json {
        rows.iter().try_for_each(|row| context.out.json(row))?;
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let place = format!("{}:{}", row.rule.account, row.rule.place);
            vec![row.id.to_string(), row.state.clone(), row.rule.folder.clone(), place]
        })
        .collect();
    table::rows(&cells).iter().try_for_each(|line| context.out.line(line))?;
    if rows.is_empty() {
        context.out.say("No folder is watched; `labferry watch add FOLDER PLACE` makes a rule.");
    }
    Ok(Exit::Done)
}

/// One line on how a rule stands.
fn line(row: &FolderRow) -> String {
    let FolderCounts { writing, settling, empty, queued, done, done_lately, changed, failed, more, .. } =
        row.counts;
    let mut text = format!(
        "rule {} {}: {}{} coming to rest, {writing} waiting for their writer, {queued} queued, {done} proven \
         ({done_lately} in 24 h), {} need you",
        row.id,
        row.state,
        settling,
        if more { "+" } else { "" },
        empty + changed + failed
    );
    if row.out_of_hours {
        text.push_str("; outside of its hours, the queue waits");
    }
    if let Some(file) = &row.still_growing {
        text.push_str(&format!(
            "; still growing since {}: {}",
            file.first_seen.map(time).unwrap_or_default(),
            file.name
        ));
    }
    if let Some(problem) = &row.problem {
        text.push_str(&format!("; {} {}", problem.message, problem.next));
    }
    text
}

async fn status(app: &App, context: &Context, id: Option<i64>) -> Result<Exit, Failure> {
    let mut rows = app.folders_list(Empty {}).await?;
    if let Some(id) = id {
        rows.retain(|row| row.id == id);
        if rows.is_empty() {
            return Err(usage(format!("There is no rule {id}; `labferry watch ls` lists them.")));
        }
    }
    if context.out.json {
        rows.iter().try_for_each(|row| context.out.json(row))?;
    } else {
        rows.iter().try_for_each(|row| context.out.line(&line(row)))?;
    }
    Ok(if rows.iter().any(|row| row.state == "suspended") { Exit::Failed } else { Exit::Done })
}

async fn files(app: &App, context: &Context, arguments: FilesArguments) -> Result<Exit, Failure> {
    let FilesArguments { id, filter, limit } = arguments;
    let answer = app.folders_files(ListFolderFiles { id, filter, limit, after: None }).await?;
    if context.out.json {
        answer.rows.iter().try_for_each(|row| context.out.json(row))?;
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| {
            let why = row.sentence.as_ref().map(|sentence| format!(": {sentence}")).unwrap_or_default();
            vec![row.state.clone(), table::size_or_none(row.size), format!("{}{why}{}", row.name, here(row))]
        })
        .collect();
    table::rows(&cells).iter().try_for_each(|line| context.out.line(line))?;
    if answer.next.is_some() {
        context.out.say("There are more; raise --limit.");
    }
    Ok(Exit::Done)
}

fn told(context: &Context, noun: &str, what: &str, answer: &Changed) -> Result<Exit, Failure> {
    if context.out.json {
        context.out.json(answer)?;
    } else {
        let number = usize::try_from(answer.changed).unwrap_or(usize::MAX);
        context.out.line(&format!("{}: {what}", count(number, noun)))?;
    }
    Ok(Exit::Done)
}

/// Watches and sends until it is told to stop. Lines on standard output are for logs: one an upload that ended, one a rule
/// that stands otherwise than before, and a line of health now and then.
async fn agent(arguments: RunArguments, context: &Context) -> Result<Exit, Failure> {
    let app = context.work().await?;
    if !app.owns() {
        app.stop().await;
        return Err(Failure::Problem(Box::new(app.busy())));
    }
    let mut events = app.subscribe();
    app.start_engine();
    context.out.say("Watching; Ctrl-C ends it, and nothing is lost by that.");
    let mut told = Told::default();
    let result = match follow(&app, context, &arguments, &mut events, &mut told).await {
        Ok(exit) => last_words(&app, context, &mut events, &mut told).await.map(|()| exit),
        Err(failure) => Err(failure),
    };
    app.stop().await;
    result
}

/// What happened in the last moment, and how the rules stand now where that was not told yet.
async fn last_words(
    app: &App,
    context: &Context,
    events: &mut Receiver<AppEvent>,
    told: &mut Told,
) -> Result<(), Failure> {
    app.tell_all().await;
    loop {
        match events.try_recv() {
            Ok(event) => tell(context, told, event)?,
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    for row in app.folders_list(Empty {}).await? {
        tell(context, told, AppEvent::Folder { row: Box::new(row) })?;
    }
    Ok(())
}

async fn follow(
    app: &App,
    context: &Context,
    arguments: &RunArguments,
    events: &mut Receiver<AppEvent>,
    told: &mut Told,
) -> Result<Exit, Failure> {
    let mut stop = std::pin::pin!(told_to_stop());
    let every = std::time::Duration::from_secs(arguments.health_every.max(1));
    let mut health = tokio::time::interval(every);
    let mut idle = tokio::time::interval(std::time::Duration::from_secs(1));
    // Rules have to be looked at first.
    idle.reset();
    loop {
        tokio::select! {
            () = &mut stop => return Ok(Exit::Done),
            event = events.recv() => match event {
                Ok(event) => tell(context, told, event)?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(Exit::Done),
            },
            _ = health.tick(), if arguments.health_every > 0 => {
                for row in app.folders_list(Empty {}).await? {
                    if context.out.json {
                        context.out.json(&serde_json::json!({ "type": "health", "row": row }))?;
                    } else {
                        context.out.line(&format!("health: {}", line(&row)))?;
                    }
                }
            }
            _ = idle.tick(), if arguments.until_idle => {
                let rows = app.folders_list(Empty {}).await?;
                let rests = |row: &FolderRow| {
                    let FolderCounts { writing, settling, queued, .. } = row.counts;
                    // What waits for its hours may wait for days.
                    let queued = if row.out_of_hours { 0 } else { queued };
                    row.looked.is_some() && writing + settling + queued == 0
                };
                if rows.iter().all(|row| row.state == "paused" || rests(row)) {
                    let needs_you = rows.iter().any(|row| row.counts.failed + row.counts.changed > 0);
                    return Ok(if needs_you { Exit::Failed } else { Exit::Done });
                }
            }
        }
    }
}

/// What was told last: an event may come twice.
#[derive(Default)]
struct Told {
    rules: BTreeMap<i64, String>,
    /// The newest uploads that ended, with the time of that.
    ended: VecDeque<(i64, i64)>,
}

/// Ended uploads that are remembered.
const ENDED: usize = 1_000;

fn tell(context: &Context, told: &mut Told, event: AppEvent) -> Result<(), Failure> {
    match event {
        AppEvent::Transfer { row, .. } if matches!(row.state.as_str(), "done" | "skipped" | "failed") => {
            let this = (row.id, row.changed);
            if told.ended.contains(&this) {
                return Ok(());
            }
            told.ended.push_back(this);
            if told.ended.len() > ENDED {
                told.ended.pop_front();
            }
            if context.out.json {
                return context.out.json(&serde_json::json!({ "type": "transfer", "row": row }));
            }
            let proof = row.proof.as_deref().map(|proof| format!(" ({proof})")).unwrap_or_default();
            let problem = row.problem.map(|problem| format!(": {} {}", problem.message, problem.next));
            let problem = problem.unwrap_or_default();
            context.out.line(&format!("{}: {}{proof}{problem}", row.state, row.local))
        }
        AppEvent::Folder { row } => {
            let text = line(&row);
            if told.rules.get(&row.id) == Some(&text) {
                return Ok(());
            }
            if context.out.json {
                context.out.json(&serde_json::json!({ "type": "folder", "row": row }))?;
            } else {
                context.out.line(&text)?;
            }
            told.rules.insert(row.id, text);
            Ok(())
        }
        _ => Ok(()),
    }
}
