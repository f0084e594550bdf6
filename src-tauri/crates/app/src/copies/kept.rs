//! The files of copies on this computer: a folder for each copy in the data folder, and in it one for each file, so that no
//! two files ever meet.

use crate::{app::App, wire::answers::ProblemWords};
use labferry_model::{CopyId, CopyState};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of files on their way, in the data folder.
const FOLDER: &str = "copies";

impl App {
    /// The folder of a copy.
    fn copy_folder(&self, id: CopyId) -> PathBuf {
        self.shared.folder.path().join(FOLDER).join(id.to_string())
    }

    /// The folder of one of its files.
    pub(super) fn copied_folder(&self, id: CopyId, number: i64) -> PathBuf {
        self.copy_folder(id).join(number.to_string())
    }

    /// Removes what is kept of these files of a copy.
    pub(super) async fn remove_files(&self, id: CopyId, numbers: Vec<i64>) {
        let folders: Vec<PathBuf> =
            numbers.into_iter().map(|number| self.copied_folder(id, number)).collect();
        // What cannot be removed goes with the copy's folder at its end.
        let removed = tokio::task::spawn_blocking(move || folders.iter().for_each(|folder| remove(folder)));
        if let Err(error) = removed.await {
            tracing::warn!(%error, "files of a copy could not be removed");
        }
    }

    /// Removes everything that is kept of a copy.
    pub(super) async fn remove_kept(&self, id: CopyId) -> Result<(), ProblemWords> {
        let folder = self.copy_folder(id);
        tokio::task::spawn_blocking(move || remove(&folder)).await.map_err(crate::problem_text::internal)
    }

    /// Removes what copies left that nobody needs any more: of those that are over or forgotten, unless a row of the queue
    /// has a file there to go on with.
    pub(super) async fn sweep_copies(&self) -> Result<(), ProblemWords> {
        let Ok(entries) = fs::read_dir(self.shared.folder.path().join(FOLDER)) else { return Ok(()) };
        for folder in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
            let id = folder.file_name().and_then(|name| name.to_str()?.parse().ok()).map(CopyId);
            let copy = match id {
                None => None,
                Some(id) => self.shared.store.copy(id).await?,
            };
            let open =
                copy.is_some_and(|copy| matches!(copy.state, CopyState::Working | CopyState::NeedsYou));
            if !open && !self.shared.store.is_unfinished_in(&folder).await? {
                tracing::debug!(folder = %folder.display(), "a copy that nobody goes on with");
                remove(&folder);
            }
        }
        Ok(())
    }
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "files of a copy could not be removed");
        }
        _ => {}
    }
}
