//! One download from `Checking` to its proof. It goes in ranges where the service gives them, and as one stream where
//! it does not; ranges that arrived are not fetched again by a later run.

use crate::{
    disk_space,
    fetch::Fetch,
    front::Front,
    hash_ahead::{self, HashAhead, Hashes, Wanted},
    partial_file::PartialFile,
    preflight::numbered,
    read_back::ReadingBack,
    run::{Run, Stop},
    source_file,
    verify::{self, Verdict},
};
use labferry_model::{
    Algorithm, Capabilities, ClashPolicy, Entry, Event, PartReceipt, Problem, ProblemCode, Proof, RemoteFile,
    ShapeChoice, VerifyChoice, transfer::StoredPlan,
};
use labferry_provider::ByteRange;
use labferry_store::{Change, LedgerEntry};
use std::{collections::HashSet, sync::Mutex};

/// Free names tried beside a file that is there.
const NAMES_TRIED: u32 = 1_000;

pub(crate) async fn run(run: &mut Run) -> Result<(), Stop> {
    let facts = run.request(|| run.provider.capabilities()).await?;
    let path = run.remote_path();
    let mut file = match run.request(|| run.provider.describe(&path)).await? {
        Entry::File { file } => file,
        Entry::Container { .. } => {
            let why = "it is a record; its files are fetched one by one";
            return Err(Stop::Failed(Problem::new(ProblemCode::InvalidRequest).about(&path).because(why)));
        }
    };
    let known = proven(run, &path).await?;
    let size = match file.size {
        Some(size) => size,
        None => untold_size(run, &file, known.as_ref(), &facts).await?,
    };
    file.size = Some(size);
    if let Some(ours) = named_before(run, &file, size, &facts).await? {
        run.step(Event::FinishedOnService, Change::default()).await?;
        let proof = prove(run, &file, &ours, known.as_ref(), &facts).await?;
        return record(run, path, size, ours, proof).await;
    }
    if let Some(proof) = settle_clash(run, &file, size, &facts).await? {
        let change = Change { size: Some(size), ..Change::default() };
        return run.step(Event::NothingToDo { proof }, change).await;
    }
    let partial = PartialFile::beside(&run.transfer.local, run.transfer.id);
    let to_come = size.saturating_sub(partial.allocated());
    if let Some(problem) = disk_space::short(&run.transfer.local, to_come, run.engine.limits.disk_reserve) {
        return Err(Stop::Failed(problem));
    }
    let ranges = gives_ranges(run, &file, size, &facts).await?;
    let (plan, receipts) = begin(run, &partial, &file, size, ranges, from(run, &facts)).await?;
    let received: u64 = receipts.iter().map(|receipt| receipt.part.length).sum();
    run.meter.begin(size, received);

    run.step(Event::MovingBegan, Change::default()).await?;
    let wanted = Wanted::to_compare(size, &facts.digests, &file.digests);
    let hashing = HashAhead::behind(partial.path(), size, wanted);
    // Without something that names the content, a broken answer cannot be gone on with: its end might be another's.
    let front = file.revision.is_some().then(|| Front::new(hashing.pace()));
    let mut had = HashSet::new();
    for PartReceipt { part, .. } in receipts {
        had.insert(part.number);
        if let Some(front) = &front {
            front.written(part.offset, part.end());
        }
    }
    let missing = crate::planner::parts(&plan, size).filter(|part| !had.contains(&part.number)).collect();
    let (target, revision) = (partial.open()?, Mutex::default());
    let fetch = Fetch { run, file: &file, plan: &plan, target, ranges, front, revision };
    fetch.all(missing).await?;

    run.step(Event::AllPartsSent, Change::default()).await?;
    let ours = hashing.finish().await.map_err(|problem| own_copy(&partial, problem))?;
    run.step(Event::FinishedOnService, Change { digests: Some(ours.digests.clone()), ..Change::default() })
        .await?;
    let proof = prove(run, &file, &ours, known.as_ref(), &facts).await?;
    let replace = run.transfer.on_clash == ClashPolicy::Replace;
    partial.finish(size, replace)?;
    record(run, path, size, ours, proof).await
}

/// The digests of the file under its name when this very transfer put it there: the process ended after the file got its name
/// and before that was stored. Fetched again, it would find its own file in the way.
async fn named_before(
    run: &Run,
    file: &RemoteFile,
    size: u64,
    facts: &Capabilities,
) -> Result<Option<Hashes>, Stop> {
    let local = &run.transfer.local;
    let is_candidate = run.transfer.digests.sha256.is_some()
        && !PartialFile::beside(local, run.transfer.id).exists()
        && std::fs::symlink_metadata(local).is_ok_and(|found| found.is_file() && found.len() == size);
    if !is_candidate {
        return Ok(None);
    }
    let ours = hash_ahead::hash_to_compare(local, size, &facts.digests, &file.digests).await?;
    Ok(Some(ours).filter(|ours| ours.digests.sha256 == run.transfer.digests.sha256))
}

/// Stores the end, with the receipt.
async fn record(run: &mut Run, path: String, size: u64, ours: Hashes, proof: Proof) -> Result<(), Stop> {
    let fingerprint = source_file::fingerprint(&run.transfer.local).await?;
    let entry = LedgerEntry {
        account: run.transfer.account.clone(),
        service: run.service.clone(),
        direction: run.transfer.direction,
        place: run.transfer.place.clone(),
        name: run.transfer.name.clone(),
        path,
        local: run.transfer.local.clone(),
        size,
        fingerprint: Some(fingerprint),
        digests: ours.digests,
        proof: proof.clone(),
        at: run.now(),
        transfer: Some(run.transfer.id),
    };
    let change = Change { ledger: Some(entry), failing_since: Some(None), ..Change::default() };
    run.step(Event::Proven { proof }, change).await
}

/// What is remembered of a file whose content was proven before.
async fn proven(run: &Run, path: &str) -> Result<Option<LedgerEntry>, Stop> {
    let entry = run.engine.store.ledger_find(&run.transfer.account, path).await?;
    Ok(entry.filter(|entry| entry.proof.is_green()))
}

/// The size of a file whose service tells none: what was proven before, or else what it gives when it is read once. What
/// ends early then ends at another byte the second time, or stays unproven.
async fn untold_size(
    run: &Run,
    file: &RemoteFile,
    known: Option<&LedgerEntry>,
    facts: &Capabilities,
) -> Result<u64, Stop> {
    if let Some(entry) = known {
        return Ok(entry.size);
    }
    let back = ReadingBack::new(&run.engine, &*run.provider, &run.transfer.account, facts);
    let counted = back.fetch(&file.path, None, |_| {}).await?.size;
    if counted == 0 {
        let why = "the service tells no size and gave no bytes; the file may be kept elsewhere";
        return Err(Stop::Failed(Problem::new(ProblemCode::BadAnswer).about(&file.path).because(why)));
    }
    Ok(counted)
}

/// What the service says of the file, or what was proven of it before, against what arrived.
async fn prove(
    run: &Run,
    file: &RemoteFile,
    ours: &Hashes,
    known: Option<&LedgerEntry>,
    facts: &Capabilities,
) -> Result<Proof, Stop> {
    let by_size = run.transfer.verify == VerifyChoice::Size;
    match verify::by_digest(run, file.clone(), ours, !by_size && facts.proves_by_digest()).await? {
        Verdict::Different(problem) => Err(Stop::Differs(problem)),
        Verdict::Same(proof) if !by_size => Ok(proof),
        Verdict::Unknown if !by_size && same_as_known(ours, known) => {
            Ok(Proof::ReadBack { algorithm: Algorithm::Sha256 })
        }
        // A service without digests: fetching the same bytes again would show nothing that the first time did not.
        Verdict::Same(_) | Verdict::Unknown | Verdict::Unfinished => Ok(Proof::SizeOnly),
    }
}

/// Whether these are the bytes that were proven to be on the service before.
fn same_as_known(ours: &Hashes, known: Option<&LedgerEntry>) -> bool {
    let sha256 = ours.digests.sha256.as_deref();
    sha256.is_some() && known.and_then(|entry| entry.digests.sha256.as_deref()) == sha256
}

/// What is done about a file that is there already. `Some` when there is nothing to fetch.
async fn settle_clash(
    run: &mut Run,
    file: &RemoteFile,
    size: u64,
    facts: &Capabilities,
) -> Result<Option<Option<Proof>>, Stop> {
    let local = run.transfer.local.clone();
    let Ok(found) = std::fs::symlink_metadata(&local) else { return Ok(None) };
    let taken = || Problem::new(ProblemCode::DestinationExists).about(local.display().to_string());
    if found.is_dir() {
        return Err(Stop::Failed(taken().because("it is a folder")));
    }
    if found.is_file() && found.len() == size && !file.digests.is_empty() {
        let ours = hash_ahead::hash_to_compare(&local, size, &facts.digests, &file.digests).await?;
        if let Verdict::Same(proof) = verify::compare(file, size, &ours) {
            return Ok(Some(Some(proof)));
        }
    }
    match run.transfer.on_clash {
        ClashPolicy::Ask => Err(Stop::Failed(taken())),
        ClashPolicy::Skip => Ok(Some(None)),
        ClashPolicy::Replace => Ok(None),
        ClashPolicy::Rename | ClashPolicy::Version => {
            let name = local.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let free = (2..NAMES_TRIED)
                .map(|number| local.with_file_name(numbered(&name, number)))
                .find(|path| std::fs::symlink_metadata(path).is_err())
                .ok_or_else(taken)?;
            run.note(Change { local: Some(free), ..Change::default() }).await?;
            Ok(None)
        }
    }
}

/// The file beside the destination is ours alone: when it cannot be read, it is no source that changed.
fn own_copy(partial: &PartialFile, problem: Problem) -> Stop {
    let why = problem.detail.unwrap_or_default();
    let problem = Problem::new(ProblemCode::FolderNotWritable).about(partial.path().display().to_string());
    Stop::Failed(problem.because(format!("what was fetched is not there any more: {why}")))
}

/// Whether one range of the file can be fetched. Where the account has not seen that yet, one byte is asked for: a service
/// that ignores ranges would otherwise send the whole file for each of them.
async fn gives_ranges(run: &Run, file: &RemoteFile, size: u64, facts: &Capabilities) -> Result<bool, Stop> {
    let told = facts.ranges.unwrap_or(false);
    // A single byte has no second one that could be asked for.
    if facts.ranges.is_some() || file.revision.is_none() || size < from(run, facts).max(2) {
        return Ok(told);
    }
    let second = Some(ByteRange { offset: 1, length: 1 });
    let guard = file.revision.as_deref();
    let answer = run.request(|| run.provider.open_download(&file.path, second, guard)).await?;
    Ok(answer.offset == 1)
}

/// Bytes from which a file is worth being fetched in ranges, unless it was said how.
fn from(run: &Run, facts: &Capabilities) -> u64 {
    match run.transfer.shape {
        ShapeChoice::Auto => facts.parts_from.min(run.engine.limits.part_size * 4),
        ShapeChoice::Parts => 1,
        ShapeChoice::Whole => u64::MAX,
    }
}

/// Takes up what an earlier run left, or begins at byte 0. The transfer is `Planned` afterwards.
async fn begin(
    run: &mut Run,
    partial: &PartialFile,
    file: &RemoteFile,
    size: u64,
    ranges: bool,
    least: u64,
) -> Result<(StoredPlan, Vec<PartReceipt>), Stop> {
    // What says that the file on the service is still the one whose first parts we have.
    let memory = serde_json::json!({ "revision": file.revision, "size": size, "digests": file.digests });
    if let Some(plan) = run.transfer.plan.clone().filter(|_| run.transfer.session.as_ref() == Some(&memory)) {
        let stored = run.engine.store.receipts(run.transfer.id).await?;
        let reading = partial.clone();
        // On a thread of its own: a large file takes minutes, and a pause must not wait for it.
        let receipts: Vec<PartReceipt> = tokio::task::spawn_blocking(move || {
            stored
                .into_iter()
                .filter(|receipt| matches!(reading.sum(receipt.part), Ok(Some(sum)) if sum == receipt.crc32c))
                .collect()
        })
        .await
        .map_err(|error| Problem::new(ProblemCode::Internal).because(error.to_string()))?;
        if !receipts.is_empty() {
            run.step(Event::PlanStored, Change::default()).await?;
            return Ok((plan, receipts));
        }
    }
    // Without something that names the content, ranges could be pieces of two contents.
    let in_parts = ranges && file.revision.is_some() && size >= least;
    let limits = &run.engine.limits;
    let most = u64::from(limits.part_count_target.max(1));
    let mut part_size = match run.transfer.shape {
        _ if !in_parts => size,
        // As many ranges as are fetched at once, so that a small file has them too.
        ShapeChoice::Parts => limits.part_size.min(size.div_ceil(limits.parts_per_file.max(1) as u64)).max(1),
        ShapeChoice::Auto | ShapeChoice::Whole => limits.part_size.max(1),
    };
    while size.div_ceil(part_size.max(1)) > most {
        part_size *= 2;
    }
    let part_count = u32::try_from(size.div_ceil(part_size.max(1)).max(1)).unwrap_or(u32::MAX);
    let plan = StoredPlan { in_parts, part_size, part_count };
    partial.prepare()?;
    partial.reserve(size)?;
    let change = Change {
        clear_parts: true,
        size: Some(size),
        plan: Some(plan.clone()),
        session: Some(memory),
        ..Change::default()
    };
    run.step(Event::PlanStored, change).await?;
    Ok((plan, Vec::new()))
}
