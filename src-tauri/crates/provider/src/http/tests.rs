//! Both clients against scripted servers on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hostile;

use super::*;
use crate::{
    error::{Advice, ProviderError, ProviderResult},
    provider::PartBody,
    sign_in::SecretKeeper,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use labferry_model::{Clock, Problem, ProblemCode, Secret, Secrets, Timestamp};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

const TOKEN: &str = "tok-PLANTED-7f3a9";
/// Long enough for a busy machine wherever the stall is not what is tested.
const PATIENT: Duration = Duration::from_secs(20);
const STALL: Duration = Duration::from_millis(600);

struct Keeper;

#[async_trait]
impl SecretKeeper for Keeper {
    async fn read(&self) -> Result<Secrets, Problem> {
        Ok(Secrets::from([("token".to_owned(), Secret::new(format!("{TOKEN}\n")))]))
    }
    async fn write(&self, _: Secrets) -> Result<(), Problem> {
        Ok(())
    }
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// What a scripted server read, one text a connection.
type Seen = Arc<Mutex<Vec<String>>>;

/// A server that reads a request's headers, then does as told.
async fn serve<F, R>(script: F) -> (u16, Seen)
where
    F: Fn(TcpStream, String) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Seen = Arc::default();
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            log.lock().unwrap().push(head.clone());
            tokio::spawn(script(stream, head));
        }
    });
    (port, seen)
}

/// A server that gives the same bytes to every request and closes.
async fn always(answer: impl Into<Vec<u8>>) -> (u16, Seen) {
    let answer: Arc<Vec<u8>> = Arc::new(answer.into());
    serve(move |mut stream, _| {
        let answer = Arc::clone(&answer);
        async move {
            let _closed = stream.write_all(&answer).await;
            let _closed = stream.shutdown().await;
        }
    })
    .await
}

fn transport(port: u16, stall: Duration) -> (Url, Transport) {
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let transport = Transport::new(&url, PATIENT, stall, Arc::new(StoppedClock)).unwrap();
    (url, transport)
}

fn api_giving_up_after(port: u16, stall: Duration) -> ApiClient {
    let (url, transport) = transport(port, stall);
    ApiClient::new(&url, Credential::bearer(Arc::new(Keeper), "token"), transport).unwrap()
}

fn api(port: u16) -> ApiClient {
    api_giving_up_after(port, PATIENT)
}

async fn get(port: u16) -> ProviderResult<Answer> {
    get_with(&api(port)).await
}

async fn get_with(client: &ApiClient) -> ProviderResult<Answer> {
    let url = client.resolve("test", "/api/thing")?;
    client.answer(&url, Call::get("test")).await
}

fn part(length: u64, chunks: Vec<io::Result<Bytes>>) -> PartBody {
    PartBody { length, md5: None, stream: stream::iter(chunks).boxed() }
}

fn failure(result: ProviderResult<Answer>) -> ProviderError {
    match result {
        Ok(answer) => panic!("expected a failure, got {}", answer.status()),
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("PLANTED"), "{shown}");
            error
        }
    }
}

fn verdict(error: &ProviderError) -> (ProblemCode, Advice) {
    (error.problem.code, error.advice)
}

#[tokio::test]
async fn the_credential_goes_to_its_own_origin_only() {
    let (storage, storage_seen) = always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{storage}/f?X-Amz-Signature=sig-PLANTED-1\r\nContent-Length: 0\r\n\r\n"
    );
    let (port, seen) = always(answer).await;
    let client = api(port);
    let url = client.resolve("test", "/api/thing").unwrap();
    let Reply::Redirected(link) = client.send(&url, Call::get("test")).await.unwrap() else {
        panic!("followed to another origin");
    };
    assert!(storage_seen.lock().unwrap().is_empty());
    let authorization = format!("authorization: Bearer {TOKEN}");
    assert!(seen.lock().unwrap()[0].lines().any(|line| line.eq_ignore_ascii_case(&authorization)));
    assert!(!format!("{link} {link:?}").contains("PLANTED"), "{link}");
    assert_eq!(failure(client.answer(&url, Call::get("test")).await).problem.code, ProblemCode::BadAnswer);

    let signed = SignedClient::new(transport(port, PATIENT).1);
    let answer = signed.send(&link, Call::get("test")).await.unwrap();
    assert_eq!(answer.start_of_text().await, "ok");
    let head = storage_seen.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("get /f?x-amz-signature=") && !head.contains("authorization"), "{head}");
}

#[tokio::test]
async fn redirects_inside_the_origin_are_followed_but_not_in_circles_and_not_with_a_body() {
    let (port, _) = serve(|mut stream, head| async move {
        let answer = if head.starts_with("GET /api/thing ") {
            "HTTP/1.1 308 Permanent\r\nLocation: /api/thing2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        } else if head.contains(" /circle") {
            "HTTP/1.1 301 Moved\r\nLocation: /circle\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nend"
        };
        let _closed = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    assert_eq!(get(port).await.unwrap().start_of_text().await, "end");
    let client = api(port);
    let circle = client.resolve("test", "/circle").unwrap();
    assert_eq!(failure(client.answer(&circle, Call::get("test")).await).problem.code, ProblemCode::BadAnswer);
    assert_eq!(
        failure(client.answer(&circle, Call::delete("test")).await).problem.code,
        ProblemCode::BadAnswer
    );
}

#[tokio::test]
async fn links_are_taken_to_this_origin_or_refused() {
    let client = api(4321);
    let relative = |link: &str| client.resolve("test", link).map(|url| url.relative());
    assert_eq!(relative("https://127.0.0.1/api/a?b=c").unwrap(), "/api/a?b=c");
    assert_eq!(relative("/api/a").unwrap(), "/api/a");
    for bad in [
        "http://evil.example/api/a",
        "//evil.example/api",
        "ftp://127.0.0.1/a",
        "/api/files/../x",
        "/api/files/%2E%2e/x",
        "/api/files/.%2e",
        "/api/files/..\\x",
        "/api/files/.\t./x",
        "http://[bad",
    ] {
        assert_eq!(relative(bad).unwrap_err().problem.code, ProblemCode::BadAnswer, "{bad}");
    }
}

#[tokio::test]
async fn what_speaks_no_http_is_told_apart_from_what_does_not_answer() {
    let (garbage, _) = always("220 smtp.example ESMTP\r\n").await;
    assert_eq!(verdict(&failure(get(garbage).await)), (ProblemCode::NotTheService, Advice::Stop));

    let (endless, _) = serve(|mut stream, _| async move {
        let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(&[b"X-Filler: ".as_slice(), &[b'a'; 4096], b"\r\n"].concat()).await.is_ok() {}
    })
    .await;
    assert_eq!(failure(get(endless).await).problem.code, ProblemCode::NotTheService);

    let (closes, _) = always("").await;
    assert_eq!(verdict(&failure(get(closes).await)), (ProblemCode::ConnectionLost, Advice::Again));

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    assert_eq!(verdict(&failure(get(port).await)), (ProblemCode::Unreachable, Advice::Again));

    // TLS spoken to a server without it.
    let (plain, _) = serve(|mut stream, _| async move {
        let _closed = stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await;
    })
    .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls_port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _closed = stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await;
        }
    });
    let url = Url::parse(&format!("https://127.0.0.1:{tls_port}/")).unwrap();
    let client =
        ApiClient::new(&url, Credential::bearer(Arc::new(Keeper), "token"), transport(plain, PATIENT).1)
            .unwrap();
    let at = client.resolve("test", "/").unwrap();
    assert_eq!(failure(client.answer(&at, Call::get("test")).await).problem.code, ProblemCode::NotSecure);
}

#[tokio::test]
async fn a_connection_on_which_nothing_moves_is_given_up() {
    let (silent, _) = serve(|stream, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        drop(stream);
    })
    .await;
    assert_eq!(
        verdict(&failure(get_with(&api_giving_up_after(silent, STALL)).await)),
        (ProblemCode::ConnectionLost, Advice::Again)
    );

    // A body that drips is alive; one that stops is not.
    let (drips, _) = serve(|mut stream, _| async move {
        let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n").await;
        for _ in 0..8 {
            tokio::time::sleep(STALL / 3).await;
            let _closed = stream.write_all(b"x").await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
    })
    .await;
    let mut body = get_with(&api_giving_up_after(drips, STALL)).await.unwrap().into_stream();
    let mut received = 0;
    let error = loop {
        match body.next().await.unwrap() {
            Ok(bytes) => received += bytes.len(),
            Err(error) => break error,
        }
    };
    assert_eq!((received, verdict(&error)), (8, (ProblemCode::ConnectionLost, Advice::Again)));
    assert!(body.next().await.is_none());

    // A reader that stops taking our upload.
    let (deaf, _) = serve(|stream, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        drop(stream);
    })
    .await;
    let client = api_giving_up_after(deaf, STALL);
    let url = client.resolve("test", "/up").unwrap();
    let chunk = Bytes::from(vec![0_u8; 1 << 20]);
    let chunks = (0..64).map(|_| Ok(chunk.clone())).collect();
    let error = failure(client.answer(&url, Call::put("test").part(part(64 << 20, chunks))).await);
    assert_eq!(verdict(&error), (ProblemCode::ConnectionLost, Advice::Again));
}

async fn upload(port: u16, body: PartBody) -> ProviderResult<Answer> {
    let client = api(port);
    let url = client.resolve("test", "/up")?;
    client.answer(&url, Call::put("test").part(body)).await
}

#[tokio::test]
async fn a_wrong_source_never_becomes_a_complete_request() {
    let whole = Arc::new(Mutex::new(Vec::new()));
    let bodies = Arc::clone(&whole);
    let (port, seen) = serve(move |mut stream, head| {
        let bodies = Arc::clone(&bodies);
        async move {
            let length: usize = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned)
                })
                .unwrap()
                .parse()
                .unwrap();
            let mut body = vec![0; length];
            if stream.read_exact(&mut body).await.is_ok() {
                bodies.lock().unwrap().push(body);
                let _closed = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    .await;
            }
        }
    })
    .await;
    let bytes = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
    assert!(upload(port, part(4, vec![bytes("ab"), bytes("cd")])).await.unwrap().status().is_success());
    assert!(upload(port, part(0, vec![])).await.unwrap().status().is_success());
    assert!(!seen.lock().unwrap()[0].to_ascii_lowercase().contains("transfer-encoding"));
    assert_eq!(*whole.lock().unwrap(), [b"abcd".to_vec(), vec![]]);

    let failed = failure(upload(port, part(4, vec![bytes("ab"), Err(io::Error::other("bad sector"))])).await);
    assert_eq!(verdict(&failed), (ProblemCode::SourceUnreadable, Advice::Stop));
    assert!(failed.to_string().contains("bad sector"));
    let short = failure(upload(port, part(4, vec![bytes("abc")])).await);
    let long = failure(upload(port, part(4, vec![bytes("abcd"), bytes("e")])).await);
    let not_empty = failure(upload(port, part(0, vec![bytes("e")])).await);
    for error in [short, long, not_empty] {
        assert_eq!(verdict(&error), (ProblemCode::SourceChanged, Advice::Stop));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(whole.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_early_refusal_is_read_and_an_early_yes_is_not_believed() {
    let chunk = Bytes::from(vec![0_u8; 1 << 20]);
    let endless = || part(256 << 20, (0..256).map(|_| Ok(chunk.clone())).collect());
    let early = |status: &'static str| {
        serve(move |mut stream, _| async move {
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntoo big");
            let _closed = stream.write_all(answer.as_bytes()).await;
            let mut sink = vec![0; 1 << 16];
            // What is in flight is taken, as web servers do, for a while.
            for _ in 0..64 {
                if !matches!(stream.read(&mut sink).await, Ok(1..)) {
                    break;
                }
            }
        })
    };
    let (port, _) = early("413 Too Large").await;
    let answer = upload(port, endless()).await.unwrap();
    let refusal = answer.refusal().await;
    assert_eq!((refusal.status.as_u16(), refusal.body.as_str()), (413, "too big"));
    assert_eq!(refusal.error("no").problem.code, ProblemCode::FileTooLarge);

    let (port, _) = early("200 OK").await;
    assert_eq!(verdict(&failure(upload(port, endless()).await)), (ProblemCode::BadAnswer, Advice::Again));
}

#[tokio::test]
async fn answers_are_bounded_and_their_errors_hold_no_secret() {
    let (endless, _) = serve(|mut stream, _| async move {
        let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n[\"").await;
        while stream.write_all(&[b'a'; 1 << 16]).await.is_ok() {}
    })
    .await;
    let error = get(endless).await.unwrap().json::<serde_json::Value>().await.unwrap_err();
    assert_eq!(error.problem.code, ProblemCode::BadAnswer);

    let (wrong, _) = always(format!("HTTP/1.1 200 OK\r\n\r\n[\"{TOKEN}\"]")).await;
    let error = get(wrong).await.unwrap().json::<u32>().await.unwrap_err();
    assert!(error.problem.code == ProblemCode::BadAnswer && !format!("{error:?}").contains("PLANTED"));
    let error = get(wrong).await.unwrap().json::<Vec<labferry_model::ProblemCode>>().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("PLANTED"), "{error:?}");

    let (echo, _) = always(format!("HTTP/1.1 400 Bad\r\n\r\nno user with {TOKEN}")).await;
    let refusal = get(echo).await.unwrap().refusal().await;
    assert!(!refusal.error(&refusal.body).to_string().contains("PLANTED"));

    let (cut, _) = always("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await;
    let error = get(cut).await.unwrap().json::<u32>().await.unwrap_err();
    assert_eq!(verdict(&error), (ProblemCode::ConnectionLost, Advice::Again));
}
