//! Records: made, changed, published, given a new version, deleted; and what unfinished uploads leave on a service.

use crate::bench::{Lab, User, bytes, slow_parts, wait_until};
use serde_json::json;

#[test]
fn a_record_is_made_filled_published_and_given_a_new_version() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let metadata = json!({
        "title": "Run 7", "publication_date": "2026-03-01", "resource_type": { "id": "dataset" },
        "creators": [{ "person_or_org": { "type": "personal", "family_name": "Doe", "given_name": "Jo" } }],
    });
    user.write("meta.json", metadata.to_string().as_bytes());
    let made = user.run(&["record", "create", "lab:", "--file", "meta.json", "--json"]).well().json();
    let place = format!("lab:{}", made["path"].as_str().unwrap());
    assert_eq!((made["title"].as_str(), made["kind"].as_str()), (Some("Run 7"), Some("draft")));
    let edited = user.run(&["record", "edit", &place, "--set", "title=Run 8", "--json"]).well().json();
    assert_eq!(edited["title"], "Run 8");
    assert_eq!(edited["metadata"]["publication_date"], "2026-03-01", "other fields stay");

    user.write("a.txt", b"a");
    user.run(&["put", "a.txt", &place]).well();
    user.run(&["record", "publish", &place]).complains(2, &["cannot be changed", "--yes"]);
    let published = user.run(&["record", "publish", &place, "--yes", "--json"]).well().json();
    assert_eq!(published["kind"], "record");
    user.run(&["check", &place]).well();
    let version = user.run(&["record", "version", &place, "--json"]).well().json();
    assert_eq!(version["kind"], "draft");
    let draft = format!("lab:{}", version["path"].as_str().unwrap());
    user.run(&["record", "rm", &draft]).complains(2, &["Run 8", "--yes"]);
    user.run(&["record", "rm", &draft, "--yes"]).well();
    assert_ne!(user.run(&["record", "rm", &format!("{place}/a.txt"), "--yes"]).code, Some(0));
}

#[test]
fn a_services_own_actions_are_listed_and_run_by_name() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let mine = user.run(&["record", "create", "lab:", "--set", "title=Run 9", "--json"]).well().json();
    let place = format!("lab:{}", mine["path"].as_str().unwrap());
    let actions = user.run(&["action", "ls", &place, "--json"]).well().json();
    let publish = actions.as_array().unwrap().iter().find(|action| action["name"] == "publish").unwrap();
    assert!(publish["confirmation"].as_str().unwrap().contains("never be changed"), "{publish}");
    user.run(&["action", "run", &place, "publish"]).complains(2, &["never be changed", "--yes"]);
    user.run(&["action", "run", &place, "dance", "--yes"]).complains(2, &["dance", "publish"]);
    user.run(&["action", "run", &place, "publish", "--yes", "--set", "a=b"])
        .complains(2, &["no field", "\"a\""]);
    user.run(&["action", "run", &place, "publish", "--yes"]).complains(1, &["creators"]);
    user.run(&["url", &place]).complains(1, &["temporary link", "service"]);
}

#[test]
fn metadata_that_is_no_metadata_is_named() {
    let user = User::new();
    user.write("list.json", b"[1]");
    user.write("broken.json", b"{");
    let create = |arguments: &[&str]| user.run(&[&["record", "create", "lab:"], arguments].concat());
    create(&["--file", "gone.json"]).complains(2, &["gone.json", "JSON object"]);
    create(&["--file", "list.json"]).complains(2, &["list.json", "no object"]);
    create(&["--file", "broken.json"]).complains(2, &["broken.json", "JSON object"]);
    create(&["--set", "year:=twenty"]).complains(2, &["year", "not JSON"]);
    user.run(&["record", "edit", "lab:x"]).complains(2, &["--set", "--file"]);
}

#[test]
fn an_unfinished_upload_is_ours_until_it_is_given_up_and_never_deleted_by_mistake() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("big.bin", &bytes(80 << 20, 31));
    user.write("done.txt", b"done");
    user.run(&["put", "done.txt", &place]).well();
    slow_parts(&lab, 400);
    let mut running = user.begin(&["put", "big.bin", &place]);
    wait_until("a part", || {
        lab.file("big.bin").is_some_and(|file| !file["parts"].as_array().unwrap().is_empty())
    });
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let leftovers = user.run(&["ls", "--leftovers", &place, "--json"]).well().json();
    assert_eq!(
        (leftovers[0]["name"].as_str(), leftovers[0]["ours"].as_bool()),
        (Some("big.bin"), Some(true))
    );
    user.run(&["rm", "--leftovers", &format!("{place}/big.bin")])
        .complains(2, &["big.bin", "goes on by itself"]);
    user.run(&["rm", "--leftovers", &format!("{place}/done.txt")])
        .complains(1, &["done.txt", "not an unfinished"]);
    lab.clear_faults();
    // Somebody else's queue knows nothing of it, so there it may be cleared.
    let other = User::of(&lab);
    let leftovers = other.run(&["ls", "--leftovers", &place, "--json"]).well().json();
    assert_eq!(leftovers[0]["ours"], false);
    other.run(&["rm", "--leftovers", &format!("{place}/big.bin")]).well();
    assert!(lab.file("big.bin").is_none() && lab.file("done.txt").is_some());
    user.run(&["put", "big.bin", &place]).well();
    user.run(&["rm", &format!("{place}/done.txt")]).complains(2, &["done.txt", "4 B", "--yes"]);
    user.run(&["rm", &format!("{place}/done.txt"), "--yes"]).well();
    assert!(lab.file("done.txt").is_none());
}
