//! Limits a service tells by refusing, each with its own code.

use super::{ask, ends_with, question, refused};
use crate::{
    content::{bytes, parts_of, put, request, send},
    target::{Moment, Provocation, Target},
};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ListRequest, UploadRequest};
use serde_json::json;

/// Sends a whole file and gives the first refusal.
async fn upload(
    target: &Target,
    upload: UploadRequest,
) -> labferry_provider::ProviderResult<labferry_model::RemoteFile> {
    let provider = target.connect();
    let content = bytes(1, upload.size);
    let session = provider.begin_upload(&upload).await?;
    let receipt = send(&*provider, &session, &content, parts_of(&session, upload.size)[0]).await?;
    provider.finish_upload(&session, &[receipt]).await
}

pub(crate) async fn a_full_quota(target: &Target) {
    let place = target.place(&*target.connect()).await;
    if target.provoke(Provocation::Quota(10_000)).await {
        upload(target, request(&place, "fits.bin", 9_000, None)).await.unwrap();
        let result = upload(target, request(&place, "a.bin", 1_001, None)).await;
        ends_with(result, ProblemCode::QuotaExceeded, Advice::Stop);
    }
}

pub(crate) async fn too_many_files(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    if target.provoke(Provocation::Files(2)).await {
        put(&*provider, &place, "a.bin", &bytes(1, 1), None).await;
        put(&*provider, &place, "b.bin", &bytes(1, 1), None).await;
        let result = provider.begin_upload(&request(&place, "c.bin", 1, None)).await;
        ends_with(result, ProblemCode::TooManyFiles, Advice::Stop);
    }
}

pub(crate) async fn a_body_that_is_too_large(target: &Target) {
    let place = target.place(&*target.connect()).await;
    if target.provoke(Provocation::BodyLimit(100_000)).await {
        // Somewhat below: with some services a form stands around the file.
        upload(target, request(&place, "fits.bin", 99_000, None)).await.unwrap();
        let result = upload(target, request(&place, "a.bin", 100_000, None)).await;
        ends_with(result, ProblemCode::FileTooLarge, Advice::Stop);
    }
}

pub(crate) async fn an_empty_file_that_is_not_taken(target: &Target) {
    let place = target.place(&*target.connect()).await;
    if target.provoke(Provocation::NoEmptyFiles).await {
        let result = upload(target, request(&place, "a.bin", 0, None)).await;
        ends_with(result, ProblemCode::EmptyFileRefused, Advice::Stop);
        upload(target, request(&place, "b.bin", 1, None)).await.unwrap();
    }
}

pub(crate) async fn too_many_requests(target: &Target) {
    let provider = target.connect();
    if !target.provoke(Provocation::RequestsPerMinute(2)).await {
        return;
    }
    let top = ListRequest { limit: 1, ..ListRequest::default() };
    let mut results = Vec::new();
    for _ in 0..4 {
        results.push(provider.list(&top).await.map(drop));
    }
    let error = refused(results.pop().unwrap());
    assert_eq!(error.problem.code, ProblemCode::RateLimited, "{error}");
    let Advice::AgainAfter(wait) = error.advice else { panic!("{:?}", error.advice) };
    assert!(wait.as_secs() >= 1 && wait.as_secs() <= 60, "{wait:?}");
}

pub(crate) async fn an_internal_error(target: &Target) {
    let provider = target.connect();
    let question = question(target);
    for status in [500, 502, 503, 504] {
        // The header stands on every answer of some services and means nothing but with 429 and 503.
        let failure = json!({ "status": status, "headers": { "retry-after": "7" } });
        assert!(target.fault(question, failure).await);
        let error = refused(ask(&*provider, question).await);
        assert_eq!(error.problem.code, ProblemCode::ServiceFailed, "{error}");
        let wait = std::time::Duration::from_secs(7);
        let expected = if status == 503 { Advice::AgainAfter(wait) } else { Advice::Again };
        assert_eq!(error.advice, expected, "{status}");
    }
    let place = target.place(&*provider).await;
    if target.fault(Moment::Begin, json!({ "status": 500 })).await {
        let result = provider.begin_upload(&request(&place, "a.bin", 1, None)).await;
        ends_with(result, ProblemCode::ServiceFailed, Advice::Again);
    }
    target.lab().faults_struck().await;
}
