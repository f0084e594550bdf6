//! Digests: right, late and absent.

use crate::{
    content::{bytes, holds, is_of, md5_of_parts, parts_of, put, request, send_all, whole_digest},
    target::{Provocation, Target},
};
use bytes::Bytes;
use labferry_model::{FileStatus, RemoteDigest, RemoteFile};
use labferry_provider::{Provider, UploadSession};

pub(crate) async fn a_whole_file_has_its_digest_at_once(target: &Target) {
    let provider = target.connect();
    let facts = provider.capabilities().await.unwrap();
    if !target.offers("digests", !facts.digests.is_empty()) {
        return;
    }
    let place = target.place(&*provider).await;
    for size in [0, 1, 70_000] {
        let content = bytes(size, size);
        let name = format!("{size}.bin");
        let file = put(&*provider, &place, &name, &content, None).await;
        let Some(told) = whole_digest(&file) else {
            assert!(size == 0 && !target.offers("digests of empty files", false), "{file:?}");
            continue;
        };
        assert!(is_of(told, &content), "{file:?}");
        let found = provider.find_file(&place, &name).await.unwrap().unwrap();
        assert_eq!(found.digests, file.digests);
    }
}

struct Sent {
    content: Bytes,
    session: UploadSession,
    place: String,
    finished: RemoteFile,
}

/// A file in three parts whose digest does not come by itself.
async fn without_digest(target: &Target, provider: &dyn Provider) -> Option<Sent> {
    let rules = target.parts(&provider.capabilities().await.unwrap())?;
    if !target.provoke(Provocation::LateDigests).await {
        return None;
    }
    let place = target.place(provider).await;
    let size = rules.min * 2 + 777;
    let content = bytes(3, size);
    let session = provider.begin_upload(&request(&place, "a.bin", size, Some(rules.min))).await.unwrap();
    let receipts = send_all(provider, &session, &content, &parts_of(&session, size)).await;
    let finished = provider.finish_upload(&session, &receipts).await.unwrap();
    Some(Sent { content, session, place, finished })
}

/// Until the digest of the whole is there, nothing or the parts' digest is told, and that one is right.
fn not_yet(file: &RemoteFile, sent: &Sent) {
    assert_eq!(whole_digest(file), None, "nobody has computed it");
    for digest in &file.digests {
        let RemoteDigest::Md5OfParts { hex, parts, part_size } = digest else { panic!("{digest:?}") };
        let plan = parts_of(&sent.session, sent.content.len() as u64);
        assert_eq!((*parts as usize, *part_size), (plan.len(), Some(sent.session.part_size)));
        assert_eq!(*hex, md5_of_parts(&sent.content, &plan));
    }
}

pub(crate) async fn a_late_digest_comes_and_is_right(target: &Target) {
    let provider = target.connect();
    let Some(sent) = without_digest(target, &*provider).await else { return };
    not_yet(&sent.finished, &sent);
    // The guard of a download that is under way survives the late digest.
    let path = format!("{}/a.bin", sent.place);
    // A file that is not ready yet cannot be fetched.
    let early = match sent.finished.status {
        FileStatus::Ready => provider.open_download(&path, None, None).await.unwrap().revision,
        _ => None,
    };
    assert!(target.provoke(Provocation::ComputeDigests).await);
    let found = provider.find_file(&sent.place, "a.bin").await.unwrap().unwrap();
    assert!(whole_digest(&found).is_some_and(|told| is_of(told, &sent.content)), "{found:?}");
    let again = provider.open_download(&path, None, early.as_deref()).await.unwrap();
    assert_eq!(again.offset, 0);
    holds(&*provider, &path, &sent.content).await;
}

/// What the service does not tell is not replaced by what we told it.
pub(crate) async fn an_absent_digest_is_not_invented(target: &Target) {
    let provider = target.connect();
    let Some(sent) = without_digest(target, &*provider).await else { return };
    let found = provider.find_file(&sent.place, "a.bin").await.unwrap().unwrap();
    not_yet(&found, &sent);
    let begun = request(&sent.place, "begun.bin", 10, None);
    provider.begin_upload(&begun).await.unwrap();
    let pending = provider.find_file(&sent.place, "begun.bin").await.unwrap().unwrap();
    assert!(pending.digests.is_empty(), "{pending:?}");
}
