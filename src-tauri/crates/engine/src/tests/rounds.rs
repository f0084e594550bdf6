//! Random faults and kills, replayable by their seed: whatever happens, green means the same bytes.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::Until;
use labferry_model::State;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Rounds in every test run; `LABFERRY_ROUNDS` asks for more, `LABFERRY_SEED` for one round again.
const ROUNDS: u64 = 60;
/// Faults that befell a request, in all rounds.
static STRUCK: AtomicU64 = AtomicU64::new(0);
/// Starts after which a round must have come to its end once the faults are over.
const STARTS: u32 = 6;

fn faulty(seed: u64, rate: f64, struck: &'static AtomicU64) -> impl FnMut(&'static str) -> Fault + Send {
    let mut random = fastrand::Rng::with_seed(seed);
    move |_| {
        if random.f64() >= rate {
            return Fault::None;
        }
        struck.fetch_add(1, Ordering::Relaxed);
        match random.u8(0..5) {
            0 => Fault::Before,
            1 => Fault::AnswerLost,
            2 => Fault::Flip,
            3 => Fault::Forget,
            _ => Fault::Offline,
        }
    }
}

async fn round(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut service = FakeService::new(faulty(seed, 0.25, &STRUCK));
    service.keeps_digests = random.u8(0..4) > 0;
    let bench = Bench::new(service).await;
    let content = content(random.usize(0..1_500));
    let id = bench.upload("a", &content).await;
    for _ in 0..random.u32(1..STARTS) {
        let engine = bench.engine();
        engine.recover().await.unwrap();
        let running = tokio::spawn(async move { engine.run(Until::Settled(vec![id])).await });
        // A kill at a moment that the seed chooses but does not fix: the instant depends on the machine.
        tokio::time::sleep(Duration::from_micros(random.u64(0..3_000))).await;
        running.abort();
        let _ = running.await;
        judge(&bench, id, &content, seed).await;
    }
    bench.settle(id).await;
    judge(&bench, id, &content, seed).await;
    // The faults are over: it must come to a good end, with a person's help where it asked for it.
    bench.service.follow(|_| Fault::None);
    for _ in 0..STARTS {
        match bench.settle(id).await {
            state if state.is_green() => break,
            State::Failed { .. } | State::Waiting { .. } => {
                bench.engine().ask(id, crate::Ask::Retry).await.unwrap();
            }
            state => panic!("seed {seed}: {state:?}"),
        }
    }
    judge(&bench, id, &content, seed).await;
    let state = bench.transfer(id).await.state;
    assert!(state.is_green(), "seed {seed}: {state:?}");
    assert!(bench.service.world().begun.is_empty(), "seed {seed}: a leftover");
}

/// Green means that the service holds the same bytes.
async fn judge(bench: &Bench, id: labferry_model::TransferId, content: &[u8], seed: u64) {
    if bench.transfer(id).await.state.is_green() {
        assert_eq!(bench.service.world().files.get("a").map(Vec::as_slice), Some(content), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn green_means_the_same_bytes_whatever_happens() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("LABFERRY_SEED") {
        return round(seed).await;
    }
    let rounds = number("LABFERRY_ROUNDS").unwrap_or(ROUNDS);
    for seed in 0..rounds {
        round(seed).await;
    }
    let faults = STRUCK.load(Ordering::Relaxed);
    println!(
        "{rounds} rounds, seeds 0..{rounds}, {faults} faults: no false proof, nothing lost, no leftover"
    );
}
