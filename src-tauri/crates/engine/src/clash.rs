//! What to do when the name is taken on the service, before anything is announced.

use crate::{
    hash_ahead,
    preflight::numbered,
    replaced,
    run::{Run, Stop},
    upload_run::ignore_missing,
    verify::{self, Verdict},
};
use labferry_model::{Capabilities, ClashPolicy, FileStatus, Problem, ProblemCode, Proof, RemoteFile};
use labferry_provider::Leftover;
use labferry_store::Change;

/// Free names tried before giving up: enough for anybody who drops the same folder again and again.
const NAMES_TRIED: u32 = 1_000;

/// How a taken name was settled.
#[derive(Debug)]
pub(crate) enum Clash {
    /// The name is free now; `run.transfer.name` is the one to use.
    Free,
    /// Nothing is to be sent.
    Nothing(Option<Proof>),
}

/// Looks for a file of the transfer's name and does what the policy says. `size` is the local file's.
pub(crate) async fn settle(run: &mut Run, facts: &Capabilities, size: u64) -> Result<Clash, Stop> {
    let name = run.transfer.name.clone();
    let about = |code| Problem::new(code).about(&name);
    let Some(mut file) = find(run, &name, facts.announce_at_once).await? else { return Ok(Clash::Free) };
    if is_unfinished(&file) {
        // A stored plan without a session: we announced it and the answer got lost.
        // The source may have changed since: what was announced then is the stored size.
        let ours = run.transfer.plan.is_some()
            && file.size.is_none_or(|told| told == size || Some(told) == run.transfer.size);
        if !ours && run.transfer.on_clash != ClashPolicy::Replace {
            return Err(Stop::Failed(about(ProblemCode::PendingFile)));
        }
        clear(run, &file).await?;
        // Behind it may be a complete one: an object of an earlier try that got the bytes.
        match find(run, &name, facts.announce_at_once).await? {
            Some(behind) if !is_unfinished(&behind) => file = behind,
            _ => return Ok(Clash::Free),
        }
    }
    if let Some(proof) = same_bytes(run, facts, &file, size).await? {
        return Ok(Clash::Nothing(Some(proof)));
    }
    match run.transfer.on_clash {
        ClashPolicy::Ask => Err(Stop::Failed(about(ProblemCode::NameTaken))),
        ClashPolicy::Skip => Ok(Clash::Nothing(None)),
        // The connector finds the file there and begins its next version.
        ClashPolicy::Version if facts.file_versions => Ok(Clash::Free),
        ClashPolicy::Version => Err(Stop::Failed(
            about(ProblemCode::Unsupported).because("this service keeps no versions of single files"),
        )),
        ClashPolicy::Replace if !facts.delete => Err(Stop::Failed(
            about(ProblemCode::Unsupported)
                .because("this service removes no files, so that none can be replaced"),
        )),
        ClashPolicy::Replace => {
            // No service here replaces a file in place: until the new one is proven, the old one is only ours.
            replaced::keep(run, facts, &file).await?;
            run.request(|| async { ignore_missing(run.provider.delete(&file.path).await) }).await?;
            Ok(Clash::Free)
        }
        ClashPolicy::Rename => {
            let name = free_name(run, facts.announce_at_once).await?;
            run.note(Change { name: Some(name), ..Change::default() }).await?;
            Ok(Clash::Free)
        }
    }
}

fn is_unfinished(file: &RemoteFile) -> bool {
    matches!(file.status, FileStatus::Pending | FileStatus::Failed)
}

/// The proof that the file there is ours already, by the service's own digest.
async fn same_bytes(
    run: &Run,
    facts: &Capabilities,
    file: &RemoteFile,
    size: u64,
) -> Result<Option<Proof>, Stop> {
    if file.size != Some(size) || file.digests.is_empty() {
        return Ok(None);
    }
    let ours = hash_ahead::hash_to_compare(&run.transfer.local, size, &facts.digests, &file.digests).await?;
    Ok(match verify::compare(file, size, &ours) {
        Verdict::Same(proof) => Some(proof),
        Verdict::Different(_) | Verdict::Unknown | Verdict::Unfinished => None,
    })
}

async fn find(run: &Run, name: &str, at_once: u32) -> Result<Option<RemoteFile>, Stop> {
    let place = &run.transfer.place;
    if at_once <= 1 {
        return Ok(run.request(|| run.provider.find_file(place, name)).await?);
    }
    let to = (run.transfer.account.clone(), place.clone());
    let ask = || {
        let lookups = &run.engine.lookups;
        lookups.ask(&run.engine, &run.provider, to.clone(), name.to_owned(), at_once as usize, None)
    };
    Ok(run.retry.run(ask).await?)
}

async fn clear(run: &Run, file: &RemoteFile) -> Result<(), Stop> {
    let leftover = Leftover { path: file.path.clone(), name: file.name.clone(), size: file.size };
    Ok(run.request(|| async { ignore_missing(run.provider.clear_leftover(&leftover).await) }).await?)
}

async fn free_name(run: &Run, at_once: u32) -> Result<String, Stop> {
    for number in 2..NAMES_TRIED {
        let name = numbered(&run.transfer.name, number);
        run.provider.check_name(&name)?;
        if find(run, &name, at_once).await?.is_none() {
            return Ok(name);
        }
    }
    Err(Stop::Failed(Problem::new(ProblemCode::NameTaken).about(&run.transfer.name)))
}
