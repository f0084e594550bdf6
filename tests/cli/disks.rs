//! Disks that are full, on either side. A small file system in memory stands for them, which only root can mount.

use crate::bench::{Lab, User, bytes};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A file system of a few MiB.
struct SmallDisk {
    path: PathBuf,
    _folder: TempDir,
}

impl SmallDisk {
    /// None where this user may not mount one.
    fn mount(size: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        let options = format!("size={size},mode=0777");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "labferry-suite"]).arg(&path).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            println!("skipped: only root may mount a small disk here");
            return None;
        }
        Some(Self { path, _folder: folder })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.path).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.path.display());
    }
}

fn nothing_visible_in(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |entries| {
        entries.filter_map(Result::ok).all(|entry| entry.file_name().to_string_lossy().starts_with('.'))
    })
}

#[test]
fn a_download_to_a_full_disk_is_told_and_leaves_nothing_half_visible() {
    let Some(disk) = SmallDisk::mount("8m") else { return };
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("big.bin", &bytes(20 << 20, 21));
    user.run(&["put", "big.bin", &place]).well();
    let destination = disk.path.join("copy");
    let ran = user.run(&["get", &format!("{place}/big.bin"), &format!("{}/", destination.display())]);
    ran.complains(1, &["big.bin", "no room left"]);
    assert!(nothing_visible_in(&destination), "no half file under its name");
    let row = &user.queue()[0];
    assert_ne!(row["state"], "done", "{row}");
}

#[test]
fn a_download_waits_for_room_that_somebody_else_took_and_goes_on() {
    // Nothing of it is used before it is written, so a large one costs nothing.
    let Some(disk) = SmallDisk::mount("1100m") else { return };
    let filler = disk.path.join("filler");
    fs::write(&filler, vec![0; 70 << 20]).unwrap();
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    let content = bytes(20 << 20, 24);
    user.write("big.bin", &content);
    user.run(&["put", "big.bin", &place]).well();
    let destination = disk.path.join("copy");
    let ran = user.run(&["get", &format!("{place}/big.bin"), &format!("{}/", destination.display())]);
    ran.complains(1, &["big.bin", "no room left"]);
    let queue = user.queue();
    let row = queue.iter().find(|row| row["direction"] == "download").unwrap();
    assert_eq!((&row["state"], &row["waiting"]), (&"waiting".into(), &"disk_low".into()), "{row}");
    assert!(nothing_visible_in(&destination));

    fs::remove_file(filler).unwrap();
    user.run(&["queue", "resume", "--all"]);
    user.run(&["queue", "run"]).well();
    assert!(fs::read(destination.join("big.bin")).unwrap() == content);
}

#[cfg(target_os = "linux")]
#[test]
fn a_data_folder_that_cannot_be_written_is_told() {
    let Some(disk) = SmallDisk::mount("16m") else { return };
    let lab = Lab::start();
    let user = User::new().with_data(&disk.path.join("data"));
    user.add_account("lab", &lab.url, &lab.token).well();
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("a.txt", b"a");

    // Full: nothing can be queued, and nothing that was there is lost.
    let filler = disk.path.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
    drop(file);
    let ran = user.run(&["put", "a.txt", &place]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains("verified") && !ran.stderr.trim().is_empty(), "{ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    fs::remove_file(&filler).unwrap();
    user.run(&["put", "a.txt", &place]).well();

    // Read-only.
    let mount = |option: &str| {
        let done = Command::new("mount").args(["-o", option]).arg(&disk.path).status();
        assert!(done.is_ok_and(|status| status.success()));
    };
    mount("remount,ro");
    let ran = user.run(&["put", "a.txt", &place]);
    mount("remount,rw");
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("data") && !ran.stderr.contains("panicked"), "{ran:?}");
    assert_eq!(user.queue().len(), 1, "what was there is there");
}

#[test]
fn standard_input_that_does_not_fit_is_told_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount("6m") else { return };
    let lab = Lab::start();
    let user = User::new().with_data(&disk.path.join("data"));
    user.add_account("lab", &lab.url, &lab.token).well();
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    let ran = user.run_with_input(&["put", "-", &place, "--name", "piped.bin"], &bytes(16 << 20, 22));
    ran.complains(1, &["Standard input", "No space left", "make room"]);
    assert_eq!(fs::read_dir(user.data().join("standard-input")).unwrap().count(), 0);
    assert!(user.queue().is_empty(), "nothing was queued");
}

#[test]
fn a_service_whose_disk_is_full_is_told_and_the_upload_waits() {
    let Some(disk) = SmallDisk::mount("64m") else { return };
    let filler = disk.path.join("filler");
    fs::write(&filler, vec![0; 40 << 20]).unwrap();
    let lab = Lab::start_in(&disk.path.join("lab"));
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("big.bin", &bytes(30 << 20, 23));
    let ran = user.run(&["put", "big.bin", &place]);
    ran.complains(1, &["big.bin", "service failed", "nothing that was sent is lost"]);
    let row = &user.queue()[0];
    assert!(row["problem"]["message"].is_string() && row["verified"] == false, "{row}");

    fs::remove_file(filler).unwrap();
    let ran = user.run(&["queue", "run"]).well();
    assert!(ran.stdout.starts_with("verified: "), "there is room again, so it goes on: {ran:?}");
}
