//! `labferry copy`: files from one record to another, also of another service.
//!
//! Each file is fetched into a folder of the data folder and sent on from there, by the same engine as every other
//! download and upload: it is proven that what was fetched is what the source holds, and then that what the
//! destination holds is what was fetched. Both halves are rows of the queue, so a copy that was broken off goes on with
//! the parts that had arrived. What is kept here is deleted once the destination's copy is proven, and no more than one bundle
//! is kept at a time; the source is only read.

use crate::{
    choices::{UPLOAD_CLASH, words},
    context::Context,
    exit::{Exit, Failure, usage},
    follow,
    listing::files_of,
    outcome,
    place::Place,
};
use clap::Args;
use labferry_app::{
    App, ClashPolicy, ShapeChoice, VerifyChoice,
    wire::{
        answers::{EntryRow, FileRow, Queued, TransferRow},
        requests::{AddDownloads, AddUploads, PlaceRequest, TransferSelection},
    },
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// The folder of files on their way, in the data folder.
const FOLDER: &str = "copies";
/// Files on their way at once: enough to keep every connection busy with small ones.
const BUNDLE_FILES: usize = 100;
/// Bytes on their way at once, unless a single file has more.
const BUNDLE_BYTES: u64 = 1 << 30;

const EXAMPLES: &str = "\
Examples:
  labferry copy lab:abcd-1234/scan.tif zenodo:5678
  labferry copy lab:abcd-1234 aruna:PROJECT/COLLECTION   every file of the record

Each file is verified twice: as it was fetched, and as the other service holds it. It passes through the data
folder; a second start of the same command goes on with what is unfinished.";

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

/// The folder of one copy. While this lives no other process takes it for a leftover.
struct Kept {
    folder: PathBuf,
    _lock: File,
}

pub(crate) async fn run(arguments: CopyArguments, context: &Context) -> Result<Exit, Failure> {
    let (from, to) = (Place::parse(&arguments.from)?, Place::parse(&arguments.to)?);
    if from.path.is_empty() {
        return Err(usage(format!("{from} is a whole account: say which of its records or files to copy.")));
    }
    if from == to {
        return Err(usage(format!("{from} cannot be copied into itself: name another record.")));
    }
    let copies = context.data_folder()?.join(FOLDER);
    let app = context.work().await?;
    // It runs from the first file to the last one's proof: stopped between the steps, it would drop the parts that an
    // earlier start's upload has on their way.
    app.start_engine();
    let result = async {
        let kept = keep(&copies, &from, &to)?;
        clean_up(&app, &copies).await?;
        let files = files(&app, &from).await?;
        let exit = copy(&app, context, &from.account, &to, &files, arguments.on_clash, &kept).await?;
        if exit == Exit::Done {
            // What cannot be removed is found by the next clean-up.
            let _ = fs::remove_dir_all(&kept.folder);
        }
        Ok(exit)
    }
    .await;
    if !matches!(result, Err(Failure::Stopped(_))) {
        app.stop().await;
    }
    result
}

/// The files to copy.
async fn files(app: &App, from: &Place) -> Result<Vec<FileRow>, Failure> {
    let request = PlaceRequest { account: from.account.clone(), path: from.path.clone() };
    let files = match app.browse_show(request).await? {
        EntryRow::File { file } => vec![file],
        EntryRow::Container { .. } => files_of(app, from).await?,
    };
    if files.is_empty() {
        return Err(usage(format!("{from} holds no files: there is nothing to copy.")));
    }
    Ok(files)
}

async fn copy(
    app: &App,
    context: &Context,
    account: &str,
    to: &Place,
    files: &[FileRow],
    on_clash: ClashPolicy,
    kept: &Kept,
) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let mut left = files;
    while !left.is_empty() {
        let (now, later) = left.split_at(bundle(left));
        let fetched = fetch(app, context, account, now, kept, &mut exit).await?;
        send(app, context, to, now, fetched, on_clash, &mut exit).await?;
        left = later;
    }
    Ok(exit)
}

/// How many of the files go together.
fn bundle(files: &[FileRow]) -> usize {
    let mut bytes = 0_u64;
    let fits = |file: &&FileRow| {
        // A size that is not told counts as a bundle of its own.
        bytes = bytes.saturating_add(file.size.unwrap_or(BUNDLE_BYTES));
        bytes <= BUNDLE_BYTES
    };
    files.iter().take(BUNDLE_FILES).take_while(fits).count().max(1)
}

/// Fetches files into the folder; gives the rows of those that are there whole.
async fn fetch(
    app: &App,
    context: &Context,
    account: &str,
    files: &[FileRow],
    kept: &Kept,
    exit: &mut Exit,
) -> Result<Vec<TransferRow>, Failure> {
    let request = AddDownloads {
        account: account.to_owned(),
        paths: files.iter().map(|file| file.path.clone()).collect(),
        // With the slash it is a folder, also for a single file.
        destination: format!("{}/", kept.folder.display()),
        // What an earlier start fetched is compared and stays; anything else is an older content of that file.
        on_clash: ClashPolicy::Replace,
        shape: ShapeChoice::Auto,
    };
    let ids = work(app, context, app.downloads_add(request).await?, exit).await?;
    let rows = outcome::rows_of(app, &ids).await?;
    let (there, failed): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| matches!(row.state.as_str(), "done" | "skipped"));
    *exit = exit.and(outcome::tell(&context.out, &failed, false)?);
    for row in there.iter().filter(|row| !row.verified) {
        context.out.say_always(&format!(
            "{account}:{} tells no digest: whether {} was fetched as it is there is not proven.",
            row.place, row.name
        ));
        *exit = exit.and(Exit::Unproven);
    }
    Ok(there)
}

/// Sends on what was fetched, under the names the files had.
async fn send(
    app: &App,
    context: &Context,
    to: &Place,
    files: &[FileRow],
    fetched: Vec<TransferRow>,
    on_clash: ClashPolicy,
    exit: &mut Exit,
) -> Result<(), Failure> {
    let names: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.path.as_str(), file.name.as_str())).collect();
    let mut ids = Vec::new();
    let (mut plain, mut named) = (Vec::new(), Vec::new());
    for row in &fetched {
        let path =
            if row.place.is_empty() { row.name.clone() } else { format!("{}/{}", row.place, row.name) };
        let name = names.get(path.as_str()).copied().unwrap_or(&row.name);
        if Path::new(&row.local).file_name().is_some_and(|local| local.to_str() == Some(name)) {
            plain.push(row.local.clone());
        } else {
            // The name is none this disk takes, or the file has another one here.
            named.push((row.local.clone(), name.to_owned()));
        }
    }
    let request = |sources: Vec<String>, name: Option<String>| AddUploads {
        sources,
        account: to.account.clone(),
        place: to.path.clone(),
        name,
        metadata: serde_json::Map::new(),
        on_clash,
        shape: ShapeChoice::Auto,
        verify: VerifyChoice::Auto,
        ..AddUploads::default()
    };
    if !plain.is_empty() {
        let queued = app.uploads_add(request(plain, None)).await?;
        ids.extend(work(app, context, queued, exit).await?);
    }
    for (local, name) in named {
        let queued = app.uploads_add(request(vec![local], Some(name))).await?;
        ids.extend(work(app, context, queued, exit).await?);
    }
    let rows = outcome::rows_of(app, &ids).await?;
    *exit = exit.and(outcome::tell(&context.out, &rows, false)?);
    for row in &rows {
        if row.verified || row.state == "skipped" {
            // What cannot be removed is found by the next clean-up.
            let _ = fs::remove_file(&row.local);
        }
    }
    // They led to files that are gone now; the receipts stay.
    let done = fetched.iter().map(|row| row.id).collect();
    app.transfers_clear(TransferSelection { ids: done, ..TransferSelection::default() }).await?;
    Ok(())
}

/// Tells what was refused and runs the rest to its end.
async fn work(app: &App, context: &Context, queued: Queued, exit: &mut Exit) -> Result<Vec<i64>, Failure> {
    for problem in &queued.refused {
        context.out.problem(problem)?;
        *exit = exit.and(Exit::of(problem));
    }
    let ids: Vec<i64> = queued.ids.into_iter().chain(queued.continued).collect();
    if !ids.is_empty() {
        follow::until_settled(app, &context.out, &ids).await?;
    }
    Ok(ids)
}

/// The folder of this copy: the same one at each start of the same command, and one process in it.
fn keep(copies: &Path, from: &Place, to: &Place) -> Result<Kept, Failure> {
    let digest = Sha256::digest(format!("{from}\n{to}"));
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = copies.join(&name);
    let failed = |error: std::io::Error| {
        Failure::Words(format!(
            "{} cannot be written: {error}. Make room there or choose another data folder.",
            folder.display()
        ))
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let lock = File::create(copies.join(format!("{name}.lock"))).map_err(failed)?;
    lock.try_lock().map_err(|_| {
        Failure::Words(format!(
            "Another process copies {from} to {to} already: wait for it, or stop it and start this again."
        ))
    })?;
    Ok(Kept { folder, _lock: lock })
}

/// Removes what earlier copies left that nobody needs any more: no process works in it, and no row of the queue has a
/// file there to go on with.
async fn clean_up(app: &App, copies: &Path) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(copies) else { return Ok(()) };
    let folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    let all = std::path::absolute(copies).unwrap_or_else(|_| copies.to_path_buf());
    let mut needed = Vec::new();
    for filter in ["active", "waiting", "needs_you"] {
        outcome::each_in(app, filter, |row| {
            let local = PathBuf::from(row.local);
            if local.starts_with(&all) {
                needed.push(local);
            }
        })
        .await?;
    }
    for folder in folders {
        let lock = folder.with_extension("lock");
        let free = File::open(&lock).is_ok_and(|lock| lock.try_lock().is_ok());
        let whole = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
        if free && !needed.iter().any(|local| local.starts_with(&whole)) {
            let removed = fs::remove_dir_all(&folder).and_then(|()| fs::remove_file(&lock));
            tracing::debug!(folder = %folder.display(), ?removed, "a copy that nobody goes on with");
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_bounded_and_never_empty() {
        let file = |size: Option<u64>| -> FileRow {
            let row = serde_json::json!({ "path": "a", "name": "a", "size": size, "status": "ready",
                "digests": [], "media_type": null, "modified": null, "proof": null, "verified": false,
                "metadata": {} });
            serde_json::from_value(row).unwrap()
        };
        let of = |sizes: &[Option<u64>]| bundle(&sizes.iter().map(|size| file(*size)).collect::<Vec<_>>());
        assert_eq!(of(&[Some(BUNDLE_BYTES * 3), Some(1)]), 1);
        assert_eq!(of(&[Some(1), Some(BUNDLE_BYTES - 1), Some(1)]), 2);
        assert_eq!(of(&[None, Some(1)]), 1);
        assert_eq!(of(&[Some(0); 250]), BUNDLE_FILES);
    }

    #[test]
    fn one_process_works_on_one_copy() {
        let folder = tempfile::tempdir().unwrap();
        let place = |text: &str| Place::parse(text).unwrap();
        let first = keep(folder.path(), &place("a:1"), &place("b:2")).unwrap();
        assert!(keep(folder.path(), &place("a:1"), &place("b:2")).is_err());
        let other = keep(folder.path(), &place("a:1"), &place("b:3")).unwrap();
        assert_ne!(first.folder, other.folder);
        drop(first);
        assert!(keep(folder.path(), &place("a:1"), &place("b:2")).is_ok());
    }
}
