//! Answers that are not as documented, and places that belong elsewhere: told in words, with nothing lost and memory bounded.

use super::refused;
use crate::{
    content::{bytes, holds, put, request},
    target::{Moment, Target},
};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ListRequest, Provider, ProviderError, ProviderResult};
use serde_json::json;

/// Most bytes of an endless answer that may leave the service before somebody stops reading: the ceiling of an answer, and
/// what lies in the buffers of two sockets.
const BOUND: u64 = 64 << 20;

fn strange(how: &str) -> serde_json::Value {
    json!({ "answer": how })
}

fn list(path: &str) -> ListRequest {
    ListRequest { path: path.into(), limit: 5, ..ListRequest::default() }
}

/// Every question that can be asked of a service, each with what it ended in.
async fn every_question(
    provider: &dyn Provider,
    place: &str,
    file: &str,
) -> Vec<(&'static str, ProviderResult<()>)> {
    vec![
        ("capabilities", provider.capabilities().await.map(drop)),
        ("sign in", provider.check_sign_in().await.map(drop)),
        ("list at the top", provider.list(&list("")).await.map(drop)),
        ("list", provider.list(&list(place)).await.map(drop)),
        ("describe a place", provider.describe(place).await.map(drop)),
        ("describe a file", provider.describe(file).await.map(drop)),
        ("find", provider.find_file(place, "kept.bin").await.map(drop)),
        ("leftovers", provider.leftovers(place).await.map(drop)),
        ("link", provider.temporary_link(file).await.map(drop)),
        ("actions", provider.actions(file).await.map(drop)),
        ("begin", provider.begin_upload(&request(place, "new.bin", 3, None)).await.map(drop)),
        ("download", provider.open_download(file, None, None).await.map(drop)),
    ]
}

/// A question may be answered all the same where what is missing is optional; otherwise it says that the answer is wrong.
fn told_or_tolerated(question: &str, result: ProviderResult<()>) {
    let Err(error) = result else { return };
    let ProviderError { problem, advice, .. } = &error;
    assert_ne!(problem.code, ProblemCode::Internal, "{question}: {error}");
    assert!(
        !matches!(advice, Advice::Again | Advice::AgainAfter(_)),
        "{question}: {error} is tried for ever"
    );
    let says = problem.detail.is_some() || problem.subject.is_some();
    assert!(says || problem.code == ProblemCode::Unsupported, "{question}: {error} says nothing");
}

pub(crate) async fn unknown_members_are_passed_over(target: &Target) {
    target.lab().fault(json!({ "door": "service" }), 0, strange("unknown_members")).await;
    let provider = target.connect();
    provider.check_sign_in().await.unwrap();
    let place = target.place(&*provider).await;
    let content = bytes(1, 70_000);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    holds(&*provider, &file.path, &content).await;
    provider.describe(&file.path).await.unwrap();
    if provider.capabilities().await.unwrap().listable {
        provider.list(&list("")).await.unwrap();
        provider.list(&list(&place)).await.unwrap();
    }
    target.lab().faults_struck().await;
}

pub(crate) async fn other_shapes_are_told_and_lose_nothing(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(2, 70_000);
    let file = put(&*provider, &place, "kept.bin", &content, None).await;
    for how in ["no_members", "other_types"] {
        target.lab().fault(json!({ "door": "service" }), 0, strange(how)).await;
        // Nothing is remembered from the right answers before.
        let fresh = target.connect();
        for (question, result) in every_question(&*fresh, &place, &file.path).await {
            told_or_tolerated(question, result);
        }
        target.lab().faults_struck().await;
    }
    holds(&*target.connect(), &file.path, &content).await;
}

pub(crate) async fn an_endless_answer_is_cut_off(target: &Target) {
    assert!(target.fault(Moment::SignIn, strange("endless")).await);
    let error = refused(target.connect().check_sign_in().await);
    let codes = [ProblemCode::BadAnswer, ProblemCode::NotTheService];
    assert!(codes.contains(&error.problem.code) && error.advice == Advice::Stop, "{error}");
    target.lab().faults_struck().await;
    let sent: u64 = target.lab().requests().await.iter().filter_map(|seen| seen["bytes_sent"].as_u64()).sum();
    assert!(sent > 1 << 20, "the answer was not read at all: {sent} bytes");
    assert!(sent < BOUND, "{sent} bytes of an endless answer were taken");
}

pub(crate) async fn a_web_page_in_place_of_an_answer_is_told(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let content = bytes(3, 70_000);
    let file = put(&*provider, &place, "kept.bin", &content, None).await;
    target.lab().fault(json!({ "door": "service" }), 0, strange("web_page")).await;
    let fresh = target.connect();
    for (question, result) in every_question(&*fresh, &place, &file.path).await {
        told_or_tolerated(question, result);
    }
    target.lab().faults_struck().await;
    holds(&*target.connect(), &file.path, &content).await;
}

/// Ids and links of the other services, and what is none.
const ELSEWHERE: &[&str] = &[
    "0190c7a1-1111-7222-8333-444455556666",
    "airalogy.id.file.0190c7a1-1111-7222-8333-444455556666.csv",
    "airalogy.id.record.0190c7a1-1111-7222-8333-444455556666.v.1",
    "airalogy.id.protocol.0190c7a1-1111-7222-8333-444455556666",
    "airalogy.id.file.0190c7a1-1111-7222-8333-444455556666.csv/and/more",
    "01JBCDEFGHJKMNPQRSTVWXYZ00/01JBCDEFGHJKMNPQRSTVWXYZ01",
    "activities/0190c7a1-1111-7222-8333-444455556666/files/0190c7a1-1111-7222-8333-444455556666",
    "abcde-fgh12/files/scan.tif",
    "https://example.org/records/abcde-fgh12",
    "../../etc/passwd",
    "a/../b",
    "%2e%2e/x",
    "?page=2",
    "#x",
    " ",
];

pub(crate) async fn places_of_other_services_are_refused(target: &Target) {
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let kept = bytes(4, 10);
    let file = put(&*provider, &place, "kept.bin", &kept, None).await;
    let before = target.lab().get("/inspect/files").await;
    for path in ELSEWHERE {
        let opened = provider.open_download(path, None, None).await.map(drop);
        let deleted = provider.delete(path).await;
        let link = provider.temporary_link(path).await.map(drop);
        for (call, result) in [("download", opened), ("delete", deleted), ("link", link)] {
            let error = match result {
                Ok(()) => panic!("{call} of \"{path}\" was answered"),
                Err(error) => error,
            };
            let advices = [Advice::Stop];
            // A service that answers a failure to an unknown id is asked again a few times.
            let failed = error.problem.code == ProblemCode::ServiceFailed;
            assert!(failed || advices.contains(&error.advice), "{call} of \"{path}\": {error}");
            assert!(
                !matches!(error.problem.code, ProblemCode::Internal | ProblemCode::SignInNeeded),
                "{error}"
            );
        }
    }
    assert_eq!(target.lab().get("/inspect/files").await, before);
    holds(&*provider, &file.path, &kept).await;
}
