//! P8: the engine's reader against the bare digest loop on the same file.

use super::{Contender, MIB, PART, in_turn, lines, make_file, size, wall};
use crate::{
    Outcome, measure,
    report::{Row, Verdict},
    settings::Settings,
    statistics::{number, ratio},
};
use std::{path::Path, process::Command};

/// The loop that reads and digests and does nothing else: `digest-bare FILE`.
pub(crate) fn bare(mut arguments: impl Iterator<Item = String>) -> Outcome<()> {
    let file = arguments.next().ok_or("digest-bare FILE")?;
    crate::bare::digest_of(Path::new(&file)).map(|hex| crate::say(&hex))
}

/// What the engine does with a file it sends: `digest-engine FILE PART`, where `PART` 0 is a file sent whole.
pub(crate) fn engine(mut arguments: impl Iterator<Item = String>) -> Outcome<()> {
    let mut next = || arguments.next().ok_or("digest-engine FILE PART");
    let (file, part) = (next()?, next()?.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let digests = runtime.block_on(labferry_engine::digest_source(Path::new(&file), part));
    let digests = digests.map_err(|problem| format!("{problem:?}"))?;
    crate::say(digests.sha256.as_deref().unwrap_or_default());
    Ok(())
}

pub(crate) fn measure(settings: &Settings) -> Outcome<Row> {
    let folder = settings.folder()?;
    let (file, scratch) = (folder.path().join("large.bin"), folder.path());
    make_file(&file, settings.bytes)?;
    let mut row = Row::new(
        "P8",
        "hashing",
        format!("SHA-256 of a file of {}, each run a process of its own.", size(settings.bytes)),
    );
    let command = |arguments: &[&str]| -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(arguments[0]).arg(&file).args(&arguments[1..]);
        Ok(command)
    };
    let part = PART.to_string();
    let who = ["bare loop", "engine, file sent whole", "engine, sent in parts (CRC-32C of each as well)"];
    let arguments: [&[&str]; 3] = [&["digest-bare"], &["digest-engine", "0"], &["digest-engine", &part]];
    let contenders = who
        .iter()
        .zip(arguments)
        .map(|(who, arguments)| Contender::new(*who, move |_| measure::run(&command(arguments)?, scratch)));
    let all = in_turn(settings, &mut row, contenders.collect());
    lines(&mut row, &who.map(str::to_owned), &all, settings.bytes as f64 / MIB, "MiB");
    let bare = wall(&all[0]).unwrap_or_default();
    for (index, what) in [(1, "sent whole"), (2, "sent in parts")] {
        let share = ratio(bare, wall(&all[index]).unwrap_or_default());
        let found = format!("{} of the bare loop's speed, {what}", number(share));
        row.verdicts.push(Verdict::new("hashing ≥ 0.95 of the bare digest loop", found, share >= 0.95));
    }
    Ok(row)
}
