//! A look through the folder: at all of it, or past a gate at what changed.

use super::{Known, LEFT_KEPT, LOOK_FOR_ROOT, Left, Watch};
use crate::{
    gate::Gate,
    scan::{self, Item, Passing},
};
use labferry_model::{Clock, FoundFile, Health, NotSent, Problem, ProblemCode, Timestamp, WatchState};
use std::{io, path::Path, sync::Arc};

/// New files of a look that are kept to tell whether they should have been announced.
const FRESH_KEPT: usize = 100;

/// What a look came upon besides.
#[derive(Default)]
struct Seen {
    /// New files, the first of them.
    fresh: Vec<FoundFile>,
    /// The first folder that could not be looked into, and why.
    unreadable: Option<(String, String)>,
}

impl Watch {
    /// Looks through the folder; false when it went away meanwhile. Where changes are not announced, and it is not time for
    /// a whole look, folders whose own time has not changed are passed over.
    pub(super) fn look_through<E>(
        &mut self,
        clock: &dyn Clock,
        periodic: bool,
        known: &mut Known<'_, E>,
    ) -> Result<bool, E> {
        let (began, wall) = (clock.monotonic(), clock.now());
        let whole = self.polling.is_none() || self.gate.is_empty() || self.next_whole <= began;
        let mut gate = std::mem::take(&mut self.gate);
        let mut seen = Seen::default();
        let told = if whole {
            self.left.clear();
            gate.clear();
            let root = self.settings.rule.folder.clone();
            self.list(clock, &root, &mut Passing::Learning(&mut gate, wall), &mut seen, known)
        } else {
            self.list_changed(clock, wall, &mut gate, &mut seen, known)
        };
        self.gate = gate;
        let ended = clock.monotonic();
        (self.took, self.ended) = (ended.saturating_sub(began), ended);
        let mut summary = match told? {
            Ok(summary) => summary,
            Err(error) => {
                let problem = Problem::new(ProblemCode::FolderUnreadable)
                    .about(self.settings.rule.folder.display().to_string())
                    .because(error.to_string());
                self.suspend(problem);
                self.next_scan = ended + LOOK_FOR_ROOT;
                return Ok(false);
            }
        };
        if whole {
            self.left_in_all = summary.left;
        } else {
            summary.entries = self.gate.entries();
        }
        let fresh = &seen.fresh;
        if periodic && self.announcements.is_some() && self.scans > 0 && self.was_silent(fresh, wall) {
            let root = self.settings.rule.folder.display().to_string();
            self.announcements = None;
            let problem = Problem::new(ProblemCode::FolderSilent).about(root);
            self.polling = Some(Health { state: WatchState::Degraded, problem: Some(problem) });
        }
        self.scans += 1;
        self.scanned = Some(wall);
        self.judge(&summary, seen.unreadable);
        self.entries = summary.entries;
        if whole {
            self.next_whole = ended + self.usual_pause();
        }
        self.next_scan = ended + self.pause();
        Ok(true)
    }

    /// Lists the folders that changed, and those that came with them.
    fn list_changed<E>(
        &mut self,
        clock: &dyn Clock,
        wall: Timestamp,
        gate: &mut Gate,
        seen: &mut Seen,
        known: &mut Known<'_, E>,
    ) -> Result<io::Result<scan::Summary>, E> {
        for folder in gate.changed() {
            let mut fresh = Vec::new();
            let told = self.list(clock, &folder, &mut Passing::One(gate, wall, &mut fresh), seen, known)?;
            // One that is gone again has nothing, and its parent is listed.
            if let Err(error) = told.as_ref().map_err(|error| (error.kind(), error.to_string()))
                && error.0 != io::ErrorKind::NotFound
            {
                let inside = folder.strip_prefix(&self.settings.rule.folder).unwrap_or(&folder);
                seen.unreadable.get_or_insert_with(|| (inside.to_string_lossy().into_owned(), error.1));
                gate.doubts(&folder);
            }
            for folder in fresh {
                let _ = self.list(clock, &folder, &mut Passing::Learning(gate, wall), seen, known)?;
            }
        }
        Ok(Ok(scan::Summary::default()))
    }

    /// Lists a folder and takes in what it holds.
    fn list<E>(
        &mut self,
        clock: &dyn Clock,
        start: &Path,
        passing: &mut Passing<'_>,
        seen: &mut Seen,
        known: &mut Known<'_, E>,
    ) -> Result<io::Result<scan::Summary>, E> {
        let root = self.settings.rule.folder.clone();
        let names = Arc::clone(&self.names);
        let keeps_left = matches!(passing, Passing::Learning(..)) && start == root;
        scan::scan_with(&root, start, &names, passing, |items| {
            let mut files = Vec::with_capacity(items.len());
            for item in items {
                match item {
                    Item::Found(file) => files.push(file),
                    Item::Left { name, why } => {
                        if let NotSent::Unreadable { cause } = &why {
                            seen.unreadable.get_or_insert_with(|| (name.clone(), cause.clone()));
                        }
                        if keeps_left && self.left.len() < LEFT_KEPT {
                            self.left.push(Left { name, why });
                        }
                    }
                }
            }
            let now = clock.monotonic();
            for file in self.take_in(now, &files, known)? {
                if seen.fresh.len() < FRESH_KEPT {
                    seen.fresh.push(file);
                }
            }
            Ok::<(), E>(())
        })
    }
}
