//! Kills −9 of uploads and downloads in every way a service takes a file: `LABFERRY_KILLS=500` asks for so many, half of
//! them of each, `LABFERRY_SEED=7` for one round's file and moments again (what the machine does then is its own), and
//! `LABFERRY_MINUTES=20` ends after that time, whatever was done.

use crate::{
    ground::Ground,
    shapes::{SHAPES, Shape},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    time::{Duration, Instant},
};

/// Kills in every test run, of uploads and of downloads.
const KILLS: u64 = 6;
/// Rounds on one lab: its lists grow with every file.
const ROUNDS_A_LAB: u64 = 45;
/// Bytes of a part at the defaults.
const PART: usize = 16 << 20;
/// Parts in flight at the default limits: up to the connections of an account, when more at once is faster.
const IN_FLIGHT: usize = 8;

/// Starts after which a transfer must have come to its end.
const STARTS: u32 = 6;

#[derive(Default)]
struct Count {
    rounds: u64,
    kills: BTreeMap<&'static str, u64>,
    late: u64,
    asked: u64,
    decided: u64,
    bytes: u64,
    again: u64,
    again_most: (u64, u64),
    duplicates: BTreeMap<(&'static str, &'static str), u64>,
}

impl Count {
    fn kills(&self) -> u64 {
        self.kills.values().sum()
    }

    fn print(&self, what: &str, seeds: &Range<u64>) {
        println!(
            "{} kills -9 of {what} in {} rounds, seeds {seeds:?}; {} runs were over before the kill",
            self.kills(),
            self.rounds,
            self.late
        );
        for (moment, count) in &self.kills {
            println!("  {count:>5}  {moment}");
        }
        println!("  {:>5}  times a person was asked to try again", self.asked);
        println!(
            "  {:>5}  times a person was asked what shall become of a copy whose answer was lost",
            self.decided
        );
        println!("  {:>5}  completed and compared byte for byte, of {}", self.rounds, self.rounds);
        println!(
            "  {:>5} KiB moved again for {} KiB of files; the most of one round {} KiB after {} kills",
            self.again >> 10,
            self.bytes >> 10,
            self.again_most.0 >> 10,
            self.again_most.1
        );
        if self.duplicates.is_empty() {
            println!("      0  duplicates");
        }
        for ((shape, why), count) in &self.duplicates {
            println!("  {count:>5}  left besides the file ({shape}): {why}");
        }
    }

    /// Bytes that went over the line more than once, which must stay below what was in flight at the kills.
    fn moved(&mut self, round: &Round, moved: u64, kills: u64) {
        let size = round.content.len() as u64;
        let again = moved.saturating_sub(size);
        let in_flight = if round.in_parts { IN_FLIGHT * PART } else { round.content.len() } as u64;
        // A form has a few lines around the file.
        let most = kills * (in_flight + 4_096) + 4_096;
        assert!(again <= most, "{}: {again} bytes moved again after {kills} kills", round.what);
        self.bytes += size;
        self.again += again;
        self.again_most = self.again_most.max((again, kills));
    }
}

struct Round {
    shape: Shape,
    what: String,
    name: String,
    content: Vec<u8>,
    in_parts: bool,
}

impl Round {
    fn new(seed: u64, random: &mut fastrand::Rng, large: Range<usize>) -> Self {
        let shape = Shape::of(seed);
        let length = if shape.in_parts() { random.usize(large) } else { random.usize(1..2 << 20) };
        let mut content = vec![0; length];
        random.fill(&mut content);
        let what = format!("seed {seed}, {}, {length} bytes", shape.name());
        Self { shape, what, name: format!("s{seed}.bin"), content, in_parts: shape.in_parts() }
    }

    /// Kills the command one to five times; how often that was tried and what the services were asked. One that was over before,
    /// because of the answer it did not get, may have left as much behind as one that was killed.
    fn kills(
        &self,
        ground: &Ground,
        kind: &'static str,
        arguments: &[&str],
        random: &mut fastrand::Rng,
        count: &mut Count,
    ) -> (u64, Vec<Value>) {
        let (mut kills, mut asked) = (0, Vec::new());
        for _ in 0..random.u32(1..6) {
            let (moment, requests) = ground.kill(self.shape, kind, arguments, random);
            asked.extend(requests);
            kills += 1;
            match moment {
                Some(moment) => *count.kills.entry(moment).or_default() += 1,
                None => {
                    count.late += 1;
                    break;
                }
            }
        }
        (kills, asked)
    }

    /// Starts again until the transfer is proven: a start works the queue; the command is given again when it was killed
    /// before it had queued anything, and a person asks for another try where the program says that it needs one.
    fn finish(
        &self,
        ground: &mut Ground,
        kind: &'static str,
        arguments: &[&str],
        count: &mut Count,
    ) -> Vec<Value> {
        let (mut asked, mut trail) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let (ran, requests) = ground.run(self.shape, kind, &["queue", "run"]);
            asked.extend(requests);
            trail.push(format!("{ran:?}"));
            let direction = if kind == "put" { "upload" } else { "download" };
            let mut rows = ground.user.queue();
            rows.retain(|row| row["local"].to_string().contains(&self.name) && row["direction"] == direction);
            trail.push(format!("{rows:?}"));
            // A command that was given again after its transfer had come to its end finds its own file in the way.
            if rows.iter().any(|row| row["verified"] == true) {
                return asked;
            }
            assert!(rows.iter().all(|row| row["state"] != "done"), "{}: not proven: {trail:#?}", self.what);
            // A copy whose answer was lost is found by its name and cannot be told for ours: a person decides.
            let is_in_the_way = rows.iter().any(|row| row["problem"]["code"] == "name_taken");
            match (is_in_the_way && self.shape.keeps_damaged(), rows.is_empty()) {
                (true, _) => {
                    count.decided += 1;
                    let (ran, requests) =
                        ground.run(self.shape, kind, &[arguments, &["--on-clash", "replace"]].concat());
                    asked.extend(requests);
                    trail.push(format!("{ran:?}"));
                }
                (false, true) => {
                    let (ran, requests) = ground.run(self.shape, kind, arguments);
                    asked.extend(requests);
                    trail.push(format!("{ran:?}"));
                }
                (false, false) => {
                    count.asked += 1;
                    ground.user.run(&["queue", "retry", "--all"]);
                }
            }
        }
        panic!("{}: lost: {trail:#?}", self.what)
    }
}

fn upload(ground: &mut Ground, seed: u64, count: &mut Count) {
    let mut random = fastrand::Rng::with_seed(seed);
    let round = Round::new(seed, &mut random, PART..3 * PART);
    let Round { shape, what, name, content, .. } = &round;
    ground.switch(*shape);
    fs::write(ground.user.path(name), content).unwrap();
    let place = ground.place(*shape);
    let put = ["put", name, &place, "--shape", if round.in_parts { "parts" } else { "whole" }];
    let (kills, mut asked) = round.kills(ground, "put", &put, &mut random, count);
    asked.extend(round.finish(ground, "put", &put, count));
    let files = ground.stored(*shape, name);
    let same =
        |file: &&Value| file["status"] == "completed" && ground.bytes(file).as_deref() == Some(content);
    let found = files.iter().find(same).unwrap_or_else(|| panic!("{what}: a false proof: {files:?}"));
    for file in files.iter().filter(|file| *file != found) {
        let why = shape.unavoidable(file["status"] == "completed");
        let why = why.unwrap_or_else(|| panic!("{what}: duplicates: {files:?}"));
        *count.duplicates.entry((shape.name(), why)).or_default() += 1;
    }
    let sent = asked.iter().filter(|request| shape.is_send(request));
    count.moved(&round, sent.map(|request| request["bytes_received"].as_u64().unwrap()).sum(), kills);
    count.rounds += 1;
    fs::remove_file(ground.user.path(name)).unwrap();
}

fn download(ground: &mut Ground, seed: u64, count: &mut Count) {
    let mut random = fastrand::Rng::with_seed(seed);
    // Ranges are fetched from 64 MiB on.
    let mut round = Round::new(seed, &mut random, 4 * PART..5 * PART);
    if let Some(content) = ground.content(round.shape) {
        round.content = content;
    }
    let Round { shape, what, name, content, .. } = &round;
    ground.switch(*shape);
    let remote = ground.remote(*shape, content);
    let folder = ground.user.path("got");
    fs::create_dir_all(&folder).unwrap();
    let local = format!("got/{name}");
    let get = ["get", &remote, &local];
    let (kills, mut asked) = round.kills(ground, "get", &get, &mut random, count);
    let there = ground.user.path(&local);
    if let Ok(early) = fs::read(&there) {
        assert!(early == *content, "{what}: half a file under its name after {kills} kills");
    }
    asked.extend(round.finish(ground, "get", &get, count));
    assert!(fs::read(&there).unwrap() == *content, "{what}: other bytes under the name");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.len() == 1, "{what}: more than the file: {left:?}");
    let came =
        asked.iter().filter(|request| request["method"] == "GET" && is_content(request, content.len()));
    count.moved(&round, came.map(|request| request["bytes_sent"].as_u64().unwrap()).sum(), kills);
    count.rounds += 1;
    fs::remove_file(&there).unwrap();
}

/// Whether an answer is about the file's bytes: by its path, and no JSON.
fn is_content(request: &Value, length: usize) -> bool {
    let path = request["path"].as_str().unwrap();
    let is_there = request["door"] == "storage" || path.ends_with("/content") || path.contains("/download/");
    (is_there || path.starts_with("/files/")) && length > 0
}

fn rounds(what: &str, round: fn(&mut Ground, u64, &mut Count)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let one = number("LABFERRY_SEED");
    let kills = match one {
        Some(_) => 1,
        None => number("LABFERRY_KILLS").map_or(KILLS, |kills| kills.div_ceil(2)),
    };
    // Where time is short, what was done until then counts, and the printed figures say how much that was.
    let until = number("LABFERRY_MINUTES").map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let is_over = || until.is_some_and(|until| Instant::now() >= until);
    let mut count = Count::default();
    let begin = one.unwrap_or(0);
    let mut seed = begin;
    while count.kills() < kills && !is_over() {
        let mut ground = Ground::new();
        for _ in 0..ROUNDS_A_LAB {
            round(&mut ground, seed, &mut count);
            seed += 1;
            // Every way has the same number of rounds.
            if one.is_some() || is_over() || (count.kills() >= kills && seed % SHAPES.len() as u64 == 0) {
                break;
            }
        }
        if one.is_some() {
            break;
        }
    }
    count.print(what, &(begin..seed));
}

#[test]
fn uploads_killed_at_any_moment_arrive_and_send_no_more_than_they_must() {
    rounds("uploads", upload);
}

#[test]
fn downloads_killed_at_any_moment_arrive_and_fetch_no_more_than_they_must() {
    rounds("downloads", download);
}
