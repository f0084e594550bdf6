//! Killed without warning, again and again: what was sent stays sent, and what arrives is proven.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[allow(dead_code)] // the suite of the command line uses the rest
#[path = "../cli/bench.rs"]
mod bench;
mod ground;
mod rounds;
#[allow(dead_code)] // the suite of faults uses the rest
#[path = "../faults/shapes.rs"]
mod shapes;

use bench::{Lab, User, wait_until};
use serde_json::Value;
use std::{fs::File, io::Write as _, path::Path};

/// Parts in flight at the default limits: up to the connections of an account, when more at once is faster.
const IN_FLIGHT: u64 = 8;
const SIZE: u64 = 1 << 30;

/// Writes bytes without a pattern, quickly.
fn generate(path: &Path) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut file = File::create(path).unwrap();
    let mut block = vec![0; 1 << 22];
    for _ in 0..SIZE / block.len() as u64 {
        random.fill(&mut block);
        file.write_all(&block).unwrap();
    }
}

fn parts(lab: &Lab) -> Vec<Value> {
    let file = lab.file("big.bin").unwrap_or_default();
    file["parts"].as_array().cloned().unwrap_or_default()
}

#[test]
fn an_upload_killed_three_times_arrives_without_sending_its_parts_again() {
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    generate(&user.path("big.bin"));
    let put = ["put", "big.bin", &place];
    let kills = [(&put[..], 12), (&put[..], 28), (&["queue", "run"][..], 44)];
    for (arguments, enough) in kills {
        let mut running = user.begin(arguments);
        wait_until("enough parts", || {
            assert!(running_still(&lab), "the upload was finished before it was killed");
            parts(&lab).len() >= enough
        });
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        println!("killed `labferry {}` with {} parts there", arguments[0], parts(&lab).len());
    }
    let before = parts(&lab);
    let ran = user.run(&put).well();
    assert!(ran.stderr.contains("goes on with the unfinished transfer 1"), "{ran:?}");
    assert!(ran.stdout.starts_with("verified: "), "{ran:?}");

    let after = parts(&lab);
    assert_eq!(after.len() as u64, SIZE.div_ceil(16 << 20));
    let twice: Vec<&Value> = after.iter().filter(|part| part["times_received"] != 1).collect();
    println!("{} of {} parts were received more than once", twice.len(), after.len());
    let again: u64 = after.iter().map(|part| part["times_received"].as_u64().unwrap() - 1).sum();
    assert!(again <= IN_FLIGHT * kills.len() as u64, "sent again beyond what was in flight: {twice:?}");
    for part in &before {
        let now = after.iter().find(|now| now["number"] == part["number"]).unwrap();
        assert_eq!(now["md5"], part["md5"], "a part that was there is another one now");
    }
    assert_eq!(user.queue().len(), 1, "one file, one row");

    let check = user.run(&["check", "big.bin", &place, "--json"]).well();
    assert_eq!(check.json()["result"], "verified");
    let sums = user.run(&["receipts", "--format", "sha256sums"]).well().stdout;
    let stored = lab.file("big.bin").unwrap();
    assert!(
        sums.starts_with(stored["sha256"].as_str().unwrap()),
        "the receipt names the stored bytes: {sums}"
    );
}

/// Whether the file is not finished on the service.
fn running_still(lab: &Lab) -> bool {
    lab.file("big.bin").is_none_or(|file| file["status"] != "completed")
}
