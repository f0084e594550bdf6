//! How transfers ended: the JSON of a transfer, the sentence about it, and the exit code.

use crate::{
    exit::{Exit, Failure},
    output::Output,
    table::size_or_none,
};
use labferry_app::{
    App,
    wire::{
        answers::{DigestsRow, ProblemWords, TransferRow},
        requests::ListTransfers,
    },
};
use serde::Serialize;
use std::collections::BTreeSet;

/// Rows asked for at a time: some 200 KiB of them.
const PAGE: u32 = 200;

/// A transfer in JSON. This is a contract: fields are added, never renamed.
#[derive(Serialize)]
struct TransferJson<'a> {
    id: i64,
    direction: &'a str,
    account: &'a str,
    place: &'a str,
    name: &'a str,
    size: Option<u64>,
    sent: u64,
    state: &'a str,
    proof: Option<&'a str>,
    digests: &'a DigestsRow,
    problem: Option<ProblemJson<'a>>,
    attempts: u32,
    local: &'a str,
    verified: bool,
    waiting: Option<&'a str>,
    batch: i64,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    code: &'a str,
    message: &'a str,
    next: &'a str,
}

fn json(row: &TransferRow) -> TransferJson<'_> {
    fn problem(words: &ProblemWords) -> ProblemJson<'_> {
        ProblemJson { code: &words.code, message: &words.message, next: &words.next }
    }
    TransferJson {
        id: row.id,
        direction: &row.direction,
        account: &row.account,
        place: &row.place,
        name: &row.name,
        size: row.size,
        sent: row.sent,
        state: &row.state,
        proof: row.proof.as_deref(),
        digests: &row.digests,
        problem: row.problem.as_ref().map(problem),
        attempts: row.attempts,
        local: &row.local,
        verified: row.verified,
        waiting: row.waiting.as_deref(),
        batch: row.batch,
    }
}

/// What a kind of proof means.
pub(crate) fn proof_words(proof: &str) -> &str {
    match proof {
        "server_digest" => "the service's digest equals ours",
        "part_digests" => "the service's digest of the parts equals ours",
        "read_back" => "fetched back, the same bytes",
        "size_only" => "only the size was compared",
        other => other,
    }
}

/// What a transfer's state is called in a list.
pub(crate) fn state_words(row: &TransferRow) -> String {
    match (row.state.as_str(), row.waiting.as_deref()) {
        ("done", _) if row.verified => "verified".to_owned(),
        ("done", _) => "sent, not proven".to_owned(),
        ("skipped", _) if row.verified => "there already, verified".to_owned(),
        ("waiting", Some("turn") | None) => "waiting".to_owned(),
        ("waiting", Some("interrupted")) => "interrupted, goes on".to_owned(),
        ("waiting", Some("retry_at")) => "waiting to try again".to_owned(),
        ("waiting", Some("offline")) => "waiting for the service".to_owned(),
        ("waiting", Some("sign_in")) => "waiting for a sign-in".to_owned(),
        ("waiting", Some("disk_low")) => "waiting for disk space".to_owned(),
        ("waiting", Some("timetable")) => "waiting for its hours".to_owned(),
        ("waiting", Some("metered")) => "waiting, the link is metered".to_owned(),
        ("waiting", Some("account_paused")) => "waiting, the account is paused".to_owned(),
        ("waiting", Some("source_changed")) => "waiting, the file changed".to_owned(),
        (state, _) => state.to_owned(),
    }
}

/// The code one transfer stands for. `size_will_do`: no more than the size was asked to be compared.
fn judge(row: &TransferRow, size_will_do: bool) -> Exit {
    match (row.state.as_str(), &row.problem) {
        ("done", _) if !row.verified && !size_will_do => Exit::Unproven,
        ("done" | "skipped", _) => Exit::Done,
        ("paused" | "cancelled", _) => Exit::Cancelled,
        (_, Some(problem)) => Exit::of(problem),
        _ => Exit::Failed,
    }
}

/// A transfer's line in an answer for people.
fn line(row: &TransferRow) -> String {
    let remote = match row.place.as_str() {
        "" => format!("{}:{}", row.account, row.name),
        place => format!("{}:{place}/{}", row.account, row.name),
    };
    let to = if row.direction == "download" { &row.local } else { &remote };
    let proof = row.proof.as_deref().map(|proof| format!(" ({})", proof_words(proof))).unwrap_or_default();
    format!("{}: {to}, {}{proof}", state_words(row), size_or_none(row.size))
}

/// As [`tell`], of the rows with these numbers, oldest first. They may be very many, so they are read as they are told.
pub(crate) async fn tell_of(
    app: &App,
    out: &Output,
    ids: &[i64],
    size_will_do: bool,
) -> Result<Exit, Failure> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    let (mut exit, mut waiting) = (Exit::Done, false);
    for some in ids.chunks(PAGE as usize) {
        let rows = rows_of(app, some).await?;
        exit = exit.and(tell_each(out, &rows, size_will_do)?);
        waiting |= rows.iter().any(is_waiting);
    }
    tell_of_waiting(out, waiting);
    Ok(exit)
}

/// Tells how each transfer ended and gives the code for all of them.
pub(crate) fn tell(out: &Output, rows: &[TransferRow], size_will_do: bool) -> Result<Exit, Failure> {
    let exit = tell_each(out, rows, size_will_do)?;
    tell_of_waiting(out, rows.iter().any(is_waiting));
    Ok(exit)
}

fn is_waiting(row: &TransferRow) -> bool {
    row.state == "waiting"
}

fn tell_of_waiting(out: &Output, waiting: bool) {
    if waiting {
        out.say("What waits stays in the queue; `labferry queue run` goes on with it.");
    }
}

fn tell_each(out: &Output, rows: &[TransferRow], size_will_do: bool) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for row in rows {
        exit = exit.and(judge(row, size_will_do));
        if out.json {
            out.json(&json(row))?;
        } else {
            out.line(&line(row))?;
        }
        if let Some(problem) = &row.problem {
            out.say_always(&format!("{} {}", problem.message, problem.next));
        }
    }
    Ok(exit)
}

/// The rows as a list, without judging them.
pub(crate) fn list(out: &Output, rows: &[TransferRow]) -> Result<(), Failure> {
    if out.json {
        return rows.iter().try_for_each(|row| out.json(&json(row)));
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let done = match (row.size, row.state.as_str()) {
                (Some(size), "moving" | "waiting" | "paused" | "failed") if size > 0 && row.sent > 0 => {
                    format!("{} %", u128::from(row.sent) * 100 / u128::from(size))
                }
                _ => String::new(),
            };
            let arrow = if row.direction == "download" { "from" } else { "to" };
            let why = row.problem.as_ref().map_or("", |problem| problem.message.as_str());
            vec![
                row.id.to_string(),
                state_words(row),
                done,
                size_or_none(row.size),
                format!("{} {arrow} {}:{}", row.name, row.account, row.place),
                why.to_owned(),
            ]
        })
        .collect();
    crate::table::rows(&cells).iter().try_for_each(|line| out.line(line))
}

/// The rows with these numbers, oldest first.
pub(crate) async fn rows_of(app: &App, ids: &[i64]) -> Result<Vec<TransferRow>, Failure> {
    let mut wanted: BTreeSet<i64> = ids.iter().copied().collect();
    let mut rows = Vec::with_capacity(wanted.len());
    let mut after = wanted.last().map(|newest| newest + 1);
    while let (Some(before), false) = (after, wanted.is_empty()) {
        let request = ListTransfers { after: Some(before), limit: PAGE, ..ListTransfers::default() };
        let page = app.transfers_list(request).await?.rows;
        after = page.last().map(|row| row.id);
        rows.extend(page.into_iter().filter(|row| wanted.remove(&row.id)));
        let oldest = wanted.first().copied();
        if after.zip(oldest).is_none_or(|(after, oldest)| after <= oldest) {
            break;
        }
    }
    rows.reverse();
    Ok(rows)
}

/// Shows every row of a filter, newest first. They may be very many, so none is kept here.
pub(crate) async fn each_in(
    app: &App,
    filter: &str,
    mut each: impl FnMut(TransferRow),
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let request =
            ListTransfers { filter: filter.to_owned(), after, limit: PAGE, ..ListTransfers::default() };
        let page = app.transfers_list(request).await?.rows;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.into_iter().for_each(&mut each);
    }
}
