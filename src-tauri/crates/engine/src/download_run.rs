//! One download from `Checking` to its proof. It goes in ranges where the service gives them, and as one stream where
//! it does not; ranges that arrived are not fetched again by a later run.

use crate::{
    hash_ahead,
    partial_file::{self, PartialFile},
    preflight::numbered,
    run::{Run, Stop},
    source_file, verify,
    verify::Verdict,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use labferry_model::{
    Algorithm, Capabilities, ClashPolicy, Entry, Event, PartPlan, PartReceipt, Problem, ProblemCode, Proof,
    RemoteFile, VerifyChoice, transfer::StoredPlan,
};
use labferry_provider::{Advice, ByteRange, ProviderError, ProviderResult};
use labferry_store::{Change, LedgerEntry};
use std::{
    io::SeekFrom,
    sync::{Arc, atomic::Ordering},
};
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};

/// Bytes gathered before they are written.
const WRITE: usize = 256 << 10;
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
    if let Some(proof) = settle_clash(run, &file, size, &facts).await? {
        let change = Change { size: Some(size), ..Change::default() };
        return run.step(Event::NothingToDo { proof }, change).await;
    }
    room_for(run, size)?;
    let partial = PartialFile::beside(&run.transfer.local, run.transfer.id);
    let (plan, receipts) = begin(run, &partial, &file, size, &facts).await?;
    let received: u64 = receipts.iter().map(|receipt| receipt.part.length).sum();
    run.meter.begin(size, received);

    run.step(Event::MovingBegan, Change::default()).await?;
    let missing: Vec<PartPlan> = crate::planner::parts(&plan, size)
        .filter(|part| !receipts.iter().any(|receipt| receipt.part == *part))
        .collect();
    let fetch = Fetch { run, partial: &partial, file: &file, plan: &plan };
    let at_once = if plan.in_parts { run.engine.limits.parts_per_file.max(1) } else { 1 };
    stream::iter(missing)
        .map(|part| fetch.part(part))
        .buffer_unordered(at_once)
        .try_for_each(|()| async { Ok(()) })
        .await?;

    run.step(Event::AllPartsSent, Change::default()).await?;
    let ours = hash_ahead::hash_to_compare(partial.path(), size, &facts.digests, &file.digests).await?;
    let digests = ours.digests.clone();
    run.step(Event::FinishedOnService, Change { digests: Some(digests.clone()), ..Change::default() })
        .await?;
    let proof = prove(run, &file, &ours, known.as_ref(), &facts).await?;
    let replace = run.transfer.on_clash == ClashPolicy::Replace;
    partial.finish(size, replace)?;
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
        digests,
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
    let _connection = run.connection().await;
    let counted = verify::fetch_digests(&*run.provider, &run.retry, file, facts).await?.size;
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
    ours: &hash_ahead::Hashes,
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
fn same_as_known(ours: &hash_ahead::Hashes, known: Option<&LedgerEntry>) -> bool {
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

/// Refuses a download that would fill the disk, before the first byte.
fn room_for(run: &Run, size: u64) -> Result<(), Stop> {
    let mut folder = run.transfer.local.parent();
    while let Some(missing) = folder.filter(|folder| !folder.exists()) {
        folder = missing.parent();
    }
    let Some(Ok(free)) = folder.map(fs4::available_space) else { return Ok(()) };
    let needed = size.saturating_sub(run.transfer.bytes_done);
    let reserve = run.engine.limits.disk_reserve;
    if free >= needed.saturating_add(reserve) {
        return Ok(());
    }
    Err(Stop::Failed(
        Problem::new(ProblemCode::DiskFull).about(run.transfer.local.display().to_string()).because(format!(
            "{needed} bytes are still to come and {free} are free, of which {reserve} are kept free"
        )),
    ))
}

/// Takes up what an earlier run left, or begins at byte 0. The transfer is `Planned` afterwards.
async fn begin(
    run: &mut Run,
    partial: &PartialFile,
    file: &RemoteFile,
    size: u64,
    facts: &Capabilities,
) -> Result<(StoredPlan, Vec<PartReceipt>), Stop> {
    // What says that the file on the service is still the one whose first parts we have.
    let memory = serde_json::json!({ "revision": file.revision, "size": size, "digests": file.digests });
    if let Some(plan) = run.transfer.plan.clone().filter(|_| run.transfer.session.as_ref() == Some(&memory)) {
        let stored = run.engine.store.receipts(run.transfer.id).await?;
        let kept = stored.len();
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
        if kept > 0 && receipts.len() == kept && partial.length().is_some() {
            run.step(Event::PlanStored, Change::default()).await?;
            return Ok((plan, receipts));
        }
    }
    // Without something that names the content, ranges could be pieces of two contents.
    let named = file.revision.is_some();
    let ranged =
        named && facts.ranges != Some(false) && size >= facts.parts_from.min(run.engine.limits.part_size * 4);
    let part_size = if ranged { run.engine.limits.part_size } else { size };
    let part_count = if ranged { u32::try_from(size.div_ceil(part_size)).unwrap_or(u32::MAX) } else { 1 };
    let plan = StoredPlan { in_parts: ranged, part_size, part_count };
    partial.prepare(false)?;
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

struct Fetch<'a> {
    run: &'a Run,
    partial: &'a PartialFile,
    file: &'a RemoteFile,
    plan: &'a StoredPlan,
}

impl Fetch<'_> {
    async fn part(&self, part: PartPlan) -> Result<(), Stop> {
        let in_flight = self.run.meter.part(part.number);
        let crc32c = self
            .run
            .retry
            .run(|| async {
                let _connection = self.run.connection().await;
                self.once(part, in_flight.counter()).await
            })
            .await?;
        if self.plan.in_parts {
            let receipt = PartReceipt { part, crc32c, md5: None, etag: None };
            self.run.engine.store.add_receipt(self.run.transfer.id, &receipt).await?;
        }
        in_flight.finished(part.length);
        Ok(())
    }

    /// Fetches one range into its place. What comes beyond it is not written.
    async fn once(&self, part: PartPlan, count: Arc<std::sync::atomic::AtomicU64>) -> ProviderResult<u32> {
        const OPERATION: &str = "download";
        let local =
            |problem| ProviderError { problem, advice: Advice::Stop, operation: OPERATION, source: None };
        let full = |error: &std::io::Error| local(partial_file::problem(self.partial.path(), error));
        let mut target = self.partial.open().await.map_err(local)?;
        target.seek(SeekFrom::Start(part.offset)).await.map_err(|error| full(&error))?;
        if part.length == 0 {
            return Ok(0);
        }
        let mut target = BufWriter::with_capacity(WRITE, target);
        let range = self.plan.in_parts.then_some(ByteRange { offset: part.offset, length: part.length });
        let guard = range.and(self.file.revision.as_deref());
        let mut download = self.run.provider.open_download(&self.file.path, range, guard).await?;
        if download.total.is_some_and(|total| Some(total) != self.file.size) {
            return Err(ProviderError::new(OPERATION, ProblemCode::BadAnswer, Advice::Stop)
                .because("the file changed on the service while it was fetched; start the download again"));
        }
        // A service that ignores ranges sends everything from byte 0: what lies before the part is let go.
        let mut skip = part.offset.checked_sub(download.offset).ok_or_else(|| {
            ProviderError::bad_answer(OPERATION, "the service sent another range than the one asked for")
        })?;
        let (mut sum, mut left) = (0, part.length);
        while left > 0 {
            let Some(mut piece) = download.stream.try_next().await? else { break };
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip -= skipped as u64;
            let _ = piece.split_to(skipped);
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.run.engine.download_bandwidth.take(piece.len()).await;
            target.write_all(&piece).await.map_err(|error| full(&error))?;
            sum = crc32c::crc32c_append(sum, &piece);
            left -= piece.len() as u64;
            count.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        target.flush().await.map_err(|error| full(&error))?;
        if left > 0 {
            return Err(ProviderError::new(OPERATION, ProblemCode::ConnectionLost, Advice::Again)
                .because(format!("the answer ended {left} bytes early")));
        }
        Ok(sum)
    }
}
