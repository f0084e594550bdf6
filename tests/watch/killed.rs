//! The agent, killed at any moment while files arrive, and started again: each file is there once, whole and proven.
//! `LABFERRY_WATCH_KILLS` is how often.

use crate::{
    count,
    program::{Lab, Running, program},
};
use fastrand::Rng;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

struct Ground {
    lab: Lab,
    folder: tempfile::TempDir,
}

impl Ground {
    fn command(&self) -> Command {
        let mut command = Command::new(program());
        command
            .env("LABFERRY_DATA_DIR", self.folder.path().join("data"))
            .env("LABFERRY_PASSPHRASE", "a passphrase for tests")
            .env("TOKEN", &self.lab.token)
            .stdin(Stdio::null());
        command
    }

    fn answer(&self, arguments: &[&str]) -> Vec<Value> {
        let ran = self.command().args(arguments).arg("--json").output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        let text = String::from_utf8(ran.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn agent(&self) -> Running {
        let log = fs::File::create(self.folder.path().join("agent.log")).unwrap();
        let mut command = self.command();
        command.args(["watch", "run", "--health-every", "0"]).stdout(Stdio::null()).stderr(log);
        Running(command.spawn().unwrap())
    }
}

fn write(folder: &Path, name: &str, random: &mut Rng) -> Vec<u8> {
    let length = random.usize(1..200_000);
    let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
    fs::write(folder.join(name), &content).unwrap();
    content
}

#[test]
fn an_agent_that_is_killed_forgets_nothing_and_sends_nothing_twice() {
    let kills = count("LABFERRY_WATCH_KILLS", 3);
    let seed = count("LABFERRY_SEED", 1) as u64;
    let mut random = Rng::with_seed(seed);
    let ground = Ground { lab: Lab::start(), folder: tempfile::tempdir().unwrap() };
    // Many kills bring more files than a record takes.
    ground.lab.post("/switches?service=nrp", &serde_json::json!({ "files_per_record": 100_000 }));
    let watched = ground.folder.path().join("in");
    fs::create_dir(&watched).unwrap();
    ground.answer(&["account", "add", "nrp", "lab", "--url", &ground.lab.url, "--secret-env", "TOKEN"]);
    let place = ground.answer(&["record", "create", "lab:", "--set", "title=Killed"]);
    let place = format!("lab:{}", place[0]["path"].as_str().unwrap());
    let folder = watched.display().to_string();
    ground.answer(&["watch", "add", &folder, &place, "--quiet-for", "0.3"]);

    let mut contents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for round in 0..kills {
        let agent = ground.agent();
        for number in 0..random.usize(1..4) {
            let name = format!("{round}-{number}.bin");
            contents.insert(name.clone(), write(&watched, &name, &mut random));
        }
        std::thread::sleep(Duration::from_millis(random.u64(50..1_800)));
        drop(agent);
    }
    let agent = ground.agent();
    let began = Instant::now();
    loop {
        let rows = ground.answer(&["watch", "status"]);
        if rows[0]["counts"]["done"] == contents.len() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{}", rows[0]);
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(agent);

    // On the service: each once, with its bytes. In the queue: one upload a file, and one receipt each.
    let listed = ground.answer(&["ls", &place]);
    let listed = listed[0]["entries"].as_array().unwrap();
    let there: HashMap<&str, &Value> =
        listed.iter().map(|row| (row["file"]["name"].as_str().unwrap_or_default(), row)).collect();
    assert_eq!((listed.len(), there.len()), (contents.len(), contents.len()), "{listed:?}");
    for (name, content) in &contents {
        let got = ground.folder.path().join("got");
        let from = format!("{place}/{name}");
        ground.answer(&["get", &from, &got.display().to_string(), "--on-clash", "replace"]);
        assert!(fs::read(&got).is_ok_and(|got| got == *content), "{name} differs");
    }
    let uploads = ground.answer(&["queue", "ls", "--limit", "10000"]);
    let sent = uploads.iter().filter(|row| row["direction"] == "upload").count();
    assert_eq!(sent, contents.len(), "one upload a file");
    println!("{kills} kills of the agent, {} files: 0 lost, 0 sent twice; seeds {seed}", contents.len());
}
