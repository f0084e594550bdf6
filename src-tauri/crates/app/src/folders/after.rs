//! What happens to a file here once its copy is proven by a digest. It is looked at just before: a file that is not as it
//! was when it was sent stays where it is.

use crate::folders::send::sha256_of;
use labferry_model::{AfterUpload, WatchedFile};
use labferry_store::WatchedFolder;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Names tried where a file of that name is there already.
const NAMES_TRIED: u32 = 10_000;

/// Does with a proven file what its rule says. What cannot be done is logged; the file then stays.
pub(super) async fn tidy(folder: &WatchedFolder, file: &WatchedFile) {
    let path = folder.rule.folder.join(&file.found.path);
    let rule = folder.id.0;
    let result = match &folder.rule.after {
        AfterUpload::Keep => return,
        AfterUpload::Move { to } => move_away(&path, to, file).await.map(|to| Some(to.display().to_string())),
        AfterUpload::Recycle => recycle(&path, file).await.map(|()| None),
    };
    match result {
        Ok(to) => tracing::info!(rule, file = %path.display(), to, "a sent file was put away"),
        Err(error) => {
            tracing::warn!(rule, file = %path.display(), %error, "a sent file stays where it is");
        }
    }
}

/// Whether the file is still the one that was sent.
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
