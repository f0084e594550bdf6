//! The token goes to the service and nowhere else.

use super::{ask, question, refused};
use crate::{
    content::{body, bytes, fetch, holds, parts_of, put, request, send, send_all},
    target::{Moment, Provocation, Target, changed, cut_request},
};
use labferry_provider::{Advice, ByteRange, ListRequest, Provider, ProviderError, ProviderResult};
use serde_json::{Value, json};
use std::{error::Error, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Mutex,
};

/// What another host was sent, byte for byte, a request each.
#[derive(Clone, Default)]
struct Overheard(Arc<Mutex<Vec<Vec<u8>>>>);

/// A host under another name that takes whatever it is sent. Gives its address.
async fn another_host() -> (String, Overheard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let overheard = Overheard::default();
    let noted = overheard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !is_whole(&request) {
                match stream.read(&mut piece).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            noted.0.lock().await.push(request);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            let _ = stream.write_all(answer).await;
        }
    });
    (url, overheard)
}

/// Whether the head and all the bytes it announces are there.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let chunked = head.contains("transfer-encoding: chunked");
    request.len() >= end + 4 + announced.unwrap_or(0) && (!chunked || request.ends_with(b"0\r\n\r\n"))
}

impl Overheard {
    async fn no_secret_of(&self, target: &Target) {
        self.no_secret_in(&self.0.lock().await, target);
    }

    fn no_secret_in(&self, requests: &[Vec<u8>], target: &Target) {
        for request in requests {
            let request = String::from_utf8_lossy(request);
            let head = request.split("\r\n\r\n").next().unwrap().to_lowercase();
            for header in ["authorization", target.enrolment.credential, "cookie"] {
                assert!(!head.contains(header), "{head}");
            }
            for secret in target.secrets.values() {
                assert!(!request.contains(secret.reveal()), "a secret reached another host");
            }
        }
    }
}

/// Everything a connector can be made to ask of a service, with things going wrong on the way.
async fn a_busy_day(target: &Target, provider: &dyn Provider) {
    let place = target.place(provider).await;
    let facts = provider.capabilities().await.unwrap();
    let part_size = facts.parts.map(|rules| rules.min);
    let size = part_size.unwrap_or(1000) * 2 + 10;
    let content = bytes(1, size);
    put(provider, &place, "whole.bin", &bytes(2, 5000), None).await;
    let session = provider.begin_upload(&request(&place, "parts.bin", size, part_size)).await.unwrap();
    let parts = parts_of(&session, size);
    target.fault(Moment::Send(1), cut_request(10)).await;
    refused(send(provider, &session, &content, parts[0]).await);
    target.provoke(Provocation::ExpireLinks).await;
    let mut receipts = Vec::new();
    for part in &parts {
        receipts.push(match send(provider, &session, &content, *part).await {
            Ok(receipt) => receipt,
            Err(_) => send(provider, &session, &content, *part).await.unwrap(),
        });
    }
    let path = provider.finish_upload(&session, &receipts).await.unwrap().path;
    let first = fetch(provider, &path, None, None).await.unwrap();
    let range = ByteRange { offset: 5, length: 10 };
    fetch(provider, &path, Some(range), first.revision.as_deref()).await.unwrap();
    refused(provider.open_download(&path, Some(ByteRange { offset: size, length: 1 }), None).await);
    provider.list(&ListRequest { limit: 5, ..ListRequest::default() }).await.unwrap();
    if target.offers("delete", facts.delete) {
        provider.delete(&path).await.unwrap();
    }
}

pub(crate) async fn the_token_stays_with_the_service(target: &Target) {
    let provider = target.connect();
    let facts = provider.capabilities().await.unwrap();
    a_busy_day(target, &*provider).await;
    let requests = target.lab().requests().await;
    let (storage, service): (Vec<&Value>, Vec<&Value>) =
        requests.iter().partition(|request| request["door"] == "storage");
    for request in &storage {
        assert_eq!(request["had_authorization"], false, "{request}");
        assert_ne!(request["host"], service[0]["host"]);
        let headers = request["headers"].as_object().unwrap();
        for name in headers.keys() {
            let usual = [
                "host",
                "user-agent",
                "accept",
                "accept-encoding",
                "content-type",
                "content-length",
                "range",
                "if-match",
            ];
            assert!(usual.contains(&name.as_str()), "{name} in {request}");
        }
        let text = request.to_string().to_lowercase();
        for secret in target.secrets.values() {
            assert!(!text.contains(&secret.reveal().to_lowercase()), "{request}");
        }
    }
    // What looks for it sees it where it belongs.
    assert!(service.iter().any(|request| request["headers"][target.enrolment.credential].is_string()));
    assert!(service.iter().filter(|request| request["had_authorization"] == true).count() > 5);
    for request in &service {
        assert!(
            !request["query"].to_string().contains("token"),
            "a token belongs into no address: {request}"
        );
    }
    if target.provoke(Provocation::ExpireLinks).await {
        assert!(facts.parts.is_some());
        // Three parts, one cut, one expired; three downloads.
        assert!(storage.len() >= 7, "{} requests reached the storage host", storage.len());
    }
}

/// Begins an upload and sends it.
async fn upload(provider: &dyn Provider, place: &str) -> ProviderResult<()> {
    let session = provider.begin_upload(&request(place, "b.bin", 1, None)).await?;
    send(provider, &session, &bytes(1, 1), parts_of(&session, 1)[0]).await.map(drop)
}

pub(crate) async fn a_redirect_elsewhere_takes_no_token(target: &Target) {
    let (url, overheard) = another_host().await;
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let file = put(&*provider, &place, "a.bin", &bytes(1, 5), None).await;
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = json!({ "status": status, "headers": { "location": format!("{url}/caught?x=1") } });
        target.lab().fault(json!({ "door": "service" }), 0, elsewhere).await;
        refused(provider.check_sign_in().await);
        refused(ask(&*provider, question(target)).await);
        refused(provider.create("", &target.metadata("Elsewhere")).await);
        refused(upload(&*provider, &place).await);
        refused(provider.open_download(&file.path, None, None).await);
        refused(provider.delete(&file.path).await);
        target.lab().faults_struck().await;
    }
    // Content may lie elsewhere; it is fetched from there without the token.
    let (matching, elsewhere) = (target.enrolment.content_elsewhere)(&url);
    target.lab().fault(matching, 1, elsewhere).await;
    fetch(&*provider, &file.path, None, None).await.unwrap();
    target.lab().faults_struck().await;
    assert!(!overheard.0.lock().await.is_empty(), "the other host was reached");
    overheard.no_secret_of(target).await;
}

/// A service that was broken into could hand out links to a host of its choice.
pub(crate) async fn an_upload_link_to_another_host_takes_no_token(target: &Target) {
    let (url, overheard) = another_host().await;
    let provider = target.connect();
    let place = target.place(&*provider).await;
    let part_size = provider.capabilities().await.unwrap().parts.map(|rules| rules.min);
    let size = part_size.unwrap_or(1000) + 1;
    let content = bytes(1, size);
    for (name, query) in [("plain.bin", ""), ("signed.bin", "?X-Amz-Signature=abc")] {
        let links = [1, 2].map(|number| format!("{url}/{number}{query}"));
        let fault = (target.enrolment.upload_elsewhere)(&links, name, size, part_size);
        if !target.offers("upload links", fault.is_some()) {
            return;
        }
        let (matching, begun) = fault.unwrap();
        target.lab().fault(matching, 1, begun).await;
        if let Ok(session) = provider.begin_upload(&request(&place, name, size, part_size)).await {
            let part = *parts_of(&session, size).last().unwrap();
            // The other host is no service: whether its answer is taken for a yes is not the point.
            let _ = provider.send_part(&session, part, body(&content, part)).await;
        }
        target.lab().faults_struck().await;
        let reached = std::mem::take(&mut *overheard.0.lock().await);
        overheard.no_secret_in(&reached, target);
        // Only a link that carries its own permission is followed.
        if query.is_empty() {
            target.offers("unsigned links are refused", reached.is_empty());
        } else {
            assert_eq!(reached.len(), 1, "the signed link was followed");
        }
    }
}

fn all_words(error: &ProviderError) -> String {
    let mut words = format!("{error} {error:?} {:?}", error.problem);
    let mut source = error.source();
    while let Some(inner) = source {
        words += &format!(" {inner} {inner:?}");
        source = inner.source();
    }
    words
}

pub(crate) async fn errors_repeat_no_secret(target: &Target) {
    let mut words = String::new();
    let planted = "planted-token-0123456789abcdef";
    let wrong = target.connect_as(changed(&target.secrets, planted));
    words += &all_words(&refused(wrong.check_sign_in().await));
    // A service that repeats what it was sent.
    let echo = json!({ "status": 400, "body": { "message": format!("Bearer {planted} is not valid, token={planted}") } });
    let question = question(target);
    assert!(target.fault(question, echo).await);
    words += &all_words(&refused(ask(&*wrong, question).await));
    target.lab().faults_struck().await;
    assert!(!words.contains(planted), "{words}");

    let provider = target.connect();
    let place = target.place(&*provider).await;
    let facts = provider.capabilities().await.unwrap();
    let part_size = facts.parts.map(|rules| rules.min);
    let size = part_size.unwrap_or(1000) + 10;
    let content = bytes(1, size);
    let mut session = provider.begin_upload(&request(&place, "a.bin", size, part_size)).await.unwrap();
    let parts = parts_of(&session, size);
    for action in [
        cut_request(10),
        json!({ "status": 500 }),
        json!({ "status": 403, "body": "<Error><Code>AccessDenied</Code><Message>no</Message></Error>" }),
        json!({ "lose_answer": true }),
    ] {
        assert!(target.fault(Moment::Send(1), action).await);
        let error = refused(send(&*provider, &session, &content, parts[0]).await);
        words += &all_words(&error);
        target.lab().faults_struck().await;
        if error.advice == Advice::FreshSession {
            session = provider.begin_upload(&request(&place, "a.bin", size, part_size)).await.unwrap();
        }
    }
    let receipts = send_all(&*provider, &session, &content, &parts).await;
    let file = provider.finish_upload(&session, &receipts).await.unwrap();
    holds(&*provider, &file.path, &content).await;
    for secret in target.secrets.values() {
        assert!(!words.contains(secret.reveal()), "{words}");
    }
    assert!(!words.contains("X-Amz") && !words.to_lowercase().contains("signature="), "{words}");
    assert!(words.len() > 500, "{words}");
}
