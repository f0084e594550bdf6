//! P4: ours against a bare client that hashes nothing and stores nothing, to a server that keeps nothing.

use super::{AT_ONCE, Contender, MIB, PART, SAME_CONCURRENCY, cpu, in_turn, lines, make_file, size, wall};
use crate::{
    Outcome, bare,
    discard::{Discarding, PLACE},
    measure,
    product::User,
    report::{Row, Verdict},
    settings::Settings,
    statistics::{number, ratio, time},
};
use std::{path::Path, process::Command};

pub(crate) fn measure(settings: &Settings) -> Outcome<Row> {
    let folder = settings.folder()?;
    let (file, scratch) = (folder.path().join("large.bin"), folder.path());
    make_file(&file, settings.bytes)?;
    let digest = bare::digest_of(&file)?;
    let mut alone = Command::new(std::env::current_exe()?);
    // Processor time: on a busy machine the wall's says how busy it is.
    let digest_time = measure::run(alone.arg("digest-bare").arg(&file), scratch)?.cpu;
    let server = Discarding::start(&[(settings.bytes, digest)])?;
    let user = User::new(&scratch.join("data"))?;
    user.sign_in("aruna", &server.url, "a token")?;
    user.settings(&SAME_CONCURRENCY)?;
    let mut row = Row::new(
        "P4",
        "one large file against the limit",
        format!(
            "A file of {} in parts of {}, {AT_ONCE} at once, to a server in a process of its own that reads every body and \
             lets it go. Both send from the file. Ours is `labferry put`, from its start to the proof.",
            size(settings.bytes),
            size(PART)
        ),
    );
    let bare_put = |more: &[&str]| -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare-put").arg(&file).arg(format!("{}/sink/bare", server.url));
        command.arg(AT_ONCE.to_string()).args(more);
        Ok(command)
    };
    let mut served = Vec::new();
    let who =
        ["labferry put", "bare client", "bare client that computes SHA-256 beside it"].map(str::to_owned);
    let contenders = vec![
        Contender::new(&who[0], |round| {
            let before = server.cpu();
            let sample = measure::run(&put(&user, &file, round), scratch)?;
            served.push(server.cpu() - before);
            Ok(sample)
        }),
        Contender::new(&who[1], |_| measure::run(&bare_put(&[])?, scratch)),
        Contender::new(&who[2], |_| measure::run(&bare_put(&["digest"])?, scratch)),
    ];
    let all = in_turn(settings, &mut row, contenders);
    lines(&mut row, &who, &all, settings.bytes as f64 / MIB, "MiB");
    let [ours, limit, hashing] = [0, 1, 2].map(|index| wall(&all[index]).unwrap_or_default());
    let share = ratio(limit, ours);
    let found = format!("{} of its throughput", number(share));
    row.verdicts.push(Verdict::new("≥ 0.9 of a bare client that hashes nothing", found, share >= 0.9));
    row.figure("of a bare client that also computes SHA-256", number(ratio(hashing, ours)));
    let start = idle(&user, scratch)?;
    row.figure("starting `labferry` and opening the data folder and the vault, included above", time(start));
    if let (Some(ours_cpu), Some(bare_cpu)) = (cpu(&all[0]), cpu(&all[1])) {
        let served = crate::statistics::median(served);
        let rest = ours_cpu - digest_time - bare_cpu;
        row.notes.push(format!(
            "Where the time goes: of {} of processor time `labferry put` took, SHA-256 needs {} (the bare loop on this \
             file), what the bare client needs as well is {}, and {} is all else: CRC-32C of each part twice, the links, \
             the database, the start. The server took {}. A file's SHA-256 is one chain of blocks and cannot be shared \
             between cores, so no program that digests can be faster than {} here, which is {} of the bare client; \
             on {} cores client and server together cannot be faster than {}.",
            time(ours_cpu),
            time(digest_time),
            time(bare_cpu),
            time(rest.max(0.0)),
            time(served),
            time(digest_time),
            number(ratio(limit, digest_time)),
            cores(),
            time((ours_cpu + served) / cores())
        ));
    }
    Ok(row)
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

pub(super) fn put(user: &User, file: &Path, round: usize) -> Command {
    let mut command = user.command(&["put"]);
    command.arg(file).args([&format!("lab:{PLACE}"), "--name", &format!("large-{round}.bin"), "--json"]);
    command
}

/// Processor seconds of the same.
pub(super) fn idle_cpu(user: &User, scratch: &Path) -> Outcome<f64> {
    Ok(measure::run(&user.command(&["account", "test", "lab"]), scratch)?.cpu)
}

/// Seconds that a command takes which moves nothing but asks the service who we are.
pub(super) fn idle(user: &User, scratch: &Path) -> Outcome<f64> {
    Ok(measure::run(&user.command(&["account", "test", "lab"]), scratch)?.wall)
}
