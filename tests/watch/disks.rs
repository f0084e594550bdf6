//! Hard file systems on a scripted clock: served by a program, on a disk that is pulled out, with names that are no text.

use crate::{
    clock::{Watched, rule},
    mounts::Mount,
};
use labferry_model::{FoundFile, NotSent, ProblemCode, WatchState};
use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt as _, path::Path, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn state(watched: &Watched) -> (WatchState, Option<ProblemCode>) {
    let health = watched.watch.health();
    (health.state, health.problem.as_ref().map(|problem| problem.code))
}

fn names(files: Vec<FoundFile>) -> Vec<String> {
    let mut names: Vec<String> = files.into_iter().map(|file| file.key).collect();
    names.sort();
    names
}

/// A watch that knows which folder on which disk it was made for, as one of the app does.
fn watched(root: &Path) -> Watched {
    Watched::of(rule(root), labferry_watch::check_root(root).unwrap())
}

#[test]
fn looking_again_and_again_finds_all_that_a_served_folder_does_not_announce() {
    let Some(disk) = Mount::served() else { return };
    let mut watched = watched(disk.path());
    assert!(watched.until(20 * SECOND).is_empty());
    assert_eq!(state(&watched), (WatchState::Polling, Some(ProblemCode::FolderOnNetwork)));
    // Written on the other side: nothing of it is announced here.
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for number in 0..300 {
        let name = format!("day{}/run{}/file{number:03}.bin", number % 3, number % 7);
        let path = disk.source().join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, number.to_string()).unwrap();
        expected.push(name);
        if number % 100 == 0 {
            // Between two looks, and while earlier ones come to rest.
            let now = labferry_model::Clock::monotonic(&watched.clock);
            found.extend(watched.until(now + 7 * SECOND));
        }
    }
    expected.sort();
    // The server's and the folders' times are the real ones, which stand still beside the scripted clock: what they hide
    // from a look past unchanged folders, a whole look finds within ten minutes and a quarter.
    found.extend(watched.until(900 * SECOND));
    let mut found = names(found);
    let renamed = disk.source().join("late.part");
    fs::write(&renamed, "late").unwrap();
    assert!(watched.until(1_700 * SECOND).is_empty(), "a temporary name");
    fs::rename(renamed, disk.source().join("late.bin")).unwrap();
    found.extend(names(watched.until(2_500 * SECOND)));
    expected.push("late.bin".to_owned());
    assert_eq!(found, expected, "each once");
}

#[test]
fn a_served_folder_whose_server_dies_is_suspended_and_goes_on_when_it_is_served_again() {
    let Some(mut disk) = Mount::served() else { return };
    fs::write(disk.source().join("one"), "1").unwrap();
    let mut watched = watched(disk.path());
    assert_eq!(names(watched.until(60 * SECOND)), ["one"]);
    disk.die();
    fs::write(disk.source().join("two"), "2").unwrap();
    assert!(watched.until(120 * SECOND).is_empty());
    assert_eq!(state(&watched), (WatchState::Suspended, Some(ProblemCode::FolderUnreadable)));
    disk.go();
    assert!(watched.until(180 * SECOND).is_empty());
    assert_eq!(watched.watch.health().state, WatchState::Suspended, "the empty folder below is not it");
    assert!(disk.come());
    assert_eq!(
        names(watched.until(300 * SECOND)),
        ["two"],
        "missed nothing, and the first is not sent again"
    );
    assert_eq!(watched.watch.health().state, WatchState::Polling);
}

#[test]
fn a_disk_that_is_pulled_out_and_put_back_loses_nothing_and_sends_nothing_twice() {
    let Some(mut disk) = Mount::image() else { return };
    fs::create_dir(disk.path().join("run")).unwrap();
    fs::write(disk.path().join("run/one"), "1").unwrap();
    let mut watched = watched(disk.path());
    assert_eq!(names(watched.until(20 * SECOND)), ["run/one"]);
    assert_eq!(watched.watch.health().state, WatchState::Watching);

    // Comes to rest when the disk goes: it must rest anew when it is back.
    fs::write(disk.path().join("run/two"), "2").unwrap();
    watched.follow("run/two");
    assert!(watched.until(22 * SECOND).is_empty());
    disk.go();
    fs::write(disk.path().join("stray"), "not on that disk").unwrap();
    assert!(watched.until(200 * SECOND).is_empty(), "what lies below is not the disk");
    assert_eq!(state(&watched), (WatchState::Suspended, Some(ProblemCode::FolderReplaced)));
    fs::remove_file(disk.path().join("stray")).unwrap();

    assert!(disk.come());
    fs::write(disk.path().join("run/three"), "3").unwrap();
    let early = watched.until(209 * SECOND);
    assert!(early.is_empty(), "{early:?}");
    assert_eq!(names(watched.until(240 * SECOND)), ["run/three", "run/two"]);
    assert_eq!(state(&watched), (WatchState::Watching, None));
    // Announcements work as before.
    fs::write(disk.path().join("run/four"), "4").unwrap();
    watched.follow("run/four");
    assert_eq!(names(watched.until(270 * SECOND)), ["run/four"]);
}

#[test]
fn names_that_are_no_text_are_told_on_every_kind_of_disk_and_hold_nothing_back() {
    for disk in [Mount::image(), Mount::served(), Mount::memory("4m")].into_iter().flatten() {
        let bad = OsString::from_vec(b"bad\xff\xfe".to_vec());
        fs::write(disk.source().join("good.bin"), "1").unwrap();
        fs::write(disk.source().join(&bad), "2").unwrap();
        fs::create_dir(disk.source().join("folder")).unwrap();
        fs::create_dir(disk.source().join("folder").join(&bad)).unwrap();
        fs::write(disk.source().join("folder").join(&bad).join("inside"), "3").unwrap();
        fs::write(disk.source().join("folder/good.bin"), "4").unwrap();
        let mut watched = watched(disk.path());
        assert_eq!(names(watched.until(60 * SECOND)), ["folder/good.bin", "good.bin"]);
        let (left, in_all) = watched.watch.left();
        assert!(left.iter().all(|left| left.why == NotSent::NameNotText), "{left:?}");
        assert_eq!(in_all, left.len() as u64, "{left:?}");
        assert!(left.iter().any(|left| left.name.starts_with("bad")), "{left:?}");
        assert!(left.iter().any(|left| left.name.ends_with("/inside")), "{left:?}");
    }
}

#[test]
fn a_clock_that_is_set_forward_and_back_sends_nothing_early_late_or_twice() {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let base = tempfile::tempdir().unwrap();
    let mut watched = watched(base.path());
    fs::write(base.path().join("before"), "1").unwrap();
    assert_eq!(names(watched.until(30 * SECOND)), ["before"]);

    // In the middle of a file's rest, in both directions: the time that passed counts, not what a clock shows.
    for (number, back) in [(1, false), (2, true), (3, true), (4, false)] {
        let began = labferry_model::Clock::monotonic(&watched.clock);
        let name = format!("during{number}");
        fs::write(base.path().join(&name), "2").unwrap();
        watched.follow(&name);
        assert!(watched.until(began + 4 * SECOND).is_empty());
        match back {
            false => watched.clock.jump(DAY),
            true => watched.clock.set_back(2 * DAY),
        }
        let early = watched.until(began + 9 * SECOND);
        assert!(
            early.is_empty(),
            "the clock was set, and a file that rests for 9 seconds was sent: {early:?}"
        );
        assert_eq!(names(watched.until(began + 30 * SECOND)), [name]);
        assert_eq!(state(&watched), (WatchState::Watching, None), "a clock that was set is no silence");
    }
    // Files of any time are files: from tomorrow, from before there were computers, and one that was touched.
    let time = |name: &str, at: std::time::SystemTime| {
        let file = fs::File::create(base.path().join(name)).unwrap();
        std::io::Write::write_all(&mut &file, b"3").unwrap();
        file.set_modified(at).unwrap();
    };
    time("tomorrow", std::time::SystemTime::now() + DAY);
    time("long ago", std::time::UNIX_EPOCH - DAY);
    watched.follow("tomorrow");
    watched.follow("long ago");
    let now = labferry_model::Clock::monotonic(&watched.clock);
    assert_eq!(names(watched.until(now + 40 * SECOND)), ["long ago", "tomorrow"]);
}
