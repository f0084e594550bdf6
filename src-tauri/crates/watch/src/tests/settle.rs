#![allow(clippy::unwrap_used)]
use super::*;
use labferry_model::Fingerprint;
use std::path::PathBuf;

const SECOND: Duration = Duration::from_secs(1);

fn file(key: &str, size: u64, modified: i64) -> FoundFile {
    FoundFile {
        key: key.to_owned(),
        path: PathBuf::from(key),
        fingerprint: Fingerprint { size, modified_ns: modified, file_id: Some(7) },
    }
}

/// Drives the core: at every due moment it is told what `disk` says then.
struct Script {
    settle: Settle,
    now: Duration,
    run: fn(&str) -> Option<RunOf>,
}

impl Script {
    fn new(markers: usize, run: fn(&str) -> Option<RunOf>) -> Self {
        Self { settle: Settle::new(Quiet::BySize, markers), now: Duration::ZERO, run }
    }

    fn see(&mut self, found: &FoundFile, open: bool) -> Vec<Output> {
        let run = (self.run)(&found.key);
        self.settle.step(self.now, Input::Seen { found: found.clone(), run, open: Some(open) })
    }

    /// Runs until `end` and gives what became ready, with the time.
    fn until(
        &mut self,
        end: Duration,
        mut disk: impl FnMut(Duration, &str) -> Option<(FoundFile, bool)>,
    ) -> Vec<(Duration, Option<String>, Vec<FoundFile>)> {
        let mut ready = Vec::new();
        while let Some(at) = self.settle.next().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            for output in self.settle.step(self.now, Input::Tick) {
                let Output::Look { found, .. } = output else { panic!("a tick only asks for looks") };
                let input = match disk(self.now, &found.key) {
                    Some((found, open)) => {
                        let run = (self.run)(&found.key);
                        Input::Seen { found, run, open: Some(open) }
                    }
                    None => Input::Gone { key: found.key },
                };
                for output in self.settle.step(self.now, input) {
                    if let Output::Ready { run, files } = output {
                        ready.push((self.now, run, files));
                    }
                }
            }
        }
        self.now = end;
        ready
    }
}

#[test]
fn a_still_file_is_ready_after_its_window_and_two_equal_looks() {
    let mut script = Script::new(0, |_| None);
    let still = file("a", 5, 1);
    script.see(&still, false);
    let ready = script.until(60 * SECOND, |_, _| Some((still.clone(), false)));
    assert_eq!(ready, [(10 * SECOND, None, vec![still])]);
    assert!(script.settle.is_empty() && script.settle.next().is_none());
}

#[test]
fn an_old_time_shortens_nothing_and_one_look_after_a_long_sleep_is_not_enough() {
    let mut script = Script::new(0, |_| None);
    let still = file("a", 5, -1_000_000_000);
    script.see(&still, false);
    // The computer slept for an hour: the first look afterwards is one look.
    script.now = 3_600 * SECOND;
    assert_eq!(script.see(&still, false), []);
    let ready = script.until(3_700 * SECOND, |_, _| Some((still.clone(), false)));
    assert_eq!(ready.len(), 1);
    assert!(ready[0].0 > 3_600 * SECOND);
}

#[test]
fn each_change_of_size_time_or_number_begins_the_window_anew() {
    for change in 0..3 {
        let mut script = Script::new(0, |_| None);
        let before = file("a", 5, 1);
        let mut after = before.clone();
        match change {
            0 => after.fingerprint.size = 6,
            1 => after.fingerprint.modified_ns = 2,
            _ => after.fingerprint.file_id = Some(8),
        }
        script.see(&before, false);
        let moment = 8 * SECOND;
        let ready = script.until(60 * SECOND, |now, _| {
            Some((if now < moment { before.clone() } else { after.clone() }, false))
        });
        assert_eq!(ready.len(), 1);
        assert!(ready[0].0 >= moment + 10 * SECOND, "{ready:?}");
        assert_eq!(ready[0].2, [after]);
    }
}

#[test]
fn an_open_file_waits_for_its_writer_and_then_for_its_window() {
    let mut script = Script::new(0, |_| None);
    let still = file("a", 5, 1);
    script.see(&still, false);
    assert_eq!(script.until(100 * SECOND, |_, _| Some((still.clone(), true))), []);
    assert_eq!(script.settle.coming(script.now).next().unwrap().state, WatchedState::Writing);
    let ready = script.until(200 * SECOND, |_, _| Some((still.clone(), false)));
    assert_eq!(ready.len(), 1);
    assert!(ready[0].0 >= 110 * SECOND, "{ready:?}");
}

#[test]
fn a_look_that_did_not_ask_for_writers_makes_nothing_ready() {
    let mut script = Script::new(0, |_| None);
    let still = file("a", 5, 1);
    script.see(&still, false);
    for _ in 0..5 {
        script.now += 10 * SECOND;
        let input = Input::Seen { found: still.clone(), run: None, open: None };
        assert_eq!(script.settle.step(script.now, input), []);
    }
    assert!(matches!(script.see(&still, false)[..], [Output::Ready { .. }]));
}

#[test]
fn an_empty_file_is_held_then_told_and_never_ready() {
    let mut script = Script::new(0, |_| None);
    let empty = file("a", 0, 1);
    script.see(&empty, false);
    assert_eq!(script.until(599 * SECOND, |_, _| Some((empty.clone(), false))), []);
    assert_eq!(script.settle.coming(script.now).next().unwrap().state, WatchedState::Settling);
    assert_eq!(script.until(700 * SECOND, |_, _| Some((empty.clone(), false))), []);
    assert_eq!(script.settle.coming(script.now).next().unwrap().state, WatchedState::Empty);
    let filled = file("a", 9, 2);
    assert_eq!(script.until(800 * SECOND, |_, _| Some((filled.clone(), false))).len(), 1);
}

fn run_of(key: &str) -> Option<RunOf> {
    let (run, rest) = key.split_once('/')?;
    Some(RunOf { run: run.to_owned(), marker: (rest == "done.txt").then_some(0), partner: None })
}

#[test]
fn a_run_goes_whole_once_its_marker_is_there_and_its_last_file_rests() {
    let mut script = Script::new(1, run_of);
    for name in ["r/a", "r/b"] {
        script.see(&file(name, 5, 1), false);
    }
    let still = |_: Duration, key: &str| Some((file(key, 5, 1), false));
    assert_eq!(script.until(100 * SECOND, still), [], "no marker yet");
    script.see(&file("r/done.txt", 0, 1), false);
    // One file changes once more after the marker.
    let ready = script.until(300 * SECOND, |now, key| {
        Some((file(key, 5, if key == "r/b" && now > 103 * SECOND { 2 } else { 1 }), false))
    });
    assert_eq!(ready.len(), 1, "{ready:?}");
    let (at, run, files) = &ready[0];
    assert_eq!((run.as_deref(), files.len()), (Some("r"), 3));
    assert!(*at >= 113 * SECOND, "{at:?}");
    // What comes late goes as soon as it rests: the marker is known.
    script.see(&file("r/late", 5, 1), false);
    assert_eq!(script.until(400 * SECOND, still).len(), 1);
}

#[test]
fn of_a_pair_neither_goes_alone_but_a_known_partner_is_enough() {
    fn pair(key: &str) -> Option<RunOf> {
        let other = if key.ends_with("ibd") { "x.imzml" } else { "x.ibd" };
        Some(RunOf { run: "x".into(), marker: None, partner: Some(other.into()) })
    }
    let still = |_: Duration, key: &str| Some((file(key, 5, 1), false));
    let mut script = Script::new(0, pair);
    script.see(&file("x.imzML", 5, 1), false);
    assert_eq!(script.until(500 * SECOND, still), []);
    script.see(&file("x.ibd", 5, 1), false);
    assert_eq!(script.until(600 * SECOND, still)[0].2.len(), 2);

    let mut script = Script::new(0, pair);
    script.settle.step(Duration::ZERO, Input::Known { key: "x.ibd".into(), run: pair("x.ibd") });
    script.see(&file("x.imzML", 5, 1), false);
    assert_eq!(script.until(600 * SECOND, still).len(), 1);
}

#[test]
fn a_run_goes_without_a_file_that_was_deleted() {
    let mut script = Script::new(0, run_of);
    script.see(&file("r/a", 5, 1), false);
    script.see(&file("r/scratch", 5, 1), false);
    let ready = script.until(100 * SECOND, |now, key| {
        // It grows until it is deleted.
        let size = now.as_secs();
        (key == "r/a")
            .then(|| (file(key, 5, 1), false))
            .or_else(|| (now < 50 * SECOND).then(|| (file(key, size, 1), false)))
    });
    assert_eq!(ready.len(), 1);
    assert_eq!(ready[0].2.len(), 1);
}

#[test]
fn no_more_than_so_many_are_followed_and_room_is_told_once() {
    let mut script = Script::new(0, |_| None);
    for number in 0..=MOST_PENDING {
        script.see(&file(&number.to_string(), 5, 1), false);
    }
    assert_eq!((script.settle.len(), script.settle.has_more()), (MOST_PENDING, true));
    assert!(!script.settle.room_again());
    assert_eq!(script.until(11 * SECOND, |_, key| Some((file(key, 5, 1), false))).len(), MOST_PENDING);
    assert!(script.settle.room_again() && !script.settle.room_again());
}

/// Files that grow with pauses shorter than their window are never reported before they end, and always afterwards.
#[test]
fn settle_never_reports_a_growing_file() {
    let cases = std::env::var("LABFERRY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(300_u64);
    for seed in 0..cases {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut writes = vec![(Duration::ZERO, 0_u64)];
        for _ in 0..random.usize(0..40) {
            let (at, size) = writes[writes.len() - 1];
            let pause = Duration::from_millis(random.u64(1..9_900));
            writes.push((at + pause, size + random.u64(1..1 << 20)));
        }
        let &(last, size) = writes.last().unwrap();
        let disk = |now: Duration| {
            let &(_, size) = writes.iter().rev().find(|(at, _)| *at <= now).unwrap();
            // Like a copy that keeps old times: only the size tells.
            file("a", size, -5)
        };
        let mut script = Script::new(0, |_| None);
        script.see(&disk(Duration::ZERO), false);
        let mut extra = Duration::ZERO;
        let mut ready = Vec::new();
        while ready.is_empty() && extra < last + 1_200 * SECOND {
            // Hints at any moment, as the system announces them.
            extra += Duration::from_millis(random.u64(1..4_000));
            ready.extend(script.until(extra, |now, _| Some((disk(now), false))));
            if ready.is_empty() && random.bool() {
                for output in script.see(&disk(script.now), false) {
                    if let Output::Ready { run, files } = output {
                        ready.push((script.now, run, files));
                    }
                }
            }
        }
        if size == 0 {
            assert_eq!(ready, [], "seed {seed}");
            continue;
        }
        assert_eq!(ready.len(), 1, "seed {seed}");
        assert!(ready[0].0 >= last, "seed {seed}: {:?} before the last write at {last:?}", ready[0].0);
        assert_eq!(ready[0].2[0].fingerprint.size, size, "seed {seed}");
    }
}
