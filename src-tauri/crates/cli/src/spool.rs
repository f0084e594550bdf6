//! Standard input on its way: kept in the data folder, so that an upload of it can be proven, tried again and gone on
//! with like that of any file.

use crate::{
    exit::{Failure, usage},
    outcome::each_in,
};
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
/// `base64` for input that is text in Base64; line breaks and blanks in it are nothing.
pub(crate) fn standard_input(data_folder: &Path, base64: bool) -> Result<Spooled, Failure> {
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
        .and_then(|()| if base64 { decoded(&mut file) } else { io::copy(&mut io::stdin().lock(), &mut file) })
        .and_then(|_| file.sync_all())
        .and_then(|()| file.stream_position());
    match written {
        Ok(bytes) => Ok(Spooled { path, bytes, _lock: file }),
        Err(error) => {
            // What cannot be removed is found by the next clean-up.
            let _ = fs::remove_file(&path);
            if base64 && error.kind() == io::ErrorKind::InvalidData {
                return Err(usage(format!(
                    "Standard input is not Base64 ({error}). Nothing was queued; leave --base64 out to send it as it is."
                )));
            }
            Err(failed(&path, &error))
        }
    }
}

/// Writes the bytes that standard input brings as Base64.
fn decoded(file: &mut File) -> io::Result<u64> {
    let text = Solid(io::stdin().lock());
    let engine = &base64::engine::general_purpose::STANDARD;
    io::copy(&mut base64::read::DecoderReader::new(text, engine), file)
}

/// Text without its blanks and line breaks.
struct Solid<R>(R);

impl<R: io::Read> io::Read for Solid<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                if !buffer[at].is_ascii_whitespace() {
                    buffer[kept] = buffer[at];
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
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
        each_in(app, filter, |row| {
            let local = PathBuf::from(row.local);
            // Others cannot be one of these files.
            if local.parent().is_some_and(|parent| parent.ends_with(FOLDER)) {
                needed.insert(local);
            }
        })
        .await?;
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
