//! The agent as a process: killed, on a full disk, without permission, with the recycle bin, and to its last line.

use crate::{
    mounts::Mount,
    program::{Lab, Ran, Running, User, bytes, wait_until},
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

/// A user id that owns nothing and may do nothing special: `nobody` on every Linux.
const NOBODY: u32 = 65_534;

/// A rule on a folder, made on the command line, and what tells about it.
struct Ground {
    lab: Lab,
    user: User,
    watched: PathBuf,
    place: String,
    /// Whether commands run as somebody whom permissions bind.
    bound: bool,
}

impl Ground {
    fn new() -> Self {
        let lab = Lab::start();
        let user = User::of(&lab);
        let watched = user.path("in");
        fs::create_dir(&watched).unwrap();
        Self::of(lab, user, watched)
    }

    fn of(lab: Lab, user: User, watched: PathBuf) -> Self {
        let place = format!("lab:{}", lab.draft.as_deref().unwrap());
        Self { lab, user, watched, place, bound: false }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.user.command(arguments);
        // A home of its own: nothing goes to the recycle bin of whoever runs this suite.
        command.env("HOME", self.user.path("home")).env_remove("XDG_DATA_HOME");
        if self.bound {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    fn add(&self, more: &[&str]) {
        let folder = self.watched.display().to_string();
        let mut arguments = vec!["watch", "add", &folder, &self.place, "--quiet-for", "0.3"];
        arguments.extend(more);
        self.run(&arguments).well();
    }

    fn agent(&self) -> Running {
        let mut command = self.command(&["watch", "run", "--health-every", "0"]);
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn status(&self) -> Value {
        let ran = self.run(&["watch", "status", "--json"]);
        ran.json_lines().pop().unwrap_or_else(|| panic!("{ran:?}"))
    }

    fn until_done(&self, number: usize) {
        wait_until(&format!("{number} proven"), || self.status()["counts"]["done"] == number);
        assert_eq!(self.uploads(), number, "one upload a file");
    }

    fn uploads(&self) -> usize {
        let rows = self.run(&["queue", "ls", "--json", "--limit", "10000"]).well().json_lines();
        rows.iter().filter(|row| row["direction"] == "upload").count()
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.watched.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

#[test]
fn an_agent_that_is_killed_is_seen_to_be_gone_at_once() {
    let ground = Ground::new();
    ground.add(&[]);
    assert_eq!(ground.status()["state"], "not_running");
    for round in 1..=2 {
        let mut agent = ground.agent();
        wait_until("watching", || ground.status()["state"] == "watching");
        ground.write(&format!("{round}.bin"), &bytes(1_000, round));
        ground.until_done(round as usize);
        // A signal that no process can answer: it says no last word.
        agent.0.kill().unwrap();
        agent.0.wait().unwrap();
        let row = ground.status();
        assert_eq!((&row["state"], &row["problem"]), (&"not_running".into(), &Value::Null), "{row}");
        assert_eq!(row["counts"]["settling"], 0, "nobody knows of files that come to rest: {row}");
    }
    // Somebody who sends owns the data folder, and watches nothing.
    crate::program::slow_parts(&ground.lab, 1_000);
    let file = ground.user.write("by-hand.bin", &bytes(100_000, 3)).display().to_string();
    let sends = ground.user.begin(&["put", &file, &ground.place]);
    wait_until("the upload", || ground.uploads() == 3);
    assert_eq!(ground.status()["state"], "not_running");
    ground.lab.clear_faults();
    crate::program::ended(sends).well();
}

#[test]
fn a_run_until_idle_tells_of_every_file_to_the_last() {
    let ground = Ground::new();
    ground.add(&[]);
    for round in 1..=3_usize {
        let path = ground.write(&format!("{round}.bin"), &bytes(10_000, round as u64));
        let ran = ground.run(&["watch", "run", "--until-idle", "--health-every", "0", "--json"]).well();
        let lines = ran.json_lines();
        let sent = lines.iter().filter(|line| line["type"] == "transfer").collect::<Vec<_>>();
        assert_eq!(sent.len(), 1, "{ran:?}");
        assert_eq!(sent[0]["row"]["local"], path.display().to_string(), "{ran:?}");
        assert_eq!(sent[0]["row"]["state"], "done", "{ran:?}");
        let last = lines.iter().rfind(|line| line["type"] == "folder").unwrap();
        let counts = &last["row"]["counts"];
        assert_eq!((&counts["done"], &counts["queued"]), (&round.into(), &0.into()), "{ran:?}");
    }
}

#[test]
fn a_full_disk_under_the_data_folder_is_told_and_nothing_is_missed_or_sent_twice() {
    let Some(disk) = Mount::memory("16m") else { return };
    let lab = Lab::start();
    let user = User::new().with_data(&disk.path().join("data"));
    user.add_account("lab", &lab.url, &lab.token).well();
    let watched = user.path("in");
    fs::create_dir(&watched).unwrap();
    let ground = Ground::of(lab, user, watched);
    ground.add(&[]);
    let mut command = ground.command(&["watch", "run", "--health-every", "1", "--json"]);
    let agent = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut agent = Running(agent);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (heard, stdout) = (Arc::clone(&lines), agent.0.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            heard.lock().unwrap().push(serde_json::from_str::<Value>(&line).unwrap());
        }
    });
    ground.write("first.bin", &bytes(1_000, 1));
    ground.until_done(1);

    let filler = disk.path().join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
    drop(file);
    // The database may have some room of its own left; sooner or later it has none.
    let written = std::cell::Cell::new(1);
    wait_until("word of the full disk", || {
        written.set(written.get() + 1);
        ground.write(&format!("{}.bin", written.get()), &bytes(1_000, written.get()));
        std::thread::sleep(std::time::Duration::from_millis(50));
        lines.lock().unwrap().iter().any(|line| {
            let message = line["row"]["problem"]["message"].as_str().unwrap_or_default();
            line["row"]["state"] == "degraded" && message.contains("full")
        })
    });
    fs::remove_file(&filler).unwrap();
    ground.until_done(usize::try_from(written.get()).unwrap());
    wait_until("watching", || ground.status()["state"] == "watching");
}

#[test]
fn a_permission_that_is_lost_in_the_middle_is_told_and_what_came_meanwhile_is_sent_later() {
    let mut ground = Ground::new();
    ground.write("sub/one.bin", b"1");
    ground.write("two.bin", b"2");
    fs::create_dir_all(ground.user.path("home")).unwrap();
    if fs::metadata(ground.user.folder.path()).unwrap().uid() != 0 || !gives_away(ground.user.folder.path()) {
        println!("skipped: only root may run a program as somebody whom permissions bind");
        return;
    }
    ground.bound = true;
    if ground.command(&["--version"]).output().is_err() {
        println!("skipped: another user may not run programs from the build folder");
        return;
    }
    ground.add(&["--poll", "0.3"]);
    let _agent = ground.agent();
    ground.until_done(2);
    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let problem = |row: &Value| row["problem"]["code"].as_str().unwrap_or_default().to_owned();
    let state = |wanted: &str| {
        wait_until(wanted, || ground.status()["state"] == wanted);
        ground.status()
    };

    // A folder inside: the rest goes on.
    let sub = ground.watched.join("sub");
    mode(&sub, 0o000);
    let row = state("degraded");
    assert_eq!(problem(&row), "folder_unreadable", "{row}");
    assert!(row["problem"]["message"].as_str().unwrap().contains("sub"), "{row}");
    ground.write("sub/three.bin", b"3");
    ground.write("four.bin", b"4");
    ground.until_done(3);
    mode(&sub, 0o755);
    ground.until_done(4);
    state("polling");

    // The folder itself: nothing is inferred.
    mode(&ground.watched, 0o000);
    ground.write("five.bin", b"5");
    let row = state("suspended");
    assert_eq!(problem(&row), "folder_unreadable", "{row}");
    mode(&ground.watched, 0o755);
    ground.until_done(5);

    // A file: it is named, and goes when a person says so.
    mode(&ground.write("six.bin", b"6"), 0o000);
    wait_until("a file that needs somebody", || ground.status()["counts"]["failed"] == 1);
    let files = ground.run(&["watch", "files", "1", "--filter", "needs_you", "--json"]).well().json_lines();
    assert_eq!((files.len(), &files[0]["name"]), (1, &"six.bin".into()), "{files:?}");
    mode(&ground.watched.join("six.bin"), 0o644);
    ground.run(&["watch", "answer", "1", "send", "six.bin"]).well();
    wait_until("6 proven", || ground.status()["counts"]["done"] == 6);
}

/// Gives everything below a folder to somebody without rights; false where that is not allowed.
fn gives_away(folder: &Path) -> bool {
    let given = chown(folder, Some(NOBODY), Some(NOBODY)).is_ok();
    let inside = fs::read_dir(folder).into_iter().flatten().flatten();
    inside.fold(given, |given, entry| {
        let path = entry.path();
        let below =
            if path.is_dir() { gives_away(&path) } else { chown(&path, Some(NOBODY), Some(NOBODY)).is_ok() };
        given && below
    })
}

#[test]
fn a_proven_file_lies_in_the_recycle_bin_with_its_bytes_and_where_it_came_from() {
    let ground = Ground::new();
    fs::create_dir_all(ground.user.path("home")).unwrap();
    let contents = [("one.bin", bytes(5_000, 1)), ("deep/two words.bin", bytes(7_000, 2))];
    for (name, content) in &contents {
        ground.write(name, content);
    }
    ground.add(&["--recycle"]);
    let _agent = ground.agent();
    ground.until_done(2);
    let bin = ground.user.path("home/.local/share/Trash");
    for (name, content) in &contents {
        let was = ground.watched.join(name);
        let name = was.file_name().unwrap();
        wait_until("the recycle bin", || bin.join("files").join(name).exists() && !was.exists());
        assert!(fs::read(bin.join("files").join(name)).unwrap() == *content, "other bytes");
        let note = bin.join("info").join(format!("{}.trashinfo", name.display()));
        let note = fs::read_to_string(note).unwrap();
        let from = was.display().to_string().replace(' ', "%20");
        assert!(note.lines().any(|line| line == format!("Path={from}")), "{note}");
    }
    // An emptied folder is what is wanted here.
    assert_eq!(ground.status()["state"], "watching");
}

#[test]
fn a_recycle_bin_inside_the_watched_folder_is_not_watched() {
    // The bin of a disk is at its top: where a whole disk is watched, that is inside the folder.
    let Some(disk) = Mount::image() else { return };
    let lab = Lab::start();
    let user = User::of(&lab);
    let ground = Ground::of(lab, user, disk.path().to_path_buf());
    fs::create_dir_all(ground.user.path("home")).unwrap();
    ground.add(&["--recycle", "--temporary-names", "--not", "lost+found/**", "--poll", "0.3"]);
    let _agent = ground.agent();
    for number in 1..=2 {
        let path = ground.write(&format!("{number}.bin"), &bytes(1_000, number as u64));
        ground.until_done(number);
        wait_until("the recycle bin", || !path.exists());
    }
    let bins = fs::read_dir(disk.path()).unwrap().filter_map(Result::ok);
    let bin = bins.map(|entry| entry.path()).find(|path| path.join("files/1.bin").exists());
    assert!(bin.is_some_and(|bin| bin.join("files/2.bin").exists()), "both lie in the disk's own bin");
    // Several looks later they are still not new.
    let looked = ground.status()["looked"].as_i64();
    wait_until("another look", || ground.status()["looked"].as_i64() > looked);
    assert_eq!((ground.uploads(), &ground.status()["counts"]["done"]), (2, &2.into()));
}

#[test]
fn an_agent_that_is_killed_while_it_packs_a_run_sends_it_once_and_leaves_nothing() {
    let ground = Ground::new();
    for number in 0..30 {
        ground.write(&format!("run.d/{number:02}.bin"), &bytes(4 << 20, number));
    }
    ground.add(&["--archive-runs"]);
    let staged = || {
        let folders = fs::read_dir(ground.user.data().join("staged")).into_iter().flatten().flatten();
        folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten()).count()
    };
    let agent = ground.agent();
    wait_until("packing", || staged() > 0);
    drop(agent);
    let _agent = ground.agent();
    wait_until("30 proven", || ground.status()["counts"]["done"] == 30);
    assert_eq!(ground.uploads(), 1, "one archive");
    wait_until("nothing left", || staged() == 0);
    assert_eq!(ground.lab.file("run.d.zip").unwrap()["key"], "run.d.zip");
}
