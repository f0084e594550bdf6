use crate::bench::{Bench, options};
use labferry_app::App;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

#[tokio::test]
async fn an_account_is_added_after_its_sign_in_worked_and_found_again() {
    let bench = Bench::without_account().await;
    let row = bench.call("accounts.add", bench.account("nrp")).await;
    assert_eq!(
        (&row["name"], &row["service"], &row["practice"]),
        (&json!("nrp"), &json!("nrp"), &json!(false))
    );
    assert_eq!(bench.call("accounts.list", json!({})).await, json!([row]));

    let tested = bench.call("accounts.test", json!({ "account": "nrp" })).await;
    assert!(tested["capabilities"]["name_limit"].as_u64().unwrap() > 0, "{tested}");

    assert_eq!(
        bench.call("accounts.add", bench.account("nrp")).await,
        row,
        "signing in anew changes nothing"
    );
    let mut elsewhere = bench.account("nrp");
    elsewhere["url"] = json!("https://zenodo.org");
    let taken = bench.refusal("accounts.add", elsewhere).await;
    assert_eq!(taken.code, "invalid_request");
    assert!(taken.message.contains("\"nrp\" already"), "{taken:?}");

    assert_eq!(bench.call("accounts.remove", json!({ "account": "nrp" })).await, json!({ "changed": 1 }));
    assert_eq!(bench.call("accounts.list", json!({})).await, json!([]));
}

#[tokio::test]
async fn a_wrong_token_is_told_and_nothing_is_kept() {
    let bench = Bench::without_account().await;
    let mut request = bench.account("nrp");
    request["secrets"]["token"] = json!("a-wrong-token-8e1");
    let problem = bench.refusal("accounts.add", request).await;
    assert!(["sign_in_needed", "not_allowed"].contains(&problem.code.as_str()), "{problem:?}");
    assert_eq!(problem.button.as_deref(), Some("sign_in"));
    assert!(!format!("{problem:?}").contains("a-wrong-token"), "{problem:?}");
    assert_eq!(bench.call("accounts.list", json!({})).await, json!([]));
}

#[tokio::test]
async fn forms_that_are_not_filled_in_are_sent_back() {
    let bench = Bench::without_account().await;
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut request = bench.account("nrp");
        change(&mut request);
        request
    };
    for (request, word) in [
        (with(&|request| request["secrets"] = json!({})), "token"),
        (with(&|request| request["name"] = json!("has spaces")), "has spaces"),
        (with(&|request| request["service"] = json!("ftp")), "ftp"),
        (with(&|request| request["settings"] = json!({ "token": "x" })), "secret"),
        (with(&|request| request["settings"] = json!({ "colour": "red" })), "colour"),
    ] {
        let problem = bench.refusal("accounts.add", request).await;
        assert_eq!(problem.code, "invalid_request", "{problem:?}");
        assert!(problem.message.contains(word), "{word}: {problem:?}");
    }
}

#[tokio::test]
async fn addresses_that_are_not_the_service_are_told_apart() {
    let bench = Bench::without_account().await;
    let at = |url: &str| {
        let mut request = bench.account("nrp");
        request["url"] = json!(url);
        request
    };
    // A port nobody listens on: it was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = free.local_addr().unwrap();
    drop(free);
    let down = bench.refusal("accounts.add", at(&format!("http://{closed}"))).await;
    assert_eq!(down.code, "unreachable", "{down:?}");
    assert!(down.message.contains(&closed.to_string()), "{down:?}");

    // A port that speaks something else.
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    let speaker = tokio::spawn(async move {
        while let Ok((mut connection, _)) = other.accept().await {
            let _ = connection.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
            let _ = connection.read(&mut [0; 1024]).await;
        }
    });
    let no_http = bench.refusal("accounts.add", at(&format!("http://{address}"))).await;
    assert_eq!(no_http.code, "not_the_service", "{no_http:?}");
    assert!(no_http.message.contains(&address.to_string()), "{no_http:?}");
    speaker.abort();

    // A port that speaks HTTP and is another service: the lab's own control door.
    let other = bench.refusal("accounts.add", at(&bench.lab.description().control_url)).await;
    assert_eq!(other.code, "not_the_service", "{other:?}");

    let nonsense = bench.refusal("accounts.add", at("not an address")).await;
    assert!(nonsense.message.contains("not an address"), "{nonsense:?}");
}

#[tokio::test]
async fn an_account_that_is_needed_is_not_removed() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("waiting.bin", b"it waits");
    let queued = bench.put(&[&file], &place).await;
    let problem = bench.refusal("accounts.remove", json!({ "account": "nrp" })).await;
    assert!(problem.message.contains("unfinished"), "{problem:?}");
    bench.call("transfers.cancel", json!({ "ids": queued["ids"] })).await;
    bench.call("accounts.remove", json!({ "account": "nrp" })).await;
}

#[tokio::test]
async fn without_its_secret_an_account_asks_to_sign_in() {
    let bench = Bench::new().await;
    bench.app.stop().await;
    // The vault in memory is gone with the first app.
    let app = App::open(options(&bench.data)).await.unwrap();
    let problem = app.call("browse.list", json!({ "account": "nrp" })).await.unwrap_err();
    assert_eq!(problem.code, "sign_in_needed");
    assert!(problem.message.contains("nrp"), "{problem:?}");
    app.stop().await;
}
