//! P1: one large file in parts to a real S3 server, by Aruna's way, beside other S3 clients.

use super::{
    AT_ONCE, Contender, MIB, PART, SAME_CONCURRENCY, cpu, in_turn, lines, make_file,
    peers::{self, Way},
    size, wall,
};
use crate::{
    Outcome, measure,
    product::{Lab, User},
    report::{Row, Verdict},
    s3::{BUCKET, S3Server},
    settings::Settings,
    statistics::{median, number, ratio, time},
};
use std::process::Command;

/// Where the practice lab's Aruna keeps what is sent to its example place.
pub(super) fn bucket_of(place: &str) -> String {
    let mut pieces = place.split('/');
    let (project, collection) = (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
    format!("latest.{collection}.{project}")
}

pub(crate) fn measure(settings: &Settings) -> Outcome<Row> {
    let folder = settings.folder()?;
    let (file, scratch) = (folder.path().join("large.bin"), folder.path());
    make_file(&file, settings.bytes)?;
    let server = S3Server::start(&scratch.join("s3"))?;
    let lab = Lab::start(&scratch.join("lab"), Some(&server.url))?;
    let (url, token, place) = lab.service("aruna")?;
    let user = User::new(&scratch.join("data"))?;
    user.sign_in("aruna", &url, &token)?;
    user.settings(&SAME_CONCURRENCY)?;
    let mut row = Row::new(
        "P1",
        "one large file to an S3 server",
        format!(
            "A file of {} in parts of {}, {AT_ONCE} at once, to `rclone serve s3`. Ours goes Aruna's way: `labferry put` to \
             the practice lab, which gives a link to that server for each part; it computes SHA-256 and CRC-32C of every \
             byte, and what is timed ends with the proof, for which the lab reads the whole object back from the server and \
             digests it. The others send and compare nothing.",
            size(settings.bytes),
            size(PART)
        ),
    );
    let others = peers::found(Way::Up, &mut row);
    let bucket = bucket_of(&place);
    let (mut sent, mut served) = (Vec::new(), Vec::new());
    let mut who = vec!["labferry put, to the proof".to_owned()];
    let mut contenders = vec![Contender::new(&who[0], |round| {
        lab.control("DELETE", "/inspect/requests")?;
        let before = server.cpu();
        let key = format!("ours-{round}.bin");
        let mut command = user.command(&["put"]);
        command.arg(&file).args([&format!("lab:{place}"), "--name", &key, "--json"]);
        let sample = measure::run(&command, scratch)?;
        if server.size_of(&bucket, &key) != Some(settings.bytes) {
            return Err(format!("{bucket}/{key} does not have the file's size").into());
        }
        if round > 0 {
            sent.extend(until_finish(&lab.control("GET", "/inspect/requests")?));
            served.push(server.cpu() - before);
        }
        server.delete(&bucket, &key);
        Ok(sample)
    })];
    for peer in &others {
        who.push(peer.who.clone());
        let (server, file) = (&server, &file);
        contenders.push(Contender::new(&peer.who, move |round| {
            let key = format!("theirs-{round}.bin");
            let sample = measure::run(&peer.command(Way::Up, &server.url, &key, file, scratch)?, scratch)?;
            if server.size_of(BUCKET, &key) != Some(settings.bytes) {
                return Err("the object does not have the file's size".into());
            }
            server.delete(BUCKET, &key);
            Ok(sample)
        }));
    }
    // The server's ceiling: whoever sends the bytes, it takes no more.
    let limit = "bare client, parts as objects of their own: the server's ceiling";
    who.push(limit.to_owned());
    contenders.push(Contender::new(limit, |_| {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare-put").arg(&file);
        command.arg(format!("{}/{BUCKET}/limit-{{part}}", server.url)).arg(AT_ONCE.to_string());
        let sample = measure::run(&command, scratch)?;
        for part in 1..=settings.bytes.div_ceil(PART) {
            server.delete(BUCKET, &format!("limit-{part}"));
        }
        Ok(sample)
    }));
    let all = in_turn(settings, &mut row, contenders);
    lines(&mut row, &who, &all, settings.bytes as f64 / MIB, "MiB");
    let sent = median(sent);
    row.figure(
        "labferry put: from its first request to the finish, all bytes taken by the server",
        time(sent),
    );
    row.figure("labferry put: server's processor time, with the reading back", time(median(served)));
    let theirs = &all[1..all.len() - 1];
    let best = theirs.iter().filter_map(|samples| wall(samples)).fold(f64::INFINITY, f64::min);
    let leanest = theirs.iter().filter_map(|samples| cpu(samples)).fold(f64::INFINITY, f64::min);
    if best.is_finite() {
        let ours = wall(&all[0]).unwrap_or_default();
        let start = (ours - sent).max(0.0);
        row.verdicts.push(Verdict::new(
            "bytes sent, digested and finished no later than the best other",
            format!("{} against {} ({} times)", time(sent), time(best), number(ratio(sent, best))),
            sent > 0.0 && sent <= best,
        ));
        row.verdicts.push(Verdict::new(
            "the same with the proof, which the others do not make",
            format!(
                "{} against {} ({} of it before and after the sending)",
                time(ours),
                time(best),
                time(start)
            ),
            ours > 0.0 && ours <= best,
        ));
        let ours = cpu(&all[0]).unwrap_or_default();
        row.verdicts.push(Verdict::new(
            "processor time ≤ 0.5 of the leanest other",
            format!("{} against {} ({} of it)", time(ours), time(leanest), number(ratio(ours, leanest))),
            ours > 0.0 && ours <= leanest * 0.5,
        ));
    }
    Ok(row)
}

/// Seconds from the first request to the one that finishes, as the lab's log tells.
fn until_finish(requests: &serde_json::Value) -> Option<f64> {
    let requests = requests.as_array()?;
    let at = |request: &serde_json::Value| seconds(request["at"].as_str()?);
    let first = requests.iter().find_map(at)?;
    let finish = requests.iter().filter(|request| request["method"] == "PATCH").find_map(at)?;
    Some(finish - first)
}

/// Seconds of the day in an RFC 3339 time.
fn seconds(text: &str) -> Option<f64> {
    let time = text.split_once('T')?.1.trim_end_matches('Z').split('+').next()?;
    let mut pieces = time.split(':').map(|piece| piece.parse::<f64>().ok());
    Some(pieces.next()?? * 3600.0 + pieces.next()?? * 60.0 + pieces.next()??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_log_tells_how_long_sending_took() {
        let log = json!([
            { "method": "GET", "at": "2026-11-26T01:02:03.250Z" },
            { "method": "PATCH", "at": "2026-11-26T01:02:05.750Z" },
            { "method": "GET", "at": "2026-11-26T01:02:09Z" },
        ]);
        assert_eq!(until_finish(&log), Some(2.5));
        assert_eq!(until_finish(&json!([])), None);
        assert_eq!(bucket_of("zebrafish-heart/analysis"), "latest.analysis.zebrafish-heart");
    }
}
