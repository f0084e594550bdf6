//! Services that do not answer as a service should: nothing is lost, and the sentence says where to look.

use crate::bench::{Lab, User};
use std::{io::Write as _, net::TcpListener};

#[test]
fn a_wrong_token_is_told_and_nothing_is_kept() {
    let lab = Lab::start();
    let user = User::new();
    let ran = user.add_account("lab", &lab.url, "0123456789");
    ran.complains(3, &["sign-in", "token"]);
    assert!(!ran.stderr.contains("0123456789") && !ran.stdout.contains("0123456789"));
    assert_eq!(user.run(&["account", "ls", "--json"]).well().json(), serde_json::json!([]));
}

#[test]
fn a_server_that_is_down_costs_nothing() {
    let mut lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    user.write("a.txt", b"a");
    lab.kill();
    user.run(&["ls", "lab:"]).complains(1, &["cannot be reached", "127.0.0.1"]);
    let ran = user.run(&["put", "a.txt", &place]);
    ran.complains(1, &["cannot be reached"]);
    assert!(ran.stderr.contains("labferry queue run"), "{ran:?}");
    let row = &user.queue()[0];
    assert_eq!((row["state"].as_str(), row["waiting"].as_str()), (Some("waiting"), Some("offline")), "{row}");
    lab.start_again();
    let ran = user.run(&["queue", "run"]).well();
    assert!(ran.stdout.starts_with("verified: "), "{ran:?}");
    assert_eq!(lab.file("a.txt").unwrap()["size"], 1);
}

#[test]
fn a_port_that_speaks_no_http_is_no_service() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    std::thread::spawn(move || {
        for caller in door.incoming() {
            // Whoever hangs up first is not what is looked at.
            let _ = caller.and_then(|mut caller| caller.write_all(b"220 mail.example.org ESMTP ready\r\n"));
        }
    });
    let user = User::new();
    let ran = user.add_account("mail", &format!("http://{address}"), "token");
    ran.complains(1, &["is not the service", "address"]);
    let ran = user.add_account("words", "not an address", "token");
    ran.complains(2, &["not an address", "web address"]);
}

#[test]
fn a_page_that_is_no_repository_is_no_service() {
    let lab = Lab::start();
    let user = User::new();
    // The lab's own control door: a web server, and no repository.
    let control = lab.get("/description")["control_url"].as_str().unwrap().to_owned();
    let ran = user.add_account("door", &control, "token");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.trim_end().ends_with('.') && ran.stderr.lines().count() == 1, "{ran:?}");
}
