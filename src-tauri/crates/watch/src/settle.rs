//! When a file is whole. Pure: it is told the time and what was seen, and says what to look at and what is ready.
//!
//! A file is at rest when its size, time and number have been seen unchanged at least twice over its quiet window, by us
//! and by our own clock: how old its time is says nothing, because copies keep old times. A run is at rest when all its
//! files are, its markers are there, and each was seen once more after the last of them came to rest.

use crate::{names::RunOf, quiet::Quiet};
use labferry_model::{FoundFile, WatchedState};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

/// How long an empty file is held before it is listed as empty: most are announcements of a file that follows.
pub const EMPTY_HOLD: Duration = Duration::from_secs(600);
/// Files that come to rest at once, each alone: the backlog that rclone keeps. Others wait for the next look.
pub const MOST_PENDING: usize = 10_000;
/// The same for files of runs, which can only be judged together: the largest sequencing runs have that many.
pub const MOST_IN_RUNS: usize = 200_000;
/// Longest time between two looks at a file that rests: an empty one, or one that a program holds open.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file was looked at.
    Seen {
        /// As it was.
        found: FoundFile,
        /// The run it belongs to.
        run: Option<RunOf>,
        /// Whether a program has it open for writing, as far as can be told; none when nobody asked.
        open: Option<bool>,
    },
    /// A file that needs no more attention, because it is in the ledger as it is. It may still complete a run.
    Known {
        /// Its key.
        key: String,
        /// The run it belongs to.
        run: Option<RunOf>,
    },
    /// A file is not there any more, or is not taken any more.
    Gone {
        /// Its key.
        key: String,
    },
    /// Time passed.
    Tick,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Look at that file and say what was seen.
    Look {
        /// The file as it was seen last.
        found: FoundFile,
        /// Whether it is sent if it is still the same: then it matters whether a program has it open.
        ripe: bool,
    },
    /// These are whole and go together. They are followed no more.
    Ready {
        /// The run; none for a file alone.
        run: Option<String>,
        /// The files.
        files: Vec<FoundFile>,
    },
}

/// A file that comes to rest, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// As it was seen last.
    pub found: FoundFile,
    /// `Writing`, `Settling` or `Empty`.
    pub state: WatchedState,
    /// The run it belongs to.
    pub run: Option<String>,
    /// How long ago it was seen first.
    pub followed: Duration,
    /// In how long it is looked at again.
    pub next: Duration,
}

#[derive(Debug)]
struct Pending {
    found: FoundFile,
    run: Option<RunOf>,
    first: Duration,
    /// Since when it has been seen unchanged.
    since: Duration,
    /// Looks that found it unchanged since then.
    equal: u32,
    looked: Duration,
    due: Duration,
    writing: bool,
    rests: bool,
}

#[derive(Debug, Default)]
struct Run {
    members: BTreeSet<String>,
    restless: usize,
    /// When the last member came to rest.
    rested: Duration,
    /// Names in lower case that are there, followed or known.
    there: HashSet<String>,
    markers: BTreeSet<usize>,
}

/// Files on their way to rest.
#[derive(Debug)]
pub struct Settle {
    quiet: Quiet,
    markers: usize,
    pending: HashMap<String, Pending>,
    due: BTreeSet<(Duration, String)>,
    runs: BTreeMap<String, Run>,
    in_runs: usize,
    more: bool,
}

impl Settle {
    /// Nothing is followed yet. `markers` is how many marker files end a run.
    #[must_use]
    pub fn new(quiet: Quiet, markers: usize) -> Self {
        Self {
            quiet,
            markers,
            pending: HashMap::new(),
            due: BTreeSet::new(),
            runs: BTreeMap::new(),
            in_runs: 0,
            more: false,
        }
    }

    /// Takes in what happened at `now`, a time that never goes back.
    pub fn step(&mut self, now: Duration, input: Input) -> Vec<Output> {
        match input {
            Input::Seen { found, run, open } => self.seen(now, found, run, open),
            Input::Known { key, run } => {
                self.forget(&key);
                if let Some(run) = run.filter(|run| run.marker.is_some() || run.partner.is_some()) {
                    let known = self.runs.entry(run.run).or_default();
                    known.there.insert(crate::names::folded(&key));
                    known.markers.extend(run.marker);
                }
                Vec::new()
            }
            Input::Gone { key } => {
                let run = self.forget(&key);
                // What is left of the run may be complete without it.
                run.map_or_else(Vec::new, |run| self.run_ready(now, &run))
            }
            Input::Tick => self.tick(now),
        }
    }

    /// When the next look is due.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whether that file is followed, and as what.
    #[must_use]
    pub fn followed(&self, key: &str) -> Option<&FoundFile> {
        self.pending.get(key).map(|pending| &pending.found)
    }

    /// Whether files were turned away because too many are followed. Once there is room, a whole look finds them.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Whether those that were turned away would find room now; asks once.
    pub fn room_again(&mut self) -> bool {
        let room = self.more && self.pending.len() - self.in_runs < MOST_PENDING / 2;
        self.more &= !room;
        room
    }

    /// The look that a file which is followed needs now, whatever it was due for.
    #[must_use]
    pub fn look(&self, now: Duration, key: &str) -> Option<Output> {
        let pending = self.pending.get(key)?;
        let window = self.quiet.window(pending.found.fingerprint.size);
        let ripe = now.saturating_sub(pending.since) >= window;
        Some(Output::Look { found: pending.found.clone(), ripe })
    }

    /// How many files are followed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Every file that is followed, in no order.
    pub fn coming(&self, now: Duration) -> impl Iterator<Item = Coming> {
        self.pending.values().map(move |pending| Coming {
            found: pending.found.clone(),
            state: pending.state(now),
            run: pending.run.as_ref().map(|run| run.run.clone()),
            followed: now.saturating_sub(pending.first),
            next: pending.due.saturating_sub(now),
        })
    }

    fn seen(
        &mut self,
        now: Duration,
        found: FoundFile,
        run: Option<RunOf>,
        open: Option<bool>,
    ) -> Vec<Output> {
        let key = found.key.clone();
        let window = self.quiet.window(found.fingerprint.size);
        if !self.pending.contains_key(&key) {
            let full = match &run {
                None => self.pending.len() - self.in_runs >= MOST_PENDING,
                Some(_) => self.in_runs >= MOST_IN_RUNS,
            };
            if full {
                self.more = true;
                return Vec::new();
            }
            self.follow(now, found, run, window);
            return Vec::new();
        }
        let Some(pending) = self.pending.get_mut(&key) else { return Vec::new() };
        self.due.remove(&(pending.due, key.clone()));
        pending.looked = now;
        let changed = pending.found.fingerprint != found.fingerprint;
        let closed = pending.writing && open == Some(false);
        let rested = pending.rests;
        // A program that closes a file may open it again: closing only starts the window.
        if changed || closed {
            (pending.since, pending.equal, pending.rests) = (now, 0, false);
        } else {
            pending.equal += 1;
        }
        pending.found = found;
        pending.writing = open.unwrap_or(pending.writing);
        let held = pending.run.is_none() && pending.found.fingerprint.size == 0;
        let quiet = pending.equal >= 2 && now.saturating_sub(pending.since) >= window;
        pending.rests = quiet && !held && (open == Some(false) || (pending.rests && open.is_none()));
        pending.due = now + pending.wait(now, window, quiet);
        let (rests, run) = (pending.rests, pending.run.as_ref().map(|run| run.run.clone()));
        match run {
            None if rests => {
                let files = self.pending.remove(&key).map(|pending| pending.found).into_iter().collect();
                vec![Output::Ready { run: None, files }]
            }
            None => {
                self.due.insert((self.pending[&key].due, key));
                Vec::new()
            }
            Some(run) => {
                self.due.insert((self.pending[&key].due, key));
                self.member_moved(now, &run, rested, rests);
                self.run_ready(now, &run)
            }
        }
    }

    fn follow(&mut self, now: Duration, found: FoundFile, run: Option<RunOf>, window: Duration) {
        let key = found.key.clone();
        if let Some(of) = &run {
            let run = self.runs.entry(of.run.clone()).or_default();
            run.members.insert(key.clone());
            if of.partner.is_some() {
                run.there.insert(crate::names::folded(&key));
            }
            run.markers.extend(of.marker);
            run.restless += 1;
            self.in_runs += 1;
        }
        let due = now + window / 2;
        self.due.insert((due, key.clone()));
        let pending = Pending {
            found,
            run,
            first: now,
            since: now,
            equal: 0,
            looked: now,
            due,
            writing: false,
            rests: false,
        };
        self.pending.insert(key, pending);
    }

    fn member_moved(&mut self, now: Duration, run: &str, rested: bool, rests: bool) {
        let Some(run) = self.runs.get_mut(run) else { return };
        match (rested, rests) {
            (false, true) => {
                run.restless -= 1;
                run.rested = now;
            }
            (true, false) => run.restless += 1,
            _ => {}
        }
    }

    /// The run's files, once they may go; or the looks that are still missing.
    fn run_ready(&mut self, now: Duration, name: &str) -> Vec<Output> {
        let Some(run) = self.runs.get(name) else { return Vec::new() };
        let complete = run.restless == 0 && !run.members.is_empty() && run.markers.len() >= self.markers;
        let partners = || {
            let wanted =
                run.members.iter().filter_map(|key| self.pending.get(key)?.run.as_ref()?.partner.as_ref());
            wanted.into_iter().all(|partner| run.there.contains(partner))
        };
        if !complete || !partners() {
            return Vec::new();
        }
        let stale: Vec<String> =
            run.members.iter().filter(|key| self.pending[*key].looked < run.rested).cloned().collect();
        if !stale.is_empty() {
            for key in stale {
                if let Some(pending) = self.pending.get_mut(&key) {
                    self.due.remove(&(pending.due, key.clone()));
                    pending.due = now;
                    self.due.insert((now, key));
                }
            }
            return Vec::new();
        }
        let members = std::mem::take(&mut self.runs.entry(name.to_owned()).or_default().members);
        let mut files = Vec::with_capacity(members.len());
        for key in members {
            if let Some(pending) = self.pending.remove(&key) {
                self.due.remove(&(pending.due, key));
                self.in_runs -= 1;
                files.push(pending.found);
            }
        }
        vec![Output::Ready { run: Some(name.to_owned()), files }]
    }

    /// Follows a file no more, and says which run it was in.
    fn forget(&mut self, key: &str) -> Option<String> {
        let pending = self.pending.remove(key)?;
        self.due.remove(&(pending.due, key.to_owned()));
        let name = pending.run?.run;
        self.in_runs -= 1;
        let run = self.runs.get_mut(&name)?;
        run.members.remove(key);
        run.there.remove(&crate::names::folded(key));
        run.restless -= usize::from(!pending.rests);
        Some(name)
    }

    fn tick(&self, now: Duration) -> Vec<Output> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        due.filter_map(|(_, key)| self.look(now, key)).collect()
    }
}

impl Pending {
    fn state(&self, now: Duration) -> WatchedState {
        if self.writing {
            WatchedState::Writing
        } else if self.found.fingerprint.size == 0
            && self.run.is_none()
            && now.saturating_sub(self.since) >= EMPTY_HOLD
        {
            WatchedState::Empty
        } else {
            WatchedState::Settling
        }
    }

    /// In how long it is looked at again: half-way through its window, at its end, and then with patience.
    fn wait(&self, now: Duration, window: Duration, quiet: bool) -> Duration {
        if quiet {
            return window.clamp(Duration::from_millis(1), PATIENCE);
        }
        let rested = now.saturating_sub(self.since);
        let next = if self.equal == 0 { window / 2 } else { window.saturating_sub(rested) };
        // A window that ended without enough looks needs one more right away.
        next.max(window / 16).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
#[path = "tests/settle.rs"]
mod tests;
