//! Copying between records, mirroring a folder, and files chosen by their names.

use crate::bench::{Lab, User, bytes, wait_until};
use serde_json::Value;

/// Above the size from which files go in parts.
const LARGE: usize = 52 << 20;

fn draft(user: &User, title: &str) -> String {
    let title = format!("title={title}");
    let made = user.run(&["record", "create", "lab:", "--set", &title, "--json"]).well().json();
    format!("lab:{}", made["path"].as_str().unwrap())
}

fn names(user: &User, place: &str) -> Vec<String> {
    let page = user.run(&["ls", place, "--json"]).well().json();
    let name = |entry: &Value| entry["file"]["name"].as_str().unwrap().to_owned();
    page["entries"].as_array().unwrap().iter().map(name).collect()
}

/// Whether nothing of a copy is left in the data folder.
fn swept(user: &User) -> bool {
    let Ok(entries) = std::fs::read_dir(user.data().join("copies")) else { return true };
    entries.map(|entry| entry.unwrap().path()).all(|path| !path.is_dir())
}

#[test]
fn a_record_is_copied_and_proven_on_both_sides() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let (from, to) = (draft(&user, "From"), draft(&user, "To"));
    user.write("folder/a.txt", b"one");
    user.write("folder/sub/b.txt", b"two");
    user.write("empty.txt", b"");
    user.run(&["put", "folder", "empty.txt", &from]).well();
    let copied = user.run(&["copy", &from, &to]).well();
    assert_eq!(copied.stdout.lines().filter(|line| line.starts_with("verified: ")).count(), 3, "{copied:?}");
    assert_eq!(names(&user, &to), ["empty.txt", "folder/a.txt", "folder/sub/b.txt"]);
    user.run(&[
        "check",
        &user.path("folder/sub/b.txt").display().to_string(),
        &format!("{to}/folder/sub/b.txt"),
    ])
    .well();
    assert!(swept(&user));
    // Both ways stand in the ledger.
    let receipts = user.run(&["receipts", "--json"]).well().json();
    let ways = |way: &str| receipts.as_array().unwrap().iter().filter(|row| row["direction"] == way).count();
    assert_eq!((ways("download"), ways("upload")), (3, 6), "{receipts}");
    // Once more: everything is there with the same bytes.
    let again = user.run(&["copy", &from, &to]).well();
    assert!(again.stdout.contains("there already, verified"), "{again:?}");
}

#[test]
fn a_copy_that_was_killed_goes_on_and_loses_nothing() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let (from, to) = (draft(&user, "From"), draft(&user, "To"));
    user.write("large.bin", &bytes(LARGE, 5));
    user.run(&["put", "large.bin", &from]).well();
    let puts = |lab: &Lab| {
        let seen = lab.get("/inspect/requests");
        let put = |request: &&Value| request["method"] == "PUT" && request["status"] == 200;
        seen.as_array().unwrap().iter().filter(put).count()
    };
    let before = puts(&lab);
    // Some parts arrive and the others take for ever.
    lab.faults(&serde_json::json!([
        { "match": { "method": "PUT", "nth": 3 }, "times": 0, "do": { "delay_ms": 600_000 } }
    ]));
    let copying = user.begin(&["copy", &from, &to]);
    wait_until("two parts of the copy", || {
        let stored =
            |row: &Value| row["direction"] == "upload" && row["state"] == "moving" && row["sent"] != 0;
        puts(&lab) >= before + 2 && user.queue().iter().any(stored)
    });
    drop(copying);
    assert!(!swept(&user), "what was fetched is kept for the next start");
    lab.clear_faults();
    let fetched = user.queue().iter().filter(|row| row["direction"] == "download").count();
    let copied = user.run(&["copy", &from, &to]).well();
    assert!(copied.stdout.contains("verified: "), "{copied:?}");
    assert_eq!(fetched, 1);
    // All of them once more would be two more than the file has.
    let parts = lab.file("large.bin").unwrap()["parts"].as_array().unwrap().len();
    assert!(parts > 2 && puts(&lab) < before + parts + 2, "{parts} parts, {} sent", puts(&lab) - before);
    user.run(&["check", "large.bin", &format!("{to}/large.bin")]).well();
    user.run(&["check", "large.bin", &format!("{from}/large.bin")]).well();
    assert!(swept(&user));
}

#[test]
fn a_copy_begun_in_one_process_goes_on_in_another() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let (from, to) = (draft(&user, "From"), draft(&user, "To"));
    user.write("a.txt", b"one");
    user.write("b.txt", b"two");
    user.run(&["put", "a.txt", "b.txt", &from]).well();
    crate::bench::slow_parts(&lab, 600_000);
    let copying = user.begin(&["copy", &from, &to]);
    wait_until("the uploads of the copy", || {
        user.queue().iter().any(|row| row["direction"] == "upload" && row["state"] == "moving")
    });
    // The process that has it in hand is killed; one that was never asked to copy takes it up where it was.
    drop(copying);
    lab.clear_faults();
    user.run(&["queue", "run"]).well();
    assert_eq!(names(&user, &to), ["a.txt", "b.txt"]);
    assert!(swept(&user));
    let receipts = user.run(&["receipts", "--json"]).well().json();
    let fetched = receipts.as_array().unwrap().iter().filter(|row| row["direction"] == "download").count();
    assert_eq!(fetched, 2, "each was fetched once: {receipts}");

    // While one process has the folder, another asks and waits for it.
    let other = draft(&user, "Other");
    user.write("held.txt", b"held");
    crate::bench::slow_parts(&lab, 600_000);
    let owner = user.begin(&["copy", &from, &other]);
    wait_until("the first copy", || user.queue().iter().any(|row| row["state"] == "moving"));
    let third = draft(&user, "Third");
    let waiting = user.begin(&["copy", &format!("{from}/a.txt"), &third]);
    wait_until("the second copy to be taken up", || user.data().join("copies/3").is_dir());
    lab.clear_faults();
    let copied = crate::bench::ended(waiting).well();
    assert!(copied.stderr.contains("Another Labferry") && copied.stdout.contains("verified: "), "{copied:?}");
    assert_eq!(names(&user, &third), ["a.txt"]);
    drop(owner);
    user.run(&["copy", &from, &other]).well();
    assert_eq!(names(&user, &other), ["a.txt", "b.txt"]);
    assert!(swept(&user));
}

#[test]
fn what_cannot_be_copied_is_said() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let (from, to) = (draft(&user, "From"), draft(&user, "To"));
    user.run(&["copy", "lab:", &to]).complains(2, &["whole account"]);
    user.run(&["copy", &from, &from]).complains(2, &["into itself"]);
    user.run(&["copy", &from, &to]).complains(2, &["holds no files"]);
    user.run(&["copy", "lab:nnnnn-nnnnn", &to]).complains(1, &["nnnnn-nnnnn", "not found"]);
    // The same name with other bytes stays as it is unless somebody says otherwise.
    user.write("a.txt", b"one");
    user.run(&["put", "a.txt", &from]).well();
    user.write("a.txt", b"two");
    user.run(&["put", "a.txt", &to]).well();
    user.run(&["copy", &from, &to]).complains(1, &["a.txt", "already"]);
    user.run(&["check", "a.txt", &format!("{to}/a.txt")]).well();
    user.run(&["copy", &from, &to, "--on-clash", "replace"]).well();
    let fetched = user.run(&["get", &format!("{to}/a.txt"), "-"]).well();
    assert_eq!(fetched.stdout, "one");
}

#[test]
fn a_folder_is_mirrored_and_nothing_goes_while_something_is_missing() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = draft(&user, "Mirror");
    user.write("extra.txt", b"extra");
    user.run(&["put", "extra.txt", &place]).well();
    std::fs::create_dir(user.path("empty")).unwrap();
    user.run(&["sync", "empty", &place, "--delete", "--yes"]).complains(2, &["empty"]);
    user.run(&["sync", "none", &place]).complains(2, &["none"]);
    user.write("folder/a.txt", b"one");
    // A name the repository takes back from nobody.
    user.write("folder/content", b"two");
    let failed = user.run(&["sync", "folder", &place, "--delete", "--yes"]);
    failed.complains(1, &["Nothing is deleted"]);
    assert_eq!(names(&user, &place), ["a.txt", "extra.txt"]);
    std::fs::remove_file(user.path("folder/content")).unwrap();
    user.write("folder/a.txt", b"three");
    // Without a yes nothing is deleted.
    user.run(&["sync", "folder", &place, "--delete"]).complains(2, &["extra.txt", "--yes"]);
    user.run(&["sync", "folder", &place, "--delete", "--yes"]).well();
    assert_eq!(names(&user, &place), ["a.txt"]);
    user.run(&["check", &user.path("folder/a.txt").display().to_string(), &format!("{place}/a.txt")]).well();
}

#[test]
fn files_are_chosen_by_name_and_size() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = draft(&user, "Many");
    for (name, size) in [("a.tmp", 1), ("b.tmp", 2000), ("c.tif", 3000)] {
        user.write(name, &bytes(size, 1));
    }
    user.run(&["put", "a.tmp", "b.tmp", "c.tif", &place]).well();
    user.run(&["rm", &place, "--matching", "*.csv", "--yes"]).complains(2, &["No file"]);
    user.run(&["rm", &place, "--matching", "*.tmp"]).complains(2, &["2 files", "a.tmp", "--yes"]);
    let fields = "metadata={\"run\": 7}";
    let changed = user
        .run(&["action", "run", &place, "change_metadata", "--matching", "*.tmp", "--set", fields])
        .well();
    assert_eq!(changed.stdout.lines().count(), 2, "{changed:?}");
    let shown = user.run(&["show", &format!("{place}/b.tmp"), "--json"]).well().json();
    assert_eq!(shown["file"]["metadata"]["run"], 7);
    let bad = ["action", "run", &place, "change_metadata", "--files", "--set", "metadata=7"];
    user.run(&bad).complains(2, &["JSON object"]);
    user.run(&["rm", &place, "--matching", "*.tmp", "--larger-than", "1000", "--yes"]).well();
    assert_eq!(names(&user, &place), ["a.tmp", "c.tif"]);
    user.run(&["rm", &place, "--files", "--yes"]).well();
    assert_eq!(names(&user, &place), [""; 0]);
}
