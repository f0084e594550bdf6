//! A burst of files that is announced faster than anybody listens. `LABFERRY_BURST` is how many.

use crate::{
    clock::{Watched, rule},
    count,
};
use labferry_model::Clock as _;
use std::{collections::HashSet, fs, time::Duration};

#[test]
fn a_burst_that_overflows_the_announcements_misses_nothing() {
    // More than are kept, so that announcements are lost for certain.
    let files = count("LABFERRY_BURST", labferry_watch::hints::MOST_HINTS + 500);
    let folder = tempfile::tempdir().unwrap();
    let mut watched = Watched::new(rule(folder.path()));
    let mut ready = watched.until(Duration::from_secs(1));
    assert!(ready.is_empty());

    // Nobody takes a turn meanwhile: the system's queue and ours fill up.
    for number in 0..files {
        let inside = folder.path().join(format!("burst {}", number % 20));
        if number < 20 {
            fs::create_dir(&inside).unwrap();
        }
        fs::write(inside.join(format!("{number}.dat")), number.to_string()).unwrap();
    }
    watched.watch.inbox().lose();
    let (before, lost) = (watched.clock.monotonic(), Duration::from_secs(5));
    let began = loop {
        let turn = watched.turn();
        if turn.scanned {
            break watched.clock.monotonic() - before;
        }
        watched.clock.set(watched.clock.monotonic() + turn.next.max(Duration::from_millis(1)));
        assert!(watched.clock.monotonic() - before < Duration::from_secs(60), "no reconcile");
    };
    assert!(began <= lost, "the reconcile began {began:?} after the loss");
    ready.extend(watched.until(Duration::from_secs(3_600)));

    let keys: HashSet<&str> = ready.iter().map(|file| file.key.as_str()).collect();
    assert_eq!((keys.len(), ready.len()), (files, files), "missed or twice");
    println!(
        "{files} files of a burst with lost announcements: 0 missed, 0 twice; the reconcile began {} ms after",
        began.as_millis()
    );
}

#[test]
fn files_that_appear_while_a_new_folder_is_not_yet_announced_for_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut watched = Watched::new(rule(folder.path()));
    watched.until(Duration::from_secs(1));
    let deep = folder.path().join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x.dat"), "x").unwrap();
    // Announcements come when the system likes; whole looks come in any case.
    let ready = watched.until(Duration::from_secs(1_000));
    assert_eq!(ready.iter().map(|file| file.key.as_str()).collect::<Vec<_>>(), ["a/b/c/x.dat"]);
}
