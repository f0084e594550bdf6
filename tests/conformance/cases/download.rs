//! Fetching files and ranges of them.

use super::{ends_with, refused};
use crate::{
    content::{bytes, fetch, holds, parts_of, put, request, send_all},
    target::{Moment, Provocation, Target},
};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ByteRange};
use serde_json::json;

pub(crate) async fn whole_and_empty(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    for size in [0, 1, 2_000_003] {
        let content = bytes(size, size);
        let file = put(&*provider, &place, &format!("{size}.bin"), &content, None).await;
        let fetched = fetch(&*provider, &file.path, None, None).await.unwrap();
        assert_eq!((fetched.offset, fetched.total), (0, Some(size)));
        assert!(fetched.bytes == content && fetched.broke.is_none());
    }
}

pub(crate) async fn ranges_are_exact(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let size = target.enrolment.ranges_from + 70_000;
    let content = bytes(1, size);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    for (offset, length, expected) in [
        (0, 1, 1),
        (0, size, usize::try_from(size).unwrap()),
        (size - 1, 1, 1),
        (1234, 5678, 5678),
        (size - 1000, 5000, 1000),
    ] {
        let range = ByteRange { offset, length };
        let fetched = fetch(&*provider, &file.path, Some(range), None).await.unwrap();
        assert_eq!((fetched.offset, fetched.total), (offset, Some(size)), "{range:?}");
        let from = usize::try_from(offset).unwrap();
        assert!(fetched.bytes == content[from..from + expected], "{range:?}: {} bytes", fetched.bytes.len());
    }
    let facts = provider.capabilities().await.unwrap();
    assert_eq!(facts.ranges, Some(true), "seen at the first range");
}

pub(crate) async fn a_range_past_the_end_is_refused(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let file = put(&*provider, &place, "a.bin", &bytes(1, 100), None).await;
    let range = ByteRange { offset: 100, length: 10 };
    let error = refused(provider.open_download(&file.path, Some(range), None).await);
    assert_eq!(error.advice, Advice::Stop, "{error}");
}

/// A service that ignores a range says so by where its bytes begin.
pub(crate) async fn ignored_ranges_are_seen(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(1, target.enrolment.ranges_from + 5000);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    if !target.provoke(Provocation::NoRanges).await {
        return;
    }
    let range = ByteRange { offset: 1000, length: 10 };
    let fetched = fetch(&*provider, &file.path, Some(range), None).await.unwrap();
    assert_eq!(fetched.offset, 0);
    assert!(fetched.total.is_none_or(|total| total == content.len() as u64), "{:?}", fetched.total);
    assert!(fetched.bytes == content);
    assert_eq!(provider.capabilities().await.unwrap().ranges, Some(false));
}

pub(crate) async fn a_guard_refuses_another_content(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(1, 5000);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    let fetched = fetch(&*provider, &file.path, None, None).await.unwrap();
    let guard = fetched.revision.expect("this service tells revisions");
    let range = Some(ByteRange { offset: 1000, length: 500 });
    let same = fetch(&*provider, &file.path, range, Some(&guard)).await.unwrap();
    assert!(same.bytes == content[1000..1500]);
    if !target.offers("delete", provider.capabilities().await.unwrap().delete) {
        return;
    }
    provider.delete(&file.path).await.unwrap();
    let other = put(&*provider, &place, "a.bin", &bytes(2, 5000), None).await;
    for range in [None, range] {
        let error = refused(provider.open_download(&other.path, range, Some(&guard)).await);
        assert_eq!((error.problem.code, error.advice), (ProblemCode::BadAnswer, Advice::Stop), "{error}");
        assert!(error.problem.detail.is_some_and(|words| words.contains("changed")));
    }
}

pub(crate) async fn a_cut_download_goes_on_where_it_stopped(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(1, 3_000_000);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    let cut = json!({ "cut_after": 1_000_000, "side": "response" });
    assert!(target.fault(Moment::Content, cut).await);
    let first = fetch(&*provider, &file.path, None, None).await.unwrap();
    target.lab().faults_struck().await;
    let broke = first.broke.expect("the download was cut");
    assert_eq!((broke.problem.code, broke.advice), (ProblemCode::ConnectionLost, Advice::Again), "{broke}");
    assert!(!first.bytes.is_empty() && first.bytes.len() < content.len());
    let offset = first.bytes.len() as u64;
    let rest = ByteRange { offset, length: 3_000_000 - offset };
    let second = fetch(&*provider, &file.path, Some(rest), first.revision.as_deref()).await.unwrap();
    assert_eq!(second.offset, offset);
    assert!([first.bytes, second.bytes].concat() == content);
}

/// Trying again would never help: somebody has to finish the upload.
pub(crate) async fn an_unfinished_file_is_not_given(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    if !target.finds_by_name(&*provider, &place).await || !target.has(Moment::Begin) {
        return;
    }
    for part_size in [None, facts.parts.map(|rules| rules.min)] {
        let size = part_size.unwrap_or(1000) + 10;
        let name = format!("{size}.bin");
        let session = provider.begin_upload(&request(&place, &name, size, part_size)).await.unwrap();
        let content = bytes(1, size);
        let parts = parts_of(&session, size);
        // Where nothing ends an upload, its bytes do.
        let ends = target.is_finished_by_asking(part_size.is_some());
        let mut receipts =
            if ends { send_all(&*provider, &session, &content, &parts).await } else { Vec::new() };
        let path = provider.find_file(&place, &name).await.unwrap().unwrap().path;
        let error = refused(provider.open_download(&path, None, None).await);
        let is_told = error.problem.code == ProblemCode::PendingFile;
        if !target.offers("begun files in sight of others", is_told) {
            assert_eq!(error.problem.code, ProblemCode::NotFound, "{error}");
        }
        assert_eq!(error.advice, Advice::Stop, "{error}");
        if !ends {
            receipts = send_all(&*provider, &session, &content, &parts).await;
        }
        provider.finish_upload(&session, &receipts).await.unwrap();
        holds(&*provider, &path, &content).await;
        provider.delete(&path).await.unwrap();
    }
}

pub(crate) async fn a_missing_file_is_not_found(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let mut paths: Vec<String> =
        target.enrolment.absent_files.iter().map(|path| (*path).to_owned()).collect();
    if target.finds_by_name(&*provider, &place).await {
        paths.push(format!("{place}/nothing.bin"));
    }
    for path in paths {
        ends_with(provider.open_download(&path, None, None).await, ProblemCode::NotFound, Advice::Stop);
    }
    ends_with(provider.open_download(&place, None, None).await, ProblemCode::InvalidRequest, Advice::Stop);
}
