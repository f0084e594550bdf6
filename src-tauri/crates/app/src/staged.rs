//! Archives of folders on their way: each lies in the data folder until its copy is proven or nobody wants it any more.

use crate::{app::App, wire::answers::ProblemWords};
use labferry_engine::{
    archive::{self, Packed},
    preflight::{SourceItem, local_name_for},
};
use labferry_model::{AccountName, Problem, ProblemCode};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The folder they lie in.
const FOLDER: &str = "staged";
/// How long to wait after something happened to a transfer before looking for archives that nobody needs: a look reads
/// every row of the queue.
const LATER: Duration = Duration::from_secs(5);

/// Tells whoever packs to stop when the one who asked for it is gone.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl App {
    /// Where the archive of a folder lies on its way to a place: the same for the same folder and place, so that what was
    /// begun is found again. The archive's name is the folder's with `.zip`.
    pub(crate) fn staged(&self, account: &AccountName, place: &str, folder: &Path, name: &str) -> PathBuf {
        let mut hash = Sha256::new();
        for part in [account.as_str().as_bytes(), place.as_bytes(), folder.as_os_str().as_encoded_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        // Half of it tells any two apart, and keeps the path short.
        let number: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.shared.folder.path().join(FOLDER).join(number).join(local_name_for(name).name)
    }

    /// Packs what `list` gives into an archive at `to`. When the one who waits for this is gone, packing stops.
    ///
    /// # Errors
    /// As [`archive::pack`].
    pub(crate) async fn pack(
        &self,
        list: impl Fn() -> Vec<SourceItem> + Send + 'static,
        to: PathBuf,
    ) -> Result<Packed, Problem> {
        let reserve = self.shared.engine.disk_reserve();
        let stop = Stop(Arc::default());
        let stopped = Arc::clone(&stop.0);
        let packed = tokio::task::spawn_blocking(move || archive::pack(&list, &to, reserve, &stopped));
        let crashed =
            |error: tokio::task::JoinError| Problem::new(ProblemCode::Internal).because(error.to_string());
        packed.await.map_err(crashed)?
    }

    /// Removes archives that nobody needs any more: proven, given up, cleared, or left by a process that was killed.
    ///
    /// # Errors
    /// A database that cannot be read; nothing is removed then that may be needed.
    pub async fn clean_staged(&self) -> Result<(), ProblemWords> {
        let folders = fs::read_dir(self.shared.folder.path().join(FOLDER));
        for folder in folders.into_iter().flatten().flatten().map(|entry| entry.path()) {
            let inside = fs::read_dir(&folder).into_iter().flatten().flatten();
            let files: Vec<PathBuf> = inside.map(|entry| entry.path()).collect();
            // Before the rows are read: what is being packed or queued is locked until its row is there.
            if !files.iter().all(|file| is_free(file)) {
                continue;
            }
            let mut needed = false;
            for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "zip")) {
                needed |= self.shared.store.is_unfinished(file).await?;
            }
            if !needed {
                let removed = fs::remove_dir_all(&folder);
                tracing::debug!(folder = %folder.display(), ?removed, "an archive that nobody needs any more");
            }
        }
        Ok(())
    }
}

/// Cleans up now and whenever something happened to a transfer, while this process owns the data folder.
pub(crate) async fn keep_clean(app: App) {
    let mut committed = app.shared.store.committed();
    loop {
        if let Err(problem) = app.clean_staged().await {
            tracing::warn!(message = problem.message, "archives that nobody needs could not be removed");
        }
        if committed.changed().await.is_err() {
            return;
        }
        app.shared.clock.sleep(LATER).await;
    }
}

fn is_free(path: &Path) -> bool {
    // A folder or a file that is gone is nobody's.
    File::open(path).map_or(true, |file| file.try_lock().is_ok())
}
