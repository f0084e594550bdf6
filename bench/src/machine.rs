//! What all this runs on.

use std::{fs, process::Command};

/// Ticks of a second in `/proc`: the interface's own constant on Linux (`USER_HZ`), whatever the kernel's is.
const TICKS: f64 = 100.0;

/// Processor seconds a running process has used; 0 where `/proc` does not tell.
pub(crate) fn cpu_of(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name stands in brackets and may hold blanks; user and system time are fields 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// The first line a program prints, such as its version.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Processor, cores, memory, kernel.
pub(crate) fn description() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let model = field(&cpu, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let sha = if cpu.contains("sha_ni") || cpu.contains(" sha2") { "with" } else { "without" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&memory, "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(String::new, |kib| format!(", {:.0} GiB of memory", kib / 1024.0 / 1024.0));
    let kernel = first_line("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{model}, {cores} cores, {sha} SHA instructions{memory}, {kernel}")
}

/// Load of the last minute: a machine at work measures less.
pub(crate) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The day, by the system's `date`.
pub(crate) fn today() -> String {
    first_line("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default()
}
