//! Files of every size, whole and in parts.

use super::{ends_with, refused};
use crate::{
    content::{
        body, bytes, fetch, holds, is_complete, is_of, md5_of, parts_of, put, request, send, send_all,
        whole_digest,
    },
    target::{Moment, Provocation, Target},
};
use futures_util::{StreamExt, stream};
use labferry_model::{FileStatus, PartPlan, ProblemCode};
use labferry_provider::{Advice, PartBody, ReceivedParts};
use serde_json::json;
use std::collections::BTreeSet;

pub(crate) async fn whole_files_of_every_small_size(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    let sizes: &[u64] = if target.offers("empty files", facts.empty_files) {
        &[0, 1, 65_536, 1_000_003]
    } else {
        &[1, 1_000_003]
    };
    for &size in sizes {
        let name = format!("{size}.bin");
        let content = bytes(size, size);
        let file = put(&*provider, &place, &name, &content, None).await;
        if let Some(lab) = target.inside() {
            let stored = lab.file(&name).await.unwrap()["md5"].clone();
            if size > 0 || target.offers("digests of empty files", !stored.is_null()) {
                assert_eq!(stored, md5_of(&content), "{name}");
            }
        }
        holds(&*provider, &file.path, &content).await;
    }
}

pub(crate) async fn sizes_around_a_part(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    for (size, count) in [(1, 1), (rules.min - 1, 1), (rules.min, 1), (rules.min + 1, 2)] {
        let name = format!("{size}.bin");
        let content = bytes(size, size);
        let session = provider.begin_upload(&request(&place, &name, size, Some(rules.min))).await.unwrap();
        assert_eq!((session.in_parts, session.part_size), (true, rules.min));
        let parts = parts_of(&session, size);
        assert_eq!(parts.len(), count);
        let receipts = send_all(&*provider, &session, &content, &parts).await;
        is_complete(&provider.finish_upload(&session, &receipts).await.unwrap(), &name, size);
        if let Some(lab) = target.inside() {
            assert_eq!(lab.file(&name).await.unwrap()["md5"], md5_of(&content), "{name}");
        }
        holds(&*provider, &format!("{place}/{name}"), &content).await;
    }
}

pub(crate) async fn many_parts_in_any_order(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    let size = rules.min * 8 + 12_345;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "many.bin", size, Some(rules.min))).await.unwrap();
    let mut parts = parts_of(&session, size);
    assert_eq!(parts.len(), 9);
    let at_once = if target.offers("any order", rules.any_order) {
        parts.reverse();
        4
    } else {
        1
    };
    let sends = parts.iter().map(|part| send(&*provider, &session, &content, *part));
    let receipts: Vec<_> = stream::iter(sends).buffer_unordered(at_once).map(Result::unwrap).collect().await;
    is_complete(&provider.finish_upload(&session, &receipts).await.unwrap(), "many.bin", size);
    let inside = target.lab().file("many.bin").await.unwrap();
    assert_eq!((&inside["md5"], inside["parts"].as_array().unwrap().len()), (&json!(md5_of(&content)), 9));
}

pub(crate) async fn a_part_sent_again_replaces_itself(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    let size = rules.min + 10;
    let (content, other) = (bytes(1, size), bytes(2, size));
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let parts = parts_of(&session, size);
    send_all(&*provider, &session, &other, &parts).await;
    let receipts = send_all(&*provider, &session, &content, &parts).await;
    provider.finish_upload(&session, &receipts).await.unwrap();
    holds(&*provider, &format!("{place}/a.bin"), &content).await;
    // Whole files as well, until they are finished.
    if !target.is_finished_by_asking(false) {
        return;
    }
    let session = provider.begin_upload(&request(&place, "b.bin", size, None)).await.unwrap();
    let whole = parts_of(&session, size);
    send_all(&*provider, &session, &other, &whole).await;
    let receipts = send_all(&*provider, &session, &content, &whole).await;
    provider.finish_upload(&session, &receipts).await.unwrap();
    holds(&*provider, &format!("{place}/b.bin"), &content).await;
}

/// The name is taken, by a file or by an upload that was begun: both stay as they are.
pub(crate) async fn a_taken_name_is_told(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    if !target.finds_by_name(&*provider, &place).await || !target.has(Moment::Begin) {
        return;
    }
    let content = bytes(1, 10);
    put(&*provider, &place, "taken.bin", &content, None).await;
    let again = provider.begin_upload(&request(&place, "taken.bin", 5, None)).await;
    if !target.offers("one file a name", again.is_err()) {
        return;
    }
    ends_with(again, ProblemCode::PendingFile, Advice::FreshSession);
    let found = provider.find_file(&place, "taken.bin").await.unwrap().unwrap();
    assert_eq!((found.status, found.size), (FileStatus::Ready, Some(10)));
    holds(&*provider, &found.path, &content).await;
    let begun = provider.begin_upload(&request(&place, "begun.bin", 7, None)).await.unwrap();
    ends_with(
        provider.begin_upload(&request(&place, "begun.bin", 5, None)).await,
        ProblemCode::PendingFile,
        Advice::FreshSession,
    );
    let found = provider.find_file(&place, "begun.bin").await.unwrap().unwrap();
    assert_eq!((found.status, found.digests.len()), (FileStatus::Pending, 0));
    assert_eq!(provider.received_parts(&begun).await.unwrap(), ReceivedParts::NotTold);
}

pub(crate) async fn a_source_that_ends_early_is_never_finished(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let size = 300_000;
    let session = provider.begin_upload(&request(&place, "a.bin", size, None)).await.unwrap();
    let part = PartPlan { number: 1, offset: 0, length: size };
    let short = PartBody { length: size, ..body(&bytes(1, size - 1), PartPlan { length: size - 1, ..part }) };
    ends_with(provider.send_part(&session, part, short).await, ProblemCode::SourceChanged, Advice::Stop);
    let long = PartBody { length: size, ..body(&bytes(1, size + 1), PartPlan { length: size + 1, ..part }) };
    ends_with(provider.send_part(&session, part, long).await, ProblemCode::SourceChanged, Advice::Stop);
    let broken = PartBody {
        length: size,
        md5: None,
        stream: stream::iter([Ok(bytes(1, 1000)), Err(std::io::Error::other("the disk was pulled out"))])
            .boxed(),
    };
    ends_with(provider.send_part(&session, part, broken).await, ProblemCode::SourceUnreadable, Advice::Stop);
    refused(provider.finish_upload(&session, &[]).await);
    assert!(target.lab().file("a.bin").await.is_none_or(|file| file["status"] == "pending"));
}

/// A service that does not let us send parts gets the file whole, and later files are planned whole.
pub(crate) async fn multipart_refused_becomes_whole(target: &Target) {
    let provider = target.connect();
    let Some(rules) = target.parts(&provider.capabilities().await.unwrap()) else { return };
    let place = target.place(&*provider).await;
    if !target.provoke(Provocation::WholeOnly).await {
        return;
    }
    let size = rules.min + 1;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    assert!(!session.in_parts);
    let receipts = send_all(&*provider, &session, &content, &parts_of(&session, size)).await;
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    is_complete(&file, "a.bin", size);
    assert!(whole_digest(&file).is_some_and(|told| is_of(told, &content)), "{file:?}");
    assert_eq!(provider.capabilities().await.unwrap().parts, None);
    let session = provider.begin_upload(&request(&place, "b.bin", size, Some(rules.min))).await.unwrap();
    assert!(!session.in_parts);
}

/// What a service stored wrongly is never told as what we sent.
pub(crate) async fn a_byte_changed_on_the_way_shows(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let size = 200_000;
    let content = bytes(1, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, None)).await.unwrap();
    assert!(target.fault(Moment::Send(1), json!({ "flip": 100_000 })).await);
    let receipts = send_all(&*provider, &session, &content, &parts_of(&session, size)).await;
    target.lab().faults_struck().await;
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    if target.offers("digests", !provider.capabilities().await.unwrap().digests.is_empty()) {
        assert!(!is_of(whole_digest(&file).unwrap(), &content), "{file:?}");
        assert_ne!(target.lab().file("a.bin").await.unwrap()["md5"], md5_of(&content));
    } else {
        assert!(file.digests.is_empty(), "{file:?}");
        let fetched = fetch(&*provider, &file.path, None, None).await.unwrap();
        assert!(fetched.bytes != content, "reading back shows it");
    }
}

pub(crate) async fn a_yes_that_means_no_is_none(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    if !target.provoke(Provocation::FalseYes).await {
        return;
    }
    let content = bytes(1, 5000);
    let session = provider.begin_upload(&request(&place, "a.bin", 5000, None)).await.unwrap();
    let whole = parts_of(&session, 5000);
    let error = refused(send(&*provider, &session, &content, whole[0]).await);
    assert_eq!((error.problem.code, error.advice), (ProblemCode::ServiceFailed, Advice::Again), "{error}");
    target.lab().faults_struck().await;
    let receipts = send_all(&*provider, &session, &content, &whole).await;
    is_complete(&provider.finish_upload(&session, &receipts).await.unwrap(), "a.bin", 5000);
    holds(&*provider, &format!("{place}/a.bin"), &content).await;
}

pub(crate) async fn many_files_at_once(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let files: Vec<_> =
        (0..24_u64).map(|seed| (format!("{seed:02}.bin"), bytes(seed, 4096 + seed))).collect();
    let uploads = files.iter().map(|(name, content)| put(&*provider, &place, name, content, None));
    let sent: Vec<_> = stream::iter(uploads).buffer_unordered(8).collect().await;
    for file in &sent {
        let (_, content) = files.iter().find(|(name, _)| *name == file.name).unwrap();
        holds(&*provider, &file.path, content).await;
    }
    let paths: BTreeSet<_> = sent.iter().map(|file| &file.path).collect();
    assert_eq!(paths.len(), files.len(), "no two share a path");
    if !target.offers("list", provider.capabilities().await.unwrap().listable) {
        return;
    }
    assert_eq!(super::browse::files_of(&*provider, &place).await.len(), files.len());
}
