//! Looking through a folder: every file in it, with what tells whether it changed.

use crate::{
    gate::Gate,
    names::{NameRules, key_of},
};
use labferry_model::{Fingerprint, FoundFile, NotSent, Timestamp};
use std::{
    collections::HashMap,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use walkdir::{DirEntry, WalkDir};

/// Folders inside folders that are followed, as for a drop.
const MOST_DEPTH: usize = 64;
/// Files told at once: enough that a question to the ledger costs little, few enough to hold.
const CHUNK: usize = 1_000;

/// Something that a look through a folder came upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A file that the rule takes.
    Found(FoundFile),
    /// Something that is not sent, by its key or, where its name is no text, by as much of it as can be shown.
    Left {
        /// What people read.
        name: String,
        /// Why.
        why: NotSent,
    },
}

/// What a whole look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files and folders.
    pub entries: u64,
    /// Files that the rule takes.
    pub found: u64,
    /// Things that are not sent.
    pub left: u64,
    /// Folders that cannot be looked into: what is in them is unknown.
    pub unreadable: u64,
}

/// Looks through what lies at or below `start`, which is `root` or inside it, and tells it in pieces.
///
/// # Errors
/// `start` itself cannot be looked at, or `tell` failed.
pub fn scan<E>(
    root: &Path,
    start: &Path,
    names: &NameRules,
    tell: impl FnMut(Vec<Item>) -> Result<(), E>,
) -> Result<io::Result<Summary>, E> {
    scan_with(root, start, names, &mut Passing::All, tell)
}

/// Which folders a look lists.
pub(crate) enum Passing<'a> {
    /// All below its start, and nothing is kept of them.
    All,
    /// All below its start; the gate learns them.
    Learning(&'a mut Gate, Timestamp),
    /// Its start, and those inside that the gate does not know yet are told.
    One(&'a mut Gate, Timestamp, &'a mut Vec<PathBuf>),
}

impl Passing<'_> {
    fn lists(&mut self, folder: &Path, depth: usize) {
        match self {
            Passing::All => {}
            Passing::Learning(gate, now) => gate.lists(folder, *now),
            Passing::One(gate, now, _) if depth == 0 => gate.lists(folder, *now),
            Passing::One(gate, _, fresh) => {
                if !gate.knows(folder) {
                    fresh.push(folder.to_path_buf());
                }
            }
        }
    }

    fn gate(&mut self) -> Option<&mut Gate> {
        match self {
            Passing::All => None,
            Passing::Learning(gate, _) | Passing::One(gate, ..) => Some(gate),
        }
    }
}

/// The same, past a gate.
pub(crate) fn scan_with<E>(
    root: &Path,
    start: &Path,
    names: &NameRules,
    passing: &mut Passing<'_>,
    mut tell: impl FnMut(Vec<Item>) -> Result<(), E>,
) -> Result<io::Result<Summary>, E> {
    let mut summary = Summary::default();
    let mut chunk = Vec::new();
    let mut spellings: HashMap<String, PathBuf> = HashMap::new();
    let mut folder = PathBuf::new();
    // In order, so that the ways to write one name come one after the other within their folder.
    let most = if matches!(passing, Passing::One(..)) { 1 } else { MOST_DEPTH };
    let mut walk = WalkDir::new(start).max_depth(most).follow_links(false).into_iter();
    while let Some(entry) = walk.next() {
        let item = match entry {
            Err(error) if error.depth() == 0 => return Ok(Err(error.into())),
            Err(error) => {
                summary.unreadable += 1;
                let path = error.path().unwrap_or(start).to_path_buf();
                if let Some(gate) = passing.gate() {
                    gate.doubts(&path);
                }
                let cause = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                Some(Item::Left { name: shown(root, &path), why: NotSent::Unreadable { cause } })
            }
            Ok(entry) => {
                summary.entries += u64::from(entry.path() != root);
                let skipped = entry.file_type().is_dir() && skip(root, names, &entry);
                if skipped {
                    walk.skip_current_dir();
                } else if entry.file_type().is_dir() {
                    passing.lists(entry.path(), entry.depth());
                }
                if let (Some(gate), Some(parent), 1..) =
                    (passing.gate(), entry.path().parent(), entry.depth())
                {
                    gate.holds(parent);
                }
                if entry.path().parent().is_some_and(|parent| parent != folder) {
                    folder = entry.path().parent().map(Path::to_path_buf).unwrap_or_default();
                    spellings.clear();
                }
                judge(root, names, &entry, skipped, &mut spellings)
            }
        };
        match &item {
            None => continue,
            Some(Item::Found(_)) => summary.found += 1,
            Some(Item::Left { .. }) => summary.left += 1,
        }
        chunk.extend(item);
        if chunk.len() >= CHUNK {
            tell(std::mem::take(&mut chunk))?;
        }
    }
    if !chunk.is_empty() {
        tell(chunk)?;
    }
    Ok(Ok(summary))
}

/// How many folders there are at and below `root`, counted up to `most`.
pub(crate) fn count_folders(root: &Path, names: &NameRules, most: usize) -> usize {
    let walk = WalkDir::new(root).max_depth(MOST_DEPTH).follow_links(false).into_iter();
    let taken = walk.filter_entry(|entry| entry.file_type().is_dir() && !skip(root, names, entry));
    taken.take(most).count()
}

/// A file as it is now; none when it is no file that the rule takes.
#[must_use]
pub fn look(root: &Path, path: &Path, names: &NameRules) -> Option<FoundFile> {
    let inside = path.strip_prefix(root).ok()?;
    let key = key_of(inside)?;
    names.judge(&key).ok()?;
    let found = std::fs::symlink_metadata(path).ok()?;
    found.is_file().then(|| FoundFile { key, path: inside.to_path_buf(), fingerprint: fingerprint(&found) })
}

/// The fingerprint in a file's metadata, as the engine takes it when it sends.
#[must_use]
pub fn fingerprint(found: &Metadata) -> Fingerprint {
    let modified_ns = found.modified().map_or(0, |modified| match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    });
    #[cfg(unix)]
    let file_id = Some(std::os::unix::fs::MetadataExt::ino(found));
    #[cfg(not(unix))]
    let file_id = None;
    Fingerprint { size: found.len(), modified_ns, file_id }
}

fn skip(root: &Path, names: &NameRules, entry: &DirEntry) -> bool {
    let inside = entry.path().strip_prefix(root).ok();
    inside.and_then(key_of).is_some_and(|key| names.skips_folder(&key))
}

fn judge(
    root: &Path,
    names: &NameRules,
    entry: &DirEntry,
    skipped: bool,
    spellings: &mut HashMap<String, PathBuf>,
) -> Option<Item> {
    let path = entry.path();
    let left = |why| Some(Item::Left { name: shown(root, path), why });
    let inside = path.strip_prefix(root).ok()?;
    if inside.as_os_str().is_empty() {
        return None;
    }
    let kind = entry.file_type();
    if kind.is_dir() && !skipped {
        return if entry.depth() >= MOST_DEPTH { left(NotSent::TooDeep) } else { None };
    }
    let Some(key) = key_of(inside) else { return left(NotSent::NameNotText) };
    if kind.is_dir() {
        // What a folder without its files was left out for.
        return left(names.judge(&format!("{key}/x")).err().unwrap_or(NotSent::Filtered));
    }
    if let Err(why) = names.judge(&key) {
        return left(why);
    }
    if kind.is_symlink() {
        return left(NotSent::Link);
    }
    if !kind.is_file() {
        return left(NotSent::Special);
    }
    if let Some(other) = spellings.get(&key).filter(|other| *other != path) {
        return left(NotSent::TwinName { other: shown(root, other) });
    }
    spellings.insert(key.clone(), path.to_path_buf());
    match entry.metadata() {
        Ok(found) => {
            Some(Item::Found(FoundFile { key, path: inside.to_path_buf(), fingerprint: fingerprint(&found) }))
        }
        // It went between the listing and the look.
        Err(error) if error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::NotFound) => None,
        Err(error) => left(NotSent::Unreadable { cause: error.to_string() }),
    }
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}
