//! The queue: several processes on one data folder, Ctrl-C, and going on.

use crate::bench::{Lab, User, bytes, ended, slow_parts, wait_until};

/// Ctrl-C, as a terminal sends it.
#[cfg(unix)]
fn interrupt(running: &crate::bench::Running) {
    let id = running.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
}

fn parts_of(lab: &Lab, name: &str) -> Vec<u64> {
    let file = lab.file(name).unwrap_or_default();
    let parts = file["parts"].as_array().cloned().unwrap_or_default();
    parts.iter().map(|part| part["times_received"].as_u64().unwrap()).collect()
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_cleanly_and_the_same_command_goes_on() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("big.bin", &bytes(160 << 20, 2));
    slow_parts(&lab, 500);
    let running = user.begin(&["put", "big.bin", &place]);
    wait_until("three parts", || parts_of(&lab, "big.bin").len() >= 3);
    interrupt(&running);
    let ran = ended(running);
    ran.complains(5, &["Stopped", "labferry queue run", "finished parts"]);
    let row = &user.queue()[0];
    assert_eq!(
        (row["state"].as_str(), row["waiting"].as_str()),
        (Some("waiting"), Some("interrupted")),
        "{row}"
    );
    let before = parts_of(&lab, "big.bin").len();
    lab.clear_faults();
    let ran = user.run(&["put", "big.bin", &place]).well();
    assert!(ran.stderr.contains("big.bin: goes on with the unfinished transfer 1"), "{ran:?}");
    assert_eq!(user.queue().len(), 1, "no second row for the same file");
    let times = parts_of(&lab, "big.bin");
    assert_eq!(times.len(), 10);
    let again: u64 = times.iter().map(|times| times - 1).sum();
    assert!(again <= 4, "parts in flight at most are sent again: {times:?} with {before} before");
}

#[test]
fn a_second_process_adds_and_waits_while_the_first_one_sends() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("big.bin", &bytes(80 << 20, 3));
    user.write("small.txt", b"small");
    slow_parts(&lab, 400);
    let first = user.begin(&["put", "big.bin", &place]);
    wait_until("a part", || !parts_of(&lab, "big.bin").is_empty());
    user.run(&["queue", "run"]).complains(6, &["Another Labferry", "data folder"]);
    let second = user.run(&["put", "small.txt", &place]).well();
    assert!(second.stderr.contains("waits for it"), "{second:?}");
    assert!(second.stdout.starts_with("verified: "), "{second:?}");
    let first = ended(first).well();
    assert!(first.stdout.contains("big.bin"), "{first:?}");
    assert_eq!(lab.file("small.txt").unwrap()["size"], 5);
}

#[test]
fn queued_uploads_are_listed_paused_moved_cancelled_and_run() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    for name in ["a.txt", "b.txt", "c.txt"] {
        user.write(name, name.as_bytes());
    }
    let queued = user.run(&["put", "a.txt", "b.txt", "c.txt", &place, "--no-wait", "--json"]).well();
    let states: Vec<_> = queued.json_lines().iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["waiting", "waiting", "waiting"]);
    assert!(lab.file("a.txt").is_none());
    let again = user.run(&["put", "a.txt", &place, "--no-wait", "--json"]).well();
    assert_eq!(again.json()["id"], 1, "the same file to the same place is queued once");

    user.run(&["queue", "pause", "2"]).well();
    user.run(&["queue", "move", "3", "first"]).well();
    user.run(&["queue", "move", "3", "--last"]).well();
    user.run(&["queue", "move", "3", "--before", "1"]).well();
    user.run(&["queue", "cancel", "3"]).well();
    let ran = user.run(&["queue", "run"]).well();
    assert!(ran.stdout.contains("a.txt") && ran.stdout.lines().count() == 1, "{ran:?}");
    let states: Vec<_> = user.queue().iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["cancelled", "paused", "done"], "newest first");
}

#[test]
fn running_the_queue_works_what_waits_and_clearing_keeps_receipts() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("a.txt", b"a");
    user.write("b.txt", b"b");
    user.run(&["put", "a.txt", "b.txt", &place, "--no-wait"]).well();
    user.run(&["queue", "pause", "2"]).well();
    let ran = user.run(&["queue", "run"]).well();
    assert!(ran.stdout.contains("a.txt") && !ran.stdout.contains("b.txt"), "a paused one is left: {ran:?}");
    user.run(&["queue", "resume", "--all"]).well();
    user.run(&["queue", "run"]).well();
    assert!(lab.file("b.txt").is_some());
    assert_eq!(user.run(&["queue", "clear", "--all"]).well().stdout, "2 transfers: removed from the list\n");
    assert!(user.queue().is_empty());
    assert_eq!(user.run(&["receipts", "--json"]).well().json().as_array().unwrap().len(), 2);
    user.run(&["queue", "pause", "99"]).complains(2, &["99"]);
    let empty = user.run(&["queue", "run"]).well();
    assert!(empty.stderr.contains("nothing to do"), "{empty:?}");
}
