//! What the system announces. Announcements are hints: each only says where to look, and when some are lost a scan finds
//! what they were about.

use notify::{
    Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Paths kept until somebody looks. Beyond it a scan is cheaper than looking one by one.
pub const MOST_HINTS: usize = 10_000;

/// Paths to look at, and whether there were more.
#[derive(Debug, Default)]
struct Kept {
    paths: HashSet<PathBuf>,
    lost: bool,
}

/// Where announcements are kept. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    kept: Arc<Mutex<Kept>>,
    arrived: Arc<Notify>,
}

impl Inbox {
    /// Returns when there is something to look at.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes the paths, and whether announcements were lost: then everything must be looked at.
    #[must_use]
    pub fn take(&self) -> (Vec<PathBuf>, bool) {
        let mut kept = self.kept();
        let lost = std::mem::take(&mut kept.lost);
        (kept.paths.drain().collect(), lost)
    }

    /// Everything must be looked at.
    pub fn lose(&self) {
        let mut kept = self.kept();
        kept.paths.clear();
        kept.lost = true;
        drop(kept);
        self.arrived.notify_one();
    }

    /// Keeps what was announced. A loss is looked for before the paths: such an event may have none.
    pub(crate) fn take_in(&self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                tracing::debug!(%error, "announcements were lost");
                return self.lose();
            }
        };
        if event.need_rescan() {
            return self.lose();
        }
        match event.kind {
            // Reading, our own above all, changes nothing.
            EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write) => return,
            _ if event.paths.is_empty() => return self.lose(),
            _ => {}
        }
        let mut kept = self.kept();
        if kept.lost {
            return;
        }
        kept.paths.extend(event.paths);
        let crowded = kept.paths.len() > MOST_HINTS;
        drop(kept);
        if crowded {
            return self.lose();
        }
        self.arrived.notify_one();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Announcements of one folder, until it is dropped.
pub(crate) struct Announcements {
    _watcher: RecommendedWatcher,
}

/// Why there are no announcements.
#[derive(Debug)]
pub(crate) enum NoAnnouncements {
    /// The system's limit is reached.
    Limit,
    /// Another reason, in the system's words.
    Other(String),
}

impl Announcements {
    /// Has changes at and below `root` announced to that inbox.
    pub(crate) fn of(root: &Path, subfolders: bool, inbox: &Inbox) -> Result<Self, NoAnnouncements> {
        let to = inbox.clone();
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(move |event| to.take_in(event), config).map_err(why)?;
        let mode = if subfolders { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(root, mode).map_err(why)?;
        Ok(Self { _watcher: watcher })
    }
}

fn why(error: notify::Error) -> NoAnnouncements {
    // ENOSPC and EMFILE are how inotify says that a limit is reached.
    let limit = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => true,
        notify::ErrorKind::Io(cause) => matches!(cause.raw_os_error(), Some(24 | 28)),
        _ => false,
    };
    if limit { NoAnnouncements::Limit } else { NoAnnouncements::Other(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, Flag, ModifyKind};

    fn created(name: &str) -> Event {
        Event::new(EventKind::Create(CreateKind::File)).add_path(name.into())
    }

    #[test]
    fn losses_are_seen_before_paths_and_reading_is_no_change() {
        let inbox = Inbox::default();
        inbox.take_in(Ok(created("a")));
        inbox.take_in(Ok(created("a")));
        inbox.take_in(Ok(
            Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any))).add_path("b".into())
        ));
        inbox.take_in(Ok(
            Event::new(EventKind::Access(AccessKind::Close(AccessMode::Write))).add_path("c".into())
        ));
        let (mut paths, lost) = inbox.take();
        paths.sort();
        assert_eq!((paths, lost), (vec!["a".into(), "c".into()], false));

        for lossy in [
            Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)),
            Ok(created("a").set_flag(Flag::Rescan)),
            Ok(Event::new(EventKind::Modify(ModifyKind::Any))),
            Err(notify::Error::generic("queue overflow")),
        ] {
            inbox.take_in(lossy);
            assert_eq!(inbox.take(), (vec![], true));
            assert_eq!(inbox.take(), (vec![], false));
        }
    }

    #[test]
    fn more_than_can_be_kept_becomes_one_loss() {
        let inbox = Inbox::default();
        for number in 0..=MOST_HINTS {
            inbox.take_in(Ok(created(&number.to_string())));
        }
        inbox.take_in(Ok(created("one more")));
        assert_eq!(inbox.take(), (vec![], true));
    }
}
