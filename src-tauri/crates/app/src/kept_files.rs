//! Bytes that a person pasted: they lie in a file of the data folder until they are sent.

use crate::{
    app::App,
    problem_text::{internal, invalid, words},
    wire::{answers::*, requests::*},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use labferry_engine::preflight::local_name_for;
use labferry_model::{Problem, ProblemCode};
use labferry_store::TransferFilter;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The folder they are kept in.
const FOLDER: &str = "pasted";
/// So long a file is left alone even when no transfer names it: somebody may still be answering a question about it.
const LEFT_ALONE: Duration = Duration::from_secs(24 * 3600);

impl App {
    /// Keeps bytes in a file, so that they can be sent like any other.
    ///
    /// # Errors
    /// Bytes that are not in base 64; a disk that cannot be written.
    pub async fn uploads_keep(&self, request: KeepFile) -> Result<KeptFile, ProblemWords> {
        let bytes = BASE64_STANDARD
            .decode(request.base64.as_bytes())
            .map_err(|_| invalid("the bytes to keep are not in base 64"))?;
        let folder = self.shared.folder.path().join(FOLDER);
        self.forget_sent(&folder).await?;
        let name = local_name_for(request.name.rsplit(['/', '\\']).next().unwrap_or_default()).name;
        let now = self.shared.clock.now().0;
        let kept = tokio::task::spawn_blocking(move || write(&folder, now, &name, &bytes)).await;
        let path = kept.map_err(internal)?.map_err(|error| {
            let code = if error.kind() == io::ErrorKind::StorageFull {
                ProblemCode::DiskFull
            } else {
                ProblemCode::SourceUnreadable
            };
            words(&Problem::new(code).about(request.name).because(error.to_string()))
        })?;
        Ok(KeptFile { path: path.display().to_string() })
    }

    /// Removes what was kept and is not needed any more.
    async fn forget_sent(&self, folder: &Path) -> Result<(), ProblemWords> {
        for file in kept(folder) {
            let name = file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let filter = TransferFilter { text: name, ..TransferFilter::default() };
            let rows = self.shared.store.transfers(&filter).await?;
            if rows.iter().all(|row| row.local != file || row.state.is_green()) {
                let _ = std::fs::remove_file(&file);
                let _ = file.parent().map(std::fs::remove_dir);
            }
        }
        Ok(())
    }
}

/// Files that were kept some time ago.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let old = |file: &PathBuf| {
        let changed = std::fs::metadata(file).and_then(|info| info.modified());
        changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > LEFT_ALONE))
    };
    inside(folder).iter().flat_map(|folder| inside(folder)).filter(old).collect()
}

/// Each file has a folder of its own, so that its name stays the one it came with.
fn write(folder: &Path, now: i64, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    for number in 0.. {
        let own = folder.join(format!("{now}-{number}"));
        match std::fs::create_dir(&own) {
            Ok(()) => {
                let path = own.join(name);
                std::fs::write(&path, bytes)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no free name is left"))
}
