//! `get --range-parts`: how a file is fetched, by what the service saw.

use crate::bench::{Lab, User, bytes};
use std::collections::BTreeSet;

#[test]
fn a_file_comes_in_as_many_ranges_as_asked() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.clone().unwrap());
    let content = bytes(1 << 20, 3);
    user.write("a.bin", &content);
    user.run(&["put", "a.bin", &place]).well();
    let ranges = || -> BTreeSet<String> {
        let seen = lab.get("/inspect/requests");
        let range = |request: &serde_json::Value| request["range"].as_str().map(str::to_owned);
        seen.as_array().unwrap().iter().filter_map(range).collect()
    };
    let file = format!("{place}/a.bin");
    // Of a file of one byte no second one can be asked for.
    user.write("one.bin", b"1");
    user.run(&["put", "one.bin", &place]).well();
    user.run(&["get", &format!("{place}/one.bin"), "back.bin", "--range-parts", "4"]).well();
    assert_eq!(std::fs::read(user.path("back.bin")).unwrap(), b"1");
    user.run(&["get", &file, "whole.bin", "--range-parts", "1"]).well();
    assert_eq!(ranges(), BTreeSet::new());
    user.run(&["get", &file, "four.bin", "--range-parts", "4"]).well();
    let quarters = (0..4).map(|part| format!("bytes={}-{}", part << 18, ((part + 1) << 18) - 1));
    let seen = ranges();
    assert!(quarters.clone().all(|range| seen.contains(&range)), "{seen:?}");
    for name in ["whole.bin", "four.bin"] {
        assert!(std::fs::read(user.path(name)).unwrap() == content, "{name}");
    }
    assert_eq!(user.run(&["get", &file, "x", "--range-parts", "0"]).code, Some(2));
}
