//! A clock that a script moves, and a rule watched by it with a ledger in memory.

use labferry_model::{
    AfterUpload, Backlog, ClashPolicy, Clock, Duplicates, Fingerprint, FoundFile, Metadata, Timestamp, Unit,
    WatchRule,
};
use labferry_watch::{Settings, Turn, Watch};
use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    path::Path,
    pin::Pin,
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Begins at the real time and goes on as it is told.
pub(crate) struct Scripted {
    began: Timestamp,
    now: Mutex<Duration>,
    slept: Mutex<Duration>,
    set_back: Mutex<Duration>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        Self {
            began: Timestamp(i64::try_from(began).unwrap()),
            now: Mutex::default(),
            slept: Mutex::default(),
            set_back: Mutex::default(),
        }
    }

    pub(crate) fn set(&self, now: Duration) {
        let mut at = self.now.lock().unwrap();
        assert!(now >= *at, "time does not go back");
        *at = now;
    }

    /// The wall clock goes on alone, as while a computer sleeps.
    pub(crate) fn jump(&self, by: Duration) {
        *self.slept.lock().unwrap() += by;
    }

    /// Somebody sets the wall clock back.
    pub(crate) fn set_back(&self, by: Duration) {
        *self.set_back.lock().unwrap() += by;
    }

    /// The time of files written now.
    pub(crate) fn file_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.now().0).unwrap())
    }
}

impl Clock for Scripted {
    fn now(&self) -> Timestamp {
        let ahead = self.began.plus(*self.now.lock().unwrap() + *self.slept.lock().unwrap());
        Timestamp(ahead.0 - i64::try_from(self.set_back.lock().unwrap().as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

pub(crate) fn rule(folder: &Path) -> WatchRule {
    WatchRule {
        folder: folder.to_path_buf(),
        account: "lab".parse().unwrap(),
        place: "abcd".into(),
        unit: Unit::File,
        subfolders: true,
        include: Vec::new(),
        exclude: Vec::new(),
        ignore_temporary: true,
        quiet: None,
        markers: Vec::new(),
        backlog: Backlog::All,
        on_clash: ClashPolicy::Ask,
        after: AfterUpload::Keep,
        put_away_after: None,
        duplicates: Duplicates::Send,
        path_pattern: None,
        metadata: Metadata::new(),
        record_template: None,
        archive_runs: false,
        poll: None,
        sidecar: None,
        hours: Vec::new(),
        paused: false,
    }
}

/// A rule watched by a scripted clock. What is ready counts as sent as it is.
pub(crate) struct Watched {
    pub(crate) clock: Scripted,
    pub(crate) watch: Watch,
    pub(crate) ledger: HashMap<String, Fingerprint>,
}

impl Watched {
    pub(crate) fn new(rule: WatchRule) -> Self {
        Self::of(rule, None)
    }

    /// With the numbers of the folder's disk and of the folder.
    pub(crate) fn of(rule: WatchRule, identity: Option<(u64, u64)>) -> Self {
        let settings = Settings { rule, identity, was_full: false, seed: 7 };
        Self { clock: Scripted::new(), watch: Watch::new(settings).unwrap(), ledger: HashMap::new() }
    }

    pub(crate) fn turn(&mut self) -> Turn {
        let ledger = &self.ledger;
        let mut known = |files: &[FoundFile]| {
            Ok::<_, Infallible>(
                files.iter().map(|file| ledger.get(&file.key) == Some(&file.fingerprint)).collect::<Vec<_>>(),
            )
        };
        let turn = self.watch.turn(&self.clock, &mut known).unwrap();
        for file in turn.ready.iter().flat_map(|ready| &ready.files) {
            self.ledger.insert(file.key.clone(), file.fingerprint.clone());
        }
        turn
    }

    /// Turns while the scripted clock stands still, until the system has announced a file and it is followed.
    pub(crate) fn follow(&mut self, key: &str) {
        let began = std::time::Instant::now();
        loop {
            let turn = self.turn();
            assert!(turn.ready.is_empty(), "{turn:?}");
            if self.watch.coming(self.clock.monotonic()).any(|coming| coming.found.key == key) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{key} was not announced");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Turns as they fall due until that time, and gives what became ready.
    pub(crate) fn until(&mut self, end: Duration) -> Vec<FoundFile> {
        let mut ready = Vec::new();
        loop {
            let turn = self.turn();
            ready.extend(turn.ready.into_iter().flat_map(|ready| ready.files));
            let next = self.clock.monotonic() + turn.next.max(Duration::from_millis(1));
            if next > end {
                self.clock.set(end);
                return ready;
            }
            self.clock.set(next);
        }
    }
}
