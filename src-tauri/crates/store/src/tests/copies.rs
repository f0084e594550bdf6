//! Copies: what is written together, and what is not written over somebody else's word.

use super::{Folder, NOW, upload};
use crate::{CopyChange, StoredCopy};
use labferry_model::{CopiedFile, CopyState, CopyStep, CopyWish, Direction, transfer::NewTransfer};

fn wish() -> CopyWish {
    CopyWish {
        account: "lab".parse().unwrap(),
        paths: vec!["abcd-1234".into()],
        source: "abcd-1234".into(),
        to: "other".parse().unwrap(),
        place: "efgh-5678".into(),
        on_clash: labferry_model::ClashPolicy::Ask,
    }
}

fn file(number: i64) -> CopiedFile {
    CopiedFile {
        number,
        path: format!("abcd-1234/{number}.tif"),
        name: format!("{number}.tif"),
        size: Some(100),
        told: "[]".into(),
        step: CopyStep::Waiting,
        local: None,
        fetched_proven: false,
        verified: false,
        download: None,
        upload: None,
        problem: None,
    }
}

#[tokio::test]
async fn a_step_is_written_whole_and_only_onto_the_state_it_was_decided_on() {
    let folder = Folder::new();
    let store = folder.store().await;
    let id = store.add_copy(wish(), vec![file(1), file(2)], NOW).await.unwrap();
    let copy = store.copy(id).await.unwrap().unwrap();
    assert_eq!((copy.state, copy.wish.clone()), (CopyState::Working, wish()));

    let new = NewTransfer { direction: Direction::Download, ..upload("lab", "1.tif") };
    let step = CopyChange {
        queue: vec![(new, CopiedFile { step: CopyStep::Fetching, ..file(1) })],
        ..CopyChange::default()
    };
    let stop = CopyChange { state: Some(CopyState::Stopped), ..CopyChange::default() };
    assert!(store.change_copy(&copy, stop, NOW).await.unwrap());
    // Decided before it was stopped: neither the file nor the transfer is there.
    assert!(!store.change_copy(&copy, step.clone(), NOW).await.unwrap());
    assert_eq!(store.counts().await.unwrap().by_state.values().sum::<u64>(), 0);
    let files = store.copied_files(id, &[CopyStep::Fetching], 0, 10).await.unwrap();
    assert_eq!(files, []);

    let copy = store.copy(id).await.unwrap().unwrap();
    assert!(store.change_copy(&copy, step, NOW).await.unwrap());
    let hand = store.copied_in_hand(id).await.unwrap();
    let [hand] = hand.as_slice() else { panic!("{hand:?}") };
    let transfer = store.transfer(hand.file.download.unwrap()).await.unwrap().unwrap();
    assert_eq!((transfer.name.as_str(), hand.state.as_ref()), ("1.tif", Some(&transfer.state)));
    assert!(store.is_unfinished_in(std::path::Path::new("/data")).await.unwrap());
    assert!(!store.is_unfinished_in(std::path::Path::new("/dat")).await.unwrap());
    assert_eq!(store.copy_turns().await.unwrap(), [(id, 2)]);
    // It was stopped with files on their way.
    assert_eq!(store.copies_to_lay_down().await.unwrap(), [id]);
}

#[tokio::test]
async fn a_copy_is_found_again_until_it_is_done() {
    let folder = Folder::new();
    let store = folder.store().await;
    let id = store.add_copy(wish(), vec![file(1)], NOW).await.unwrap();
    let found = store.copy_like(&wish()).await.unwrap().map(|copy: StoredCopy| copy.id);
    assert_eq!(found, Some(id));
    let elsewhere = CopyWish { place: "other".into(), ..wish() };
    assert!(store.copy_like(&elsewhere).await.unwrap().is_none());
    let copy = store.copy(id).await.unwrap().unwrap();
    let problem = serde_json::json!({ "code": "unreachable" });
    let change = CopyChange {
        state: Some(CopyState::NeedsYou),
        problem: Some(Some(problem.clone())),
        files: vec![CopiedFile { step: CopyStep::Copied, verified: true, ..file(1) }, file(3)],
        ..CopyChange::default()
    };
    assert!(store.change_copy(&copy, change, NOW).await.unwrap());
    let open = store.open_copies().await.unwrap();
    assert_eq!(open.iter().map(|copy| copy.problem.clone()).collect::<Vec<_>>(), [Some(problem)]);
    let sums = store.copied_sums(id).await.unwrap();
    assert_eq!(
        sums.iter().map(|sum| (sum.step, sum.verified, sum.files, sum.bytes)).collect::<Vec<_>>(),
        [(CopyStep::Copied, true, 1, 100), (CopyStep::Waiting, false, 1, 100)]
    );
    let done = CopyChange { state: Some(CopyState::Done), ..CopyChange::default() };
    assert!(store.change_copy(&store.copy(id).await.unwrap().unwrap(), done, NOW).await.unwrap());
    assert!(
        store.copy_like(&wish()).await.unwrap().is_none() && store.open_copies().await.unwrap().is_empty()
    );
    assert!(store.forget_copy(id).await.unwrap() && store.copies().await.unwrap().is_empty());
    assert_eq!(store.copied_files(id, &[], 0, 10).await.unwrap(), []);
}
