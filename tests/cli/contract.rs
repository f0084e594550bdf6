//! The JSON contract: fields are added, never renamed. These are whole values, with what changes from run to run named.

use crate::bench::{Lab, User};
use serde_json::{Value, json};

/// Checks that a value has what the contract says; more may be there.
#[track_caller]
fn holds(actual: &Value, expected: &Value) {
    match (actual, expected) {
        (Value::Object(actual_fields), Value::Object(fields)) => {
            for (name, value) in fields {
                let there =
                    actual_fields.get(name).unwrap_or_else(|| panic!("{name} is missing in {actual}"));
                holds(there, value);
            }
        }
        _ => assert_eq!(actual, expected),
    }
}

const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const MD5_OF_ABC: &str = "900150983cd24fb0d6963f7d28e17f72";

#[test]
fn transfers_receipts_and_checks_keep_their_shape() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let draft = lab.draft.clone().unwrap();
    let place = format!("lab:{draft}");
    let local = user.write("abc.txt", b"abc");

    let put = user.run(&["put", "abc.txt", &place, "--json"]).well();
    assert_eq!(put.stderr, "");
    let transfer = json!({
        "id": 1, "direction": "upload", "account": "lab", "place": draft, "name": "abc.txt", "size": 3, "sent": 3,
        "state": "done", "proof": "server_digest", "digests": { "sha256": SHA256_OF_ABC, "md5": MD5_OF_ABC },
        "problem": null, "attempts": 1, "local": local, "verified": true, "waiting": null,
    });
    holds(&put.json(), &transfer);
    holds(&user.queue()[0], &transfer);
    let names = [
        "id",
        "direction",
        "account",
        "place",
        "name",
        "size",
        "sent",
        "state",
        "proof",
        "digests",
        "problem",
    ];
    let order: Vec<usize> =
        names.iter().map(|name| put.stdout.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(order.is_sorted(), "the fields stand in the contract's order: {}", put.stdout);

    holds(
        &user.run(&["receipts", "--format", "json"]).well().json()[0],
        &json!({
            "direction": "upload", "account": "lab", "service": "nrp", "place": draft, "name": "abc.txt",
            "local": local, "size": 3, "proof": "server_digest", "verified": true,
            "digests": { "sha256": SHA256_OF_ABC, "md5": MD5_OF_ABC },
        }),
    );
    let check = user.run(&["check", "abc.txt", &place, "--json"]).well();
    holds(
        &check.json(),
        &json!({
            "path": format!("{draft}/abc.txt"), "name": "abc.txt", "size": 3, "result": "verified",
            "proof": "server_digest", "against": "local", "problem": null,
        }),
    );
    let shown = user.run(&["show", &format!("{place}/abc.txt"), "--json"]).well();
    holds(
        &shown.json(),
        &json!({ "kind": "file", "file": {
            "path": format!("{draft}/abc.txt"), "name": "abc.txt", "size": 3, "status": "ready", "verified": true,
            "digests": [{ "algorithm": "md5", "hex": MD5_OF_ABC }],
        } }),
    );
    let listed = user.run(&["ls", &place, "--json"]).well();
    holds(&listed.json()["entries"][0], &json!({ "kind": "file", "file": { "name": "abc.txt" } }));
    assert_eq!(listed.json()["next"], Value::Null);
}

#[test]
fn a_problem_in_json_has_a_code_a_message_and_what_is_next() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("a.txt", b"a");
    let ran = user.run(&["put", "missing.txt", "a.txt", &place, "--json"]);
    assert_eq!(ran.code, Some(1));
    let lines = ran.json_lines();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert_eq!(lines[0]["problem"]["code"], "source_missing");
    assert!(lines[0]["problem"]["message"].as_str().unwrap().contains("missing.txt"));
    assert!(!lines[0]["problem"]["next"].as_str().unwrap().is_empty());
    assert_eq!(lines[1]["state"], "done", "the rest is sent");

    let ran = user.run(&["ls", "nobody:", "--json"]);
    assert_ne!(ran.code, Some(0));
    assert!(!ran.json()["problem"]["code"].as_str().unwrap().is_empty());
}

#[test]
fn accounts_and_services_are_told_without_secrets() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let accounts = user.run(&["account", "ls", "--json"]).well();
    holds(&accounts.json()[0], &json!({ "name": "lab", "service": "nrp", "url": lab.url, "settings": {} }));
    let services = user.run(&["account", "services", "--json"]).well().json();
    let nrp = services.as_array().unwrap().iter().find(|service| service["service"] == "nrp").unwrap();
    holds(&nrp["fields"][0], &json!({ "name": "token", "secret": true, "required": true }));
    let tested = user.run(&["account", "test", "lab", "--json"]).well();
    assert!(tested.json()["capabilities"].is_object());
    for ran in [&accounts, &tested] {
        assert!(!ran.stdout.contains(&lab.token) && !ran.stderr.contains(&lab.token));
    }
    let noted = user.run(&["account", "expires", "lab", "2001-01-31", "--json"]).well().json();
    holds(&noted["expiry"], &json!({ "told_by": "person", "remaining": "over" }));
    let listed = user.run(&["account", "ls"]).well().stdout;
    assert!(listed.contains("sign-in ended 2001-01-31 23:59"), "{listed}");
    let shown = user.run(&["account", "show", "lab"]).well().stdout;
    assert!(shown.contains("add the account again with a new token"), "{shown}");
    let shown = user.run(&["account", "show", "lab", "--json"]).well().json();
    holds(&shown, &json!({ "name": "lab", "paused": false, "secret_kept": "encrypted_file" }));
    user.run(&["account", "expires", "lab", "soon"]).complains(2, &["soon", "2027-03-31"]);
    user.run(&["account", "expires", "lab", "none"]).well();
    user.run(&["account", "rm", "lab"]).complains(2, &["lab", "--yes"]);
    user.run(&["account", "rm", "lab", "--yes"]).well();
    assert_eq!(user.run(&["account", "ls", "--json"]).well().json(), json!([]));
}

#[test]
fn receipts_come_as_csv_and_as_digests_for_sha256sum() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let draft = lab.draft.clone().unwrap();
    let local = user.write("a, \"b\".txt", b"abc");
    user.run(&["put", "a, \"b\".txt", &format!("lab:{draft}")]).well();

    let csv = user.run(&["receipts", "--format", "csv"]).well().stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "at,direction,account,service,place,name,local,size,proof,verified,sha256,md5");
    let quoted = local.display().to_string().replace('"', "\"\"");
    let end = format!(
        "upload,lab,nrp,{draft},\"a, \"\"b\"\".txt\",\"{quoted}\",3,server_digest,true,{SHA256_OF_ABC},{MD5_OF_ABC}"
    );
    assert!(lines[1].ends_with(&end), "{csv}");

    let sums = user.run(&["receipts", "--format", "sha256sums"]).well().stdout;
    assert_eq!(sums, format!("{SHA256_OF_ABC}  {}\n", local.display()));
    assert_eq!(
        user.run(&["receipts", "--since", "1h", "--format", "json"]).well().json().as_array().unwrap().len(),
        1
    );
    let later = user.run(&["receipts", "--since", "2999-01-01", "--format", "json"]).well();
    assert_eq!(later.json(), json!([]));
    user.run(&["receipts", "--since", "soon"]).complains(2, &["soon", "2026-03-01"]);
}
