//! One rule's folder, turn by turn. A turn takes in what was announced, looks through the folder when that is due, looks at
//! files that come to rest, and says which are ready and when to turn again. It blocks on the disk and on nothing else.

use crate::{
    gate::Gate,
    hints::{Announcements, Inbox, NoAnnouncements},
    medium,
    names::{BadPattern, NameRules},
    open_files::open_for_writing,
    quiet::Quiet,
    scan::{self, Item},
    settle::{Coming, Input, Output, Settle},
};
use labferry_model::{
    AfterUpload, Clock, FoundFile, Health, NotSent, Problem, ProblemCode, Timestamp, WatchRule, WatchState,
};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

mod look;

/// Time between two whole looks where changes are announced (Syncthing's), and in a small tree.
const HOURLY: Duration = Duration::from_secs(3_600);
const SMALL_TREE: (u64, Duration) = (10_000, Duration::from_secs(600));
/// Time between two whole looks where they are not announced; longer where a look takes longer than a tenth of it.
const POLL: Duration = Duration::from_secs(15);
const DUTY: u32 = 10;
/// How soon everything is looked at after announcements were lost, at the latest.
const AFTER_LOSS: Duration = Duration::from_secs(5);
/// How often a folder that is not itself is looked for.
const LOOK_FOR_ROOT: Duration = Duration::from_secs(5);
/// A difference between the two clocks that only sleep or a set clock makes.
const JUMP: Duration = Duration::from_secs(60);
/// How late an announcement may be before it counts as not made.
const SILENCE: Duration = Duration::from_secs(10);
/// Share of the system's limit that we use: others need some.
const BUDGET: (usize, usize) = (8, 10);
/// Things that are not sent which are kept for people to look at.
const LEFT_KEPT: usize = 1_000;

/// Says of each file whether the ledger has it just as it is.
pub type Known<'a, E> = dyn FnMut(&[FoundFile]) -> Result<Vec<bool>, E> + 'a;

/// What a watch needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The rule.
    pub rule: WatchRule,
    /// Numbers of the folder's disk and of the folder, as they were when the rule was made or confirmed.
    pub identity: Option<(u64, u64)>,
    /// Whether the folder is known to have held files.
    pub was_full: bool,
    /// A number of its own, so that rules do not all look at once.
    pub seed: u64,
}

/// Something that is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// What people read.
    pub name: String,
    /// Why.
    pub why: NotSent,
}

/// Files that go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The run; none for a file alone.
    pub run: Option<String>,
    /// The files.
    pub files: Vec<FoundFile>,
}

/// What a turn led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// What is ready.
    pub ready: Vec<Ready>,
    /// In how long to turn again, unless something is announced before.
    pub next: Duration,
    /// Whether the whole folder was looked through.
    pub scanned: bool,
}

/// One rule's folder.
pub struct Watch {
    settings: Settings,
    names: Arc<NameRules>,
    settle: Settle,
    inbox: Inbox,
    announcements: Option<Announcements>,
    /// Why there are no announcements, once that was tried.
    polling: Option<Health>,
    health: Health,
    next_scan: Duration,
    /// When every folder is listed again, whatever its own time says.
    next_whole: Duration,
    gate: Gate,
    scans: u64,
    took: Duration,
    scanned: Option<Timestamp>,
    ended: Duration,
    entries: u64,
    left: Vec<Left>,
    left_in_all: u64,
    /// Whether the folder was away at the last turn.
    away: bool,
    /// Both clocks at the last turn.
    clocks: Option<(Timestamp, Duration)>,
}

/// Whether a rule's folder can be looked through, and its numbers.
///
/// # Errors
/// Why it cannot.
pub fn check_root(root: &Path) -> Result<Option<(u64, u64)>, Problem> {
    let about = |code: ProblemCode, cause: String| {
        Problem::new(code).about(root.display().to_string()).because(cause)
    };
    let found = std::fs::metadata(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => about(ProblemCode::FolderMissing, error.to_string()),
        _ => about(ProblemCode::FolderUnreadable, error.to_string()),
    })?;
    if !found.is_dir() {
        return Err(about(ProblemCode::FolderUnreadable, "it is a file".to_owned()));
    }
    std::fs::read_dir(root).map_err(|error| about(ProblemCode::FolderUnreadable, error.to_string()))?;
    Ok(medium::identity(&found))
}

impl Watch {
    /// A watch that has not looked yet.
    ///
    /// # Errors
    /// A pattern of the rule that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, BadPattern> {
        let names = Arc::new(NameRules::new(&settings.rule)?);
        let quiet = settings.rule.quiet.map_or(Quiet::BySize, Quiet::Fixed);
        Ok(Self {
            settle: Settle::new(quiet, names.markers()),
            names,
            settings,
            inbox: Inbox::default(),
            announcements: None,
            polling: None,
            health: Health::default(),
            next_scan: Duration::ZERO,
            next_whole: Duration::ZERO,
            gate: Gate::default(),
            scans: 0,
            took: Duration::ZERO,
            scanned: None,
            ended: Duration::ZERO,
            entries: 0,
            left: Vec::new(),
            left_in_all: 0,
            away: false,
            clocks: None,
        })
    }

    /// Where announcements arrive; wait for them between turns.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone()
    }

    /// How the folder is being watched.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What is not sent, the first thousand at the last whole look, and how many in all.
    #[must_use]
    pub fn left(&self) -> (&[Left], u64) {
        (&self.left, self.left_in_all)
    }

    /// Files that come to rest.
    pub fn coming(&self, now: Duration) -> impl Iterator<Item = Coming> {
        self.settle.coming(now)
    }

    /// Whether more files come to rest than are followed at once.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.settle.has_more()
    }

    /// When the whole folder was last looked through, and in how long it will be.
    #[must_use]
    pub fn looked(&self, now: Duration) -> (Option<Timestamp>, Duration) {
        (self.scanned, self.next_scan.saturating_sub(now))
    }

    /// How many times a folder was listed so far.
    #[must_use]
    pub fn listings(&self) -> u64 {
        self.gate.listings()
    }

    /// Everything is looked at again, that long from now at the latest.
    pub fn look_again(&mut self, now: Duration, within: Duration) {
        self.next_scan = self.next_scan.min(now + within);
        self.next_whole = self.next_whole.min(self.next_scan);
    }

    /// Takes a turn. `known` is asked of each file that is not followed whether the ledger has it just as it is.
    ///
    /// # Errors
    /// What `known` fails with; make a new watch then.
    pub fn turn<E>(&mut self, clock: &dyn Clock, known: &mut Known<'_, E>) -> Result<Turn, E> {
        let now = clock.monotonic();
        self.feel_jump(clock.now(), now);
        if let Err(problem) = self.root() {
            self.suspend(problem);
            return Ok(Turn { next: LOOK_FOR_ROOT, ..Turn::default() });
        }
        if std::mem::take(&mut self.away) {
            // Everything may have changed meanwhile.
            (self.next_scan, self.next_whole) = (now, now);
        }
        self.listen();
        let mut turn = Turn::default();
        let mut looks = Vec::new();
        let (paths, lost) = self.inbox.take();
        if lost {
            let rest = self.took.min(AFTER_LOSS);
            self.next_scan = self.next_scan.min((self.ended + rest).max(now));
        }
        let room = self.settle.room_again();
        if room || lost {
            self.next_whole = now;
        }
        let scan = room || self.next_scan <= now;
        if !scan || !lost {
            self.hinted(now, &paths, known, &mut looks)?;
        }
        if scan {
            turn.scanned = self.look_through(clock, !lost, known)?;
        }
        self.look_at(clock.monotonic(), looks, &mut turn.ready);
        // A run's last file asks for one more look at its others.
        for _ in 0..4 {
            let now = clock.monotonic();
            if self.settle.next().is_none_or(|at| at > now) {
                break;
            }
            let due = self.settle.step(now, Input::Tick);
            self.look_at(now, due, &mut turn.ready);
        }
        let now = clock.monotonic();
        let due = self.settle.next().unwrap_or(Duration::MAX).min(self.next_scan);
        turn.next = due.saturating_sub(now);
        Ok(turn)
    }

    /// A computer that slept, or whose clock was set, has missed announcements.
    fn feel_jump(&mut self, wall: Timestamp, now: Duration) {
        if let Some((wall_then, then)) = self.clocks.replace((wall, now)) {
            let (by_wall, by_now) = (wall.since(wall_then), now.saturating_sub(then));
            if by_wall.abs_diff(by_now) > JUMP || wall < wall_then {
                (self.next_scan, self.next_whole) = (now, now);
                // What came meanwhile may not have been announced: that look says nothing about announcements.
                self.scans = 0;
            }
        }
    }

    fn root(&self) -> Result<(), Problem> {
        let root = &self.settings.rule.folder;
        let found = check_root(root)?;
        match (self.settings.identity, found) {
            // A disk gets another number when it is plugged in again; the folder on it keeps its own.
            (Some((disk, folder)), Some((disk_now, folder_now)))
                if disk != disk_now && folder != folder_now =>
            {
                Err(Problem::new(ProblemCode::FolderReplaced).about(root.display().to_string()))
            }
            _ => Ok(()),
        }
    }

    fn suspend(&mut self, problem: Problem) {
        self.announcements = None;
        self.away = true;
        // What came meanwhile could not be announced: the next look says nothing about announcements.
        self.scans = 0;
        // Files that came to rest before it went must come to rest again.
        let quiet = self.settings.rule.quiet.map_or(Quiet::BySize, Quiet::Fixed);
        self.settle = Settle::new(quiet, self.names.markers());
        self.gate.clear();
        let _ = self.inbox.take();
        self.health = Health { state: WatchState::Suspended, problem: Some(problem) };
    }

    /// Has changes announced, unless that cannot be.
    fn listen(&mut self) {
        if self.announcements.is_some() || self.polling.is_some() {
            return;
        }
        let rule = &self.settings.rule;
        let root = rule.folder.display().to_string();
        let about = |code| Problem::new(code).about(root.clone());
        if rule.poll.is_some() {
            self.polling = Some(Health { state: WatchState::Polling, problem: None });
        } else if let Some(kind) = medium::network(&rule.folder) {
            let problem = about(ProblemCode::FolderOnNetwork).because(kind);
            self.polling = Some(Health { state: WatchState::Polling, problem: Some(problem) });
        } else if self.over_budget() {
            self.polling =
                Some(Health { state: WatchState::Polling, problem: Some(about(ProblemCode::FolderTooMany)) });
        } else {
            match Announcements::of(&rule.folder, rule.subfolders, &self.inbox) {
                Ok(announcements) => self.announcements = Some(announcements),
                Err(NoAnnouncements::Limit) => {
                    let problem = about(ProblemCode::FolderTooMany);
                    self.polling = Some(Health { state: WatchState::Polling, problem: Some(problem) });
                }
                Err(NoAnnouncements::Other(cause)) => {
                    let problem = about(ProblemCode::FolderSilent).because(cause);
                    self.polling = Some(Health { state: WatchState::Degraded, problem: Some(problem) });
                }
            }
        }
    }

    fn over_budget(&self) -> bool {
        medium::announced_folders().is_some_and(|limit| {
            let ours = limit.saturating_mul(BUDGET.0) / BUDGET.1;
            scan::count_folders(&self.settings.rule.folder, &self.names, ours + 1) > ours
        })
    }

    /// Looks where something was announced.
    fn hinted<E>(
        &mut self,
        now: Duration,
        paths: &[PathBuf],
        known: &mut Known<'_, E>,
        looks: &mut Vec<Output>,
    ) -> Result<(), E> {
        let root = self.settings.rule.folder.clone();
        let mut found = Vec::new();
        let mut folders = Vec::new();
        for path in paths {
            let Some(key) = path.strip_prefix(&root).ok().and_then(crate::names::key_of) else { continue };
            let followed = self.settle.followed(&key).map(|found| root.join(&found.path));
            if followed.is_some_and(|followed| followed != *path && followed.symlink_metadata().is_ok()) {
                // Another way to write a name that is followed already.
            } else if let Some(look) = self.settle.look(now, &key) {
                looks.push(look);
            } else if let Some(file) = scan::look(&root, path, &self.names) {
                found.push(file);
            } else if !self.names.skips_folder(&key)
                && std::fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
            {
                folders.push(path);
            }
        }
        for folder in folders {
            // Files that were in it before its changes were announced. One that is gone again has none.
            let told = scan::scan(&root, folder, &self.names, |items| {
                let files = items.into_iter().filter_map(|item| match item {
                    Item::Found(file) => Some(file),
                    Item::Left { .. } => None,
                });
                found.extend(files);
                Ok::<(), E>(())
            })?;
            if let Err(error) = told {
                tracing::debug!(folder = %folder.display(), %error, "an announced folder is gone");
            }
        }
        for files in found.chunks(1_000) {
            self.take_in(now, files, known)?;
        }
        Ok(())
    }

    /// Follows those of these files that the ledger does not have as they are; gives those that are new.
    fn take_in<E>(
        &mut self,
        now: Duration,
        files: &[FoundFile],
        known: &mut Known<'_, E>,
    ) -> Result<Vec<FoundFile>, E> {
        let mut fresh = Vec::new();
        let answers = known(files)?;
        for (file, known) in files.iter().zip(answers) {
            let run = self.names.run_of(&file.key);
            if known {
                self.settle.step(now, Input::Known { key: file.key.clone(), run });
            } else if self.settle.followed(&file.key).is_none() {
                self.settle.step(now, Input::Seen { found: file.clone(), run, open: None });
                fresh.push(file.clone());
            }
        }
        Ok(fresh)
    }

    /// How the folder stands after a whole look.
    fn judge(&mut self, summary: &scan::Summary, unreadable: Option<(String, String)>) {
        let root = &self.settings.rule.folder;
        // Where files leave after their upload, an empty folder is what is wanted.
        let keeps = self.settings.rule.after == AfterUpload::Keep;
        if summary.entries > 0 {
            self.settings.was_full = true;
        } else if self.settings.was_full && keeps {
            let problem = Problem::new(ProblemCode::FolderEmptied).about(root.display().to_string());
            self.health = Health { state: WatchState::Suspended, problem: Some(problem) };
            return;
        }
        let usual = Health { state: WatchState::Watching, problem: None };
        self.health = self.polling.clone().unwrap_or(usual);
        if let Some((name, cause)) = unreadable {
            let path = root.join(name).display().to_string();
            let problem = Problem::new(ProblemCode::FolderUnreadable).about(path).because(cause);
            self.health = Health { state: WatchState::Degraded, problem: Some(problem) };
        } else if self.settle.has_more() && self.health.problem.is_none() {
            let problem = Problem::new(ProblemCode::FolderCrowded).about(root.display().to_string());
            self.health.problem = Some(problem);
        }
    }

    /// Whether a file came long enough ago to have been announced, since the look before this one.
    fn was_silent(&self, fresh: &[FoundFile], wall: Timestamp) -> bool {
        let Some(before) = self.scanned else { return false };
        fresh.iter().any(|file| {
            let came =
                std::fs::symlink_metadata(self.settings.rule.folder.join(&file.path)).ok().and_then(arrived);
            came.is_some_and(|came| came > before && came.plus(SILENCE) < wall)
        })
    }

    /// How long until the next whole look.
    fn pause(&self) -> Duration {
        if self.health.state == WatchState::Suspended {
            return POLL;
        }
        if self.polling.is_some() {
            let least = self.settings.rule.poll.unwrap_or(POLL);
            return least.max(self.took.saturating_mul(DUTY));
        }
        self.usual_pause()
    }

    /// How long until the next look at everything, where nothing asks for one before.
    fn usual_pause(&self) -> Duration {
        let usual = if self.entries <= SMALL_TREE.0 { SMALL_TREE.1 } else { HOURLY };
        // A quarter more or less, so that rules of one computer do not look all at once.
        let share = mixed(self.settings.seed.wrapping_add(self.scans)) % 501;
        usual.mul_f64(0.75 + share as f64 / 1_000.0)
    }

    /// Looks at files that come to rest.
    fn look_at(&mut self, now: Duration, looks: Vec<Output>, ready: &mut Vec<Ready>) {
        let root = self.settings.rule.folder.clone();
        let mut open: Option<HashSet<PathBuf>> = None;
        for look in looks {
            let Output::Look { found, ripe } = look else { continue };
            let path = root.join(&found.path);
            let input = match scan::look(&root, &path, &self.names) {
                None => Input::Gone { key: found.key },
                Some(found) => {
                    let run = self.names.run_of(&found.key);
                    let open =
                        ripe.then(|| open.get_or_insert_with(|| open_for_writing(&root)).contains(&path));
                    Input::Seen { found, run, open }
                }
            };
            for output in self.settle.step(now, input) {
                if let Output::Ready { run, files } = output {
                    ready.push(Ready { run, files });
                }
            }
        }
    }
}

/// When a file came to be where it is, as far as its file system keeps that.
fn arrived(found: std::fs::Metadata) -> Option<Timestamp> {
    #[cfg(unix)]
    {
        Some(Timestamp(std::os::unix::fs::MetadataExt::ctime(&found).saturating_mul(1_000)))
    }
    #[cfg(not(unix))]
    {
        let created = found.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(Timestamp(i64::try_from(created.as_millis()).ok()?))
    }
}

/// A number that has nothing to do with its neighbours': the mixing step of SplitMix64.
fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
