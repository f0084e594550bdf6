//! The first file's way through the commands and what each prints, and `labferry demo`. That the README's own lines work
//! is shown in `tests/guide`.

use crate::bench::{Lab, User, bytes};

#[test]
fn the_first_commands_print_what_happened() {
    let lab = Lab::start();
    let user = User::new();
    let added = user.add_account("practice", &lab.url, &lab.token).well();
    assert_eq!(added.stdout, format!("practice: signed in to {}\n", lab.url));

    let draft = lab.draft.clone().unwrap();
    let listed = user.run(&["ls", "practice:"]).well();
    assert!(
        listed.stdout.lines().any(|line| line.starts_with(&draft) && line.contains("draft")),
        "{listed:?}"
    );

    // Above the size from which files go in parts.
    user.write("scan.bin", &bytes(70 << 20, 1));
    let place = format!("practice:{draft}");
    let put = user.run(&["put", "scan.bin", &place]).well();
    assert_eq!(
        put.stdout,
        format!("verified: {place}/scan.bin, 70.0 MiB (the service's digest equals ours)\n")
    );
    assert_eq!(put.stderr, "", "no progress where there is no terminal");
    assert!(lab.file("scan.bin").unwrap()["parts"].as_array().unwrap().len() > 1);

    let check = user.run(&["check", "scan.bin", &format!("{place}/scan.bin")]).well();
    assert!(check.stdout.starts_with("verified: "), "{check:?}");
    let receipts = user.run(&["receipts"]).well();
    assert!(receipts.stdout.contains(&format!("{place}/scan.bin")), "{receipts:?}");

    let fetched = user.run(&["get", &place, "copy"]).well();
    assert!(fetched.stdout.contains("verified: "), "{fetched:?}");
    assert!(std::fs::read(user.path("copy/scan.bin")).unwrap() == bytes(70 << 20, 1));
    assert!(user.path(&format!("copy/{draft}.metadata.json")).is_file());
}

#[test]
fn the_demonstration_proves_everything_and_leaves_nothing() {
    let user = User::new();
    let place = user.path("temporary");
    std::fs::create_dir(&place).unwrap();
    let output = user.command(&["demo", "--json"]).env("TMPDIR", &place).output().unwrap();
    let demo = crate::bench::Ran::of(&output).well();
    let receipts = demo.json();
    let receipts = receipts.as_array().unwrap();
    let services = Lab::start().get("/description")["services"].as_array().unwrap().len();
    assert_eq!(receipts.len(), 4 * services, "four files for each service");
    assert!(receipts.iter().all(|receipt| receipt["verified"] == true), "{demo:?}");
    assert!(receipts.iter().any(|receipt| receipt["size"].as_u64().unwrap() > 64 << 20));
    assert!(demo.stderr.contains(" in 5 parts"), "{demo:?}");
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "temporary folders are gone");
    assert!(!user.data().exists(), "the user's own data folder is not touched");
}

#[test]
fn the_lab_tells_its_address_in_one_line_and_ends_when_asked() {
    let lab = Lab::start();
    let description = lab.get("/description");
    assert_eq!(description["control_url"], lab.control());
    assert_eq!(description["services"][0]["url"], lab.url.as_str());
    assert_eq!(description["services"][0]["service"], "nrp");
}
