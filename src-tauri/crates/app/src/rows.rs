//! From the nouns of the model to the rows on the wire.

use crate::{expiry, problem_text, wire::answers::*};
use labferry_model::{
    Capabilities, Container, ContainerKind, DigestSet, Direction, Entry, FileStatus, Problem, ProblemCode,
    RemoteDigest, RemoteFile, State, Timestamp, Transfer, WaitReason,
};
use labferry_store::{Account, Counts, LedgerEntry};

pub(crate) fn account(account: &Account, service_title: String, now: Timestamp) -> AccountRow {
    AccountRow {
        name: account.name.to_string(),
        service: account.service.clone(),
        service_title,
        url: account.url.clone(),
        practice: account.practice,
        settings: account.settings.clone(),
        expiry: account.expiry.map(|expiry| expiry::row(expiry, now)),
    }
}

pub(crate) fn capabilities(capabilities: &Capabilities) -> serde_json::Value {
    serde_json::to_value(capabilities).unwrap_or_default()
}

pub(crate) fn direction(direction: Direction) -> String {
    match direction {
        Direction::Upload => "upload",
        Direction::Download => "download",
    }
    .to_owned()
}

pub(crate) fn digests(digests: &DigestSet) -> DigestsRow {
    DigestsRow { sha256: digests.sha256.clone(), md5: digests.md5.clone() }
}

pub(crate) fn container(container: Container) -> ContainerRow {
    let kind = match container.kind {
        ContainerKind::Draft => "draft",
        ContainerKind::Record => "record",
        ContainerKind::Project => "project",
        ContainerKind::Collection => "collection",
    };
    ContainerRow {
        path: container.path,
        title: container.title,
        kind: kind.to_owned(),
        writable: container.writable,
        files: container.files,
        bytes: container.bytes,
        modified: container.modified.map(|at| at.0),
        web_page: container.web_page,
        complaints: container.complaints,
        metadata: serde_json::Value::Object(container.metadata),
    }
}

/// A file, with what the ledger knows of exactly this content.
pub(crate) fn file(file: RemoteFile, known: Option<&LedgerEntry>) -> FileRow {
    let status = match file.status {
        FileStatus::Ready => "ready",
        FileStatus::Pending => "pending",
        FileStatus::Failed => "failed",
        FileStatus::Processing => "processing",
    };
    let proof = known.filter(|entry| same_content(&file, entry)).map(|entry| &entry.proof);
    FileRow {
        proof: proof.map(|proof| proof.name().to_owned()),
        verified: proof.is_some_and(labferry_model::Proof::is_green),
        status: status.to_owned(),
        digests: file.digests.iter().map(remote_digest).collect(),
        path: file.path,
        name: file.name,
        size: file.size,
        media_type: file.media_type,
        modified: file.modified.map(|at| at.0),
        metadata: serde_json::Value::Object(file.metadata),
    }
}

/// A file as the ledger remembers it; the service was not asked.
pub(crate) fn remembered(entry: LedgerEntry) -> FileRow {
    let digests = [("sha256", &entry.digests.sha256), ("md5", &entry.digests.md5)];
    FileRow {
        proof: Some(entry.proof.name().to_owned()),
        verified: entry.proof.is_green(),
        status: "ready".to_owned(),
        digests: digests
            .into_iter()
            .filter_map(|(algorithm, hex)| {
                Some(DigestRow { algorithm: algorithm.to_owned(), hex: hex.clone()? })
            })
            .collect(),
        path: entry.path,
        name: entry.name,
        size: Some(entry.size),
        media_type: None,
        modified: Some(entry.at.0),
        metadata: serde_json::Value::Object(serde_json::Map::new()),
    }
}

/// Whether a ledger entry is about the content the service shows now: a digest says so, and where there is none to
/// compare, a file of the same size that has not been changed since.
fn same_content(file: &RemoteFile, entry: &LedgerEntry) -> bool {
    if file.status != FileStatus::Ready || file.size.is_some_and(|size| size != entry.size) {
        return false;
    }
    let agreements: Vec<bool> = file
        .digests
        .iter()
        .filter_map(|digest| match digest {
            RemoteDigest::Whole { digest } => entry.digests.agrees(digest),
            RemoteDigest::Md5OfParts { .. } => None,
        })
        .collect();
    if agreements.is_empty() {
        file.size.is_some() && file.modified.is_some_and(|modified| modified <= entry.at)
    } else {
        agreements.into_iter().all(|agrees| agrees)
    }
}

fn remote_digest(digest: &RemoteDigest) -> DigestRow {
    match digest {
        RemoteDigest::Whole { digest } => {
            DigestRow { algorithm: digest.algorithm.name().to_owned(), hex: digest.hex.clone() }
        }
        RemoteDigest::Md5OfParts { hex, .. } => {
            DigestRow { algorithm: "md5_of_parts".to_owned(), hex: hex.clone() }
        }
    }
}

pub(crate) fn entry(entry: Entry, known: Option<&LedgerEntry>) -> EntryRow {
    match entry {
        Entry::Container { container: found } => EntryRow::Container { container: container(found) },
        Entry::File { file: found } => EntryRow::File { file: file(found, known) },
    }
}

pub(crate) fn transfer(transfer: Transfer) -> TransferRow {
    let proof = match &transfer.state {
        State::Done { proof } | State::Skipped { proof: Some(proof) } => Some(proof.name().to_owned()),
        _ => None,
    };
    let (waiting, retry_at) = match &transfer.state {
        State::Waiting { why } => (Some(reason(why).to_owned()), retry_at(why)),
        _ => (None, None),
    };
    let sent = match &transfer.state {
        State::Done { .. } => transfer.size.unwrap_or(transfer.bytes_done),
        _ => transfer.bytes_done,
    };
    TransferRow {
        id: transfer.id.0,
        batch: transfer.batch,
        direction: direction(transfer.direction),
        account: transfer.account.to_string(),
        local: transfer.local.display().to_string(),
        size: transfer.size,
        sent,
        state: transfer.state.name().to_owned(),
        waiting,
        retry_at,
        proof,
        verified: transfer.state.is_green(),
        digests: digests(&transfer.digests),
        problem: problem(&transfer).as_ref().map(|problem| words(problem, &transfer.state)),
        attempts: transfer.attempts,
        part_count: transfer.plan.as_ref().map(|plan| plan.part_count),
        part_size: transfer.plan.as_ref().map(|plan| plan.part_size),
        created: transfer.created.0,
        changed: transfer.changed.0,
        place: transfer.place,
        name: transfer.name,
    }
}

/// What a state waits for that a person can end.
pub(crate) fn waits_for(state: &State) -> Option<Problem> {
    match state {
        State::Waiting { why: WaitReason::DiskLow } => Some(Problem::new(ProblemCode::DiskFull)),
        state => state.problem().cloned(),
    }
}

/// The problem of a file that was given up, in words.
pub(crate) fn given_up(problem: &Problem, name: &str) -> ProblemWords {
    let problem = problem.clone().about(name);
    words(&problem, &State::Failed { problem: problem.clone() })
}

/// The problem in words. Of a transfer that was given up nothing goes on by itself.
fn words(problem: &Problem, state: &State) -> ProblemWords {
    let mut words = problem_text::words(problem);
    if matches!(state, State::Failed { .. }) && words.severity == "notice" {
        words.severity = "error".to_owned();
        words.next = "Read why it was given up; then try again, or cancel it.".to_owned();
        words.button = Some("retry".to_owned());
        if let Some(facts) = &mut words.facts {
            facts.given_up = true;
        }
    }
    words
}

/// What a person should read about a transfer, with the file it is about.
fn problem(transfer: &Transfer) -> Option<Problem> {
    let local = || transfer.local.display().to_string();
    let problem = match &transfer.state {
        State::Waiting { why: WaitReason::SourceChanged } => {
            Problem::new(ProblemCode::SourceChanged).about(local())
        }
        State::Waiting { why: WaitReason::DiskLow } => Problem::new(ProblemCode::DiskFull).about(local()),
        state => state.problem()?.clone(),
    };
    Some(problem.about(transfer.name.clone()))
}

fn reason(why: &WaitReason) -> &'static str {
    match why {
        WaitReason::Turn => "turn",
        WaitReason::Interrupted => "interrupted",
        WaitReason::RetryAt { .. } => "retry_at",
        WaitReason::Offline { .. } => "offline",
        WaitReason::SignIn { .. } => "sign_in",
        WaitReason::SourceChanged => "source_changed",
        WaitReason::DiskLow => "disk_low",
    }
}

fn retry_at(why: &WaitReason) -> Option<i64> {
    match why {
        WaitReason::RetryAt { at, .. } => Some(at.0),
        _ => None,
    }
}

/// The counts by filter. `held` is how many wait for a person: they are counted as waiting, too.
pub(crate) fn counts(counts: &Counts, held: u64) -> QueueCounts {
    let of = |states: &[&str]| -> u64 { states.iter().filter_map(|state| counts.by_state.get(*state)).sum() };
    QueueCounts {
        all: counts.by_state.values().sum(),
        active: of(ACTIVE),
        waiting: of(WAITING),
        needs_you: of(FAILED) + held,
        done: of(DONE),
    }
}

/// States in hand.
pub(crate) const ACTIVE: &[&str] = &["checking", "planned", "moving", "finishing", "verifying"];
/// States that wait.
pub(crate) const WAITING: &[&str] = &["waiting", "paused"];
/// States that ended badly.
pub(crate) const FAILED: &[&str] = &["failed"];
/// States that ended.
pub(crate) const DONE: &[&str] = &["done", "skipped", "cancelled"];
/// Reasons to wait that a person can end.
pub(crate) const HELD: &[&str] = &["sign_in", "disk_low"];
/// Reasons to wait other than one's turn.
pub(crate) const STUCK: &[&str] = &["retry_at", "source_changed", "offline", "sign_in", "disk_low"];
