//! Which folders a look may pass over: those whose own time has not changed since they were listed. Where changes are not
//! announced, this lets disks rest and keeps looks at large trees cheap. A folder's time tells of files that come, go or get
//! another name, and not of files that grow: those that come to rest are looked at one by one, and a whole look now and
//! then finds the others, and what a file system's wrong times hid.

use labferry_model::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How old a folder's time must be at its listing to be believed: what comes within one step of a file system's clock does
/// not change it, and the coarsest step is FAT's, of two seconds.
const BELIEVED: Duration = Duration::from_secs(3);

/// When a folder's rights or names changed last, where the system keeps that (ctime): one that may be read again must be
/// listed again.
type Rights = Option<(i64, i64)>;

fn rights(found: &fs::Metadata) -> Rights {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        Some((found.ctime(), found.ctime_nsec()))
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        None
    }
}

/// A folder as it was listed.
#[derive(Debug, Clone, Copy)]
struct Listed {
    modified: SystemTime,
    rights: Rights,
    believed: bool,
    entries: u64,
}

/// The folders of a tree, as they were listed last.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    folders: BTreeMap<PathBuf, Listed>,
    listings: u64,
}

impl Gate {
    /// A folder is about to be listed.
    pub(crate) fn lists(&mut self, folder: &Path, now: Timestamp) {
        self.listings += 1;
        match fs::symlink_metadata(folder).and_then(|found| Ok((found.modified()?, rights(&found)))) {
            Ok((modified, rights)) => {
                let now = UNIX_EPOCH + Duration::from_millis(now.0.max(0).unsigned_abs());
                let age = now.duration_since(modified).unwrap_or_default();
                let listed = Listed { modified, rights, believed: age >= BELIEVED, entries: 0 };
                self.folders.insert(folder.to_path_buf(), listed);
            }
            // Not kept, so that it is listed at every look.
            Err(_) => self.forget(folder),
        }
    }

    /// Something is in that folder.
    pub(crate) fn holds(&mut self, folder: &Path) {
        if let Some(listed) = self.folders.get_mut(folder) {
            listed.entries += 1;
        }
    }

    /// A folder could not be listed whole: the next look tries again.
    pub(crate) fn doubts(&mut self, folder: &Path) {
        if let Some(listed) = self.folders.get_mut(folder) {
            listed.believed = false;
        }
    }

    /// Whether that folder was listed before.
    pub(crate) fn knows(&self, folder: &Path) -> bool {
        self.folders.contains_key(folder)
    }

    /// How many times a folder was listed.
    pub(crate) fn listings(&self) -> u64 {
        self.listings
    }

    /// Everything is listed anew.
    pub(crate) fn clear(&mut self) {
        self.folders.clear();
    }

    /// Whether nothing was listed yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Files and folders in all of them.
    pub(crate) fn entries(&self) -> u64 {
        self.folders.values().map(|listed| listed.entries).sum()
    }

    /// The folders that must be listed again. Those that are gone are forgotten.
    pub(crate) fn changed(&mut self) -> Vec<PathBuf> {
        let (mut changed, mut gone) = (BTreeSet::new(), Vec::new());
        for (folder, listed) in &self.folders {
            let now = fs::symlink_metadata(folder);
            match now.and_then(|found| Ok((found.is_dir(), found.modified()?, rights(&found)))) {
                Ok((true, modified, rights))
                    if listed.believed && modified == listed.modified && rights == listed.rights => {}
                Ok((true, ..)) => {
                    changed.insert(folder.clone());
                }
                _ => gone.push(folder.clone()),
            }
        }
        for folder in gone {
            self.forget(&folder);
            // Its parent's time should tell; where it does not, its listing does.
            changed.extend(folder.parent().map(Path::to_path_buf).filter(|parent| self.knows(parent)));
        }
        changed.into_iter().collect()
    }

    fn forget(&mut self, folder: &Path) {
        self.folders.remove(folder);
    }
}
