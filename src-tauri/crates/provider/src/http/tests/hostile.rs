//! Servers that break HTTP or bend it: each costs a clear error, bounded memory and bounded time.

use super::*;
use crate::http::bounded::JSON_CEILING;
use http::{HeaderValue, header};
use std::{
    io::{Read as _, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// Answers with the pieces of `make(0)`, `make(1)`, … until there is none or the client has had enough, and counts the bytes
/// that it took.
async fn pours(make: impl Fn(u64) -> Option<Vec<u8>> + Clone + Send + 'static) -> (u16, Arc<AtomicU64>) {
    let poured = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&poured);
    let (port, _) = serve(move |mut stream, _| {
        let (make, count) = (make.clone(), Arc::clone(&count));
        async move {
            for piece in (0..).map_while(make) {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                count.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            let _closed = stream.shutdown().await;
        }
    })
    .await;
    (port, poured)
}

#[tokio::test]
async fn a_storm_of_interim_answers_is_passed_over_and_an_endless_one_given_up() {
    let interim = |number: u64| match number % 3 {
        0 => b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        1 => b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n".to_vec(),
        _ => b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(),
    };
    let (long, _) = pours(move |number| match number {
        ..6_000 => Some(interim(number)),
        6_000 => Some(OK.to_vec()),
        _ => None,
    })
    .await;
    assert_eq!(get(long).await.unwrap().start_of_text().await, "ok");

    let (endless, _) = pours(move |number| Some(interim(number))).await;
    let error = failure(get_with(&api_giving_up_after(endless, STALL)).await);
    assert_eq!(verdict(&error), (ProblemCode::ConnectionLost, Advice::Again));
}

#[tokio::test]
async fn headers_of_a_megabyte_are_refused_after_a_part_of_it() {
    let one = |number| match number {
        0 => Some(b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec()),
        1..=64 => Some(vec![b'a'; 1 << 20]),
        65 => Some(b"\r\nContent-Length: 2\r\n\r\nok".to_vec()),
        _ => None,
    };
    let many = |number| match number {
        0 => Some(b"HTTP/1.1 200 OK\r\n".to_vec()),
        1..=1_000_000 => Some(format!("X-{number}: some text that fills a header\r\n").into_bytes()),
        1_000_001 => Some(b"Content-Length: 2\r\n\r\nok".to_vec()),
        _ => None,
    };
    let early = |number| match number {
        0 => Some(b"HTTP/1.1 103 Early Hints\r\nLink: ".to_vec()),
        _ => Some(vec![b'a'; 1 << 20]),
    };
    let (one, many, early) = (pours(one).await, pours(many).await, pours(early).await);
    for (port, poured) in [one, many, early] {
        let error = failure(get(port).await);
        assert_eq!(verdict(&error), (ProblemCode::NotTheService, Advice::Stop), "{error}");
        // What the two ends of a connection hold on the way is the system's: a few megabytes on loopback.
        assert!(poured.load(Ordering::Relaxed) < 16 << 20, "{poured:?}");
    }
}

#[tokio::test]
async fn of_two_values_of_one_header_none_counts() {
    let head = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nETag: \"b\"\r\nX-Same: 1\r\nX-Same: 1\r\nContent-Length: 0\r\n\r\n";
    let answer = get(always(head).await.0).await.unwrap();
    assert_eq!(answer.header(&header::ETAG), None);
    assert_eq!(answer.header(&header::HeaderName::from_static("x-same")), Some("1"));
    assert_eq!(answer.header(&header::LAST_MODIFIED), None);

    let two_lengths = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!";
    assert_eq!(failure(get(always(two_lengths).await.0).await).problem.code, ProblemCode::NotTheService);
    let two_places = "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(failure(get(always(two_places).await.0).await).problem.code, ProblemCode::BadAnswer);
}

#[tokio::test]
async fn a_gigabyte_of_json_is_left_lying() {
    const GIB: u64 = 1 << 30;
    let announced = |number| match number {
        0 => Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n[").into_bytes()),
        1..1_024 => Some(vec![b' '; 1 << 20]),
        _ => None,
    };
    let chunked = |number| match number {
        0 => Some(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n".to_vec()),
        1..1_024 => Some([b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat()),
        _ => Some(b"0\r\n\r\n".to_vec()),
    };
    for (port, poured) in [pours(announced).await, pours(chunked).await] {
        let error = get(port).await.unwrap().json::<serde_json::Value>().await.unwrap_err();
        assert_eq!(verdict(&error), (ProblemCode::BadAnswer, Advice::Stop));
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(poured.load(Ordering::Relaxed) < JSON_CEILING as u64 + (16 << 20), "{poured:?}");
    }

    // A chunk that is announced with more digits than any number has, and one that lies about its length.
    for chunk in ["fffffffffffffffffff\r\n[", "5\r\n[]\r\n0\r\n\r\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
        let error = get(always(answer).await.0).await.unwrap().json::<serde_json::Value>().await.unwrap_err();
        assert!(
            matches!(error.problem.code, ProblemCode::NotTheService | ProblemCode::ConnectionLost),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_comes_after_an_answer_is_not_the_next_one() {
    // One connection for both requests: the first answer drags a second one behind it that nobody asked for.
    let (port, seen) = serve(|mut stream, head| async move {
        let first = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
        let answer: &[u8] = if head.contains("/api/first") { first } else { OK };
        let _closed = stream.write_all(answer).await;
        // The connection stays open, so that it may be taken for the next request.
        tokio::time::sleep(Duration::from_secs(20)).await;
    })
    .await;
    let client = api(port);
    let first = client.resolve("test", "/api/first").unwrap();
    let answer = client.answer(&first, Call::get("test")).await.unwrap();
    assert_eq!(answer.start_of_text().await, "ok");
    let next = client.resolve("test", "/api/next").unwrap();
    match client.answer(&next, Call::get("test")).await {
        Ok(answer) => assert_eq!(answer.start_of_text().await, "ok"),
        Err(error) => assert_eq!(error.advice, Advice::Again, "{error}"),
    }
    assert!(!seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_body_that_ends_early_or_says_no_length_is_no_whole_one() {
    for (answer, whole) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n[1, 2]", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[1, 2]", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1, 2]", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n[1, 2]\r\n", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n[1, 2]\r\n0\r\n\r\n", true),
    ] {
        let body = get(always(answer).await.0).await.unwrap().json::<Vec<u32>>().await;
        assert_eq!(body.is_ok(), whole, "{answer}: {body:?}");
    }
}

/// A server with a certificate that nobody vouches for; it takes what a client sends after the handshake.
fn self_signed(names: &[&str]) -> (u16, std::thread::JoinHandle<Vec<u8>>) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let own = rcgen::generate_simple_self_signed(names).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut received = Vec::new();
        let (mut socket, _) = listener.accept().unwrap();
        let mut tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut socket);
        let _refused = stream.read_to_end(&mut received);
        let _closed = stream.write_all(OK);
        received
    });
    (port, server)
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_neither_token_nor_bytes() {
    for names in [["localhost"], ["other.example"]] {
        let (port, server) = self_signed(&names);
        let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
        let transport = Transport::new(&url, PATIENT, PATIENT, Arc::new(StoppedClock)).unwrap();
        let client = ApiClient::new(&url, Credential::bearer(Arc::new(Keeper), "token"), transport).unwrap();
        let at = client.resolve("test", "/up").unwrap();
        let body = part(5, vec![Ok(Bytes::from_static(b"bytes"))]);
        let error = failure(client.answer(&at, Call::put("test").part(body)).await);
        assert_eq!(verdict(&error), (ProblemCode::NotSecure, Advice::Stop), "{error}");
        assert!(error.to_string().contains("certificate is not trusted"), "{error}");
        assert!(server.join().unwrap().is_empty(), "nothing was sent over it");
    }
}

#[tokio::test]
async fn a_wait_of_any_length_is_a_wait() {
    for (after, wait) in [("18446744073709551615", Duration::from_secs(u64::MAX)), ("0", Duration::ZERO)] {
        let answer = format!("HTTP/1.1 503 Busy\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n");
        let refusal = get(always(answer).await.0).await.unwrap().refusal().await;
        assert_eq!(refusal.headers.get(header::RETRY_AFTER), Some(&HeaderValue::from_str(after).unwrap()));
        assert_eq!(verdict(&refusal.error("busy")), (ProblemCode::ServiceFailed, Advice::AgainAfter(wait)));
    }
}
