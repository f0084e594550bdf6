//! Giving up, cleaning up, and what is gone.

use super::ends_with;
use crate::{
    content::{bytes, holds, parts_of, put, request, send, send_all},
    target::{Moment, Target},
};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, Leftover, ReceivedParts};

pub(crate) async fn abandoning_leaves_nothing(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    if !target.offers("delete", facts.delete) {
        return;
    }
    for part_size in [None, facts.parts.map(|rules| rules.min)] {
        let size = part_size.unwrap_or(1000) + 10;
        let content = bytes(1, size);
        let session = provider.begin_upload(&request(&place, "a.bin", size, part_size)).await.unwrap();
        let parts = parts_of(&session, size);
        send_all(&*provider, &session, &content, &parts[..1]).await;
        provider.abandon_upload(&session).await.unwrap();
        assert_eq!(provider.find_file(&place, "a.bin").await.unwrap(), None);
        assert!(provider.leftovers(&place).await.unwrap().is_empty());
        assert_eq!(target.lab().file("a.bin").await, None);
        provider.abandon_upload(&session).await.unwrap();
        assert_eq!(provider.received_parts(&session).await.unwrap(), ReceivedParts::Gone);
        let lost = (ProblemCode::UploadLost, Advice::FreshSession);
        ends_with(send(&*provider, &session, &content, parts[0]).await, lost.0, lost.1);
        ends_with(provider.finish_upload(&session, &[]).await, lost.0, lost.1);
        // The name is free again.
        let file = put(&*provider, &place, "a.bin", &content, part_size).await;
        provider.delete(&file.path).await.unwrap();
    }
}

pub(crate) async fn leftovers_are_found_and_cleared(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    if !target.offers("delete", facts.delete) {
        return;
    }
    let part_size = facts.parts.map(|rules| rules.min);
    let size = part_size.unwrap_or(1000) + 10;
    let content = bytes(1, 1000);
    let complete = put(&*provider, &place, "complete.bin", &content, None).await;
    provider.begin_upload(&request(&place, "whole.bin", 1000, None)).await.unwrap();
    let session = provider.begin_upload(&request(&place, "parts.bin", size, part_size)).await.unwrap();
    // Where nothing ends an upload, its bytes do.
    if target.has(Moment::Finish) {
        send_all(&*provider, &session, &bytes(1, size), &parts_of(&session, size)[..1]).await;
    }
    drop(provider);
    let provider = target.connect();
    let mut found = provider.leftovers(&place).await.unwrap();
    if !target.offers("leftovers", !found.is_empty()) {
        return;
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let told: Vec<_> = found.iter().map(|leftover| (leftover.name.as_str(), leftover.size)).collect();
    let sizes = target.offers("sizes of leftovers", told.iter().all(|(_, size)| size.is_some()));
    let expected = [("parts.bin", Some(size)), ("whole.bin", Some(1000))];
    assert_eq!(told, expected.map(|(name, size)| (name, size.filter(|_| sizes))));
    for leftover in &found {
        provider.clear_leftover(leftover).await.unwrap();
        provider.clear_leftover(leftover).await.unwrap();
        assert_eq!(provider.find_file(&place, &leftover.name).await.unwrap(), None);
    }
    assert!(provider.leftovers(&place).await.unwrap().is_empty());
    // A leftover that was finished meanwhile is somebody's file.
    let file = put(&*provider, &place, &found[0].name, &content, None).await;
    let finished = Leftover { path: file.path, ..found[0].clone() };
    ends_with(provider.clear_leftover(&finished).await, ProblemCode::InvalidRequest, Advice::Stop);
    holds(&*provider, &finished.path, &content).await;
    holds(&*provider, &complete.path, &content).await;
}

pub(crate) async fn a_deleted_file_is_gone(target: &Target) {
    let provider = target.connect();
    if !target.offers("delete", provider.capabilities().await.unwrap().delete) {
        return;
    }
    let place = target.place(&*provider).await;
    let kept = bytes(1, 10);
    let kept_file = put(&*provider, &place, "kept.bin", &kept, None).await;
    let file = put(&*provider, &place, "gone.bin", &bytes(2, 10), None).await;
    provider.delete(&file.path).await.unwrap();
    assert_eq!(provider.find_file(&place, "gone.bin").await.unwrap(), None);
    ends_with(provider.describe(&file.path).await, ProblemCode::NotFound, Advice::Stop);
    ends_with(provider.open_download(&file.path, None, None).await, ProblemCode::NotFound, Advice::Stop);
    ends_with(provider.delete(&file.path).await, ProblemCode::NotFound, Advice::Stop);
    holds(&*provider, &kept_file.path, &kept).await;
}

pub(crate) async fn a_deleted_container_is_gone(target: &Target) {
    let provider = target.connect();
    if !target.makes_records(&*provider).await {
        return;
    }
    let place = target.place(&*provider).await;
    let session = provider.begin_upload(&request(&place, "a.bin", 10, None)).await.unwrap();
    provider.delete(&place).await.unwrap();
    ends_with(provider.describe(&place).await, ProblemCode::NotFound, Advice::Stop);
    assert_eq!(provider.received_parts(&session).await.unwrap(), ReceivedParts::Gone);
    provider.abandon_upload(&session).await.unwrap();
    let part = parts_of(&session, 10)[0];
    ends_with(
        send(&*provider, &session, &bytes(1, 10), part).await,
        ProblemCode::UploadLost,
        Advice::FreshSession,
    );
}
