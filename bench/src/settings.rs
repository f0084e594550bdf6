//! What the environment asks for.

use crate::{Outcome, rows};
use std::path::{Path, PathBuf};

/// What to measure and how much of it.
pub(crate) struct Settings {
    /// `P4`, `P8` and so on; empty for all.
    wanted: Vec<String>,
    /// Counted runs of each program, after one to warm up.
    pub(crate) runs: usize,
    /// Bytes of a large file.
    pub(crate) bytes: u64,
    /// Small files of one run.
    pub(crate) files: usize,
    /// Rows of the large queue.
    pub(crate) queue: usize,
    /// Whether to send a terabyte.
    pub(crate) terabyte: bool,
    /// Whether to write the page.
    pub(crate) write: bool,
    pub(crate) page: PathBuf,
    /// Where files, servers' folders and data folders are made; in memory where there is such a place.
    pub(crate) scratch: PathBuf,
}

fn number(name: &str, usual: f64) -> Outcome<f64> {
    match std::env::var(name).ok().filter(|text| !text.is_empty()) {
        None => Ok(usual),
        Some(text) => match text.parse::<f64>() {
            Ok(value) if value > 0.0 => Ok(value),
            _ => Err(format!("{name}={text} is no number above 0").into()),
        },
    }
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|text| !matches!(text.as_str(), "" | "0" | "no"))
}

impl Settings {
    pub(crate) fn read() -> Outcome<Self> {
        let wanted: Vec<String> = std::env::var("ROWS")
            .unwrap_or_default()
            .split([',', ' '])
            .filter(|key| !key.is_empty())
            .map(str::to_ascii_uppercase)
            .collect();
        if let Some(unknown) = wanted.iter().find(|key| !rows::ALL.iter().any(|row| row.0 == **key)) {
            let known: Vec<_> = rows::ALL.iter().map(|row| row.0).collect();
            return Err(format!("there is no row {unknown}; there are {}", known.join(", ")).into());
        }
        let memory = Path::new("/dev/shm");
        let usual = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        // Sizes are small whole numbers or simple fractions of a GiB, exact in both types.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be above 0")]
        let whole = |value: f64| value as u64;
        Ok(Self {
            wanted,
            runs: whole(number("N", 5.0)?).max(1) as usize,
            bytes: whole(number("GIB", 2.0)? * f64::from(1 << 30)),
            files: whole(number("FILES", 500.0)?).max(1) as usize,
            queue: whole(number("QUEUE", 1_000_000.0)?).max(1_000) as usize,
            terabyte: is_set("TERABYTE"),
            write: is_set("WRITE"),
            page: Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md"),
            scratch: std::env::var_os("TMPDIR").map_or(usual, PathBuf::from),
        })
    }

    pub(crate) fn wants(&self, key: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted == key)
    }

    /// A folder for one row, gone at its end.
    pub(crate) fn folder(&self) -> Outcome<tempfile::TempDir> {
        Ok(tempfile::Builder::new().prefix("labferry-bench-").tempdir_in(&self.scratch)?)
    }
}
