//! Standard input on its way: kept in the data folder, so that an upload of it can be proven, tried again and gone on
//! with like that of any file.

use crate::{exit::Failure, outcome::rows_in};
use labferry_app::App;
use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    io::{self, Seek as _},
    path::{Path, PathBuf},
};

/// The folder of such files in the data folder.
const FOLDER: &str = "standard-input";

/// What was read. While this lives no other process takes the file for a leftover.
pub(crate) struct Spooled {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    _lock: File,
}

/// Reads standard input to its end.
///
/// # Errors
/// A disk that is full, or standard input that cannot be read; nothing is left behind then.
pub(crate) fn standard_input(data_folder: &Path) -> Result<Spooled, Failure> {
    let failed = |path: &Path, error: &io::Error| {
        Failure::Words(format!(
            "Standard input could not be kept in {}: {error}. Nothing was queued; make room on that disk or choose \
             another data folder, then try again.",
            path.display()
        ))
    };
    let folder = data_folder.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let (mut file, path) = tempfile::Builder::new()
        .prefix("input-")
        .tempfile_in(&folder)
        .and_then(|file| file.keep().map_err(|error| error.error))
        .map_err(|error| failed(&folder, &error))?;
    let written = file
        .try_lock()
        .map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::from(io::ErrorKind::WouldBlock),
        })
        .and_then(|()| io::copy(&mut io::stdin().lock(), &mut file))
        .and_then(|_| file.sync_all())
        .and_then(|()| file.stream_position());
    match written {
        Ok(bytes) => Ok(Spooled { path, bytes, _lock: file }),
        Err(error) => {
            // What cannot be removed is found by the next clean-up.
            let _ = fs::remove_file(&path);
            Err(failed(&path, &error))
        }
    }
}

/// Removes what was kept for uploads that ended. One that failed can be tried again, so its file stays while its row
/// does.
pub(crate) async fn clean_up(app: &App, data_folder: &Path) -> Result<(), Failure> {
    let folder = data_folder.join(FOLDER);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
    let kept: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    if kept.is_empty() {
        return Ok(());
    }
    // Before the rows are read: a file that somebody is still writing is locked until its row is there.
    let free: Vec<PathBuf> = kept.into_iter().filter(|path| is_free(path)).collect();
    let mut needed = HashSet::new();
    for filter in ["active", "waiting", "needs_you"] {
        needed.extend(rows_in(app, filter).await?.into_iter().map(|row| PathBuf::from(row.local)));
    }
    for path in free {
        let path = std::path::absolute(&path).unwrap_or(path);
        if !needed.contains(&path) {
            let removed = fs::remove_file(&path);
            tracing::debug!(path = %path.display(), ?removed, "an input that nobody needs any more");
        }
    }
    Ok(())
}

fn is_free(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}
