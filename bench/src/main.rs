//! The performance goals of docs/performance.md, each measured beside a bare client, a bare loop or other programs in the
//! same run. `make bench` runs this; `.ci/bench` says which variables change it.

#![expect(clippy::print_stdout, reason = "a table is what this program is for")]

mod bare;
mod discard;
mod http;
mod machine;
mod measure;
mod product;
mod report;
mod rows;
mod s3;
mod settings;
mod statistics;

use report::Row;
use settings::Settings;
use std::{process::ExitCode, time::Instant};

/// An error of a measurement is a line in the table.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A line for whoever reads along or, from a child, for its parent.
pub(crate) fn say(text: &str) {
    println!("{text}");
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let texts = || std::env::args().skip(2);
    let ended = match arguments.nth(1).as_ref().and_then(|name| name.to_str()) {
        // What runs as a process of its own, so that it is measured by itself.
        Some("measured") => measure::measured(arguments),
        Some("discard") => discard::serve(texts()),
        Some("bare-put") => bare::put(texts()),
        Some("bare-get") => bare::get(texts()),
        Some("digest-bare") => rows::hashing::bare(texts()),
        Some("digest-engine") => rows::hashing::engine(texts()),
        Some("queue") => rows::queue::measure(texts()),
        Some(other) => Err(format!("there is no \"{other}\"; say what to measure with ROWS=P4,P8").into()),
        None => bench(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("labferry-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Outcome<()> {
    let settings = Settings::read()?;
    let machine = machine::description();
    say(&format!("{machine}\n"));
    let mut measured = Vec::new();
    for (key, title, measure) in rows::ALL {
        if !settings.wants(key) {
            continue;
        }
        say(&format!("== {key}: {title}"));
        let (begun, load) = (Instant::now(), machine::load());
        let mut row = measure(&settings).unwrap_or_else(|error| {
            let mut row = Row::new(key, title, "");
            row.missing.push(error.to_string());
            row
        });
        let busy = load.map_or_else(String::new, |load| format!(", load before it began {load:.1}"));
        row.when = format!("({}{busy}.)", machine::today());
        say(&format!("\n{}   ({:.0} s)\n", row.markdown(), begun.elapsed().as_secs_f64()));
        measured.push(row);
    }
    let machine = format!(
        "Measured on {machine}. Files in {}, {} runs of each program in turn after one to warm up; medians. `labferry` keeps \
         its secrets in {}.",
        settings.scratch.display(),
        settings.runs,
        if product::has_keychain() {
            "a keychain, as on a desktop (GNOME's, in a session of its own)"
        } else {
            "an encrypted file, whose key is made anew at each start; there is no keychain here to use"
        },
    );
    say(&report::section(&machine, &measured));
    if settings.write {
        write(&settings, &machine, measured)?;
    }
    Ok(())
}

/// Writes the page. Rows that were not measured now are as they were measured last in this build folder.
fn write(settings: &Settings, machine: &str, measured: Vec<Row>) -> Outcome<()> {
    let kept = std::env::current_exe()?.with_file_name("bench-rows.json");
    let mut rows: Vec<Row> =
        std::fs::read(&kept).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    for row in measured {
        rows.retain(|known| known.key != row.key);
        rows.push(row);
    }
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    std::fs::write(&kept, serde_json::to_vec_pretty(&rows)?)?;
    let page = std::fs::read_to_string(&settings.page)?;
    let page = report::into_page(&page, &report::section(machine, &rows))
        .ok_or_else(|| format!("{} has no marks to write between", settings.page.display()))?;
    std::fs::write(&settings.page, page)?;
    say(&format!("written to {}", settings.page.display()));
    Ok(())
}
