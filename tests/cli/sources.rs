//! A file that changes or shrinks while it is sent.

use crate::bench::{Lab, User, bytes, ended, slow_parts, wait_until};
use std::fs;

#[test]
fn a_file_that_shrinks_or_changes_while_it_is_sent_arrives_as_it_is_in_the_end() {
    for fresh in [bytes(40 << 20, 11), bytes(80 << 20, 12)] {
        let lab = Lab::start();
        let user = User::of(&lab);
        let place = format!("lab:{}", lab.draft.as_deref().unwrap());
        let path = user.write("growing.bin", &bytes(80 << 20, 10));
        slow_parts(&lab, 500);
        let running = user.begin(&["put", "growing.bin", &place, "--json"]);
        wait_until("a part", || {
            lab.file("growing.bin").is_some_and(|file| !file["parts"].as_array().unwrap().is_empty())
        });
        fs::write(&path, &fresh).unwrap();
        let ran = ended(running).well();
        assert_eq!(ran.json()["verified"], true, "{ran:?}");
        let file = lab.file("growing.bin").unwrap();
        assert_eq!(file["size"].as_u64().unwrap(), fresh.len() as u64, "never a mixture of old and new");
        user.run(&["check", "growing.bin", &place]).well();
        drop(lab);
    }
}

#[test]
fn a_file_that_is_taken_away_while_it_is_sent_is_named_and_can_be_put_back() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    let path = user.write("gone.bin", &bytes(80 << 20, 13));
    slow_parts(&lab, 500);
    let running = user.begin(&["put", "gone.bin", &place]);
    wait_until("a part", || {
        lab.file("gone.bin").is_some_and(|file| !file["parts"].as_array().unwrap().is_empty())
    });
    fs::rename(&path, user.path("elsewhere.bin")).unwrap();
    ended(running).complains(1, &["gone.bin", "not on this computer"]);
    fs::rename(user.path("elsewhere.bin"), &path).unwrap();
    user.run(&["put", "gone.bin", &place]).well();
    assert_eq!(user.queue().len(), 1, "the same row was tried again");
}
