//! What a queue of a million rows stands on: every question goes to an index, and what is done to all is done in steps.
//! What that costs with a million rows is row P6 of `make bench`.

use super::*;
use crate::{TransferFilter, queue, transfer_list::choose, transfer_query, transfer_row::transfer_columns};
use labferry_model::{Problem, ProblemCode, State, WaitReason};
use sqlx::{AssertSqlSafe, Row};

/// How SQLite would do it, one line a step.
async fn plan(store: &Store, statement: String) -> String {
    let mut connection = store.reader().await.unwrap();
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get::<String, _>("detail")).collect();
    lines.join("\n")
}

async fn plan_of(store: &Store, filter: &TransferFilter) -> String {
    let mut connection = store.reader().await.unwrap();
    let query = choose(&mut connection, transfer_columns!(), filter).await.unwrap();
    let text = query.sql().as_str().to_owned();
    drop((query, connection));
    plan(store, text).await
}

/// Nothing is read from end to end, and at most the few rows of a page are sorted.
fn goes_to_indices(plan: &str) {
    for line in plan.lines() {
        let whole = line.starts_with("SCAN") && line.contains(" t") && !line.contains("VIRTUAL TABLE");
        let whole = whole || line.starts_with("SCAN transfers");
        assert!(!whole, "{plan}");
    }
}

fn filters() -> Vec<(&'static str, TransferFilter)> {
    let base = TransferFilter { newest_first: true, limit: 200, ..TransferFilter::default() };
    let states = Some(vec!["waiting", "failed"]);
    let account = Some("nrp".parse().unwrap());
    vec![
        ("transfers_by_state", TransferFilter { states: states.clone(), ..base.clone() }),
        (
            "transfers_stuck",
            TransferFilter { states: states.clone(), reasons: vec!["sign_in"], ..base.clone() },
        ),
        ("transfers_by_account", TransferFilter { account: account.clone(), ..base.clone() }),
        (
            "transfers_by_account",
            TransferFilter { account: account.clone(), states: states.clone(), ..base.clone() },
        ),
        ("transfers_by_batch", TransferFilter { batch: Some(1), ..base.clone() }),
        ("transfers_by_batch", TransferFilter { batch: Some(1), states, ..base.clone() }),
        ("transfers_by_place", TransferFilter { place: Some("p".into()), account, ..base.clone() }),
        ("INTEGER PRIMARY KEY", TransferFilter { after: Some(TransferId(500)), ..base }),
    ]
}

#[tokio::test]
async fn every_list_goes_to_an_index() {
    let folder = Folder::new();
    let store = folder.store().await;
    for (index, filter) in filters() {
        let plan = plan_of(&store, &filter).await;
        assert!(plan.contains(index), "{filter:?}\n{plan}");
        goes_to_indices(&plan);
        for query in transfer_query::extent(&filter).unwrap() {
            let plan = self::plan(&store, query.sql().as_str().to_owned()).await;
            goes_to_indices(&plan);
        }
    }
}

#[tokio::test]
async fn the_next_row_is_found_by_indices() {
    let folder = Folder::new();
    let store = folder.store().await;
    for (statement, index) in [
        (queue::NEXT, "transfers_ready"),
        (queue::DUE, "transfers_timed"),
        (queue::EARLIEST, "transfers_timed"),
        (crate::transfers::LIKE, "transfers_by_place (account=? AND place=? AND name=?)"),
    ] {
        let plan = plan(&store, statement.to_owned()).await;
        assert!(plan.contains(index), "{statement}\n{plan}");
        goes_to_indices(&plan);
        assert!(!plan.contains("TEMP B-TREE") || statement == queue::NEXT, "{plan}");
    }
}

/// Rows with the names `scan-0.tif`, `scan-1.tif` and so on.
async fn many(store: &Store, count: usize) -> Vec<TransferId> {
    let new = (0..count).map(|number| upload("nrp", &format!("scan-{number}.tif"))).collect();
    store.add_transfers(new, NOW).await.unwrap()
}

fn all() -> TransferFilter {
    TransferFilter { newest_first: true, ..TransferFilter::default() }
}

async fn names(store: &Store, filter: &TransferFilter) -> Vec<String> {
    store.transfers(filter).await.unwrap().into_iter().map(|transfer| transfer.name).collect()
}

#[tokio::test]
async fn a_text_is_found_by_the_index_of_names() {
    let folder = Folder::new();
    let store = folder.store().await;
    // More than are compared one by one.
    let ids = many(&store, 21_000).await;
    assert_eq!(ids.len(), 21_000);
    let batches = store.transfers(&TransferFilter { batch: Some(1), limit: 30_000, ..all() }).await.unwrap();
    assert_eq!(batches.len(), 21_000, "one batch, though it took several transactions");
    let text = |text: &str| TransferFilter { text: Some(text.into()), ..all() };
    let plan = plan_of(&store, &text("SCAN-2099")).await;
    assert!(plan.contains("names VIRTUAL TABLE") && plan.contains("INTEGER PRIMARY KEY"), "{plan}");
    goes_to_indices(&plan);
    let expected: Vec<String> = (20_990..21_000)
        .rev()
        .map(|number| format!("scan-{number}.tif"))
        .chain(["scan-2099.tif".into()])
        .collect();
    assert_eq!(names(&store, &text("SCAN-2099")).await, expected);
    assert_eq!(names(&store, &TransferFilter { limit: 2, ..text(".tif") }).await, &expected[..2]);
    assert_eq!(names(&store, &text("scan.")).await, [""; 0]);
    assert_eq!(names(&store, &text("\"can")).await, [""; 0], "quotes are letters");
    let change = Change { name: Some("other \"name\".raw".into()), ..Change::default() };
    store.amend(ids[7], change).await.unwrap();
    assert_eq!(names(&store, &text("r \"name")).await, ["other \"name\".raw"]);
    assert!(!names(&store, &text("scan-7.tif")).await.contains(&"scan-7.tif".to_owned()));
    finish(&store, ids[7]).await;
    let done = TransferFilter { states: Some(vec!["done"]), ..text("name") };
    assert_eq!(names(&store, &done).await, ["other \"name\".raw"]);
    store.clear_step(&done).await.unwrap();
    assert_eq!(names(&store, &text("r \"name")).await, [""; 0]);
}

#[tokio::test]
async fn all_of_a_batch_are_asked_in_steps_that_log_every_row() {
    let folder = Folder::new();
    let store = folder.store().await;
    let other = add(&store, "nrp", &["other"]).await[0];
    let ids = many(&store, 4_500).await;
    apply(&store, ids[3], Event::Admitted).await;
    finish(&store, ids[4]).await;
    let batch = store.transfer(ids[0]).await.unwrap().unwrap().batch;
    let mut filter = TransferFilter { batch: Some(batch), ..TransferFilter::default() };
    let before = store.last_event().await.unwrap();
    let (mut changed, mut steps) = (0, 0);
    loop {
        let step = store.apply_step(&filter, Event::PauseAsked, false, NOW).await.unwrap();
        changed += step.changed;
        let Some(last) = step.last else { break };
        filter.after = Some(last);
        steps += 1;
    }
    assert_eq!((changed, steps), (4_499, 3), "the one that is done cannot be paused");
    assert_eq!(store.counts().await.unwrap().by_state["paused"], 4_499);
    assert_eq!(store.transfer(other).await.unwrap().unwrap().state, State::Waiting { why: WaitReason::Turn });
    let events = store.events_after(before, 10_000).await.unwrap();
    assert_eq!(events.len(), 4_499);
    assert!(events.iter().all(|event| event.state == State::Paused && event.transfer != ids[4]));
    assert_eq!(*store.committed().borrow(), events.last().unwrap().number);
    filter.after = None;
    let again = store.apply_step(&filter, Event::PauseAsked, false, NOW).await.unwrap();
    assert_eq!((again.changed, store.last_event().await.unwrap()), (0, events.last().unwrap().number));
}

#[tokio::test]
async fn rows_that_wait_for_a_person_are_counted_and_listed_by_reason() {
    let folder = Folder::new();
    let store = folder.store().await;
    let ids = add(&store, "nrp", &["a", "b", "c", "d"]).await;
    let why = WaitReason::SignIn { problem: Problem::new(ProblemCode::SignInNeeded) };
    for id in &ids[..2] {
        apply(&store, *id, Event::Held { why: why.clone() }).await;
    }
    apply(&store, ids[2], Event::Failed { problem: Problem::new(ProblemCode::SourceMissing) }).await;
    let needs =
        TransferFilter { states: Some(vec!["failed"]), reasons: vec!["sign_in", "disk_low"], ..all() };
    assert_eq!(names(&store, &needs).await, ["c", "b", "a"]);
    assert_eq!(names(&store, &TransferFilter { batch: Some(1), limit: 2, ..needs }).await, ["c", "b"]);
    assert_eq!(store.held("sign_in", 9).await.unwrap(), ids[..2]);
    assert_eq!(store.count_held("sign_in").await.unwrap(), 2);
    apply(&store, ids[0], Event::ResumeAsked).await;
    assert_eq!(store.count_held("sign_in").await.unwrap(), 1);
    apply(&store, ids[1], Event::CancelAsked).await;
    assert_eq!((store.count_held("sign_in").await.unwrap(), store.count_held("none").await.unwrap()), (0, 0));
}

#[tokio::test]
async fn unfinished_rows_for_the_same_file_are_found() {
    let folder = Folder::new();
    let store = folder.store().await;
    let ids = add(&store, "nrp", &["a", "b", "c"]).await;
    finish(&store, ids[1]).await;
    let elsewhere = NewTransfer { local: "/else/c".into(), ..upload("nrp", "c") };
    let asked = [upload("nrp", "a"), upload("nrp", "b"), elsewhere, upload("other", "a")];
    let found = store.unfinished_like(&asked).await.unwrap();
    assert_eq!(found.into_iter().map(|transfer| transfer.id).collect::<Vec<_>>(), ids[..1]);
}
