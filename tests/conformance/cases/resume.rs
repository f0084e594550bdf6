//! Going on after something broke.

use super::{ends_with, refused};
use crate::{
    content::{bytes, holds, is_complete, is_of, md5_of, parts_of, request, send, send_all, whole_digest},
    target::{Moment, Target, cut_request},
};
use labferry_model::{FileStatus, ProblemCode};
use labferry_provider::{Advice, ProviderError, ReceivedParts, UploadSession};
use serde_json::json;

/// What the engine does with a session: it is written down and read again, perhaps by another process.
fn stored(session: &UploadSession) -> UploadSession {
    let text = serde_json::to_string(session).unwrap();
    let read: UploadSession = serde_json::from_str(&text).unwrap();
    assert_eq!(read, *session);
    read
}

/// Whether bytes that may have arrived are simply sent again. Where that would make a second file nobody can remove, a
/// person decides, and is told so.
fn sent_again(target: &Target, error: &ProviderError) -> bool {
    if target.offers("sending again", error.advice == Advice::Again) {
        passing(error);
        return true;
    }
    assert_eq!((error.problem.code, error.advice), (ProblemCode::ConnectionLost, Advice::Stop), "{error}");
    assert!(error.problem.detail.as_ref().is_some_and(|words| words.contains("second")), "{error}");
    false
}

fn passing(error: &ProviderError) {
    assert_eq!(error.advice, Advice::Again, "{error}");
    assert!(
        matches!(error.problem.code, ProblemCode::ConnectionLost | ProblemCode::ServiceFailed),
        "{error}"
    );
}

pub(crate) async fn after_a_cut_at_a_part(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    let size = rules.min * 2 + 777;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let parts = parts_of(&session, size);
    assert!(target.fault(Moment::Send(2), cut_request(rules.min / 2)).await);
    let mut receipts = send_all(&*provider, &session, &content, &parts[..1]).await;
    passing(&refused(send(&*provider, &session, &content, parts[1]).await));
    target.lab().faults_struck().await;
    let received = provider.received_parts(&session).await.unwrap();
    match received {
        ReceivedParts::NotTold => assert!(target.offers("untold parts", !rules.server_lists_parts)),
        ReceivedParts::Parts(list) => {
            assert!(rules.server_lists_parts);
            assert_eq!(list.iter().map(|part| part.number).collect::<Vec<_>>(), [1], "half a part is none");
        }
        other => panic!("{other:?}"),
    }
    receipts.extend(send_all(&*provider, &session, &content, &parts[1..]).await);
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    is_complete(&file, "a.bin", size);
    let inside = target.lab().file("a.bin").await.unwrap();
    assert_eq!(inside["md5"], md5_of(&content));
    for part in inside["parts"].as_array().unwrap() {
        assert_eq!(part["times_received"], 1, "{part}");
    }
}

pub(crate) async fn after_a_restart_of_both(target: &Target) {
    let before = target.connect();
    let Some(rules) = target.parts(&before.capabilities().await.unwrap()) else { return };
    let place = target.place(&*before).await;
    let size = rules.min * 2 + 777;
    let content = bytes(1, size);
    let session = before.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let parts = parts_of(&session, size);
    let mut receipts = send_all(&*before, &session, &content, &parts[..2]).await;
    drop(before);
    target.lab().restart().await;
    let session = stored(&session);
    let after = target.connect();
    match after.received_parts(&session).await.unwrap() {
        ReceivedParts::NotTold => {}
        ReceivedParts::Parts(list) => assert_eq!(list.len(), 2),
        other => panic!("{other:?}"),
    }
    receipts.extend(send_all(&*after, &session, &content, &parts[2..]).await);
    is_complete(&after.finish_upload(&session, &receipts).await.unwrap(), "a.bin", size);
    holds(&*after, &format!("{place}/a.bin"), &content).await;
    let inside = target.lab().file("a.bin").await.unwrap();
    let sent: Vec<_> =
        inside["parts"].as_array().unwrap().iter().map(|part| &part["times_received"]).collect();
    assert_eq!(sent, [1, 1, 1]);
}

pub(crate) async fn a_cut_whole_file_is_sent_again(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let size = 900_000;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, None)).await.unwrap();
    assert!(target.fault(Moment::Send(1), cut_request(100_000)).await);
    let whole = parts_of(&session, size);
    let error = refused(send(&*provider, &session, &content, whole[0]).await);
    target.lab().faults_struck().await;
    if !sent_again(target, &error) {
        return;
    }
    drop(provider);
    let (session, provider) = (stored(&session), target.connect());
    let told = provider.received_parts(&session).await.unwrap();
    if !target.offers("going on elsewhere", told == ReceivedParts::NotTold) {
        // What was announced can only be sent to by whom it was announced by: it begins anew, and nothing is left of it.
        assert_eq!(told, ReceivedParts::Gone);
        assert_eq!(provider.find_file(&place, "a.bin").await.unwrap(), None);
        return;
    }
    let receipts = send_all(&*provider, &session, &content, &whole).await;
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    if target.offers("digests", !provider.capabilities().await.unwrap().digests.is_empty()) {
        assert!(whole_digest(&file).is_some_and(|told| is_of(told, &content)), "{file:?}");
    }
    holds(&*provider, &file.path, &content).await;
}

pub(crate) async fn after_the_finish_answer_was_lost(target: &Target) {
    if !target.has(Moment::Finish) {
        return;
    }
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    let part_size = facts.parts.map(|rules| rules.min);
    for (name, part_size) in [("whole.bin", None), ("parts.bin", part_size)] {
        if !target.is_finished_by_asking(part_size.is_some()) {
            continue;
        }
        let size = part_size.unwrap_or(1000) + 10;
        let content = bytes(1, size);
        let session = provider.begin_upload(&request(&place, name, size, part_size)).await.unwrap();
        let receipts = send_all(&*provider, &session, &content, &parts_of(&session, size)).await;
        assert!(target.fault(Moment::Finish, json!({ "lose_answer": true })).await);
        passing(&refused(provider.finish_upload(&session, &receipts).await));
        target.lab().faults_struck().await;
        let after = target.connect();
        let session = stored(&session);
        let ReceivedParts::Finished(found) = after.received_parts(&session).await.unwrap() else {
            panic!("{name} is finished");
        };
        is_complete(&found, name, size);
        let file = after.finish_upload(&session, &receipts).await.unwrap();
        assert_eq!((&file.digests, file.size), (&found.digests, found.size));
        holds(&*after, &file.path, &content).await;
    }
}

/// Sending bytes again to a file that is complete would destroy it on some services.
pub(crate) async fn after_a_part_answer_was_lost(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(1, 5000);
    let session = provider.begin_upload(&request(&place, "a.bin", 5000, None)).await.unwrap();
    assert!(target.fault(Moment::Send(1), json!({ "lose_answer": true })).await);
    let whole = parts_of(&session, 5000);
    let error = refused(send(&*provider, &session, &content, whole[0]).await);
    target.lab().faults_struck().await;
    if !sent_again(target, &error) {
        return;
    }
    let receipts = send_all(&*provider, &session, &content, &whole).await;
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    refused(send(&*provider, &session, &content, whole[0]).await);
    holds(&*provider, &file.path, &content).await;
}

pub(crate) async fn finishing_twice_is_the_same(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    for part_size in [None, facts.parts.map(|rules| rules.min)] {
        let size = part_size.unwrap_or(1000) + 10;
        let name = format!("{size}.bin");
        let content = bytes(1, size);
        let session = provider.begin_upload(&request(&place, &name, size, part_size)).await.unwrap();
        let receipts = send_all(&*provider, &session, &content, &parts_of(&session, size)).await;
        let first = provider.finish_upload(&session, &receipts).await.unwrap();
        let second = provider.finish_upload(&session, &receipts).await.unwrap();
        assert_eq!((first.size, first.digests, first.status), (second.size, second.digests, second.status));
    }
}

/// Some services finish a file with a hole in it. Then what they tell of it must not look like ours.
pub(crate) async fn a_missing_part_is_never_taken_for_complete(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    let size = rules.min * 2 + 777;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let parts = parts_of(&session, size);
    let mut receipts = send_all(&*provider, &session, &content, &parts[..1]).await;
    receipts.extend(send_all(&*provider, &session, &content, &parts[2..]).await);
    match provider.finish_upload(&session, &receipts).await {
        Ok(file) => {
            let Some(told) = whole_digest(&file) else {
                // Another server may need minutes for it; until then nothing calls the file proven.
                assert!(target.inside().is_none(), "a finished file has its digest here");
                return;
            };
            assert!(!is_of(told, &content), "{file:?}");
        }
        Err(mut error) => {
            // It may pass by itself, but not for ever: in the end the upload is begun anew.
            let mut tries = 1;
            while error.advice == Advice::Again {
                assert!(tries < 10, "the same failure for ever: {error}");
                error = refused(provider.finish_upload(&session, &receipts).await);
                tries += 1;
            }
            assert_eq!(error.advice, Advice::FreshSession, "{error}");
            // What is there can still be completed.
            receipts.extend(send_all(&*provider, &session, &content, &parts[1..2]).await);
            is_complete(&provider.finish_upload(&session, &receipts).await.unwrap(), "a.bin", size);
        }
    }
}

/// Deleted and begun again by somebody else meanwhile: their upload is neither finished nor removed by us.
pub(crate) async fn another_upload_of_the_same_name_is_not_ours(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    if !target.finds_by_name(&*provider, &place).await || !target.has(Moment::Begin) {
        return;
    }
    for part_size in [None, facts.parts.map(|rules| rules.min)] {
        let size = part_size.unwrap_or(1000) + 10;
        let name = format!("{size}.bin");
        let ours = provider.begin_upload(&request(&place, &name, size, part_size)).await.unwrap();
        let begun = provider.find_file(&place, &name).await.unwrap().unwrap();
        provider.delete(&begun.path).await.unwrap();
        let theirs = provider.begin_upload(&request(&place, &name, size, part_size)).await.unwrap();
        let content = bytes(2, size);
        let receipts = send_all(&*provider, &theirs, &content, &parts_of(&theirs, size)).await;
        assert_eq!(provider.received_parts(&ours).await.unwrap(), ReceivedParts::Gone);
        provider.abandon_upload(&ours).await.unwrap();
        let found = provider.find_file(&place, &name).await.unwrap().unwrap();
        assert_eq!(found.status == FileStatus::Pending, target.is_finished_by_asking(part_size.is_some()));
        is_complete(&provider.finish_upload(&theirs, &receipts).await.unwrap(), &name, size);
        assert_eq!(provider.received_parts(&ours).await.unwrap(), ReceivedParts::Gone);
        provider.abandon_upload(&ours).await.unwrap();
        holds(&*provider, &found.path, &content).await;
        provider.delete(&found.path).await.unwrap();
    }
}

pub(crate) async fn a_stored_session_holds_no_secret(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    let part_size = facts.parts.map_or(10, |rules| rules.min);
    let session =
        provider.begin_upload(&request(&place, "a.bin", part_size + 1, Some(part_size))).await.unwrap();
    let text = serde_json::to_string(&session).unwrap();
    for secret in target.secrets.values() {
        assert!(!text.contains(secret.reveal()));
    }
    assert!(!text.contains("://") && !text.to_lowercase().contains("signature"), "{text}");
    // What cannot be read is an upload that is lost, not a fault.
    let unread = UploadSession { memory: json!({ "from": "the future" }), ..session };
    ends_with(provider.received_parts(&unread).await, ProblemCode::UploadLost, Advice::FreshSession);
}
