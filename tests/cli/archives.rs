//! Folders as one archive: whole, the same bytes each time, with a manifest, and nothing left behind on the way.

use crate::bench::{Lab, Ran, User, bytes, ended, slow_parts, wait_until};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{Cursor, Read as _},
    path::PathBuf,
};

fn run(user: &User) {
    user.write("run.d/b.bin", &bytes(300_000, 1));
    user.write("run.d/deep/a \u{fc}.bin", &bytes(5_000, 2));
    user.write("run.d/empty.bin", b"");
}

/// What lies on its way in the data folder.
fn staged(user: &User) -> Vec<PathBuf> {
    let folders = fs::read_dir(user.data().join("staged")).into_iter().flatten().flatten();
    folders
        .flat_map(|folder| fs::read_dir(folder.path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn a_folder_arrives_as_one_archive_whose_manifest_proves_each_file() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    run(&user);
    let ran = user.run(&["put", "run.d", &place, "--archive", "--json"]).well();
    let row = ran.json();
    assert_eq!((&row["name"], &row["verified"]), (&"run.d.zip".into(), &true.into()), "{ran:?}");
    assert!(staged(&user).is_empty(), "{:?}", staged(&user));
    user.run(&["get", &format!("{place}/run.d.zip"), "got.zip"]).well();
    let archive = fs::read(user.path("got.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(&archive)).unwrap();
    let manifest: serde_json::Value = serde_json::from_reader(zip.by_name("manifest.json").unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let names: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["run.d/b.bin", "run.d/deep/a \u{fc}.bin", "run.d/empty.bin"]);
    for file in files {
        let path = file["path"].as_str().unwrap();
        let here = fs::read(user.path(path)).unwrap();
        let mut there = Vec::new();
        zip.by_name(path).unwrap().read_to_end(&mut there).unwrap();
        assert!(here == there, "{path} differs");
        assert_eq!((&file["size"], &file["sha256"]), (&here.len().into(), &hex(&here).into()), "{path}");
    }

    // The same folder elsewhere, at another time: the same bytes, so nothing is sent again.
    let other = User::of(&lab);
    run(&other);
    let ran = other.run(&["put", "run.d", &place, "--archive"]).well();
    assert!(ran.stdout.contains("skipped") || ran.stdout.contains("there already"), "{ran:?}");
    assert!(staged(&other).is_empty());
}

#[test]
fn an_archive_goes_on_after_a_kill_and_one_that_is_given_up_is_removed() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("big.d/a.bin", &bytes(60 << 20, 3));
    slow_parts(&lab, 400);
    let arguments = ["put", "big.d", &place, "--archive"];
    let mut running = user.begin(&arguments);
    let parts = || lab.file("big.d.zip").map_or(0, |file| file["parts"].as_array().unwrap().len());
    wait_until("a part", || parts() > 0);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    assert_eq!(staged(&user).len(), 2, "the archive and its seal: {:?}", staged(&user));
    lab.clear_faults();
    user.run(&arguments).well();
    assert_eq!((user.queue().len(), staged(&user).len()), (1, 0), "the same transfer, and nothing left");

    // Given up.
    user.write("other.d/a.bin", &bytes(60 << 20, 4));
    slow_parts(&lab, 400);
    let mut running = user.begin(&["put", "other.d", &place, "--archive"]);
    wait_until("its row", || user.queue().len() == 2);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    lab.clear_faults();
    let id = user.queue()[0]["id"].to_string();
    user.run(&["queue", "cancel", &id]).well();
    user.run(&["queue", "run"]);
    user.write("small.txt", b"x");
    user.run(&["put", "small.txt", &place]).well();
    assert!(staged(&user).is_empty(), "{:?}", staged(&user));
}

#[test]
fn a_kill_while_packing_leaves_nothing_that_stays() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    for number in 0..40 {
        user.write(&format!("many.d/{number:02}.bin"), &bytes(5 << 20, number));
    }
    let mut running = user.begin(&["put", "many.d", &place, "--archive"]);
    wait_until("packing", || !staged(&user).is_empty());
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let packing = staged(&user).iter().all(|path| path.extension().is_none_or(|ending| ending != "zip"));
    println!("killed {}", if packing { "while packing" } else { "after packing" });
    // Another command of the same user tidies up.
    user.write("small.txt", b"x");
    user.run(&["put", "small.txt", &place]).well();
    if packing {
        assert!(staged(&user).is_empty() && user.queue().len() == 1, "{:?}", staged(&user));
    }
    user.run(&["put", "many.d", &place, "--archive"]).well();
    assert_eq!((user.queue().len(), staged(&user).len()), (2, 0));
}

#[test]
fn what_cannot_go_as_an_archive_is_told() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    fs::create_dir(user.path("empty.d")).unwrap();
    let told = |ran: Ran, words: &[&str]| ran.complains(1, words);
    told(user.run(&["put", "empty.d", &place, "--archive"]), &["empty.d", "without files"]);
    // A folder that changes while it is packed.
    user.write("live.d/a.bin", &bytes(40 << 20, 5));
    let running = user.begin(&["put", "live.d", &place, "--archive"]);
    wait_until("packing", || !staged(&user).is_empty());
    user.write("live.d/late.bin", b"late");
    let ran = ended(running);
    if ran.code != Some(0) {
        told(ran, &["live.d", "changed while"]);
        assert!(user.queue().is_empty() && staged(&user).is_empty());
    }
}
