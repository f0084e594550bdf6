//! What a row found, as text for a terminal and as the section of the page between its two marks.

use crate::{
    measure::Sample,
    statistics::{median, number, time},
};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// The section of the page stands between these.
pub(crate) const BEGIN: &str = "<!-- made by `WRITE=1 make bench` -->";
pub(crate) const END: &str = "<!-- end -->";

/// One program in one row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) who: String,
    /// What it moved or did a second, with its unit.
    pub(crate) rate: String,
    /// Seconds: median, least, most.
    pub(crate) wall: [f64; 3],
    /// Processor seconds, median.
    pub(crate) cpu: f64,
    /// Peak memory in MiB, the most of all runs.
    pub(crate) rss: f64,
    pub(crate) runs: usize,
}

impl Line {
    /// Of these runs. `amount` is what one of them moves or does, in `unit`.
    pub(crate) fn of(who: impl Into<String>, samples: &[Sample], amount: f64, unit: &str) -> Self {
        let walls = || samples.iter().map(|sample| sample.wall);
        let wall = [median(walls()), walls().fold(f64::INFINITY, f64::min), walls().fold(0.0, f64::max)];
        Self {
            who: who.into(),
            rate: format!("{} {unit}/s", number(crate::statistics::ratio(amount, wall[0]))),
            wall,
            cpu: median(samples.iter().map(|sample| sample.cpu)),
            rss: samples.iter().map(|sample| sample.rss).fold(0.0, f64::max),
            runs: samples.len(),
        }
    }
}

/// A goal and what was found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) goal: String,
    pub(crate) found: String,
    pub(crate) met: bool,
}

impl Verdict {
    pub(crate) fn new(goal: impl Into<String>, found: impl Into<String>, met: bool) -> Self {
        Self { goal: goal.into(), found: found.into(), met }
    }
}

/// One goal's row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    /// `P4`
    pub(crate) key: String,
    pub(crate) title: String,
    /// The day, and how busy the machine was before.
    #[serde(default)]
    pub(crate) when: String,
    /// What was done, with which sizes, part size and concurrency.
    pub(crate) setting: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) verdicts: Vec<Verdict>,
    /// Figures beside the table, and what is to be known of it.
    pub(crate) notes: Vec<String>,
    /// What could not be run, and why.
    pub(crate) missing: Vec<String>,
    /// Further figures: a name and a value each.
    pub(crate) figures: Vec<(String, String)>,
}

impl Row {
    pub(crate) fn new(key: &str, title: &str, setting: impl Into<String>) -> Self {
        Self { key: key.into(), title: title.into(), setting: setting.into(), ..Self::default() }
    }

    pub(crate) fn figure(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.figures.push((name.into(), value.into()));
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}: {}\n\n", self.key, self.title);
        if !self.setting.is_empty() {
            let _ = write!(text, "{} {}\n\n", self.setting, self.when);
        }
        if !self.lines.is_empty() {
            text.push_str("|  | rate | wall (least to most) | processor time | peak memory | runs |\n");
            text.push_str("|---|---|---|---|---|---|\n");
            for line in &self.lines {
                let [middle, least, most] = line.wall.map(time);
                let _ = writeln!(
                    text,
                    "| {} | {} | {middle} ({least} to {most}) | {} | {} MiB | {} |",
                    line.who,
                    line.rate,
                    time(line.cpu),
                    number(line.rss),
                    line.runs
                );
            }
            text.push('\n');
        }
        if !self.figures.is_empty() {
            text.push_str("|  | measured |\n|---|---|\n");
            for (name, value) in &self.figures {
                let _ = writeln!(text, "| {name} | {value} |");
            }
            text.push('\n');
        }
        for note in &self.notes {
            let _ = write!(text, "{note}\n\n");
        }
        for missing in &self.missing {
            let _ = write!(text, "Not run: {missing}\n\n");
        }
        text
    }
}

/// The whole section: what it was measured on, goals first, then every row.
pub(crate) fn section(machine: &str, rows: &[Row]) -> String {
    let mut text = format!("{machine}\n\n| goal |  | measured |  |\n|---|---|---|---|\n");
    for row in rows {
        for verdict in &row.verdicts {
            let met = if verdict.met { "met" } else { "**missed**" };
            let _ = writeln!(text, "| {} | {} | {} | {met} |", row.key, verdict.goal, verdict.found);
        }
        if row.verdicts.is_empty() {
            let _ = writeln!(text, "| {} | {} | not measured, see below | **missed** |", row.key, row.title);
        }
    }
    text.push('\n');
    for row in rows {
        text.push_str(&row.markdown());
    }
    format!("{}\n", text.trim_end())
}

/// The page with that section between its marks; `None` where it has no marks.
pub(crate) fn into_page(page: &str, section: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(wall: f64) -> Sample {
        Sample { wall, cpu: wall * 2.0, rss: 10.0 * wall, later_rss: 0.0 }
    }

    #[test]
    fn a_line_tells_the_median_and_the_most_memory() {
        let line = Line::of("x", &[sample(2.0), sample(1.0), sample(4.0)], 2048.0, "MiB");
        assert_eq!((line.wall, line.cpu, line.rss, line.runs), ([2.0, 1.0, 4.0], 4.0, 40.0, 3));
        assert_eq!(line.rate, "1 024 MiB/s");
    }

    #[test]
    fn losing_rows_and_what_was_not_run_stay_on_the_page() {
        let mut row = Row::new("P4", "against the limit", "1 GiB");
        row.lines.push(Line::of("bare", &[sample(1.0)], 1.0, "GiB"));
        row.verdicts.push(Verdict::new("≥ 0.9", "0.3", false));
        row.missing.push("s5cmd: it is not installed.".into());
        let section = section("A machine.", &[row, Row::new("P9", "nothing", "")]);
        assert!(section.contains("| P4 | ≥ 0.9 | 0.3 | **missed** |"), "{section}");
        assert!(
            section.contains("| bare | 1.00 GiB/s | 1.00 s (1.00 s to 1.00 s) | 2.00 s | 10.0 MiB | 1 |")
        );
        assert!(section.contains("Not run: s5cmd") && section.contains("| P9 | nothing | not measured"));
    }

    #[test]
    fn a_section_is_replaced_and_the_rest_of_the_page_stays() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nmore\n");
        let once = into_page(&page, "new\n");
        assert_eq!(once.as_deref(), Some(&*format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nmore\n")));
        assert_eq!(once.as_deref().and_then(|page| into_page(page, "new\n")), once);
        assert_eq!(into_page("# no marks", "new"), None);
    }
}
