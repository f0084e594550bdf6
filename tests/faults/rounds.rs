//! Random faults on random requests, with kills between, replayable by seed.

use crate::bench::{Bench, PART, WAYS, Way, content};
use labferry_engine::Until;
use labferry_model::{Direction, VerifyChoice};
use serde_json::{Value, json};
use std::time::Duration;

/// Rounds in every test run.
const ROUNDS: u64 = 24;

fn rule(random: &mut fastrand::Rng) -> Value {
    let side = if random.bool() { "request" } else { "response" };
    let offset = random.u64(0..200_000);
    let action = match random.u8(0..7) {
        0 => json!({ "status": 500 }),
        1 => json!({ "status": 503 }),
        2 => json!({ "lose_answer": true }),
        3 => json!({ "expire_links": true }),
        4 => json!({ "cut_after": offset, "side": side }),
        5 => json!({ "delay_ms": 20 }),
        _ => json!({ "flip": offset, "side": side }),
    };
    let method = ["GET", "POST", "PUT"][random.usize(0..3)];
    json!({ "match": { "method": method, "nth": random.u32(1..6) }, "times": random.u32(1..4), "do": action })
}

async fn round(bench: &Bench, way: Way, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let name = format!("s{seed}");
    let length = if way == Way::Whole { random.usize(0..500_000) } else { random.usize(1..3 * PART) };
    let content = content(length, seed);
    let what = format!("seed {seed}, {way:?}, {length} bytes");
    bench.write(&name, &content);
    let id = bench.add(Direction::Upload, &name, way, VerifyChoice::Auto).await;
    bench.faults(Value::Array((0..random.usize(1..6)).map(|_| rule(&mut random)).collect())).await;
    for _ in 0..random.u32(0..3) {
        let engine = bench.engine();
        engine.recover().await.unwrap();
        let running = tokio::spawn(async move { engine.run(Until::Settled(vec![id])).await });
        tokio::time::sleep(Duration::from_millis(random.u64(0..120))).await;
        running.abort();
        let _ = running.await;
        bench.judge(id, &name, &content, &what).await;
    }
    bench.settle(id).await;
    bench.judge(id, &name, &content, &what).await;
    bench.must_arrive(id, &name, &content, &what).await;
    std::fs::remove_file(bench.folder.join(&name)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn green_means_the_same_bytes_whatever_happens() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("LABFERRY_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LABFERRY_FAULTS").unwrap_or(ROUNDS),
    };
    for (index, way) in (0_u64..).zip(WAYS) {
        let bench = Bench::new(way).await;
        for seed in seeds.clone().filter(|seed| seed % 3 == index) {
            round(&bench, way, seed).await;
        }
        bench.stop().await;
    }
    println!("{} rounds of faults, seeds {seeds:?}: no false proof, nothing lost", seeds.end - seeds.start);
}
