//! `labferry check` over everything that was ever proven.

use crate::bench::{Lab, User};

#[test]
fn everything_in_the_ledger_is_checked_without_sending_and_its_proof_renewed() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.run(&["check", "--ledger"]).well();
    for name in ["a.txt", "b.txt", "c.txt"] {
        user.write(name, name.as_bytes());
        user.run(&["put", name, &place]).well();
    }
    let receipts = user.run(&["receipts", "--json"]).well();
    assert!(receipts.stdout.contains("\"checked\":null"), "{receipts:?}");

    let ran = user.run(&["check", "--ledger", "lab"]).well();
    assert_eq!(ran.stdout.lines().filter(|line| line.starts_with("verified: lab:")).count(), 3, "{ran:?}");
    assert!(ran.stderr.contains("3 of 3 files"), "{ran:?}");
    let receipts = user.run(&["receipts", "--json"]).well();
    assert!(!receipts.stdout.contains("\"checked\":null"), "{receipts:?}");

    // One is gone, one is another file now.
    user.run(&["rm", &format!("{place}/a.txt"), "--yes"]).well();
    user.run(&["rm", &format!("{place}/b.txt"), "--yes"]).well();
    user.write("other/b.txt", b"B.TXT");
    let other = user.path("other/b.txt");
    let somebody = User::of(&lab);
    somebody.run(&["put", other.to_str().unwrap(), &place]).well();
    let ran = user.run(&["check", "--ledger"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for (word, name) in [("missing", "a.txt"), ("differs", "b.txt"), ("verified", "c.txt")] {
        let line = ran.stdout.lines().find(|line| line.contains(name));
        assert!(line.is_some_and(|line| line.starts_with(word)), "{word} {name}: {ran:?}");
    }
    assert!(ran.stderr.contains("1 of 3 files"), "{ran:?}");
    user.run(&["check", "--ledger", "nobody"]).complains(2, &["nobody"]);
    assert_eq!(user.run(&["check", "--ledger", "lab", &place]).code, Some(2));
    user.run(&["check"]).complains(2, &["PLACE"]);
}
