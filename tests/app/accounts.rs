use crate::bench::{Bench, options};
use labferry_app::App;
use labferry_model::Clock as _;
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

#[tokio::test]
async fn the_end_of_a_sign_in_is_read_from_its_token_or_noted_by_a_person() {
    let bench = Bench::without_account().await;
    bench.call("accounts.add", bench.account("nrp")).await;
    let listed = bench.call("accounts.list", json!({})).await;
    assert_eq!(listed[0]["expiry"], json!(null), "a plain token tells nothing");

    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let now = labferry_app::SystemClock::default().now().0;
    for (at, remaining) in [(now + 40 * DAY, "long"), (now + 13 * DAY, "soon"), (now - DAY, "over")] {
        let row = bench.call("accounts.expiry", json!({ "account": "nrp", "at": at })).await;
        assert_eq!(row["expiry"], json!({ "at": at, "told_by": "person", "remaining": remaining }));
        assert_eq!(bench.call("accounts.list", json!({})).await, json!([row]));
    }
    let again = bench.call("accounts.add", bench.account("nrp")).await;
    assert_eq!(again["expiry"], json!(null), "a new token has another end");
    let mut known = bench.account("nrp");
    known["expires"] = json!(now + DAY);
    assert_eq!(bench.call("accounts.add", known).await["expiry"]["remaining"], "soon");
    assert_eq!(
        bench.call("accounts.expiry", json!({ "account": "nrp", "at": null })).await["expiry"],
        json!(null)
    );
    let never = bench.refusal("accounts.expiry", json!({ "account": "nrp", "at": i64::MAX })).await;
    assert_eq!(never.code, "invalid_request");
}

#[tokio::test]
async fn a_failed_sign_in_says_which_part_of_it_failed() {
    let bench = Bench::without_account().await;
    let failed = |problem: labferry_app::wire::answers::ProblemWords| problem.facts.unwrap().failed_part;
    let mut wrong = bench.account("nrp");
    wrong["secrets"]["token"] = json!("a-wrong-token-8e1");
    let part = failed(bench.refusal("accounts.add", wrong).await);
    assert!(matches!(part.as_deref(), Some("credential" | "rights")), "{part:?}");

    let mut nobody = bench.account("nrp");
    // Port 9 of this machine: a service nobody runs.
    nobody["url"] = json!("http://127.0.0.1:9");
    assert_eq!(failed(bench.refusal("accounts.add", nobody).await).as_deref(), Some("address"));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut no_tls = bench.account("nrp");
    no_tls["url"] = json!(format!("https://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut hello = [0; 1_024];
            let _ = socket.read(&mut hello).await;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    assert_eq!(failed(bench.refusal("accounts.add", no_tls).await).as_deref(), Some("tls"));
}
