//! Runs a program and tells what it cost: wall time, processor time of it and its children, peak resident memory.
//!
//! The program is started by a second, tiny process of ours (`measured`), because the system tells the peak memory of the
//! largest child only, and counts into it what its parent held when it was started.

use crate::Outcome;
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::File,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of processor time, user and system, all threads.
    pub(crate) cpu: f64,
    /// Peak resident memory in MiB.
    pub(crate) rss: f64,
    /// The same without the first half second, in which a passphrase is made into a key; 0 where the system cannot tell.
    pub(crate) later_rss: f64,
}

/// What `measured` writes.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    sample: Sample,
    code: Option<i32>,
}

/// A command to measure.
pub(crate) struct Measured<'a> {
    /// The command, with its environment and folder.
    pub(crate) command: &'a Command,
    /// A folder for what it says.
    pub(crate) scratch: &'a Path,
    /// Where its answer goes; the scratch folder when none.
    pub(crate) stdout: Option<&'a Path>,
    /// After this long it is asked to stop, which is no failure then.
    pub(crate) at_most: Option<Duration>,
}

/// Runs a command to its end, which must be a good one.
pub(crate) fn run(command: &Command, scratch: &Path) -> Outcome<Sample> {
    Measured { command, scratch, stdout: None, at_most: None }.run()
}

impl Measured<'_> {
    pub(crate) fn run(&self) -> Outcome<Sample> {
        let told = self.scratch.join("measured.json");
        let said = self.scratch.join("stderr.txt");
        let stdout = self.stdout.map_or_else(|| self.scratch.join("stdout.txt"), Path::to_path_buf);
        // What an earlier run said is not this one's.
        let _ = std::fs::remove_file(&told);
        let mut wrapper = Command::new(std::env::current_exe()?);
        wrapper.arg("measured").arg(&told);
        wrapper.arg(self.at_most.map_or(0, |most| most.as_secs()).to_string());
        wrapper.arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => wrapper.env(name, value),
                None => wrapper.env_remove(name),
            };
        }
        if let Some(folder) = self.command.get_current_dir() {
            wrapper.current_dir(folder);
        }
        wrapper.stdin(Stdio::null()).stdout(File::create(&stdout)?).stderr(File::create(&said)?);
        let status = wrapper.status()?;
        let program = Path::new(self.command.get_program()).file_name().unwrap_or_default();
        let program = program.to_string_lossy();
        if !status.success() {
            return Err(format!("{program} could not be measured: {}", tail(&said)).into());
        }
        let told: Told = serde_json::from_slice(&std::fs::read(&told)?)?;
        match told.code {
            Some(0) => Ok(told.sample),
            _ if self.at_most.is_some_and(|most| told.sample.wall >= most.as_secs_f64()) => Ok(told.sample),
            code => {
                let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
                Err(format!("{program} ended with {code}: {} {}", tail(&said), tail(&stdout)).into())
            }
        }
    }
}

/// The end of what a program said, on one line.
fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(400)..]).into_owned();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The tiny process: `measured FILE SECONDS PROGRAM ARGUMENTS…`.
pub(crate) fn measured(mut arguments: impl Iterator<Item = OsString>) -> Outcome<()> {
    let mut next = || arguments.next().ok_or("measured FILE SECONDS PROGRAM ARGUMENTS…");
    let (told, seconds, program) = (next()?, next()?, next()?);
    let seconds: u64 = seconds.to_string_lossy().parse()?;
    let begun = Instant::now();
    let mut child = Command::new(program).args(arguments).spawn()?;
    let watched = child.id();
    let (ended, end) = mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || later_peak(watched, &end));
    let status = if seconds == 0 {
        child.wait()?
    } else {
        loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if begun.elapsed() >= Duration::from_secs(seconds) {
                system::interrupt(&child)?;
                break child.wait()?;
            }
            std::thread::sleep(LOOK);
        }
    };
    let wall = begun.elapsed().as_secs_f64();
    drop(ended);
    let later_rss = watcher.join().unwrap_or_default();
    let (cpu, rss) = system::children()?;
    let answer = Told { sample: Sample { wall, cpu, rss, later_rss }, code: status.code() };
    Ok(std::fs::write(told, serde_json::to_vec(&answer)?)?)
}

/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The time in which a program starts.
const START: Duration = Duration::from_millis(500);

/// The peak of a process's resident memory in MiB from half a second after its start on, as Linux keeps it: writing 5 to
/// `clear_refs` begins a new peak (proc(5)).
fn later_peak(process: u32, end: &mpsc::Receiver<()>) -> f64 {
    let waits = |time| matches!(end.recv_timeout(time), Err(mpsc::RecvTimeoutError::Timeout));
    let folder = Path::new("/proc").join(process.to_string());
    if !waits(START) || std::fs::write(folder.join("clear_refs"), "5").is_err() {
        return 0.0;
    }
    let mut peak: f64 = 0.0;
    while waits(LOOK) {
        let status = std::fs::read_to_string(folder.join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or_default() / 1024.0);
    }
    peak
}

#[cfg(unix)]
mod system {
    use crate::Outcome;
    use nix::sys::{
        resource::{UsageWho, getrusage},
        signal::{Signal, kill},
    };
    use nix::unistd::Pid;
    use std::process::Child;

    /// Processor seconds and peak memory in MiB of the children that ended.
    pub(super) fn children() -> Outcome<(f64, f64)> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        // Linux counts KiB here, macOS bytes.
        let unit = if cfg!(target_os = "macos") { 1024.0 * 1024.0 } else { 1024.0 };
        Ok((seconds(usage.user_time()) + seconds(usage.system_time()), usage.max_rss() as f64 / unit))
    }

    /// Asks a program to stop, as Ctrl-C does.
    pub(super) fn interrupt(child: &Child) -> Outcome<()> {
        Ok(kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGINT)?)
    }
}

#[cfg(not(unix))]
mod system {
    use crate::Outcome;
    use std::process::Child;

    pub(super) fn children() -> Outcome<(f64, f64)> {
        Err("processor time and memory are read the Unix way; run this on Linux or macOS".into())
    }

    pub(super) fn interrupt(_: &Child) -> Outcome<()> {
        Ok(())
    }
}
