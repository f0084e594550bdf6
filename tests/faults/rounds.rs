//! Random faults on random requests of every way a service takes a file, in both directions, with engines stopped dead
//! between: `LABFERRY_FAULTS=10000` goes on until so many faults have struck, `LABFERRY_SEED=7` makes one round again with its
//! log, `LABFERRY_MINUTES=10` ends after that time, whatever was done.

use crate::{
    bench::content,
    field::{Field, PART, kind_of, random_rule},
    shapes::{SHAPES, Shape},
};
use labferry_engine::Ask;
use labferry_model::{ClashPolicy, Direction, ProblemCode, State, Transfer, TransferId};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Faults in every test run.
const FAULTS: u64 = 400;
/// Rounds on one lab: its lists grow with every file.
const ROUNDS_A_LAB: u64 = 90;
/// Starts after which a round must have come to its end once the faults are over.
const STARTS: u32 = 6;

/// What was done and what came of it.
#[derive(Default)]
struct Count {
    rounds: u64,
    faults: BTreeMap<&'static str, u64>,
    requests: u64,
    bytes: u64,
    again: u64,
    again_most: u64,
    stops: u64,
    asked: u64,
    compared: u64,
    decided: u64,
    unproven: u64,
    left: BTreeMap<(&'static str, &'static str, &'static str), u64>,
}

impl Count {
    fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Counts the requests of a round's direction; gives the bytes of the file that were sent.
    async fn look(&mut self, field: &Field, shape: Shape) -> u64 {
        let mut sent = 0;
        for request in field.requests().await {
            self.requests += 1;
            for fault in request["faults"].as_array().unwrap() {
                if let Some(kind) = kind_of(fault, &request) {
                    *self.faults.entry(kind).or_default() += 1;
                }
            }
            if shape.is_send(&request) {
                sent += request["bytes_received"].as_u64().unwrap();
            }
        }
        sent
    }

    fn print(&self, seeds: &std::ops::Range<u64>) {
        println!(
            "{} rounds, seeds {seeds:?}, {} requests, {} faults:",
            self.rounds,
            self.requests,
            self.faults()
        );
        for (kind, count) in &self.faults {
            println!("  {count:>7}  {kind}");
        }
        println!("  {:>7}  engines stopped dead", self.stops);
        // A false proof or a loss ends the run where it happens, with its seed.
        println!(
            "  {:>7}  false proofs: all {} green files were compared with the stored bytes",
            0, self.compared
        );
        println!("  {:>7}  lost: {} of {} transfers arrived", 0, 2 * self.rounds, 2 * self.rounds);
        println!("  {:>7}  times a person was asked to try again", self.asked);
        println!(
            "  {:>7}  times a person was asked what shall become of a copy that has the name: its answer was lost, or the \
             service said falsely that it had removed it",
            self.decided
        );
        println!(
            "  {:>7}  downloads that ended unproven: their service tells no digest and nothing was known",
            self.unproven
        );
        println!(
            "  {:>7}  bytes sent again, {} the most of one round, for {} bytes of files",
            self.again, self.again_most, self.bytes
        );
        for ((shape, what, why), count) in &self.left {
            println!("  {count:>7}  {what} ({shape}): {why}");
        }
        if self.left.is_empty() {
            println!("        0  leftovers");
        }
    }
}

/// Everything one direction of a round needs.
struct Round<'a> {
    field: &'a Field,
    shape: Shape,
    stem: String,
    what: String,
}

impl Round<'_> {
    /// Faults, dead engines, then none of them until the transfer has come to a good end.
    async fn ride(
        &self,
        mut id: TransferId,
        random: &mut fastrand::Rng,
        count: &mut Count,
        judge: impl AsyncFn(TransferId, &State),
    ) -> (TransferId, State) {
        let (field, shape) = (self.field, self.shape);
        for _ in 0..random.u32(0..3) {
            // A moment that the seed chooses but does not fix: what the machine does in it is its own.
            field.work_for(shape, id, Duration::from_millis(random.u64(0..60))).await;
            count.stops += 1;
            judge(id, &field.transfer(id).await.state).await;
        }
        judge(id, &field.settle(shape, id).await).await;
        field.clear_faults().await;
        let mut trail = Vec::new();
        for _ in 0..STARTS {
            let state = field.settle(shape, id).await;
            trail.push(state.clone());
            judge(id, &state).await;
            match state {
                State::Done { .. } | State::Skipped { .. } => return (id, state),
                // A copy that cannot be told for ours has the name, or one that the service said it had removed: a person
                // decides.
                State::Failed { problem }
                    if problem.code == ProblemCode::NameTaken
                        && (shape.keeps_damaged()
                            || field.lied_about_removal().await
                            || (shape.shares_bytes()
                                && field.a_strangers_object(shape, &self.stem).await)) =>
                {
                    count.decided += 1;
                    let Transfer { direction, place, name, local, .. } = field.transfer(id).await;
                    let decision = if shape.removes() { ClashPolicy::Replace } else { ClashPolicy::Rename };
                    id = field.add(shape, direction, &place, &name, local, decision).await;
                }
                State::Failed { .. } | State::Waiting { .. } => {
                    count.asked += 1;
                    field.engine(shape).ask(id, Ask::Retry).await.unwrap();
                }
                state => panic!("{}: {state:?}", self.what),
            }
        }
        panic!("{}: lost: {trail:#?}", self.what);
    }

    /// Green means that the service holds these bytes: where the receipt says, or under the name. The file's place in the
    /// lab's list.
    async fn proven(&self, id: TransferId, stem: &str, content: &[u8]) -> (Vec<Value>, usize) {
        let files = self.field.stored(self.shape, stem).await;
        let rows = self.field.store.ledger_list(None, None, u32::MAX).await.unwrap();
        let path = rows.into_iter().rfind(|row| row.entry.transfer == Some(id)).map(|row| row.entry.path);
        let last = path.as_deref().map(|path| path.rsplit('/').next().unwrap().to_owned());
        let is_it = |file: &&Value| {
            let key = file["key"].as_str();
            file["status"] == "completed"
                && last.as_deref().is_none_or(|last| key == Some(last) || file["file_id"] == last)
        };
        let found = files.iter().rposition(|file| is_it(&file));
        let found =
            found.unwrap_or_else(|| panic!("{}: green, and not there: {path:?} {files:?}", self.what));
        let stored = self.field.bytes(&files[found]).await;
        assert!(
            stored.as_deref() == Some(content),
            "{}: green, and not the same bytes: {files:?}",
            self.what
        );
        (files, found)
    }
}

async fn round(field: &Field, seed: u64, count: &mut Count) {
    let shape = Shape::of(seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let length = match random.u8(0..8) {
        0 => random.u64(0..3),
        1..=3 => random.u64(1..PART * 2),
        _ => random.u64(PART * 2..PART * 6),
    };
    let content = content(usize::try_from(length).unwrap(), seed);
    let stem = format!("s{seed}-");
    let name = format!("{stem}a.bin");
    let what = format!("seed {seed}, {}, {length} bytes", shape.name());
    let round = Round { field, shape, stem: stem.clone(), what };
    field.switch(shape).await;
    std::fs::write(field.path(&name), &content).unwrap();
    let rules = |direction, random: &mut fastrand::Rng| -> Value {
        (0..random.usize(6..14)).map(|_| random_rule(random, shape, direction, length)).collect()
    };

    let place = field.place(shape);
    let id = field.add(shape, Direction::Upload, &place, &name, field.path(&name), ClashPolicy::Ask).await;
    field.post("/faults", rules(Direction::Upload, &mut random)).await;
    let judge = async |id: TransferId, state: &State| {
        if state.is_green() {
            round.proven(id, &stem, &content).await;
        }
    };
    let (id, state) = round.ride(id, &mut random, count, judge).await;
    assert!(state.is_green(), "{}: {state:?}", round.what);
    let (files, found) = round.proven(id, &stem, &content).await;
    let sent = count.look(field, shape).await;
    let again = sent.saturating_sub(length);
    count.compared += 1;
    count.bytes += length;
    count.again += again;
    count.again_most = count.again_most.max(again);
    for file in files.iter().enumerate().filter(|(at, _)| *at != found).map(|(_, file)| file) {
        let what = match file["status"] == "completed" {
            false => "empty entries left",
            true if file["sha256"] == files[found]["sha256"] => "second copies",
            true => "damaged copies left",
        };
        let shown = if file["name"].is_string() { &file["name"] } else { &file["key"] };
        // Numbered where a person had it renamed.
        let is_named_so = shown == &name || shown.as_str().unwrap().starts_with(&format!("{stem}a ("));
        let why = match is_named_so || file["status"] == "completed" {
            true => shape.unavoidable(file["status"] == "completed"),
            false => Some("its name was announced with a byte that was flipped on the way"),
        };
        let why = why.unwrap_or_else(|| panic!("{}: {what}: {files:?}", round.what));
        *count.left.entry((shape.name(), what, why)).or_default() += 1;
    }

    let file = &files[found];
    let key = ["file_id", "key"].iter().find_map(|field| file[field].as_str()).unwrap().to_owned();
    let local = field.path(&format!("got-{name}"));
    let id = field.add(shape, Direction::Download, &place, &key, local.clone(), ClashPolicy::Ask).await;
    field.post("/faults", rules(Direction::Download, &mut random)).await;
    let judge = async |_: TransferId, state: &State| {
        let arrived = std::fs::read(&local).ok();
        assert!(arrived.is_some() || !state.is_green(), "{}: green, and not there", round.what);
        // What a service without digests gives cannot be told from what it holds; all others must not show other bytes.
        let same = arrived.as_deref() == Some(&*content);
        assert!(same || !state.is_green(), "{}: green, and not the same bytes", round.what);
        let is_unproven = matches!(state, State::Done { proof } if !proof.is_green());
        assert!(
            arrived.is_none() || same || is_unproven,
            "{}: other bytes under the name: {state:?}",
            round.what
        );
    };
    let (_, state) = round.ride(id, &mut random, count, judge).await;
    count.compared += u64::from(state.is_green());
    count.unproven += u64::from(!state.is_green());
    count.look(field, shape).await;
    count.rounds += 1;
    std::fs::remove_file(field.path(&name)).unwrap();
    std::fs::remove_file(local).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn green_means_the_same_bytes_whatever_happens() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let one = number("LABFERRY_SEED");
    if one.is_some() {
        // One round is made again to be looked at.
        let level = tracing_subscriber::filter::LevelFilter::DEBUG;
        let _ = tracing_subscriber::fmt().with_max_level(level).with_test_writer().try_init();
    }
    let faults = if one.is_some() { 1 } else { number("LABFERRY_FAULTS").unwrap_or(FAULTS) };
    // Where time is short, what was done until then counts, and the printed figures say how much that was.
    let until = number("LABFERRY_MINUTES").map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let is_over = || until.is_some_and(|until| Instant::now() >= until);
    let mut count = Count::default();
    let begin = one.unwrap_or(0);
    let mut seed = begin;
    while count.faults() < faults && !is_over() {
        let field = Field::new().await;
        for _ in 0..ROUNDS_A_LAB {
            round(&field, seed, &mut count).await;
            seed += 1;
            // Every way has the same number of rounds.
            if one.is_some() || is_over() || (count.faults() >= faults && seed % SHAPES.len() as u64 == 0) {
                break;
            }
        }
        field.stop().await;
        if one.is_some() {
            break;
        }
    }
    count.print(&(begin..seed));
}
