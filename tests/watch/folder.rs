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
