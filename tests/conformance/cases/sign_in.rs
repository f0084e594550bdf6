//! Who we are, and what answers.

use super::{ask, ends_with, question, refused};
use crate::{
    content::{bytes, put},
    target::{Moment, Target, changed},
};
use labferry_model::{ProblemCode, Secrets};
use labferry_provider::Advice;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub(crate) async fn a_good_token_is_known(target: &Target) {
    let signed_in = target.connect().check_sign_in().await.unwrap();
    let other = target.connect_as(target.colleague.clone()).check_sign_in().await.unwrap();
    assert!(signed_in.server.is_some_and(|server| !server.is_empty()));
    if target.offers("user", signed_in.user.is_some()) {
        assert_ne!(signed_in.user, other.user);
    }
}

pub(crate) async fn a_wrong_token_asks_for_another(target: &Target) {
    let provider = target.connect_as(changed(&target.secrets, "not-the-right-one-at-all"));
    ends_with(provider.check_sign_in().await, ProblemCode::SignInNeeded, Advice::SignIn);
    let good = target.connect();
    let place = target.place(&*good).await;
    let file = put(&*good, &place, "a.bin", &bytes(1, 10), None).await;
    ends_with(provider.describe(&file.path).await, ProblemCode::SignInNeeded, Advice::SignIn);
    ends_with(
        provider.open_download(&file.path, None, None).await,
        ProblemCode::SignInNeeded,
        Advice::SignIn,
    );
    ends_with(ask(&*provider, question(target)).await, ProblemCode::SignInNeeded, Advice::SignIn);
    if !target.makes_records(&*good).await {
        return;
    }
    ends_with(provider.describe(&place).await, ProblemCode::SignInNeeded, Advice::SignIn);
    ends_with(
        provider.create("", &target.metadata("Nobody's")).await,
        ProblemCode::SignInNeeded,
        Advice::SignIn,
    );
}

pub(crate) async fn no_token_asks_for_one(target: &Target) {
    for secrets in [Secrets::new(), changed(&target.secrets, "  "), changed(&target.secrets, "a\nb")] {
        let provider = target.connect_as(secrets);
        ends_with(provider.check_sign_in().await, ProblemCode::SignInNeeded, Advice::SignIn);
    }
    assert!(target.lab().requests().await.is_empty(), "nothing is asked without a token");
}

pub(crate) async fn an_unknown_host_is_unreachable(target: &Target) {
    // Taken and given back: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed_url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    // RFC 6761, 6.4: names under `invalid` never exist.
    for url in [closed_url.as_str(), "http://labferry-has-no-such-host.invalid"] {
        let provider = target.connect_to(url, target.secrets.clone());
        ends_with(provider.check_sign_in().await, ProblemCode::Unreachable, Advice::Again);
    }
}

pub(crate) async fn a_web_page_is_not_the_service(target: &Target) {
    for status in [200, 403, 404] {
        let page = json!({
            "status": status, "body": "<!doctype html><title>Welcome</title>", "headers": { "content-type": "text/html" },
        });
        assert!(target.fault_always(Moment::SignIn, page).await);
        let error = refused(target.connect().check_sign_in().await);
        assert_eq!(
            (error.problem.code, error.advice),
            (ProblemCode::NotTheService, Advice::Stop),
            "{status}: {error}"
        );
        target.lab().faults_struck().await;
    }
}

pub(crate) async fn noise_is_not_the_service(target: &Target) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let noise = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut question = [0; 1024];
            let _ = stream.read(&mut question).await;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n").await;
        }
    });
    let provider = target.connect_to(&url, target.secrets.clone());
    ends_with(provider.check_sign_in().await, ProblemCode::NotTheService, Advice::Stop);
    noise.abort();
}

pub(crate) async fn a_failing_service_is_tried_again(target: &Target) {
    let page = json!({ "status": 502, "body": "<html>Bad Gateway</html>", "headers": { "content-type": "text/html" } });
    assert!(target.fault(Moment::SignIn, page).await);
    let provider = target.connect();
    ends_with(provider.check_sign_in().await, ProblemCode::ServiceFailed, Advice::Again);
    provider.check_sign_in().await.unwrap();
    target.lab().faults_struck().await;
}
