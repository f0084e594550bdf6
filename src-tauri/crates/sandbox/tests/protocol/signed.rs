//! Parts and downloads by signed links, as repositories with S3 storage do it.

use base64::Engine;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::{Lab, bytes, json_of, link, md5_of, part_link};

const PART: usize = 5 * 1024 * 1024;
const SIZE: usize = PART + 10;

async fn signed_lab() -> Lab {
    let lab = Lab::start().await;
    lab.switch(json!({"storage": "signed", "checksums": "by_job"})).await;
    lab
}

async fn send(lab: &Lab, url: &str, content: &[u8]) -> reqwest::Response {
    lab.anonymous(Method::PUT, url).body(content.to_vec()).send().await.unwrap()
}

async fn code(response: reqwest::Response) -> (StatusCode, String) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    (status, code.map(|(code, _)| code.to_owned()).unwrap_or_default())
}

/// The content a real server was asked with: the composite checksum must be the one it told.
fn content() -> Vec<u8> {
    let mut content = vec![b'a'; PART];
    content.extend([b'b'; 10]);
    content
}

#[tokio::test]
async fn parts_go_to_the_storage_host_without_the_token() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "big.bin", SIZE, PART).await;
    let url = part_link(&entry, 1);
    assert!(
        url.starts_with("http://localhost:")
            && url.contains("uploadId=")
            && url.contains("X-Amz-Expires=604800"),
        "{url}"
    );
    assert!(entry["links"]["parts"][0]["expiration"].as_str().unwrap().ends_with('Z'));

    let content = content();
    let with_token = lab.put(url, content[..PART].to_vec()).await.unwrap();
    assert_eq!(code(with_token).await, (StatusCode::BAD_REQUEST, "InvalidArgument".to_owned()));
    let first = send(&lab, url, &content[..PART]).await;
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["etag"], format!("\"{}\"", md5_of(&content[..PART])));
    assert_eq!(first.text().await.unwrap(), "");
    lab.post(link(&entry, "commit"), &json!({}), 500).await;
    assert_eq!(lab.get(link(&entry, "self")).await["status"], "pending");

    let again = lab.get(link(&entry, "self")).await;
    send(&lab, part_link(&again, 2), &content[PART..]).await;
    let done = lab.post(link(&entry, "commit"), &json!({}), 200).await;
    assert_eq!(done["checksum"], "multipart:8b0be7847da5564ae08e97af63b60885-2-5242880");
    lab.control(Method::POST, "/jobs/checksums/run", Value::Null).await;
    assert_eq!(lab.get(link(&entry, "self")).await["checksum"], "md5:eb54edf86ca0a6253f5ac8fe7e0e7833");
    // A part after the end is a part of nothing.
    assert_eq!(code(send(&lab, url, b"x").await).await, (StatusCode::NOT_FOUND, "NoSuchUpload".to_owned()));
    let seen = lab.requests().await;
    assert!(
        seen.iter()
            .any(|seen| seen["door"] == "storage" && seen["part"] == 2 && seen["had_authorization"] == false)
    );
    assert!(!Value::from(seen).to_string().contains("Signature"), "signed links are secrets");
}

#[tokio::test]
async fn an_inner_part_that_is_too_small_is_only_noticed_at_the_commit() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", 8, 4).await;
    for number in [1, 2] {
        assert_eq!(send(&lab, part_link(&entry, number), b"1234").await.status(), 200);
    }
    lab.post(link(&entry, "commit"), &json!({}), 500).await;
    lab.switch(json!({"smallest_part": 0})).await;
    assert_eq!(lab.post(link(&entry, "commit"), &json!({}), 200).await["size"], 8);
}

#[tokio::test]
async fn part_size_may_be_left_out_and_then_the_checksum_stays() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init(&id, json!({"key": "a", "size": 3, "transfer": {"type": "M", "parts": 1}})).await;
    send(&lab, part_link(&entry, 1), b"abc").await;
    let done = lab.post(link(&entry, "commit"), &json!({}), 200).await;
    assert!(done["checksum"].as_str().unwrap().ends_with("-1-None"), "{done}");
    // The server's job cannot read this form.
    assert_eq!(lab.control(Method::POST, "/jobs/checksums/run", Value::Null).await["computed"], 0);
}

#[tokio::test]
async fn a_part_that_differs_from_its_content_md5_is_refused() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", 5, 5).await;
    let put = |md5: String| {
        lab.anonymous(Method::PUT, part_link(&entry, 1)).header("content-md5", md5).body("hello").send()
    };
    let base64 =
        |hex_md5: String| base64::engine::general_purpose::STANDARD.encode(hex::decode(hex_md5).unwrap());
    let wrong = put(base64(md5_of(b"other"))).await.unwrap();
    assert_eq!(code(wrong).await, (StatusCode::BAD_REQUEST, "BadDigest".to_owned()));
    assert_eq!(code(put("nonsense".to_owned()).await.unwrap()).await.1, "InvalidDigest");
    assert_eq!(lab.inspect(&id, "a").await["parts"], json!([]));
    assert_eq!(put(base64(md5_of(b"hello"))).await.unwrap().status(), 200);
}

#[tokio::test]
async fn links_expire_by_the_clock_and_by_a_fault_and_are_cured_by_reading_the_entry() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", 5, 5).await;
    let expired = (StatusCode::FORBIDDEN, "AccessDenied".to_owned());
    lab.control(Method::POST, "/clock/advance", json!({"seconds": 604_801})).await;
    assert_eq!(code(send(&lab, part_link(&entry, 1), b"hello").await).await, expired);
    let entry = lab.get(link(&entry, "self")).await;
    assert_eq!(send(&lab, part_link(&entry, 1), b"hello").await.status(), 200);

    lab.faults(json!([{"match": {"door": "storage", "method": "PUT"}, "do": {"expire_links": true}}])).await;
    assert_eq!(code(send(&lab, part_link(&entry, 1), b"hello").await).await, expired);
    assert_eq!(code(send(&lab, part_link(&entry, 1), b"hello").await).await, expired, "it stays expired");
    let entry = lab.get(link(&entry, "self")).await;
    assert_eq!(send(&lab, part_link(&entry, 1), b"hello").await.status(), 200);
}

#[tokio::test]
async fn a_download_is_a_short_lived_link_that_knows_ranges() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let content = bytes(100_000);
    let done = lab.upload(&id, "raw data.csv", &content).await;
    let redirect = lab.ask(Method::GET, link(&done, "content")).send().await.unwrap();
    assert_eq!(redirect.status(), 302);
    assert!(redirect.headers().get("etag").is_none());
    let target = redirect.headers()["location"].to_str().unwrap().to_owned();
    assert!(target.starts_with("http://localhost:") && target.contains("X-Amz-Expires=60&"), "{target}");
    let get = |range: &'static str| lab.anonymous(Method::GET, &target).header("range", range).send();
    let part = get("bytes=99990-").await.unwrap();
    assert_eq!(
        (part.status().as_u16(), &part.headers()["content-range"]),
        (206, &"bytes 99990-99999/100000".parse().unwrap())
    );
    assert_eq!(part.bytes().await.unwrap(), content[99_990..]);
    assert_eq!(code(get("bytes=100000-").await.unwrap()).await.1, "InvalidRange");
    // Signed for GET, so not good for HEAD; and not together with a token.
    assert_eq!(lab.anonymous(Method::HEAD, &target).send().await.unwrap().status(), 403);
    assert_eq!(code(lab.ask(Method::GET, &target).send().await.unwrap()).await.1, "InvalidArgument");
    lab.control(Method::POST, "/clock/advance", json!({"seconds": 61})).await;
    assert_eq!(code(get("bytes=0-").await.unwrap()).await.1, "AccessDenied");
}

#[tokio::test]
async fn a_part_sent_to_the_api_is_a_server_error() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", 5, 5).await;
    json_of(lab.put(&format!("{}/content/1", link(&entry, "self")), b"hello".to_vec()).await.unwrap(), 500)
        .await;
}

#[tokio::test]
async fn deleting_the_file_ends_its_upload() {
    let lab = signed_lab().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", 5, 5).await;
    json_of(lab.ask(Method::DELETE, link(&entry, "self")).send().await.unwrap(), 204).await;
    assert_eq!(code(send(&lab, part_link(&entry, 1), b"hello").await).await.1, "NoSuchUpload");
}
