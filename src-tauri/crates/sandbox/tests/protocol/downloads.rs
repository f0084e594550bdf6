//! Downloads through the API: ranges, entity tags, conditions.

use std::io::{Cursor, Read};

use reqwest::{Method, Response};
use serde_json::json;

use crate::lab::{Lab, bytes, json_of, link, md5_of};

async fn get(lab: &Lab, url: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(lab.ask(Method::GET, url), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

#[tokio::test]
async fn ranges_conditions_and_headers_follow_the_disk_storage() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(70_000);
    let done = lab.upload(&id, "a.bin", &content).await;
    let url = link(&done, "content");
    let tag = format!("\"md5:{}\"", md5_of(&content));

    let head = lab.ask(Method::HEAD, url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "70000");
    assert_eq!(head.headers()["etag"], tag);
    assert_eq!(head.headers()["content-md5"], md5_of(&content));
    assert_eq!(head.headers()["accept-ranges"], "bytes");
    assert_eq!(head.headers()["content-disposition"], "attachment; filename=a.bin");

    let tail = get(&lab, url, &[("range", "bytes=69990-")]).await;
    assert_eq!(tail.status(), 206);
    assert_eq!(tail.headers()["content-range"], "bytes 69990-69999/70000");
    assert_eq!(tail.headers()["content-md5"], md5_of(&content), "of the whole file, also on a part");
    assert_eq!(tail.bytes().await.unwrap(), content[69_990..]);
    assert_eq!(get(&lab, url, &[("range", "bytes=5-9")]).await.bytes().await.unwrap(), content[5..10]);
    for range in ["bytes=70000-", "bytes=0-1,4-5"] {
        json_of(get(&lab, url, &[("range", range)]).await, 416).await;
    }
    assert_eq!(get(&lab, url, &[("range", "bytes=1-"), ("if-range", &tag)]).await.status(), 206);
    assert_eq!(get(&lab, url, &[("range", "bytes=1-"), ("if-range", "\"md5:old\"")]).await.status(), 200);
    assert_eq!(get(&lab, url, &[("if-none-match", &tag)]).await.status(), 304);
}

#[tokio::test]
async fn ranges_are_ignored_where_the_operator_left_them_off() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let done = lab.upload(&id, "a.txt", b"hello").await;
    lab.switch(json!({"ranges": false})).await;
    let whole = get(&lab, link(&done, "content"), &[("range", "bytes=1-")]).await;
    assert_eq!(whole.status(), 200);
    assert!(whole.headers().get("accept-ranges").is_none());
    assert_eq!(whole.bytes().await.unwrap(), "hello");
}

#[tokio::test]
async fn an_empty_file_answers_an_open_range_with_all_it_has() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let done = lab.upload(&id, "empty", b"").await;
    let got = get(&lab, link(&done, "content"), &[("range", "bytes=0-")]).await;
    assert_eq!((got.status().as_u16(), got.content_length()), (200, Some(0)));
}

#[tokio::test]
async fn all_files_come_as_one_zip() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(1_500_000);
    lab.upload(&id, "plate 1/scan.bin", &content).await;
    lab.upload(&id, "notes.txt", b"hello").await;
    lab.init(&id, json!({"key": "pending"})).await;
    let draft = lab.get(&format!("/api/records/{id}/draft")).await;
    let got = lab.ask(Method::GET, link(&draft, "archive")).send().await.unwrap();
    assert_eq!((got.status().as_u16(), got.content_length()), (200, None));
    let mut zip = zip::ZipArchive::new(Cursor::new(got.bytes().await.unwrap())).unwrap();
    assert_eq!(zip.len(), 2);
    for (key, expected) in [("plate 1/scan.bin", content), ("notes.txt", b"hello".to_vec())] {
        let mut unpacked = Vec::new();
        zip.by_name(key).unwrap().read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == expected, "{key}");
    }
}
