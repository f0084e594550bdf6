//! P3: one large download by ranges with its digest checked, beside programs that check nothing.

use super::{
    AT_ONCE, Contender, MIB, PART, cpu, in_turn, lines, make_file,
    peers::{self, Way},
    size,
    upload::bucket_of,
    wall,
};
use crate::{
    Outcome, measure,
    product::{Lab, User},
    report::{Row, Verdict},
    s3::{BUCKET, S3Server},
    settings::Settings,
    statistics::{number, ratio, time},
};
use std::process::Command;

pub(crate) fn measure(settings: &Settings) -> Outcome<Row> {
    let folder = settings.folder()?;
    let (file, scratch) = (folder.path().join("large.bin"), folder.path());
    make_file(&file, settings.bytes)?;
    let server = S3Server::start(&scratch.join("s3"))?;
    let lab = Lab::start(&scratch.join("lab"), Some(&server.url))?;
    let (url, token, place) = lab.service("aruna")?;
    let user = User::new(&scratch.join("data"))?;
    user.sign_in("aruna", &url, &token)?;
    let mut row = Row::new(
        "P3",
        "one large download by ranges",
        format!(
            "A file of {} in ranges of {}, {AT_ONCE} at once, from `rclone serve s3`. Ours goes Aruna's way: `labferry get` \
             asks the practice lab for a link to that server for each range, digests what comes and compares it with the \
             service's SHA-256. The others compare nothing.",
            size(settings.bytes),
            size(PART)
        ),
    );
    let others = peers::found(Way::Down, &mut row);
    let path = file.to_string_lossy().into_owned();
    user.run(&["put", &path, &format!("lab:{place}"), "--name", "large.bin"])?;
    // The same bytes where the others look for them; the source is not needed any more.
    let kept = scratch.join("s3").join(bucket_of(&place)).join("large.bin");
    std::fs::remove_file(&file)?;
    let put = shared_with_others(&server, &kept)?;
    let mut alone = Command::new(std::env::current_exe()?);
    let digest_time = measure::run(alone.arg("digest-bare").arg(&kept), scratch)?.cpu;
    let target = scratch.join("fetched.bin");
    let arrived = |what: &str| -> Outcome<()> {
        let there = std::fs::metadata(&target).map(|found| found.len()).unwrap_or_default();
        // Each fetches anew.
        let _ = std::fs::remove_file(&target);
        if there == put { Ok(()) } else { Err(format!("{what} brought {there} of {put} bytes").into()) }
    };
    let mut who = vec!["labferry get, digest checked".to_owned()];
    let mut contenders = vec![Contender::new(&who[0], |_| {
        let mut command = user.command(&["get", &format!("lab:{place}/large.bin")]);
        command.arg(&target).args(["--range-parts", &AT_ONCE.to_string(), "--json"]);
        let sample = measure::run(&command, scratch)?;
        arrived("labferry").map(|()| sample)
    })];
    for peer in &others {
        who.push(peer.who.clone());
        let (server, target, arrived) = (&server, &target, &arrived);
        contenders.push(Contender::new(&peer.who, move |_| {
            let command = peer.command(Way::Down, &server.url, "large.bin", target, scratch)?;
            let sample = measure::run(&command, scratch)?;
            arrived(&peer.who).map(|()| sample)
        }));
    }
    let limits = [
        ("bare client that keeps nothing: the server's ceiling", false),
        ("bare client that writes the file and digests it, and does nothing else", true),
    ];
    for (limit, keeps) in limits {
        who.push(limit.to_owned());
        let (server, target, arrived) = (&server, &target, &arrived);
        contenders.push(Contender::new(limit, move |_| {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("bare-get").arg(format!("{}/{BUCKET}/large.bin", server.url));
            command.arg(put.to_string()).arg(AT_ONCE.to_string());
            if !keeps {
                return measure::run(&command, scratch);
            }
            let sample = measure::run(command.arg(target), scratch)?;
            arrived(limit).map(|()| sample)
        }));
    }
    let all = in_turn(settings, &mut row, contenders);
    lines(&mut row, &who, &all, put as f64 / MIB, "MiB");
    let (theirs, limits) = all[1..].split_at(others.len());
    let best = theirs.iter().filter_map(|samples| wall(samples)).fold(f64::INFINITY, f64::min);
    let ours = wall(&all[0]).unwrap_or_default();
    if best.is_finite() {
        row.verdicts.push(Verdict::new(
            "fetched and its digest checked no later than the best other",
            format!("{} against {} ({} times)", time(ours), time(best), number(ratio(ours, best))),
            ours > 0.0 && ours <= best,
        ));
    }
    if let [bare, digesting] = limits
        && let (Some(cpu_ours), Some(cpu_bare), Some(cpu_digesting), Some(least)) =
            (cpu(&all[0]), cpu(bare), cpu(digesting), wall(digesting))
    {
        row.notes.push(format!(
            "What limits it: a bare client that only fetches needs {} of processor time; one that writes what it fetches \
             and computes SHA-256 behind it needs {} and {}, {} of the best other's time, because the digest ({} by the \
             bare loop) shares the processor with the server: so far can anybody go here who computes it. Ours is at {} \
             of that client. What it needs besides, {} of processor time, is CRC-32C of what came, the links, the \
             database, the start, and giving the file its name.",
            time(cpu_bare),
            time(cpu_digesting),
            time(least),
            number(ratio(least, best)),
            time(digest_time),
            number(ratio(ours, least)),
            time((cpu_ours - cpu_digesting).max(0.0)),
        ));
    }
    Ok(row)
}

/// Shows the same bytes in the bucket of the others, and gives their number.
fn shared_with_others(server: &S3Server, kept: &std::path::Path) -> Outcome<u64> {
    let there = kept.parent().and_then(|bucket| bucket.parent()).ok_or("a bucket is in a folder")?;
    // A second name of the same file: the disk is memory, and there is no room to waste.
    std::fs::hard_link(kept, there.join(BUCKET).join("large.bin"))?;
    server.size_of(BUCKET, "large.bin").ok_or_else(|| "the object is not there".into())
}
