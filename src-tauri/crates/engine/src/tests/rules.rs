//! Hours, paused accounts and other numbers while the engine runs.

use super::{
    bench::{Bench, content},
    service::{FakeService, Fault},
};
use crate::{Ask, Engine, Hold, Hours, Pace, Rules, Until};
use labferry_model::{Clock, Limits, State, TransferId, WaitReason};
use labferry_store::TransferFilter;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

fn rules() -> Rules {
    Rules::of(&Limits::default())
}

/// The clock of the suite begins on a Tuesday at 22:13:20 UTC.
fn closed_until(minute: u16) -> Rules {
    let hours = Hours { days: vec![2], from: 22 * 60, to: 22 * 60 + minute, pace: Pace::Nothing };
    Rules { hours: vec![hours], ..rules() }
}

async fn ends(bench: &Bench, id: TransferId) -> State {
    for _ in 0..5_000 {
        let state = bench.transfer(id).await.state;
        if state.is_settled() {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    bench.transfer(id).await.state
}

fn running(engine: &Engine) -> tokio::task::JoinHandle<()> {
    let engine = engine.clone();
    tokio::spawn(async move { engine.run(Until::Stopped).await.unwrap() })
}

const TURN: State = State::Waiting { why: WaitReason::Turn };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_in_closed_hours_and_all_goes_on_by_itself_after_them() {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    let id = bench.upload("a", &content(100)).await;
    let engine = bench.engine();
    engine.set_rules(closed_until(15));
    let account = bench.transfer(id).await.account;
    assert_eq!(engine.hold(&account), Some(Hold::Hours));
    engine.run(Until::Settled(vec![id])).await.unwrap();
    assert_eq!(
        bench.transfer(id).await.state,
        TURN,
        "whoever waits for it is not kept until the hours are over"
    );
    let before = bench.clock.now();
    let run = running(&engine);
    assert!(ends(&bench, id).await.is_green());
    assert!(bench.transfer(id).await.changed.since(before) > Duration::from_secs(60), "not before 22:15");
    assert_eq!(engine.hold(&account), None);
    engine.stop().await;
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_metered_link_only_what_may_moves_and_the_rest_goes_on_after_it() {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    let id = bench.upload("a", &content(100)).await;
    let account = bench.transfer(id).await.account;
    let engine = bench.engine();
    engine.set_metered(true);
    assert_eq!(engine.hold(&account), None, "unless somebody said so, it goes on");
    engine.set_rules(Rules { waits_on_metered: true, ..rules() });
    assert_eq!(engine.hold(&account), Some(Hold::Metered));
    engine.run(Until::Settled(vec![id])).await.unwrap();
    assert_eq!(bench.transfer(id).await.state, TURN);
    let paused = ["lab".parse().unwrap()].into();
    engine.set_rules(Rules { waits_on_metered: true, paused_accounts: paused, ..rules() });
    assert_eq!(engine.hold(&account), Some(Hold::AccountPaused));
    engine.set_rules(Rules { waits_on_metered: true, ..rules() });
    let run = running(&engine);
    engine.set_metered(false);
    assert!(ends(&bench, id).await.is_green());
    engine.stop().await;
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_account_rests_while_others_go_on() {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    bench.folder.write("b", &content(50));
    let resting = bench.upload("a", &content(100)).await;
    let mut other = bench.new_transfer(labferry_model::Direction::Upload, "b");
    other.account = "other".parse().unwrap();
    let other = bench.add(other).await;
    let engine = bench.engine();
    engine.set_rules(Rules { paused_accounts: ["lab".parse().unwrap()].into(), ..rules() });
    assert_eq!(engine.hold(&"lab".parse().unwrap()), Some(Hold::AccountPaused));
    engine.run(Until::Settled(vec![resting, other])).await.unwrap();
    assert_eq!(bench.transfer(resting).await.state, TURN);
    assert!(bench.transfer(other).await.state.is_green());
    engine.set_rules(rules());
    engine.run(Until::Settled(vec![resting])).await.unwrap();
    assert!(bench.transfer(resting).await.state.is_green());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_hand_is_laid_down_when_its_account_is_paused_and_goes_on_afterwards() {
    // The service is out of order, so that the worker is caught in its pauses.
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let bench = Bench::new(FakeService::new(move |operation| {
        if operation == "send part" && is_broken.load(Ordering::SeqCst) { Fault::Before } else { Fault::None }
    }))
    .await;
    let ids = [bench.upload("a", &content(100)).await, bench.upload("b", &content(100)).await];
    let engine = bench.engine();
    let run = running(&engine);
    let mut caught = false;
    for _ in 0..2_000 {
        let states = [bench.transfer(ids[0]).await.state, bench.transfer(ids[1]).await.state];
        if states.iter().any(State::is_active) {
            caught = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(caught, "a worker was at it");
    engine.set_rules(Rules { paused_accounts: ["lab".parse().unwrap()].into(), ..rules() });
    for _ in 0..2_000 {
        if engine.progress().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(engine.progress().is_empty(), "nothing stays in hand");
    for id in ids {
        let state = bench.transfer(id).await.state;
        assert!(matches!(state, State::Waiting { .. }), "{state:?}");
    }
    broken.store(false, Ordering::SeqCst);
    engine.set_rules(rules());
    let mut done = false;
    for _ in 0..5_000 {
        let states = [bench.transfer(ids[0]).await.state, bench.transfer(ids[1]).await.state];
        done = states.iter().all(|state| matches!(state, State::Done { .. }));
        if done {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(done, "both go on once the account does");
    engine.stop().await;
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_batch_is_paused_cancelled_and_tried_again() {
    let bench = Bench::new(FakeService::new(|_| Fault::None)).await;
    let new: Vec<_> = ["a", "b", "c"]
        .map(|name| {
            bench.folder.write(name, &content(40));
            bench.new_transfer(labferry_model::Direction::Upload, name)
        })
        .into();
    let ids = bench.store.add_transfers(new, bench.clock.now()).await.unwrap();
    let alone = bench.upload("d", &content(40)).await;
    let engine = bench.engine();
    let batch = Some(bench.transfer(ids[0]).await.batch);
    let of = |states: &[&'static str]| TransferFilter {
        states: Some(states.to_vec()),
        batch,
        ..TransferFilter::default()
    };
    assert_eq!(engine.ask_all(&of(&["moving", "waiting"]), Ask::Pause).await.unwrap(), 3);
    engine.run(Until::Idle).await.unwrap();
    assert!(bench.transfer(alone).await.state.is_green());
    assert_eq!(bench.transfer(ids[2]).await.state, State::Paused);
    assert_eq!(engine.ask_all(&of(&["paused"]), Ask::Cancel).await.unwrap(), 3);
    assert_eq!(engine.ask_all(&of(&["paused"]), Ask::Resume).await.unwrap(), 0);
    assert_eq!(engine.ask_all(&of(&["cancelled"]), Ask::Retry).await.unwrap(), 3);
    engine.run(Until::Idle).await.unwrap();
    for id in ids {
        assert!(bench.transfer(id).await.state.is_green());
    }
}
