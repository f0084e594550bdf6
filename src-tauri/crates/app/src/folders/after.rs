//! What happens to a file here once its copy is proven by a digest, and it has stayed as long as its rule wants. It is
//! looked at just before: a file that is not as it was when it was sent stays where it is.

use crate::{app::App, folders::send::sha256_of, wire::answers::ProblemWords};
use labferry_model::{AfterUpload, Timestamp, WatchRule, WatchedFile};
use labferry_store::{EndedUpload, WatchedFolder};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Names tried where a file of that name is there already.
const NAMES_TRIED: u32 = 10_000;
/// How long after it could not be put away a file is tried again: a disk that is full or away needs a person, not haste.
const AGAIN: Duration = Duration::from_secs(3_600);

impl App {
    /// Puts away what the rule wants put away by now. What cannot be stays, and why is written down.
    pub(super) async fn put_away(&self, folder: &WatchedFolder) -> Result<bool, ProblemWords> {
        if folder.rule.after == AfterUpload::Keep {
            return Ok(false);
        }
        let (ledger, store) = (folder.ledger(), &self.shared.store);
        let now = self.shared.clock.now();
        let proven = before(now, folder.rule.put_away_after.unwrap_or_default());
        let mut any = false;
        loop {
            let due = store.watched_to_put_away(&ledger, proven, before(now, AGAIN)).await?;
            if due.is_empty() {
                return Ok(any);
            }
            any = true;
            for upload in due {
                let key = &upload.file.found.key;
                let stays = put_away(&folder.rule, &upload).await;
                let (rule, file) = (folder.id.0, folder.rule.folder.join(&upload.file.found.path));
                match &stays {
                    None => tracing::info!(rule, file = %file.display(), "a sent file was put away"),
                    Some(why) => {
                        tracing::warn!(rule, file = %file.display(), why, "a sent file stays where it is");
                    }
                }
                store.set_put_away(&ledger, key, stays.as_deref(), self.shared.clock.now()).await?;
            }
        }
    }
}

/// That long before `now`.
fn before(now: Timestamp, time: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

/// When a file that was proven is put away; none where it stays.
pub(super) fn due(rule: &WatchRule, file: &WatchedFile) -> Option<Timestamp> {
    let proven = file.verified.filter(|_| rule.after != AfterUpload::Keep && file.put_away.is_none())?;
    // Its bytes went under another name, which is put away itself.
    file.why.is_none().then(|| proven.plus(rule.put_away_after.unwrap_or_default()))
}

/// Puts a file away, or says why it stays.
async fn put_away(rule: &WatchRule, upload: &EndedUpload) -> Option<String> {
    let file = &upload.file;
    let path = rule.folder.join(&file.found.path);
    if let (AfterUpload::Move { to }, Err(_)) = (&rule.after, path.symlink_metadata())
        && still_the_same(&to.join(&file.found.path), file).is_ok()
    {
        // It was moved, and what ended the program kept that from being written down.
        return None;
    }
    let done = match proven(&path, upload).await {
        Err(error) => Err(error),
        Ok(()) => match &rule.after {
            AfterUpload::Keep => Ok(()),
            AfterUpload::Move { to } => move_away(&path, to, file).await.map(drop),
            AfterUpload::Recycle => recycle(&path, file).await,
        },
    };
    match done {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
            Some("it is not there any more".to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

/// Whether the file holds the bytes that a digest proved: it is as it was when they were sent, or it is read again.
async fn proven(path: &Path, upload: &EndedUpload) -> io::Result<()> {
    let file = &upload.file;
    still_the_same(path, file)?;
    let arrived = upload.arrived.as_ref().filter(|arrived| arrived.green);
    if arrived.and_then(|arrived| arrived.fingerprint.as_ref()) == Some(&file.found.fingerprint) {
        return Ok(());
    }
    let digest = sha256_of(path).await.ok().flatten();
    if digest.is_none() || digest != file.digests.sha256 {
        return Err(io::Error::other("its bytes are not the ones that were proven"));
    }
    Ok(())
}

/// Whether the file is still the one that the ledger has.
fn still_the_same(path: &Path, file: &WatchedFile) -> io::Result<()> {
    let now = labferry_watch::fingerprint(&fs::symlink_metadata(path)?);
    if now == file.found.fingerprint { Ok(()) } else { Err(io::Error::other("it changed after it was sent")) }
}

async fn move_away(path: &Path, to: &Path, file: &WatchedFile) -> io::Result<PathBuf> {
    let target = free_name(&to.join(&file.found.path))?;
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    still_the_same(path, file)?;
    match fs::rename(path, &target) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        result => return result.map(|()| target),
    }
    // Another disk: copied, compared, and only then gone from here.
    let part = target.with_file_name(format!(
        ".{}.labferry-part",
        target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    ));
    let copied = async {
        tokio::fs::copy(path, &part).await?;
        let digest = sha256_of(&part).await.ok().flatten();
        if digest.is_none() || digest != file.digests.sha256 {
            return Err(io::Error::other("its copy on the other disk has other bytes"));
        }
        still_the_same(path, file)?;
        fs::rename(&part, &target)?;
        fs::remove_file(path)
    };
    let result = copied.await;
    if result.is_err() {
        let _ = fs::remove_file(&part);
    }
    result.map(|()| target)
}

/// That path, or with a number where it is taken.
fn free_name(wanted: &Path) -> io::Result<PathBuf> {
    let name = wanted.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut free = wanted.to_path_buf();
    for number in 2..NAMES_TRIED {
        if free.symlink_metadata().is_err() {
            return Ok(free);
        }
        free = wanted.with_file_name(labferry_engine::preflight::numbered(&name, number));
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files of that name are there"))
}

async fn recycle(path: &Path, file: &WatchedFile) -> io::Result<()> {
    let (path, file) = (path.to_path_buf(), file.clone());
    let recycled = tokio::task::spawn_blocking(move || {
        still_the_same(&path, &file)?;
        trash::delete(&path).map_err(io::Error::other)
    });
    recycled.await.map_err(io::Error::other)?
}
