//! Files that are replaced. No service here puts new bytes in the place of old ones: the old file is removed before the new
//! one is sent. Until that one is proven, a verified copy of the old one lies in the data folder; when the upload fails for
//! good or is cancelled, the old file is queued to be put back (docs/adr/0010).
//!
//! `replaced/TRANSFER/NUMBER` is a copy of what was under the name, `put-back/TRANSFER/NUMBER` one that is on its way back.

use crate::{
    disk_space,
    engine::Shared,
    hash_ahead::Hashes,
    partial_file,
    read_back::{ReadBack, ReadingBack},
    run::{Run, Stop},
    verify::{self, Verdict},
};
use labferry_model::{
    Capabilities, ClashPolicy, Direction, Metadata, Problem, ProblemCode, RemoteFile, ShapeChoice, State,
    Transfer, TransferId, VerifyChoice, transfer::NewTransfer,
};
use labferry_store::StoreError;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const KEPT: &str = "replaced";
const PUT_BACK: &str = "put-back";
/// The ending of a copy that is not whole yet.
const UNFINISHED: &str = "part";

fn folder_of(shared: &Shared, id: TransferId) -> PathBuf {
    shared.store.folder().join(KEPT).join(id.0.to_string())
}

/// Whether something is kept for that transfer.
pub(crate) fn is_kept(shared: &Shared, id: TransferId) -> bool {
    !copies(&folder_of(shared, id)).is_empty()
}

/// The whole copies in a folder, the oldest first.
fn copies(folder: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let number = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let mut numbers: Vec<u32> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Fetches the file that is about to be removed and compares the copy. Only when this returns may it be removed.
pub(crate) async fn keep(run: &Run, facts: &Capabilities, file: &RemoteFile) -> Result<(), Stop> {
    let folder = folder_of(&run.engine, run.transfer.id);
    // A copy of an earlier run stays: what is there now may be another file.
    let number = copies(&folder).last().map_or(1, |last| last + 1);
    let (to, whole) = (folder.join(format!("{number}.{UNFINISHED}")), folder.join(number.to_string()));
    if let Some(problem) = disk_space::short(&to, file.size.unwrap_or(0), run.engine.limits.disk_reserve) {
        let why = format!(
            "the file that is to be replaced is kept in {} until the new one is proven: {}",
            folder.display(),
            problem.detail.unwrap_or_default()
        );
        return Err(Stop::Failed(Problem::new(ProblemCode::DiskFull).about(&file.name).because(why)));
    }
    fs::create_dir_all(&folder).map_err(|error| partial_file::problem(&folder, &error))?;
    let back = ReadingBack::new(&run.engine, &*run.provider, &run.transfer.account, facts);
    let proven = async {
        let copy = back.copy(&file.path, file.size, &to).await?;
        compare(run, &back, file, &copy).await
    };
    if let Err(stop) = proven.await {
        let _ = fs::remove_file(&to);
        return Err(stop);
    }
    fs::rename(&to, &whole).map_err(|error| partial_file::problem(&whole, &error))?;
    tracing::info!(id = %run.transfer.id, copy = %whole.display(), "kept what is replaced");
    Ok(())
}

/// Whether the copy is what the service holds: by its digest, or else by what it gives when it is read again.
async fn compare(run: &Run, back: &ReadingBack<'_>, file: &RemoteFile, copy: &ReadBack) -> Result<(), Stop> {
    let ours = Hashes::of_whole(copy.digests.clone());
    let differs = |problem: Problem| {
        let why = format!(
            "a copy of the file that is to be replaced could not be proven, so it was left alone: {}",
            problem.detail.unwrap_or_default()
        );
        Stop::Failed(Problem::new(problem.code).about(&run.transfer.name).because(why))
    };
    match verify::compare(file, copy.size, &ours) {
        Verdict::Same(_) => Ok(()),
        Verdict::Different(problem) => Err(differs(problem)),
        Verdict::Unknown | Verdict::Unfinished => {
            let again = back.fetch(&file.path, file.size, |_| {}).await?;
            let sha256 = copy.digests.sha256.as_deref();
            verify::judge_read_back(&file.name, copy.size, sha256, &again).map(drop).map_err(differs)
        }
    }
}

/// The transfer is proven: what it replaced is not needed any more, and neither is the copy that it put back.
pub(crate) fn let_go(run: &Run) {
    let _ = fs::remove_dir_all(folder_of(&run.engine, run.transfer.id));
    let local = &run.transfer.local;
    if local.starts_with(run.engine.store.folder().join(PUT_BACK)) {
        let _ = fs::remove_file(local);
        // Others of the same transfer may lie there.
        let _ = local.parent().map(fs::remove_dir);
    }
}

/// Looks what became of the transfers that something is kept for. It is asked of the folder and not of the rows, so that an
/// end of the process at any moment leaves nothing unseen.
pub(crate) async fn look_after(
    shared: &Shared,
    in_hand: impl Fn(TransferId) -> bool,
) -> Result<(), StoreError> {
    let Ok(entries) = fs::read_dir(shared.store.folder().join(KEPT)) else { return Ok(()) };
    for entry in entries.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()).map(TransferId) else {
            continue;
        };
        // A row that somebody removed names no place to go back to: the copy stays where it is.
        let Some(transfer) = shared.store.transfer(id).await?.filter(|_| !in_hand(id)) else { continue };
        match &transfer.state {
            State::Done { proof } | State::Skipped { proof: Some(proof) } if proof.is_green() => {
                let _ = fs::remove_dir_all(entry.path());
            }
            State::Failed { .. } => put_back(shared, &transfer, &entry.path()).await?,
            // With its session the service still has the half of the new file under the name.
            State::Cancelled if transfer.session.is_none() => {
                put_back(shared, &transfer, &entry.path()).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Queues what was there before, and then moves it to where the new rows say it is: an end of the process between the two
/// leaves a row too many and no copy too few.
async fn put_back(shared: &Shared, transfer: &Transfer, kept: &Path) -> Result<(), StoreError> {
    let numbers = copies(kept);
    let folder = shared.store.folder().join(PUT_BACK).join(transfer.id.0.to_string());
    // The first is what was there before anything of ours was; later ones were somebody else's meanwhile.
    let row = |(index, number): (usize, &u32)| NewTransfer {
        direction: Direction::Upload,
        account: transfer.account.clone(),
        place: transfer.place.clone(),
        name: transfer.name.clone(),
        local: folder.join(number.to_string()),
        size: None,
        on_clash: if index == 0 { ClashPolicy::Ask } else { ClashPolicy::Rename },
        shape: ShapeChoice::Auto,
        verify: VerifyChoice::Auto,
        metadata: Metadata::new(),
    };
    let rows: Vec<NewTransfer> = numbers.iter().enumerate().map(row).collect();
    if rows.is_empty() {
        // Only an unfinished copy, of a file that was not removed.
        let _ = fs::remove_dir_all(kept);
        return Ok(());
    }
    shared.store.add_transfers(rows, shared.clock.now()).await?;
    tracing::warn!(id = %transfer.id, "what it was to replace is put back");
    let moved = fs::create_dir_all(&folder).and_then(|()| {
        numbers
            .iter()
            .map(u32::to_string)
            .try_for_each(|name| fs::rename(kept.join(&name), folder.join(&name)))
    });
    match moved {
        Ok(()) => drop(fs::remove_dir_all(kept)),
        Err(error) => tracing::error!(%error, kept = %kept.display(), "a kept file could not be moved"),
    }
    shared.woken.notify_one();
    Ok(())
}
