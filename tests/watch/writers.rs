//! The writers there are in laboratories, many at once, each on a script of its own: whatever is reported as ready must
//! be whole. `LABFERRY_WRITERS` is how many, `LABFERRY_SEED` the first seed.

use crate::{
    clock::{Watched, rule},
    count,
};
use fastrand::Rng;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fs::{self, File, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Longest pause of a writer that nothing but the quiet window of a small file, ten seconds, tells from one that is done.
const PAUSE: u64 = 9_500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    AppendsSlowly,
    ReservesThenFills,
    WritesTemporaryThenRenames,
    ClosesAndOpensAgain,
    CopiesWithAnOldTime,
    SyncsThroughAHiddenName,
    CreatesEmptyAndComesBack,
    /// Holds the file open through a stall of minutes: only the probe for open files tells.
    StallsForMinutes,
}

const KINDS: [Kind; 8] = [
    Kind::AppendsSlowly,
    Kind::ReservesThenFills,
    Kind::WritesTemporaryThenRenames,
    Kind::ClosesAndOpensAgain,
    Kind::CopiesWithAnOldTime,
    Kind::SyncsThroughAHiddenName,
    Kind::CreatesEmptyAndComesBack,
    Kind::StallsForMinutes,
];

struct Writer {
    kind: Kind,
    name: String,
    content: Vec<u8>,
    written: usize,
    steps: usize,
    open: Option<File>,
    ended: Option<Duration>,
}

impl Writer {
    fn new(number: usize, random: &mut Rng) -> Self {
        let kinds = if cfg!(target_os = "linux") { KINDS.len() } else { KINDS.len() - 1 };
        let kind = KINDS[number % kinds];
        let folder = ["", "run 1/", "run 1/deeper/", "Ünïcode/"][random.usize(0..4)];
        let length = random.usize(1..20_000);
        let content = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
        Self {
            kind,
            name: format!("{folder}file {number}.dat"),
            content,
            written: 0,
            steps: random.usize(1..12),
            open: None,
            ended: None,
        }
    }

    fn temporary(&self, root: &Path) -> PathBuf {
        let path = root.join(&self.name);
        let name = path.file_name().unwrap().to_str().unwrap();
        match self.kind {
            Kind::WritesTemporaryThenRenames => path.with_file_name(format!("{name}.tmp")),
            Kind::SyncsThroughAHiddenName => path.with_file_name(format!(".{name}.x7Ab2Q")),
            _ => path,
        }
    }

    /// Does one step and says how long the writer then pauses; none at its end.
    fn step(&mut self, root: &Path, now: Duration, time: SystemTime, random: &mut Rng) -> Option<Duration> {
        let path = self.temporary(root);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let first = self.written == 0 && !path.exists();
        let mut file = self.open.take().unwrap_or_else(|| {
            OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap()
        });
        if first && self.kind == Kind::ReservesThenFills {
            file.set_len(self.content.len() as u64).unwrap();
        }
        let empty = first && self.kind == Kind::CreatesEmptyAndComesBack;
        let left = self.content.len() - self.written;
        // Each step writes something, the last one too: a file is whole at its end and not before, and a copy that keeps
        // an old time shows in its size that it goes on.
        let last = self.steps <= 1 || left <= 1;
        let piece = if last { left } else { random.usize(1..left) };
        self.steps = if last && !empty { 0 } else { self.steps.saturating_sub(1) };
        if !empty {
            file.seek(SeekFrom::Start(self.written as u64)).unwrap();
            file.write_all(&self.content[self.written..self.written + piece]).unwrap();
            self.written += piece;
        }
        // Scripted hours pass in real seconds: the time a write leaves behind is the script's.
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let old_time = matches!(self.kind, Kind::CopiesWithAnOldTime | Kind::StallsForMinutes);
        file.set_modified(if old_time { old } else { time }).unwrap();
        if !empty && self.steps == 0 && self.written == self.content.len() {
            drop(file);
            let path = root.join(&self.name);
            if self.temporary(root) != path {
                fs::rename(self.temporary(root), &path).unwrap();
            }
            self.ended = Some(now);
            return None;
        }
        let pause = match self.kind {
            // A name that is left out may rest for as long as it likes.
            Kind::WritesTemporaryThenRenames => random.u64(1..120_000),
            Kind::CreatesEmptyAndComesBack if empty => random.u64(1..3_000_000),
            Kind::StallsForMinutes => random.u64(1..400_000),
            _ => random.u64(1..PAUSE),
        };
        if self.kind != Kind::ClosesAndOpensAgain && (self.kind == Kind::StallsForMinutes || random.bool()) {
            self.open = Some(file);
        }
        Some(Duration::from_millis(pause))
    }
}

fn run(seed: u64, writers: usize, polled: bool) {
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut rule = rule(root);
    rule.poll = polled.then_some(Duration::from_secs(15));
    let mut watched = Watched::new(rule);
    let mut all: Vec<Writer> = (0..writers).map(|number| Writer::new(number, &mut random)).collect();
    let spread = 200 * writers as u64;
    let mut due: BinaryHeap<Reverse<(Duration, usize)>> =
        (0..writers).map(|number| Reverse((Duration::from_millis(random.u64(0..spread)), number))).collect();
    let mut reported: BTreeMap<String, Duration> = BTreeMap::new();
    let mut look = Duration::ZERO;
    let (mut partial, mut twice) = (Vec::new(), Vec::new());
    while !due.is_empty() || reported.len() < writers {
        let now = due.peek().map_or(look, |Reverse((at, _))| (*at).min(look));
        assert!(
            now < Duration::from_secs(7 * 24 * 3_600),
            "{} of {writers} reported after a week",
            reported.len()
        );
        watched.clock.set(now);
        while let Some(Reverse((at, number))) = due.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            due.pop();
            let time = watched.clock.file_time();
            if let Some(pause) = all[number].step(root, at, time, &mut random) {
                due.push(Reverse((at + pause, number)));
            }
        }
        let turn = watched.turn();
        look = now + turn.next.max(Duration::from_millis(1));
        for file in turn.ready.into_iter().flat_map(|ready| ready.files) {
            let writer = all.iter().find(|writer| writer.name == file.key);
            let whole = writer.is_some_and(|writer| {
                writer.ended.is_some() && fs::read(root.join(&file.path)).unwrap() == writer.content
            });
            if !whole {
                partial.push((file.key.clone(), writer.map(|writer| writer.kind)));
            } else if reported.insert(file.key.clone(), now).is_some() {
                twice.push(file.key);
            }
        }
    }
    assert!(partial.is_empty(), "seed {seed}: partial {partial:?}");
    assert!(twice.is_empty(), "seed {seed}: reported twice {twice:?}");
    let waits = all.iter().map(|writer| reported[&writer.name].saturating_sub(writer.ended.unwrap()));
    let longest = waits.max().unwrap_or_default();
    let how = if polled { "polled" } else { "announced" };
    println!(
        "{writers} slow-writer files, {how}: 0 partial, 0 missed, 0 twice; longest wait after the last write {:.1} s; seeds {seed}",
        longest.as_secs_f64()
    );
    // A window and a poll; or, where an announcement comes after the turn, the next whole look.
    assert!(longest < Duration::from_secs(800), "{longest:?}");
}

#[test]
fn no_writer_is_taken_for_done_before_it_is() {
    let writers = count("LABFERRY_WRITERS", 24);
    let seed = count("LABFERRY_SEED", 1) as u64;
    run(seed, writers, false);
    run(seed + 1, writers, true);
}
