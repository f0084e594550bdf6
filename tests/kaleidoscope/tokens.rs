//! Sign-in and renewal. A refresh token works once, and using it twice costs the family.

use crate::bench::{Bench, TestVault, bytes, put, request, send};
use labferry_model::ProblemCode;
use labferry_provider::{Advice, ListRequest, Provider};
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

async fn look(provider: &dyn Provider) -> Result<(), labferry_provider::ProviderError> {
    provider.list(&ListRequest { limit: 10, ..ListRequest::default() }).await.map(drop)
}

#[tokio::test]
async fn signing_in_names_the_workspace() {
    let bench = Bench::start().await;
    let url = format!("{}//", bench.service.url);
    let provider = bench.connect_with(&url, Arc::clone(&bench.vault) as _);
    let signed_in = provider.check_sign_in().await.unwrap();
    assert_eq!(signed_in.server.as_deref(), Some("Kaleidoscope, Practice workspace"));
    assert_eq!(bench.families().await, (1, 0));
    bench.stop().await;
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_not_repeated() {
    let bench = Bench::start().await;
    let secret = "PLANTED-secret +/=";
    let vault = TestVault::new(&BTreeMap::from([("client_secret".to_owned(), secret.to_owned())]));
    let provider = bench.connect_with(&bench.service.url, vault);
    let error = provider.check_sign_in().await.unwrap_err();
    assert_eq!((error.problem.code, error.advice), (ProblemCode::SignInNeeded, Advice::SignIn));
    assert!(!format!("{error} {error:?}").contains("PLANTED"), "{error:?}");
    bench.stop().await;
}

#[tokio::test]
async fn many_at_once_renew_once() {
    let bench = Bench::start().await;
    // Shorter than the margin, so that it is renewed halfway.
    bench.switch(json!({ "expires_in": 2 })).await;
    let provider = bench.connect();
    look(&*provider).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let looks = (0..20).map(|_| look(&*provider));
    for result in futures_util::future::join_all(looks).await {
        result.unwrap();
    }
    assert_eq!(bench.requests("POST", "/auth/oauth/token").await.len(), 2);
    assert_eq!(bench.families().await, (1, 0));
    bench.stop().await;
}

#[tokio::test]
async fn a_second_process_takes_the_tokens_from_the_vault() {
    let bench = Bench::start().await;
    look(&*bench.connect()).await.unwrap();
    let first = bench.vault.get("refresh_token").unwrap();
    look(&*bench.connect()).await.unwrap();
    assert_eq!(bench.requests("POST", "/auth/oauth/token").await.len(), 1);

    // Both have the same pair; the one that renews leaves it to the other.
    let (one, other) = (bench.connect(), bench.connect());
    look(&*one).await.unwrap();
    look(&*other).await.unwrap();
    bench.pass_time(3601).await;
    look(&*one).await.unwrap();
    assert_ne!(bench.vault.get("refresh_token").unwrap(), first);
    look(&*other).await.unwrap();
    assert_eq!(bench.requests("POST", "/auth/oauth/token").await.len(), 2);
    assert_eq!(bench.families().await, (1, 0));
    bench.stop().await;
}

#[tokio::test]
async fn a_pair_the_vault_did_not_take_is_neither_used_nor_lost() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    look(&*provider).await.unwrap();
    let before = bench.vault.get("refresh_token");
    bench.pass_time(3601).await;
    bench.vault.fail(2);
    for _ in 0..2 {
        let error = look(&*provider).await.unwrap_err();
        assert_eq!((error.problem.code, error.advice), (ProblemCode::VaultFailed, Advice::SignIn));
    }
    assert_eq!(bench.vault.get("refresh_token"), before);
    // The renewed pair is kept as soon as the vault takes it; the spent token is not presented again.
    look(&*provider).await.unwrap();
    assert_ne!(bench.vault.get("refresh_token"), before);
    assert_eq!(bench.vault.writes(), 2);
    assert_eq!(bench.requests("POST", "/auth/oauth/token").await.len(), 2);
    assert_eq!(bench.families().await, (1, 0));
    bench.stop().await;
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_begins_a_new_family() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    look(&*provider).await.unwrap();
    bench.pass_time(3601).await;
    bench.fault(json!({ "path": "/auth/oauth/token$" }), json!({ "lose_answer": true })).await;
    assert_eq!(look(&*provider).await.unwrap_err().advice, Advice::Again);
    look(&*provider).await.unwrap();
    assert_eq!(bench.families().await, (2, 0), "the spent token was not presented again");
    bench.stop().await;
}

#[tokio::test]
async fn a_revoked_family_is_followed_by_a_new_one() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    look(&*provider).await.unwrap();
    bench.switch(json!({ "revoke_tokens": true })).await;
    look(&*provider).await.unwrap();
    assert_eq!(bench.families().await, (2, 1));
    bench.stop().await;
}

#[tokio::test]
async fn an_upload_that_met_a_dead_token_goes_again() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    let record = bench.record(&*provider).await;
    let content = bytes(1, 5000);
    let session = provider.begin_upload(&request(&record, "a.bin", content.len())).await.unwrap();
    bench.switch(json!({ "revoke_tokens": true })).await;
    assert_eq!(send(&*provider, &session, &content).await.unwrap_err().advice, Advice::Again);
    let receipt = send(&*provider, &session, &content).await.unwrap();
    provider.finish_upload(&session, &[receipt]).await.unwrap();
    assert_eq!(bench.stored("a.bin").await.len(), 1);
    bench.stop().await;
}

#[tokio::test]
async fn tokens_that_are_given_and_refused_end_in_words() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    look(&*provider).await.unwrap();
    bench.fault(json!({ "path": "^/activities$" }), json!({ "status": 401 })).await;
    look(&*provider).await.unwrap();
    bench.fault_times(2, json!({ "path": "^/activities$" }), json!({ "status": 401 })).await;
    let error = look(&*provider).await.unwrap_err();
    assert_eq!((error.problem.code, error.advice), (ProblemCode::SignInNeeded, Advice::SignIn));
    bench.stop().await;
}

#[tokio::test]
async fn tokens_of_another_client_are_not_used() {
    let bench = Bench::start().await;
    look(&*bench.connect()).await.unwrap();
    bench.vault.set("tokens_of", "another client");
    look(&*bench.connect()).await.unwrap();
    assert_eq!(bench.families().await, (2, 0));
    bench.stop().await;
}

#[tokio::test]
async fn extra_headers_go_to_the_service_and_nowhere_else() {
    let bench = Bench::start().await;
    bench.vault.set("extra_headers", "Authorization: Bearer gateway-PLANTED");
    let provider = bench.connect();
    let record = bench.record(&*provider).await;
    let file = put(&*provider, &record, "a.bin", &bytes(1, 500)).await;
    bench.switch(json!({ "redirects": true })).await;
    crate::bench::fetch(&*provider, &file.path).await;
    let seen = bench.get("/inspect/requests").await;
    let mut storage = 0;
    for seen in seen.as_array().unwrap() {
        storage += u32::from(seen["door"] == "storage");
        assert_eq!(seen["headers"]["authorization"].is_string(), seen["door"] == "service", "{seen}");
    }
    assert!(storage > 0);
    bench.stop().await;
}
