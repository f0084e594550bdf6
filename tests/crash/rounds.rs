//! Kills at random instants: `LABFERRY_KILLS=500` asks for more rounds, `LABFERRY_SEED=7` for one round's file and moment
//! again (what the machine does in that moment is its own).

use crate::bench::{Lab, User};
use std::{thread::sleep, time::Duration};

/// Rounds in every test run.
const ROUNDS: u64 = 4;
/// Bytes of a part at the defaults.
const PART: usize = 16 << 20;
/// Parts in flight at the default limits.
const IN_FLIGHT: u64 = 4;

#[test]
fn an_upload_killed_at_any_moment_arrives_and_sends_no_more_than_it_must() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("LABFERRY_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LABFERRY_KILLS").unwrap_or(ROUNDS),
    };
    let lab = Lab::start();
    let user = User::of(&lab);
    let place = format!("lab:{}", lab.draft.as_deref().unwrap());
    let (mut kills, mut again, mut late) = (0, 0, 0);
    for seed in seeds.clone() {
        let mut random = fastrand::Rng::with_seed(seed);
        let name = format!("f{seed}.bin");
        let mut content = vec![0; random.usize(1..4 * PART)];
        random.fill(&mut content);
        std::fs::write(user.path(&name), &content).unwrap();
        let put = ["put", &name, &place, "--shape", "parts"];
        for _ in 0..random.u32(1..3) {
            let mut running = user.begin(&put);
            sleep(Duration::from_millis(random.u64(0..1_200)));
            // A put that was faster than the kill has nothing left to lose.
            late += u64::from(running.0.try_wait().unwrap().is_some());
            let _ = running.0.kill();
            running.0.wait().unwrap();
            kills += 1;
        }
        let ran = user.run(&put).well();
        assert!(ran.stdout.contains("verified") || ran.stdout.contains("skipped"), "seed {seed}: {ran:?}");
        let stored = lab.file(&name).unwrap();
        assert_eq!(stored["size"].as_u64(), Some(content.len() as u64), "seed {seed}");
        let check = user.run(&["check", &name, &format!("{place}/{name}"), "--json"]).well();
        assert_eq!(check.json()["result"], "verified", "seed {seed}");
        let parts = stored["parts"].as_array().cloned().unwrap_or_default();
        let twice: u64 = parts.iter().map(|part| part["times_received"].as_u64().unwrap() - 1).sum();
        assert!(twice <= IN_FLIGHT * 2, "seed {seed}: {twice} parts were received again");
        again += twice;
        user.run(&["rm", &format!("{place}/{name}"), "--yes"]).well();
        std::fs::remove_file(user.path(&name)).unwrap();
    }
    println!(
        "{kills} kills, {late} of them after the end, seeds {seeds:?}: every file arrived and was proven; {again} parts were \
         received a second time"
    );
}
