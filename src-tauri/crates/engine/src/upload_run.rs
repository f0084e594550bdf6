//! One upload from `Checking` to its proof. Each run begins by asking the service what it holds, so that a run after a
//! crash, a pause or a failure is the same code as the first one.

use crate::{
    clash::{self, Clash},
    hash_ahead::{HashAhead, Hashes, Wanted},
    part_worker::{self, Parts},
    planner::{self, Link},
    replaced,
    run::{Run, Stop},
    small_file::{self, SMALL},
    source_file, verify,
};
use labferry_model::{
    Algorithm, Capabilities, Event, Fingerprint, PartPlan, PartReceipt, Problem, ProblemCode, Proof,
    RemoteFile, transfer::StoredPlan,
};
use labferry_provider::{
    ProviderResult, ReceivedPart, ReceivedParts, ShapeWish, UploadRequest, UploadSession,
};
use labferry_store::{Change, LedgerEntry};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

/// An upload that the service knows of.
struct Begun {
    session: UploadSession,
    plan: StoredPlan,
    /// Receipts of parts that the service still has.
    receipts: Vec<PartReceipt>,
    /// The file, when the service has it all.
    finished: Option<RemoteFile>,
}

pub(crate) async fn run(run: &mut Run) -> Result<(), Stop> {
    let source = source_file::fingerprint(&run.transfer.local).await?;
    let facts = run.request(|| run.provider.capabilities()).await?;
    run.provider.check_name(&run.transfer.name)?;
    let size = source.size;

    let begun = match resume(run, &source).await? {
        Some(begun) => begun,
        None => match begin(run, &facts, &source).await? {
            Some(begun) => begun,
            None => return Ok(()),
        },
    };
    if !begun.plan.in_parts && size <= SMALL && begun.finished.is_none() {
        return send_small(run, &facts, source, begun).await;
    }
    let parts: Vec<PartPlan> = planner::parts(&begun.plan, size).collect();
    let part_md5 = begun.plan.in_parts && facts.parts.as_ref().is_some_and(|rules| rules.part_md5);
    let hashing = HashAhead::start(
        &run.transfer.local,
        size,
        Wanted { digests: digests_wanted(&facts), parts: parts.clone(), part_md5 },
    );
    let received: u64 = begun.receipts.iter().map(|receipt| receipt.part.length).sum();
    run.meter.begin(size, received);

    let (file, hashes) = if let Some(file) = begun.finished {
        let hashes = hashing.finish().await?;
        unchanged(run, &source).await?;
        run.step(Event::FinishedOnService, digests(&hashes)).await?;
        (file, hashes)
    } else {
        plan_stored(run, &begun, &source).await?;
        let missing: Vec<PartPlan> = parts
            .into_iter()
            .filter(|part| !begun.receipts.iter().any(|receipt| receipt.part == *part))
            .collect();
        hashing.pace().sent(received);
        let any_order = facts.parts.as_ref().is_none_or(|rules| rules.any_order);
        let sender = Parts {
            run,
            session: &begun.session,
            part_md5,
            any_order,
            pace: hashing.pace(),
            buffers: source_file::Buffers::default(),
        };
        let mut receipts = sender.send_all(missing).await?;
        receipts.extend(begun.receipts);
        receipts.sort_by_key(|receipt| receipt.part.number);
        let hashes = hashing.finish().await?;
        part_worker::still_the_same(&receipts, &hashes.parts)?;
        unchanged(run, &source).await?;
        run.step(Event::AllPartsSent, digests(&hashes)).await?;
        let session = &begun.session;
        let file = run.request(|| run.provider.finish_upload(session, &receipts)).await?;
        run.step(Event::FinishedOnService, Change::default()).await?;
        (file, hashes)
    };
    let path = file.path.clone();
    let proof = verify::prove(run, file, &hashes, &facts).await?;
    settle(run, Vec::new(), Change::default(), path, proof, &hashes, source).await
}

/// Digests that the service can be compared by; its part digests need MD5 as well.
fn digests_wanted(facts: &Capabilities) -> Vec<Algorithm> {
    facts.digests.clone()
}

fn digests(hashes: &Hashes) -> Change {
    Change { digests: Some(hashes.digests.clone()), ..Change::default() }
}

fn to_json(session: &UploadSession) -> Result<serde_json::Value, Stop> {
    serde_json::to_value(session)
        .map_err(|error| Stop::Failed(Problem::new(ProblemCode::Internal).because(error.to_string())))
}

/// The source must be the same file before and after, or what was sent is a mixture.
async fn unchanged(run: &Run, before: &Fingerprint) -> Result<(), Stop> {
    let now = source_file::fingerprint(&run.transfer.local).await?;
    if now == *before { Ok(()) } else { Err(Stop::SourceChanged) }
}

/// Goes on with the stored session, as far as the service still knows it and the source is still the same file.
async fn resume(run: &mut Run, source: &Fingerprint) -> Result<Option<Begun>, Stop> {
    let (Some(stored), Some(plan)) = (run.transfer.session.clone(), run.transfer.plan.clone()) else {
        return Ok(None);
    };
    run.expected = None;
    let Ok(session) = serde_json::from_value::<UploadSession>(stored) else {
        run.note(Change { clear_parts: true, plan: Some(plan), ..Change::default() }).await?;
        return Ok(None);
    };
    if run.transfer.fingerprint.as_ref() != Some(source) {
        run.request(|| async { ignore_missing(run.provider.abandon_upload(&session).await) }).await?;
        run.note(Change { clear_parts: true, ..Change::default() }).await?;
        return Ok(None);
    }
    let told = run.request(|| run.provider.received_parts(&session)).await?;
    let stored = run.engine.store.receipts(run.transfer.id).await?;
    let begun =
        |receipts, finished| Some(Begun { session: session.clone(), plan: plan.clone(), receipts, finished });
    match told {
        ReceivedParts::NotTold => Ok(begun(stored, None)),
        ReceivedParts::Parts(told) => {
            Ok(begun(stored.into_iter().filter(|receipt| still_there(receipt, &told)).collect(), None))
        }
        ReceivedParts::Finished(file) => Ok(begun(stored, Some(*file))),
        ReceivedParts::Gone => {
            // The plan is kept: a file of ours may be pending there, and the plan says that it is ours.
            run.note(Change { clear_parts: true, plan: Some(plan.clone()), ..Change::default() }).await?;
            Ok(None)
        }
    }
}

/// Whether the service has the very part that the receipt is for. What it tells of parts that were never sent is nothing
/// to go by, and a part that it tells of twice must be the same both times.
fn still_there(receipt: &PartReceipt, told: &[ReceivedPart]) -> bool {
    let mut of_it = told.iter().filter(|part| part.number == receipt.part.number).peekable();
    let is_told = of_it.peek().is_some();
    is_told
        && of_it.all(|part| {
            part.size.is_none_or(|size| size == receipt.part.length)
                && match (&part.etag, &receipt.etag) {
                    (Some(theirs), Some(ours)) => theirs == ours,
                    _ => true,
                }
        })
}

pub(crate) fn ignore_missing(result: ProviderResult<()>) -> ProviderResult<()> {
    match result {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

/// Stores what is needed to go on tomorrow; from here on bytes may leave.
async fn plan_stored(run: &mut Run, begun: &Begun, source: &Fingerprint) -> Result<(), Stop> {
    let change = Change {
        size: Some(source.size),
        fingerprint: Some(source.clone()),
        plan: Some(begun.plan.clone()),
        session: Some(to_json(&begun.session)?),
        ..Change::default()
    };
    run.steps(vec![Event::PlanStored, Event::MovingBegan], change).await
}

/// A file of one reading. What the service tells at the end is nearly always the proof already, and then sending,
/// finishing and proof are stored in one step.
async fn send_small(
    run: &mut Run,
    facts: &Capabilities,
    source: Fingerprint,
    begun: Begun,
) -> Result<(), Stop> {
    run.meter.begin(source.size, 0);
    plan_stored(run, &begun, &source).await?;
    let session = &begun.session;
    let (receipt, hashes) = small_file::send(run, session, &source, &digests_wanted(facts)).await?;
    if receipt.etag.is_some() {
        // What the service gave for the bytes is needed to finish, and cannot be had again.
        run.engine.store.add_receipt(run.transfer.id, &receipt).await?;
    }
    unchanged(run, &source).await?;
    let receipts = [receipt];
    let file = run.request(|| run.provider.finish_upload(session, &receipts)).await?;
    let path = file.path.clone();
    let finished = vec![Event::AllPartsSent, Event::FinishedOnService];
    let change = Change { bytes_done: Some(source.size), ..digests(&hashes) };
    if let Some(proof) = verify::told_at_once(run, &file, source.size, &hashes) {
        return settle(run, finished, change, path, proof, &hashes, source).await;
    }
    run.steps(finished, change).await?;
    let proof = verify::prove(run, file, &hashes, facts).await?;
    settle(run, Vec::new(), Change::default(), path, proof, &hashes, source).await
}

/// Times a name is announced that turns out to be taken and is then free after all.
const ANNOUNCEMENTS: u32 = 3;

/// What the parts of a new upload go over.
fn link(run: &Run) -> Link {
    let engine = &run.engine;
    let rules = engine.rules();
    if !engine.limits.adaptive {
        return Link { speed: None, at_once: rules.parts_per_file };
    }
    let speed = engine.link_speeds.of(&run.transfer.account, engine.clock.monotonic());
    Link { speed, at_once: rules.parts_per_file.max(rules.connections_per_account) }
}

/// Announces the upload. The plan is stored before, the session after it: a crash between the two leaves a pending file
/// that the plan shows to be ours. `None` when nothing is to be sent; the transfer is settled then.
async fn begin(run: &mut Run, facts: &Capabilities, source: &Fingerprint) -> Result<Option<Begun>, Stop> {
    let shape = planner::wish(source.size, facts, run.transfer.shape, &run.engine.limits, link(run))
        .map_err(|problem| problem.about(run.transfer.local.display().to_string()))?;
    // Where a taken name is refused, the refusal is the look. A plan from before means that the file there may be ours.
    let mut look = !facts.refuses_taken || run.transfer.plan.is_some();
    let mut announcements = 0;
    loop {
        if look {
            run.expected = None;
        }
        if look && let Clash::Nothing(proof) = clash::settle(run, facts, source.size).await? {
            let change = Change { size: Some(source.size), ..Change::default() };
            run.step(Event::NothingToDo { proof }, change).await?;
            return Ok(None);
        }
        let announced_before = run.transfer.plan.is_some();
        let intent =
            StoredPlan { in_parts: shape.in_parts, part_size: shape.part_size, part_count: shape.part_count };
        let change = Change {
            clear_parts: true,
            size: Some(source.size),
            fingerprint: Some(source.clone()),
            plan: Some(intent),
            ..Change::default()
        };
        run.note(change).await?;
        announcements += 1;
        let (answer, tries) = announce(run, facts, shape, source.size).await;
        let error = match answer {
            Ok(session) => {
                let plan = planner::agreed(&session, source.size)?;
                return Ok(Some(Begun { session, plan, receipts: Vec::new(), finished: None }));
            }
            Err(error) => error,
        };
        let taken = matches!(error.problem.code, ProblemCode::PendingFile | ProblemCode::NameTaken);
        if !taken || !facts.refuses_taken || announcements == ANNOUNCEMENTS {
            return Err(error.into());
        }
        if !announced_before && tries == 1 {
            // Refused at the first word: what is there is not ours, and no plan may say so.
            run.note(Change { clear_parts: true, ..Change::default() }).await?;
        }
        look = true;
    }
}

/// One announcement, with others to the same container where the service takes lists, and how often it was tried.
async fn announce(
    run: &mut Run,
    facts: &Capabilities,
    shape: ShapeWish,
    size: u64,
) -> (ProviderResult<UploadSession>, u32) {
    let request = UploadRequest {
        container: run.transfer.place.clone(),
        name: run.transfer.name.clone(),
        size,
        shape,
        media_type: None,
        metadata: run.transfer.metadata.clone(),
    };
    let expected = Mutex::new(run.expected.take());
    let run = &*run;
    let tries = AtomicU32::new(0);
    let one_more = || {
        tries.fetch_add(1, Ordering::Relaxed);
    };
    let answer = if facts.announce_at_once <= 1 {
        run.request(|| {
            one_more();
            run.provider.begin_upload(&request)
        })
        .await
    } else {
        let to = (run.transfer.account.clone(), run.transfer.place.clone());
        let most = facts.announce_at_once as usize;
        let ask = || {
            one_more();
            let asked = expected.lock().unwrap_or_else(PoisonError::into_inner).take();
            run.engine.announcements.ask(&run.engine, &run.provider, to.clone(), request.clone(), most, asked)
        };
        run.retry.run(ask).await
    };
    (answer, tries.load(Ordering::Relaxed))
}

/// The last step: `before` and the proof, with `change` and the receipt for the ledger.
async fn settle(
    run: &mut Run,
    before: Vec<Event>,
    change: Change,
    path: String,
    proof: Proof,
    hashes: &Hashes,
    source: Fingerprint,
) -> Result<(), Stop> {
    let entry = LedgerEntry {
        account: run.transfer.account.clone(),
        service: run.service.clone(),
        direction: run.transfer.direction,
        place: run.transfer.place.clone(),
        name: run.transfer.name.clone(),
        path,
        local: run.transfer.local.clone(),
        size: source.size,
        fingerprint: Some(source),
        digests: hashes.digests.clone(),
        proof: proof.clone(),
        at: run.now(),
        transfer: Some(run.transfer.id),
    };
    // A transfer that never failed has nothing to forget.
    let failing_since = run.transfer.failing_since.map(|_| None);
    let change = Change { ledger: Some(entry), failing_since, ..change };
    let mut events = before;
    let is_green = proof.is_green();
    events.push(Event::Proven { proof });
    run.steps(events, change).await?;
    if is_green {
        replaced::let_go(run);
    }
    Ok(())
}
