//! `labferry queue`.

use crate::{
    context::Context,
    exit::{Exit, Failure, usage},
    follow, outcome, spool,
};
use clap::{Args, Subcommand};
use labferry_app::{
    App,
    wire::{
        answers::{Changed, ProblemWords},
        requests::{ListTransfers, MoveTransfer, TransferSelection},
    },
};

const EXAMPLES: &str = "\
Examples:
  labferry queue                    what is in the queue
  labferry queue run                work it until nothing can go on
  labferry queue pause 12 13
  labferry queue pause --account lab
  labferry queue cancel --batch 3
  labferry queue retry --all
  labferry queue move 12 --first    send it next";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QueueArguments {
    #[command(subcommand)]
    command: Option<QueueCommand>,
}

#[derive(Subcommand)]
enum QueueCommand {
    /// List transfers, newest first
    Ls(LsArguments),
    /// Pause transfers; what they sent is kept
    Pause(Which),
    /// Let paused transfers go on
    Resume(Which),
    /// Give transfers up, and remove from the service what was begun
    Cancel(Which),
    /// Try failed transfers again
    Retry(Which),
    /// Put a transfer elsewhere in the queue
    Move(MoveArguments),
    /// Remove finished transfers from the list; receipts stay
    Clear(Which),
    /// Work the queue until nothing in it can go on
    Run,
}

#[derive(Args)]
struct MoveArguments {
    /// The transfer's number
    id: i64,
    /// first, last, or the number of the transfer to stand before
    #[arg(required_unless_present_any = ["first", "last", "before"], conflicts_with_all = ["first", "last", "before"])]
    to: Option<String>,
    /// Send it next
    #[arg(long, conflicts_with_all = ["last", "before"])]
    first: bool,
    /// Send it when all others are sent
    #[arg(long, conflicts_with = "before")]
    last: bool,
    /// The transfer to stand before, with its priority
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
}

impl From<MoveArguments> for MoveTransfer {
    fn from(arguments: MoveArguments) -> Self {
        let MoveArguments { id, to, first, last, before } = arguments;
        let flag = match (first, last) {
            (true, _) => Some("first".to_owned()),
            (_, true) => Some("last".to_owned()),
            _ => before.map(|id| id.to_string()),
        };
        Self { id, to: flag.or(to).unwrap_or_default() }
    }
}

#[derive(Args)]
struct LsArguments {
    /// Which ones
    #[arg(long, default_value = "all", value_parser = ["all", "active", "waiting", "needs_you", "done"])]
    filter: String,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
    /// Only this batch's
    #[arg(long, value_name = "N")]
    batch: Option<i64>,
    /// Only those with this text in their name
    #[arg(long)]
    text: Option<String>,
    /// Lines to ask for
    #[arg(long, default_value_t = 200)]
    limit: u32,
    /// Only those older than this number
    #[arg(long, value_name = "ID")]
    after: Option<i64>,
}

#[derive(Args)]
struct Which {
    /// The transfers' numbers
    #[arg(required_unless_present_any = ["all", "batch", "account"], conflicts_with_all = ["all", "batch", "account"])]
    ids: Vec<i64>,
    /// All of this batch: what one command or one drop queued
    #[arg(long, value_name = "N")]
    batch: Option<i64>,
    /// All of this account
    #[arg(long)]
    account: Option<String>,
    /// All that this can be asked of
    #[arg(long, conflicts_with_all = ["batch", "account"])]
    all: bool,
}

impl Which {
    /// What is asked about before it is given up.
    fn named(&self) -> Option<String> {
        match (self.batch, &self.account) {
            _ if self.all => Some("every transfer".to_owned()),
            (Some(batch), Some(account)) => Some(format!("every transfer of {account} in batch {batch}")),
            (Some(batch), None) => Some(format!("every transfer of batch {batch}")),
            (None, Some(account)) => Some(format!("every transfer of {account}")),
            (None, None) => None,
        }
    }
}

impl From<Which> for TransferSelection {
    fn from(which: Which) -> Self {
        let Which { ids, batch, account, all } = which;
        Self { ids, all, batch, account }
    }
}

pub(crate) async fn run(arguments: QueueArguments, context: &Context) -> Result<Exit, Failure> {
    let usual = LsArguments {
        filter: "all".to_owned(),
        account: None,
        batch: None,
        text: None,
        limit: 200,
        after: None,
    };
    let command = arguments.command.unwrap_or(QueueCommand::Ls(usual));
    if matches!(command, QueueCommand::Run) {
        return work(context).await;
    }
    let app = context.look().await?;
    match command {
        QueueCommand::Run => {}
        QueueCommand::Ls(arguments) => list(&app, context, arguments).await?,
        QueueCommand::Pause(which) => told(context, "paused", app.transfers_pause(which.into()).await)?,
        QueueCommand::Resume(which) => {
            told(
                context,
                "let go on; `labferry queue run` or the open window sends",
                app.transfers_resume(which.into()).await,
            )?;
        }
        QueueCommand::Cancel(which) => {
            if let Some(named) = which.named() {
                context.out.confirm(&format!("Give up {named} that is not finished?"))?;
            }
            told(context, "cancelled", app.transfers_cancel(which.into()).await)?;
        }
        QueueCommand::Retry(which) => {
            told(
                context,
                "queued again; `labferry queue run` or the open window sends",
                app.transfers_retry(which.into()).await,
            )?;
        }
        QueueCommand::Move(to) => told(context, "moved", app.transfers_move(to.into()).await)?,
        QueueCommand::Clear(which) => {
            told(context, "removed from the list", app.transfers_clear(which.into()).await)?;
            spool::clean_up(&app, &context.data_folder()?).await?;
        }
    }
    app.stop().await;
    Ok(Exit::Done)
}

async fn list(app: &App, context: &Context, arguments: LsArguments) -> Result<(), Failure> {
    if arguments.limit == 0 {
        return Err(usage("--limit 0 would list nothing; ask for at least one line."));
    }
    let request = ListTransfers {
        filter: arguments.filter,
        account: arguments.account,
        batch: arguments.batch,
        text: arguments.text,
        after: arguments.after,
        limit: arguments.limit,
        ..ListTransfers::default()
    };
    let answer = app.transfers_list(request).await?;
    outcome::list(&context.out, &answer.rows)?;
    let counts = answer.counts;
    context.out.say(&format!(
        "{} transfers: {} in hand, {} waiting, {} need you, {} done.",
        counts.all, counts.active, counts.waiting, counts.needs_you, counts.done
    ));
    Ok(())
}

fn told(context: &Context, what: &str, answer: Result<Changed, ProblemWords>) -> Result<(), Failure> {
    let answer = answer?;
    if context.out.json {
        return context.out.json(&answer);
    }
    context.out.line(&format!(
        "{}: {what}",
        crate::table::count(usize::try_from(answer.changed).unwrap_or(usize::MAX), "transfer")
    ))
}

async fn work(context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    let app = context.work().await?;
    let (mut ids, mut held) = (Vec::new(), Vec::new());
    for filter in ["active", "waiting"] {
        outcome::each_in(&app, filter, |row| {
            if row.state != "paused" {
                ids.push(row.id);
                // Whoever runs the queue wants it tried now, not when its pause is over.
                if !matches!(row.waiting.as_deref(), None | Some("turn" | "interrupted")) {
                    held.push(row.id);
                }
            }
        })
        .await?;
    }
    if ids.is_empty() {
        out.say("There is nothing to do: nothing in the queue waits.");
    }
    // Only the owner may: another process works the queue at its own pace otherwise.
    if app.owns() && !held.is_empty() {
        app.transfers_retry(TransferSelection { ids: held, ..TransferSelection::default() }).await?;
    }
    let result = match follow::until_idle(&app, out, &ids).await {
        Ok(()) => outcome::tell_of(&app, out, &ids, false).await,
        Err(failure) => Err(failure),
    };
    if !matches!(result, Err(Failure::Stopped(_))) {
        spool::clean_up(&app, &context.data_folder()?).await?;
        app.stop().await;
    }
    result
}
