//! P1: one large file in parts to a real S3 server, by Aruna's way, beside other S3 clients.

use super::{
    AT_ONCE, Contender, MIB, PART, SAME_CONCURRENCY, cpu, in_turn, lines, make_file,
    peers::{self, Way},
    size, wall,
};
use crate::{
    Outcome,
    measure::{self, Sample},
    product::{Lab, User},
    report::{Row, Verdict},
    s3::{BUCKET, S3Server},
    settings::Settings,
    statistics::{median, number, ratio, time},
};
use serde_json::Value;
use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

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
             byte. The others compare nothing and end when the server has put the parts together; ours ends with the proof, \
             for which the lab reads the whole object back from the server and digests it.",
            size(settings.bytes),
            size(PART)
        ),
    );
    let others = peers::found(Way::Up, &mut row);
    let bucket = bucket_of(&place);
    let (mut steps, mut served) = (Vec::new(), Vec::new());
    let mut who = vec!["labferry put, to the proof".to_owned()];
    let mut contenders = vec![Contender::new(&who[0], |round| {
        lab.control("DELETE", "/inspect/requests")?;
        let before = server.cpu();
        let key = format!("ours-{round}.bin");
        let mut command = user.command(&["put"]);
        command.arg(&file).args([&format!("lab:{place}"), "--name", &key, "--json"]);
        let begun = second_of_the_day()?;
        let sample = measure::run(&command, scratch)?;
        if server.size_of(&bucket, &key) != Some(settings.bytes) {
            return Err(format!("{bucket}/{key} does not have the file's size").into());
        }
        if round > 0 {
            steps.extend(Steps::read(begun, &lab.control("GET", "/inspect/requests")?));
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
    // The server's ceiling: whoever sends the bytes, it takes no more. With a digest, what anybody needs who makes one.
    let limits = [
        ("bare client, parts as objects of their own: the server's ceiling", None),
        ("the same, computing SHA-256 beside it", Some("digest")),
    ];
    for (limit, digest) in limits {
        who.push(limit.to_owned());
        let (server, file) = (&server, &file);
        contenders.push(Contender::new(limit, move |_| {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("bare-put").arg(file);
            command.arg(format!("{}/{BUCKET}/limit-{{part}}", server.url)).arg(AT_ONCE.to_string());
            let sample = measure::run(command.args(digest), scratch)?;
            for part in 1..=settings.bytes.div_ceil(PART) {
                server.delete(BUCKET, &format!("limit-{part}"));
            }
            Ok(sample)
        }));
    }
    let all = in_turn(settings, &mut row, contenders);
    lines(&mut row, &who, &all, settings.bytes as f64 / MIB, "MiB");
    let ours = Ours {
        to_proof: wall(&all[0]).unwrap_or_default(),
        cpu: cpu(&all[0]).unwrap_or_default(),
        steps: Steps::median(&steps),
        served: median(served),
    };
    let (theirs, limits) = all[1..].split_at(others.len());
    judge(&mut row, &ours, theirs, limits.last().and_then(|samples| cpu(samples)));
    Ok(row)
}

/// What ours took.
struct Ours {
    to_proof: f64,
    cpu: f64,
    steps: Steps,
    /// The server's processor seconds meanwhile.
    served: f64,
}

fn judge(row: &mut Row, ours: &Ours, theirs: &[Vec<Sample>], digesting: Option<f64>) {
    let Steps { finished, assembled } = ours.steps;
    row.figure("labferry put: until the server has put the parts together", time(finished));
    row.figure("of it the server's putting together", time(assembled));
    row.figure("labferry put: server's processor time, with the reading back", time(ours.served));
    let best = theirs.iter().filter_map(|samples| wall(samples)).fold(f64::INFINITY, f64::min);
    let leanest = theirs.iter().filter_map(|samples| cpu(samples)).fold(f64::INFINITY, f64::min);
    if !best.is_finite() {
        return;
    }
    row.verdicts.push(Verdict::new(
        "bytes sent, digested and put together no later than the best other",
        format!("{} against {} ({} times)", time(finished), time(best), number(ratio(finished, best))),
        finished > 0.0 && finished <= best,
    ));
    row.verdicts.push(Verdict::new(
        "the same with the proof, which the others do not make",
        format!(
            "{} against {} ({} of it from the finish to the proof)",
            time(ours.to_proof),
            time(best),
            time((ours.to_proof - finished).max(0.0))
        ),
        ours.to_proof > 0.0 && ours.to_proof <= best,
    ));
    row.verdicts.push(Verdict::new(
        "processor time ≤ 0.5 of the leanest other",
        format!("{} against {} ({} of it)", time(ours.cpu), time(leanest), number(ratio(ours.cpu, leanest))),
        ours.cpu > 0.0 && ours.cpu <= leanest * 0.5,
    ));
    if let Some(digesting) = digesting {
        row.notes.push(format!(
            "What limits it: a bare client that sends these parts to this server and computes SHA-256 beside, and does \
             nothing else, needs {} of processor time, {} of the leanest other, which digests nothing; so far can \
             anybody go here who computes the digest. What ours needs besides is {}: CRC-32C of each part where it is \
             read and where it is sent, two requests to the service and a receipt in the database for each part, the \
             start, and asking for the proof. The time from the finish to the proof is the service's: the practice lab \
             reads the object back in one stream and computes MD5 and SHA-256 of it, while `labferry` waits.",
            time(digesting),
            number(ratio(digesting, leanest)),
            time((ours.cpu - digesting).max(0.0)),
        ));
    }
}

/// How long our upload took, in seconds, as the lab's log tells.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Steps {
    /// From the start of the program to the answer that the object is whole: what the others' time is.
    finished: f64,
    /// Of it the last request, in which the server puts the parts together.
    assembled: f64,
}

impl Steps {
    /// `begun` is the second of the day at which the program was started.
    fn read(begun: f64, requests: &Value) -> Option<Self> {
        let finish = requests.as_array()?.iter().find(|request| request["method"] == "PATCH")?;
        let at = |name: &str| seconds(finish[name].as_str()?);
        let (asked, answered) = (at("at")?, at("answered_at")?);
        Some(Self { finished: answered - begun, assembled: answered - asked })
    }

    fn median(all: &[Self]) -> Self {
        Self {
            finished: median(all.iter().map(|steps| steps.finished)),
            assembled: median(all.iter().map(|steps| steps.assembled)),
        }
    }
}

fn second_of_the_day() -> Outcome<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() % 86_400.0)
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
            { "method": "GET", "at": "2026-11-26T01:02:03.250Z", "answered_at": "2026-11-26T01:02:03.260Z" },
            { "method": "PATCH", "at": "2026-11-26T01:02:05.750Z", "answered_at": "2026-11-26T01:02:06.000Z" },
            { "method": "GET", "at": "2026-11-26T01:02:09Z", "answered_at": null },
        ]);
        let begun = 3_723.0;
        assert_eq!(Steps::read(begun, &log), Some(Steps { finished: 3.0, assembled: 0.25 }));
        assert_eq!(Steps::read(begun, &json!([])), None);
        assert_eq!(bucket_of("zebrafish-heart/analysis"), "latest.analysis.zebrafish-heart");
    }
}
