//! P2: many files of 4 KiB to an NRP repository, beside its official client.

use super::{Contender, in_turn, lines, make_file, wall};
use crate::{
    Outcome,
    machine::first_line,
    measure::{self, Sample},
    product::{Lab, User},
    report::{Row, Verdict},
    settings::Settings,
    statistics::{median, number, ratio, time},
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Bytes of a file.
const FILE: u64 = 4 << 10;
/// Files of a record: what a repository takes unless it is told otherwise.
const A_RECORD: usize = 100;
/// Goals: files a second against the official client, and processor seconds a request.
const TIMES: f64 = 5.0;
const A_REQUEST: f64 = 0.6e-3;

fn metadata() -> Value {
    json!({
        "title": "Bench",
        "publication_date": "2026-01-01",
        "publisher": "P",
        "resource_type": { "id": "dataset" },
        "creators": [{ "person_or_org": { "type": "personal", "family_name": "Doe", "given_name": "J" } }],
    })
}

pub(crate) fn measure(settings: &Settings) -> Outcome<Row> {
    let folder = settings.folder()?;
    let scratch = folder.path();
    let lab = Lab::start(&scratch.join("lab"), None)?;
    let (url, token, _) = lab.service("nrp")?;
    let user = User::new(&scratch.join("data"))?;
    user.sign_in("nrp", &url, &token)?;
    let records = settings.files.div_ceil(A_RECORD);
    let mut sets = Vec::new();
    for record in 0..records {
        let set = scratch.join(format!("set-{record}"));
        std::fs::create_dir(&set)?;
        let count = A_RECORD.min(settings.files - record * A_RECORD);
        for number in 0..count {
            make_file(&set.join(format!("file-{number:03}.dat")), FILE)?;
        }
        sets.push(set);
    }
    let mut row = Row::new(
        "P2",
        "many small files",
        format!(
            "{} files of 4 KiB to the practice lab's NRP service, {A_RECORD} to a record. Ours queues each record's files by \
             `labferry put --no-wait` and sends all of them by one `labferry queue run`, proof and receipt of each included; \
             all these processes count. `nrp-cmd create record` makes each record and sends its files, in one process a record, \
             as many at once as it likes.",
            number(settings.files as f64)
        ),
    );
    let program = std::env::var_os("LABFERRY_NRP_CMD").map(PathBuf::from).filter(|path| path.exists());
    let program = program.or_else(|| crate::s3::in_path("nrp-cmd"));
    let mut requests = Vec::new();
    let mut running = Vec::new();
    let mut served = Vec::new();
    let mut who = vec!["labferry".to_owned()];
    let mut contenders = vec![Contender::new(&who[0], |round| {
        let places = sets.iter().map(|_| draft(&user)).collect::<Outcome<Vec<_>>>()?;
        lab.control("DELETE", "/inspect/requests")?;
        let before = lab.cpu();
        let mut all = Sample::default();
        for (set, place) in sets.iter().zip(&places) {
            let mut command = user.command(&["put", "--no-wait", "--quiet"]);
            command.args(files_of(set)?).arg(format!("lab:{place}"));
            all = added(all, measure::run(&command, scratch)?);
        }
        let run = measure::run(&user.command(&["queue", "run", "--quiet"]), scratch)?;
        if round > 0 {
            running.push(run);
            served.push(lab.cpu() - before);
            let seen = lab.control("GET", "/inspect/requests")?;
            requests.push(seen.as_array().map_or(0.0, |seen| seen.len() as f64));
        }
        Ok(added(all, run))
    })];
    match &program {
        None => row.missing.push("nrp-cmd: it is not installed; `.ci/setup bench` brings it.".to_owned()),
        Some(program) => {
            let told = first_line(&program.to_string_lossy(), &["--version"]).unwrap_or_default();
            let version = told.split(' ').find(|word| word.starts_with(char::is_numeric)).unwrap_or_default();
            let who_it_is = format!("nrp-cmd {}", version.trim_end_matches(','));
            who.push(who_it_is.trim().to_owned());
            configure(scratch, &url, &token)?;
            let (sets, told) = (&sets, &who[1]);
            contenders.push(Contender::new(told.clone(), move |_| {
                let mut all = Sample::default();
                for set in sets {
                    all = added(all, measure::run(&nrp_cmd(program, scratch, set)?, scratch)?);
                }
                Ok(all)
            }));
        }
    }
    let all = in_turn(settings, &mut row, contenders);
    lines(&mut row, &who, &all, settings.files as f64, "files");
    let ours = wall(&all[0]).unwrap_or_default();
    if let Some(theirs) = all.get(1).and_then(|samples| wall(samples)) {
        let times = ratio(theirs, ours);
        let found = format!("{} times", number(times));
        row.verdicts.push(Verdict::new("≥ 5 × nrp-cmd's files a second", found, times >= TIMES));
    }
    let requests = median(requests);
    let cpu = median(running.iter().map(|sample: &Sample| sample.cpu));
    let start = super::against_limit::idle_cpu(&user, scratch)?;
    let each = ratio(cpu, requests);
    let found = format!("{} ({} requests, {} with the start)", time(each), number(requests), time(cpu));
    row.verdicts.push(Verdict::new(
        "processor time ≤ 0.6 ms a request",
        found,
        each > 0.0 && each <= A_REQUEST,
    ));
    row.figure("`labferry queue run` alone: files a second", {
        let wall = median(running.iter().map(|sample| sample.wall));
        number(ratio(settings.files as f64, wall))
    });
    row.figure("processor time of a start that moves nothing, included above", time(start));
    row.figure("processor time a request without it", time(ratio((cpu - start).max(0.0), requests)));
    row.figure("the practice lab's processor time meanwhile", time(median(served)));
    Ok(row)
}

fn added(a: Sample, b: Sample) -> Sample {
    Sample {
        wall: a.wall + b.wall,
        cpu: a.cpu + b.cpu,
        rss: a.rss.max(b.rss),
        later_rss: a.later_rss.max(b.later_rss),
    }
}

fn files_of(set: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files =
        std::fs::read_dir(set)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<PathBuf>>>()?;
    files.sort();
    Ok(files)
}

/// A new record of ours to send to.
fn draft(user: &User) -> Outcome<String> {
    let told = user.run(&["record", "create", "lab:", "--set", "title=Bench", "--json"])?;
    let told: Value = serde_json::from_str(&told)?;
    told["path"].as_str().map(str::to_owned).ok_or_else(|| "the new record has no path".into())
}

fn configure(scratch: &Path, url: &str, token: &str) -> Outcome<()> {
    let configuration = json!({
        "repositories": [{
            "alias": "lab",
            "url": url,
            "token": token,
            "verify_tls": true,
            "retry_count": 3,
            "retry_after_seconds": 0,
        }],
        "default_alias": "lab",
        "per_directory_variables": true,
    });
    std::fs::create_dir_all(scratch.join("home"))?;
    Ok(std::fs::write(scratch.join("client.json"), configuration.to_string())?)
}

fn nrp_cmd(program: &Path, scratch: &Path, set: &Path) -> Outcome<Command> {
    let mut command = Command::new(program);
    command.args(["create", "record", "--no-progress", &metadata().to_string()]);
    for file in files_of(set)? {
        command.arg(file).arg("{}");
    }
    command
        .current_dir(scratch)
        .env("NRP_CMD_CONFIG_PATH", scratch.join("client.json"))
        .env("HOME", scratch.join("home"))
        .env("PYTHONWARNINGS", "ignore");
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    Ok(command)
}
