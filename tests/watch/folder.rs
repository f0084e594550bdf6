//! Folders that are not what they should be: one clear state with its reason, and nothing inferred.

use crate::clock::{Watched, rule};
use labferry_model::{ProblemCode, WatchState};
use std::{fs, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn state(watched: &Watched) -> (WatchState, Option<ProblemCode>) {
    let health = watched.watch.health();
    (health.state, health.problem.as_ref().map(|problem| problem.code))
}

#[test]
fn a_folder_that_goes_and_comes_back_is_suspended_meanwhile_and_nothing_is_lost() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().join("in");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("one"), "1").unwrap();
    let mut watched = Watched::new(rule(&root));
    assert_eq!(watched.until(20 * SECOND).len(), 1);
    assert_eq!(state(&watched), (WatchState::Watching, None));

    fs::write(root.join("two"), "2").unwrap();
    watched.until(22 * SECOND);
    let away = base.path().join("away");
    fs::rename(&root, &away).unwrap();
    assert!(watched.until(60 * SECOND).is_empty());
    assert_eq!(state(&watched), (WatchState::Suspended, Some(ProblemCode::FolderMissing)));
    fs::write(away.join("three"), "3").unwrap();
    fs::rename(&away, &root).unwrap();
    let mut names: Vec<String> = watched.until(100 * SECOND).into_iter().map(|file| file.key).collect();
    names.sort();
    assert_eq!(names, ["three", "two"]);
    assert_eq!(state(&watched), (WatchState::Watching, None));
}

#[test]
fn a_file_in_the_folders_place_and_an_emptied_folder_are_told_apart() {
    let base = tempfile::tempdir().unwrap();
    let root = base.path().join("in");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("one"), "1").unwrap();
    let mut watched = Watched::new(rule(&root));
    watched.until(20 * SECOND);
    fs::remove_file(root.join("one")).unwrap();
    // The next whole look sees it.
    watched.until(900 * SECOND);
    assert_eq!(state(&watched), (WatchState::Suspended, Some(ProblemCode::FolderEmptied)));
    fs::write(root.join("two"), "2").unwrap();
    assert_eq!(watched.until(960 * SECOND).len(), 1);
    assert_eq!(state(&watched), (WatchState::Watching, None));

    fs::remove_dir_all(&root).unwrap();
    fs::write(&root, "a file").unwrap();
    watched.until(1_000 * SECOND);
    assert_eq!(state(&watched), (WatchState::Suspended, Some(ProblemCode::FolderUnreadable)));
}

#[test]
fn an_emptied_folder_is_what_is_wanted_where_sent_files_leave() {
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("one"), "1").unwrap();
    let mut rule = rule(base.path());
    rule.after = labferry_model::AfterUpload::Recycle;
    let mut watched = Watched::new(rule);
    watched.until(20 * SECOND);
    fs::remove_file(base.path().join("one")).unwrap();
    watched.until(900 * SECOND);
    assert_eq!(state(&watched), (WatchState::Watching, None));
}

#[test]
fn sleep_and_a_clock_that_was_set_bring_a_whole_look() {
    let base = tempfile::tempdir().unwrap();
    let mut rule = rule(base.path());
    rule.poll = Some(3_600 * SECOND);
    let mut watched = Watched::new(rule);
    watched.until(20 * SECOND);
    assert!(!watched.turn().scanned);
    watched.clock.jump(7_200 * SECOND);
    assert!(watched.turn().scanned, "the clocks disagree");
    assert!(!watched.turn().scanned);
}

#[test]
fn names_that_cannot_be_sent_are_told_with_their_reason() {
    use labferry_model::NotSent;
    let base = tempfile::tempdir().unwrap();
    fs::write(base.path().join("caf\u{e9}"), "1").unwrap();
    fs::write(base.path().join("cafe\u{301}"), "2").unwrap();
    fs::write(base.path().join("x.part"), "3").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::{ffi::OsStringExt as _, fs::symlink};
        fs::write(base.path().join(std::ffi::OsString::from_vec(b"bad\xff".to_vec())), "4").unwrap();
        symlink(base.path(), base.path().join("circle")).unwrap();
        symlink("nowhere", base.path().join("dangling")).unwrap();
    }
    let mut watched = Watched::new(rule(base.path()));
    let ready = watched.until(30 * SECOND);
    assert_eq!(ready.len(), 1, "one of the two ways to write the name: {ready:?}");
    let (left, in_all) = watched.watch.left();
    let why = |name: &str| left.iter().find(|left| left.name.contains(name)).map(|left| left.why.clone());
    assert_eq!(why("x.part"), Some(NotSent::Temporary));
    assert!(matches!(why("caf"), Some(NotSent::TwinName { .. })));
    #[cfg(unix)]
    {
        assert_eq!(why("bad"), Some(NotSent::NameNotText));
        assert_eq!((why("circle"), why("dangling")), (Some(NotSent::Link), Some(NotSent::Link)));
        assert_eq!(in_all, 5);
    }
    assert!(in_all >= 2);
}

/// Sets a folder's own time back, as if it had not been touched for a while.
fn settled_long_ago(folder: &std::path::Path) {
    let then = std::time::SystemTime::now() - Duration::from_secs(3_600);
    fs::File::open(folder).unwrap().set_modified(then).unwrap();
}

#[test]
fn a_poll_lists_only_folders_whose_time_changed_and_a_whole_look_finds_the_rest() {
    const FOLDERS: u64 = 40;
    let base = tempfile::tempdir().unwrap();
    let root = base.path();
    for number in 0..FOLDERS {
        let folder = root.join(format!("run {number}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a"), "a").unwrap();
        settled_long_ago(&folder);
    }
    settled_long_ago(root);
    let mut rule = rule(root);
    rule.poll = Some(15 * SECOND);
    rule.quiet = Some(20 * SECOND);
    let mut watched = Watched::new(rule);
    assert_eq!(watched.until(60 * SECOND).len() as u64, FOLDERS);
    assert_eq!(watched.watch.listings(), FOLDERS + 1, "listed once, in four looks");

    // A file in one folder, a folder with a file in another, and a folder that goes.
    fs::write(root.join("run 3/b"), "b").unwrap();
    fs::create_dir(root.join("run 4/new")).unwrap();
    fs::write(root.join("run 4/new/c"), "c").unwrap();
    fs::remove_dir_all(root.join("run 5")).unwrap();
    let before = watched.watch.listings();
    let found = watched.until(78 * SECOND);
    assert_eq!(watched.watch.listings() - before, 4, "run 3, run 4, what is new in it, and the root");
    let mut names: Vec<String> = found.into_iter().map(|file| file.key).collect();
    names.extend(watched.until(120 * SECOND).into_iter().map(|file| file.key));
    names.sort();
    assert_eq!(names, ["run 3/b", "run 4/new/c"]);

    // A file that grows in its place says nothing through its folder: the next whole look sees it.
    for folder in ["run 3", "run 4", "run 4/new", ""] {
        settled_long_ago(&root.join(folder));
    }
    watched.until(150 * SECOND);
    let before = watched.watch.listings();
    fs::write(root.join("run 7/a"), "and more").unwrap();
    assert!(watched.until(400 * SECOND).is_empty());
    assert_eq!(watched.watch.listings(), before, "nothing is listed in vain");
    let found = watched.until(1_000 * SECOND);
    assert_eq!(found.iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), ["run 7/a"]);

    // One that comes to rest is looked at all the while, whatever its folder says.
    let slow = root.join("run 8/slow");
    fs::write(&slow, "1").unwrap();
    settled_long_ago(&root.join("run 8"));
    watched.until(1_016 * SECOND);
    for second in 0..20_u32 {
        fs::write(&slow, "1".repeat(2 + second as usize)).unwrap();
        assert!(watched.until((1_017 + second) * SECOND).is_empty(), "sent while it grew");
    }
    assert_eq!(watched.until(1_080 * SECOND)[0].fingerprint.size, 21);
}
