//! One file a goal, and what they share.

mod against_limit;
mod download;
pub(crate) mod hashing;
mod memory;
mod peers;
pub(crate) mod queue;
mod small_files;
mod upload;

use crate::{
    Outcome,
    measure::Sample,
    report::{Line, Row},
    settings::Settings,
};
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Bytes of a part, the engine's default; every other program is told the same.
pub(crate) const PART: u64 = 16 << 20;
/// Requests at once, for every program.
pub(crate) const AT_ONCE: usize = 8;
/// What makes `labferry` work with as many requests at once as the others.
pub(crate) const SAME_CONCURRENCY: [&str; 2] = ["parts_per_file=8", "connections_per_account=8"];
pub(crate) const MIB: f64 = 1024.0 * 1024.0;

type Measure = fn(&Settings) -> Outcome<Row>;

/// Every row in the order in which they are measured.
pub(crate) const ALL: [(&str, &str, Measure); 7] = [
    ("P8", "hashing", hashing::measure),
    ("P4", "one large file against the limit", against_limit::measure),
    ("P5", "memory", memory::measure),
    ("P6", "a queue of many", queue::row),
    ("P2", "many small files", small_files::measure),
    ("P1", "one large file to an S3 server", upload::measure),
    ("P3", "one large download by ranges", download::measure),
];

/// One program in a row, and how one run of it is made; it hears the number of the run.
pub(crate) struct Contender<'a> {
    pub(crate) who: String,
    pub(crate) run: Box<dyn FnMut(usize) -> Outcome<Sample> + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(who: impl Into<String>, run: impl FnMut(usize) -> Outcome<Sample> + 'a) -> Self {
        Self { who: who.into(), run: Box::new(run) }
    }
}

/// Runs them in turn, once to warm up and then as often as asked. One that fails is left out from then on, and the row
/// says why. Gives each one's samples, none where it failed.
pub(crate) fn in_turn(
    settings: &Settings,
    row: &mut Row,
    contenders: Vec<Contender<'_>>,
) -> Vec<Vec<Sample>> {
    let mut contenders: Vec<_> =
        contenders.into_iter().map(|contender| (contender, Some(Vec::new()))).collect();
    for round in 0..=settings.runs {
        for (contender, samples) in &mut contenders {
            let Some(so_far) = samples else { continue };
            match (contender.run)(round) {
                Ok(_) if round == 0 => {}
                Ok(sample) => so_far.push(sample),
                Err(error) => {
                    row.missing.push(format!("{}: {error}", contender.who));
                    *samples = None;
                }
            }
        }
    }
    contenders.into_iter().map(|(_, samples)| samples.unwrap_or_default()).collect()
}

/// The median wall time, where there are samples.
pub(crate) fn wall(samples: &[Sample]) -> Option<f64> {
    (!samples.is_empty()).then(|| crate::statistics::median(samples.iter().map(|sample| sample.wall)))
}

/// The median processor time, where there are samples.
pub(crate) fn cpu(samples: &[Sample]) -> Option<f64> {
    (!samples.is_empty()).then(|| crate::statistics::median(samples.iter().map(|sample| sample.cpu)))
}

/// A line for each that has samples.
pub(crate) fn lines(row: &mut Row, who: &[String], all: &[Vec<Sample>], amount: f64, unit: &str) {
    for (who, samples) in who.iter().zip(all).filter(|(_, samples)| !samples.is_empty()) {
        row.lines.push(Line::of(who.clone(), samples, amount, unit));
    }
}

/// Writes a file of that many bytes in which no two pieces are alike.
pub(crate) fn make_file(path: &Path, bytes: u64) -> Outcome<()> {
    let mut random = fastrand::Rng::with_seed(bytes);
    let mut piece = vec![0; 1 << 20];
    random.fill(&mut piece);
    let mut file = BufWriter::new(File::create(path)?);
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(piece.len()).min(piece.len());
        let mark = left.to_le_bytes();
        let marked = mark.len().min(now);
        piece[..marked].copy_from_slice(&mark[..marked]);
        file.write_all(&piece[..now])?;
        left -= now as u64;
    }
    Ok(file.flush()?)
}

/// Bytes as people say them.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 30 => {
            format!("{} GiB", crate::statistics::number(bytes as f64 / MIB / 1024.0))
        }
        bytes if bytes >= 1 << 20 => format!("{} MiB", crate::statistics::number(bytes as f64 / MIB)),
        bytes => format!("{} KiB", bytes / 1024),
    }
}
