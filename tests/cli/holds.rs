//! What lets transfers rest: paused accounts, metered links, and a pause of a batch or of all of an account.

use crate::bench::{Lab, Ran, User};
use serde_json::Value;

/// A lab, and a user with two accounts of it.
fn two_accounts() -> (Lab, User, String) {
    let lab = Lab::start();
    let user = User::of(&lab);
    user.add_account("other", &lab.url, &lab.token).well();
    let draft = lab.draft.clone().unwrap();
    (lab, user, draft)
}

fn of(rows: &[Value], name: &str, field: &str) -> String {
    let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {rows:?}"));
    row[field].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_paused_account_rests_until_it_is_resumed_and_others_go_on() {
    let (_lab, user, draft) = two_accounts();
    user.write("a.txt", b"a");
    user.write("b.txt", b"b");
    assert_eq!(user.run(&["account", "pause", "lab"]).well().stdout, "lab: paused\n");
    let listed = user.run(&["account", "ls"]).well().stdout;
    assert!(listed.lines().find(|line| line.starts_with("lab ")).unwrap().ends_with("paused"), "{listed}");
    user.run(&["account", "pause", "labb"]).complains(2, &["labb", "labferry account ls"]);

    let ran = user.run(&["put", "a.txt", &format!("lab:{draft}")]);
    assert!(ran.code != Some(0) && ran.stdout.contains("waiting, the account is paused"), "{ran:?}");
    user.run(&["put", "b.txt", &format!("other:{draft}")]).well();
    user.run(&["queue", "run"]);
    assert_eq!(of(&user.queue(), "a.txt", "waiting"), "account_paused");

    let resumed = user.run(&["account", "resume", "lab"]).well().stdout;
    assert!(resumed.starts_with("lab: goes on"), "{resumed}");
    let ran = user.run(&["queue", "run"]).well();
    assert!(ran.stdout.starts_with("verified: "), "{ran:?}");
}

#[test]
fn a_batch_and_an_account_are_paused_resumed_and_cancelled_as_one() {
    let (_lab, user, draft) = two_accounts();
    for name in ["a.txt", "b.txt", "c.txt", "d.txt"] {
        user.write(name, name.as_bytes());
    }
    let lab_place = format!("lab:{draft}");
    user.run(&["put", "a.txt", "b.txt", &lab_place, "--no-wait"]).well();
    user.run(&["put", "c.txt", &lab_place, "--no-wait"]).well();
    user.run(&["put", "d.txt", &format!("other:{draft}"), "--no-wait"]).well();
    let states = || {
        let rows = user.queue();
        ["a.txt", "b.txt", "c.txt", "d.txt"].map(|name| of(&rows, name, "state"))
    };
    let batch = |rows: &[Value], name: &str| {
        rows.iter().find(|row| row["name"] == name).unwrap()["batch"].as_i64().unwrap().to_string()
    };
    let rows = user.queue();
    let (first, second) = (batch(&rows, "a.txt"), batch(&rows, "c.txt"));
    assert_eq!(first, batch(&rows, "b.txt"));
    assert_ne!(first, second);

    let told = |arguments: &[&str]| user.run(arguments).well().stdout;
    assert!(told(&["queue", "pause", "--batch", &first]).starts_with("2 transfers: paused"));
    assert_eq!(states(), ["paused", "paused", "waiting", "waiting"]);
    let listed = user.run(&["queue", "ls", "--batch", &first, "--json"]).well().json_lines();
    assert_eq!(listed.len(), 2);
    assert!(told(&["queue", "pause", "--account", "lab"]).starts_with("1 transfer: paused"));
    assert_eq!(states(), ["paused", "paused", "paused", "waiting"]);
    assert!(told(&["queue", "resume", "--account", "lab", "--batch", &first]).starts_with("2 transfers"));
    assert_eq!(states(), ["waiting", "waiting", "paused", "waiting"]);
    assert!(told(&["--yes", "queue", "cancel", "--account", "other"]).starts_with("1 transfer: cancelled"));
    assert_eq!(states(), ["waiting", "waiting", "paused", "cancelled"]);
    assert!(told(&["queue", "clear", "--account", "other"]).starts_with("1 transfer: removed"));
    assert_eq!(user.run(&["queue", "ls", "--account", "other", "--json"]).well().json_lines().len(), 0);
    for mixed in [["--batch", first.as_str(), "--all"], ["1", "--account", "lab"]] {
        let ran = user.run(&[&["queue", "pause"], &mixed[..]].concat());
        assert!(ran.code == Some(2) && ran.stderr.contains("cannot be used with"), "{ran:?}");
    }
}

/// A bus of its own, on which NetworkManager's part is spoken.
#[cfg(target_os = "linux")]
struct Bus {
    process: crate::bench::Running,
    address: String,
    connection: Option<zbus::blocking::Connection>,
}

#[cfg(target_os = "linux")]
struct Link(u32);

#[cfg(target_os = "linux")]
#[zbus::interface(name = "org.freedesktop.NetworkManager")]
impl Link {
    #[zbus(property)]
    fn metered(&self) -> u32 {
        self.0
    }
}

#[cfg(target_os = "linux")]
impl Bus {
    /// None where no bus can be started.
    fn start() -> Option<Self> {
        use std::{
            io::BufRead as _,
            process::{Command, Stdio},
        };
        let arguments = ["--session", "--nofork", "--print-address=1"];
        let begun = Command::new("dbus-daemon").args(arguments).stdout(Stdio::piped()).spawn();
        let Ok(mut process) = begun else {
            println!("skipped: there is no dbus-daemon to stand for the system's bus");
            return None;
        };
        let mut address = String::new();
        std::io::BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        Some(Self { process: crate::bench::Running(process), address, connection: None })
    }

    /// From now on the link is so, as an `NMMetered`.
    fn tells(&mut self, metered: u32) {
        self.connection = None;
        let builder = zbus::blocking::connection::Builder::address(self.address.as_str()).unwrap();
        let builder = builder.serve_at("/org/freedesktop/NetworkManager", Link(metered)).unwrap();
        let named = builder.name("org.freedesktop.NetworkManager").unwrap();
        self.connection = Some(named.build().unwrap());
    }

    fn run(&self, user: &User, arguments: &[&str]) -> Ran {
        assert!(self.process.0.id() > 0);
        let mut command = user.command(arguments);
        Ran::of(&command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.address).output().unwrap())
    }
}

#[cfg(target_os = "linux")]
#[test]
fn over_a_metered_link_files_wait_if_somebody_said_so() {
    let Some(mut bus) = Bus::start() else { return };
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    for name in ["a.txt", "b.txt", "c.txt"] {
        user.write(name, name.as_bytes());
    }
    bus.tells(1);
    bus.run(&user, &["put", "a.txt", &place]).well();
    let shown = user.run(&["settings"]).well().stdout;
    assert!(shown.lines().any(|line| line.starts_with("metered") && line.ends_with("go_on")), "{shown}");

    user.run(&["settings", "metered=wait"]).well();
    user.run(&["settings", "metered=perhaps"]).complains(2, &["metered=perhaps"]);
    let ran = bus.run(&user, &["put", "b.txt", &place]);
    assert!(ran.code != Some(0) && ran.stdout.contains("waiting, the link is metered"), "{ran:?}");
    let rows = bus.run(&user, &["queue", "ls", "--json"]).well().json_lines();
    assert_eq!(of(&rows, "b.txt", "waiting"), "metered");
    bus.tells(4);
    bus.run(&user, &["queue", "run"]).well();
    assert_eq!(lab.file("b.txt").unwrap()["size"], 5);

    // Where nothing tells of the link, nothing is guessed.
    drop(bus);
    user.run(&["put", "c.txt", &place]).well();
}
