use super::*;
use crate::{LedgerEntry, StoreError, TransferFilter};
use labferry_model::{DigestSet, Fingerprint, Problem, ProblemCode, State, WaitReason, transfer::StoredPlan};
use serde_json::json;

#[tokio::test]
async fn a_transfer_comes_back_as_it_was_added() {
    let folder = Folder::new();
    let store = folder.store().await;
    let mut new = upload("nrp", "späť \" ' \\ \u{1F52C}.tif");
    new.metadata.insert("title".into(), json!({"en": ["a", 1, null]}));
    new.on_clash = ClashPolicy::Rename;
    new.size = None;
    let ids = store.add_transfers(vec![new.clone(), upload("nrp", "b")], NOW).await.unwrap();
    let first = store.transfer(ids[0]).await.unwrap().unwrap();
    assert_eq!(
        (&first.name, &first.metadata, first.on_clash, first.size),
        (&new.name, &new.metadata, new.on_clash, None)
    );
    assert_eq!(first.local, new.local);
    assert_eq!(first.state, State::Waiting { why: WaitReason::Turn });
    assert_eq!((first.created, first.changed, first.bytes_done, first.attempts), (NOW, NOW, 0, 0));
    assert_eq!(store.transfer(ids[1]).await.unwrap().unwrap().batch, first.batch);
    assert_ne!(
        store.transfer(add(&store, "nrp", &["c"]).await[0]).await.unwrap().unwrap().batch,
        first.batch
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_name_that_is_no_text_survives() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let store = folder.store().await;
    let local = PathBuf::from(std::ffi::OsStr::from_bytes(b"/data/\xff\xfe'\n.raw"));
    let id = store
        .add_transfers(vec![NewTransfer { local: local.clone(), ..upload("nrp", "x") }], NOW)
        .await
        .unwrap()[0];
    assert_eq!(store.transfer(id).await.unwrap().unwrap().local, local);
    let change = Change { name: Some("y".into()), ..Change::default() };
    store.amend(id, change).await.unwrap();
    assert_eq!(store.transfer(id).await.unwrap().unwrap().local, local);
}

#[tokio::test]
async fn an_illegal_event_leaves_row_log_and_change_alone() {
    let folder = Folder::new();
    let store = folder.store().await;
    let id = add(&store, "nrp", &["a"]).await[0];
    let (before, last) = (store.transfer(id).await.unwrap(), store.last_event().await.unwrap());
    let change = Change { size: Some(7), ledger: Some(entry("a")), ..Change::default() };
    let error = store.apply(id, Event::AllPartsSent, change, Timestamp(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Illegal(_)), "{error}");
    assert_eq!(store.transfer(id).await.unwrap(), before);
    assert_eq!(store.last_event().await.unwrap(), last);
    assert_eq!(store.ledger_list(None, None, 10).await.unwrap(), vec![]);
    let missing = store.apply(TransferId(99), Event::Admitted, Change::default(), NOW).await;
    assert!(matches!(missing, Err(StoreError::NotFound(_))));
}

fn entry(name: &str) -> LedgerEntry {
    LedgerEntry {
        account: "nrp".parse().unwrap(),
        service: "nrp".into(),
        direction: Direction::Upload,
        place: "abcd-1234".into(),
        name: name.into(),
        path: format!("abcd-1234/{name}"),
        local: "/data/a".into(),
        size: 100,
        fingerprint: None,
        digests: DigestSet::default(),
        proof: proof(),
        at: NOW,
        transfer: None,
    }
}

#[tokio::test]
async fn state_event_and_change_are_stored_together() {
    let folder = Folder::new();
    let store = folder.store().await;
    let id = add(&store, "nrp", &["a"]).await[0];
    let change = Change {
        size: Some(300),
        fingerprint: Some(Fingerprint { size: 300, modified_ns: -5, file_id: Some(u64::MAX) }),
        attempts: Some(1),
        failing_since: Some(Some(NOW)),
        ..Change::default()
    };
    let checking = store.apply(id, Event::Admitted, change.clone(), Timestamp(5)).await.unwrap();
    assert_eq!(store.transfer(id).await.unwrap().as_ref(), Some(&checking));
    assert_eq!(
        (checking.size, &checking.fingerprint, checking.attempts, checking.failing_since, checking.changed),
        (Some(300), &change.fingerprint, 1, Some(NOW), Timestamp(5))
    );
    let plan = StoredPlan { in_parts: true, part_size: 100, part_count: 3 };
    let change =
        Change { plan: Some(plan.clone()), session: Some(json!({"upload": "u-1"})), ..Change::default() };
    store.apply(id, Event::PlanStored, change, NOW).await.unwrap();
    let planned = store.transfer(id).await.unwrap().unwrap();
    assert_eq!((planned.plan, planned.session), (Some(plan), Some(json!({"upload": "u-1"}))));
    let states: Vec<_> = store.events_after(0, 10).await.unwrap().into_iter().map(|e| e.state).collect();
    assert_eq!(states, [State::Waiting { why: WaitReason::Turn }, State::Checking, State::Planned]);
    assert_eq!(*store.committed().borrow(), store.last_event().await.unwrap());
}

#[tokio::test]
async fn receipts_add_up_once_and_are_forgotten_together() {
    let folder = Folder::new();
    let store = folder.store().await;
    let id = add(&store, "nrp", &["a"]).await[0];
    for event in [Event::Admitted, Event::PlanStored, Event::MovingBegan] {
        apply(&store, id, event).await;
    }
    store.add_receipt(id, &receipt(2, 30)).await.unwrap();
    store.add_receipt(id, &receipt(1, 30)).await.unwrap();
    let again = PartReceipt { etag: Some("e".into()), ..receipt(2, 30) };
    store.add_receipt(id, &again).await.unwrap();
    assert_eq!(store.receipts(id).await.unwrap(), [receipt(1, 30), again]);
    assert_eq!(store.transfer(id).await.unwrap().unwrap().bytes_done, 60);
    assert_eq!(store.counts().await.unwrap().bytes_done["moving"], 60);
    assert!(matches!(store.add_receipt(TransferId(9), &receipt(1, 1)).await, Err(StoreError::NotFound(_))));

    let change = Change { clear_parts: true, session: Some(json!(2)), ..Change::default() };
    let held = Event::Held { why: WaitReason::SourceChanged };
    let fresh = store.apply(id, held, change, NOW).await.unwrap();
    assert_eq!((fresh.bytes_done, fresh.plan.as_ref(), fresh.session.as_ref()), (0, None, Some(&json!(2))));
    assert_eq!(store.transfer(id).await.unwrap(), Some(fresh));
    assert_eq!(store.receipts(id).await.unwrap(), []);
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_waits_again() {
    let folder = Folder::new();
    let store = folder.store().await;
    let ids = add(&store, "nrp", &["a", "b", "c", "d"]).await;
    apply(&store, ids[1], Event::Admitted).await;
    apply(&store, ids[2], Event::PauseAsked).await;
    finish(&store, ids[3]).await;
    assert_eq!(store.interrupt_active(NOW).await.unwrap(), [ids[1]]);
    let state = store.transfer(ids[1]).await.unwrap().unwrap().state;
    assert_eq!(state, State::Waiting { why: WaitReason::Interrupted });
    assert_eq!(store.interrupt_active(NOW).await.unwrap(), []);
}

#[tokio::test]
async fn counts_follow_every_change() {
    let folder = Folder::new();
    let store = folder.store().await;
    let ids = add(&store, "nrp", &["a", "b", "c"]).await;
    finish(&store, ids[0]).await;
    let failed = Event::Failed { problem: Problem::new(ProblemCode::SourceMissing) };
    store.apply(ids[1], failed, Change { size: Some(7), ..Change::default() }, NOW).await.unwrap();
    let counts = store.counts().await.unwrap();
    let expected = [("done", 1), ("failed", 1), ("waiting", 1)];
    assert_eq!(counts.by_state, expected.map(|(state, count)| (state.to_owned(), count)).into());
    assert_eq!((counts.bytes["done"], counts.bytes["failed"]), (100, 7));

    let done = TransferFilter { states: Some(vec!["done", "waiting"]), ..TransferFilter::default() };
    assert_eq!(store.clear_step(&done).await.unwrap().changed, 1);
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.by_state.into_keys().collect::<Vec<_>>(), ["failed", "waiting"]);
    assert_eq!(store.transfer(ids[0]).await.unwrap(), None);
    let again = add(&store, "nrp", &["d"]).await[0];
    assert!(again > ids[2], "a number is never used again");
}

#[tokio::test]
async fn lists_filter_and_page() {
    let folder = Folder::new();
    let store = folder.store().await;
    let a = add(&store, "nrp", &["one.tif", "two_x.tif", "three%.raw"]).await;
    let b = add(&store, "zenodo", &["four.tif"]).await;
    apply(&store, a[1], Event::Admitted).await;
    apply(&store, a[2], Event::CancelAsked).await;
    let list = async |filter: TransferFilter| -> Vec<TransferId> {
        store.transfers(&filter).await.unwrap().into_iter().map(|t| t.id).collect()
    };
    let all = TransferFilter::default();
    assert_eq!(list(all.clone()).await, [a[0], a[1], a[2], b[0]]);
    let newest = TransferFilter { newest_first: true, limit: 2, ..all.clone() };
    assert_eq!(list(newest.clone()).await, [b[0], a[2]]);
    assert_eq!(list(TransferFilter { after: Some(a[2]), ..newest.clone() }).await, [a[1], a[0]]);
    let states = Some(vec!["cancelled", "waiting"]);
    assert_eq!(list(TransferFilter { states: states.clone(), ..all.clone() }).await, [a[0], a[2], b[0]]);
    let page = TransferFilter { states: states.clone(), after: Some(b[0]), limit: 1, ..newest };
    assert_eq!(list(page).await, [a[2]]);
    assert_eq!(list(TransferFilter { states: Some(vec![]), ..all.clone() }).await, []);
    let account = Some("zenodo".parse().unwrap());
    assert_eq!(list(TransferFilter { account: account.clone(), ..all.clone() }).await, b);
    assert_eq!(list(TransferFilter { account, states, ..all.clone() }).await, b);
    let nrp = Some("nrp".parse().unwrap());
    assert_eq!(list(TransferFilter { account: nrp, limit: 2, ..all.clone() }).await, a[..2]);
    assert_eq!(
        list(TransferFilter { batch: Some(1), states: Some(vec!["checking"]), ..all.clone() }).await,
        [a[1]]
    );
    assert_eq!(list(TransferFilter { place: Some("abcd-1234".into()), ..all.clone() }).await.len(), 4);
    assert_eq!(list(TransferFilter { place: Some("other".into()), ..all.clone() }).await, []);
    assert_eq!(list(TransferFilter { direction: Some(Direction::Download), ..all.clone() }).await, []);
    for (text, found) in
        [("TIF", vec![a[0], a[1], b[0]]), ("_", vec![a[1]]), ("%", vec![a[2]]), ("", list(all.clone()).await)]
    {
        assert_eq!(list(TransferFilter { text: Some(text.into()), ..all.clone() }).await, found, "{text:?}");
    }
}

#[tokio::test]
async fn commands_share_a_transaction_and_one_that_fails_takes_no_other_with_it() {
    let folder = Folder::new();
    let store = folder.store().await;
    let ids = add(&store, "nrp", &["a", "b", "c", "d"]).await;
    let (commits, events) = (store.commits(), store.last_event().await.unwrap());
    let ask = |id, event| store.apply(id, event, Change::default(), NOW);
    let (first, second, third, fourth) = tokio::join!(
        ask(ids[0], Event::Admitted),
        ask(ids[1], Event::AllPartsSent),
        ask(ids[2], Event::Admitted),
        ask(ids[3], Event::AllPartsSent),
    );
    assert_eq!(store.commits() - commits, 1, "one transaction for all four");
    assert!(first.is_ok() && third.is_ok());
    assert!(matches!(second, Err(StoreError::Illegal(_))) && matches!(fourth, Err(StoreError::Illegal(_))));
    let counts = store.counts().await.unwrap().by_state;
    assert_eq!((counts["checking"], counts["waiting"]), (2, 2));
    assert_eq!(store.last_event().await.unwrap() - events, 2);
    store.close().await;
    let store = folder.store().await;
    assert_eq!(store.counts().await.unwrap().by_state["checking"], 2, "they are there after closing");
}
