//! Files sent in parts through the API, as repositories on their own disk take them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, bytes, json_of, link, md5_of, part_link};

const PART: usize = 100_000;
const SIZE: usize = 250_000;

fn part_of(content: &[u8], number: usize) -> Vec<u8> {
    content[(number - 1) * PART..content.len().min(number * PART)].to_vec()
}

async fn send(lab: &Lab, entry: &Value, number: usize, content: Vec<u8>) -> Value {
    json_of(lab.put(part_link(entry, number), content).await.unwrap(), 200).await
}

#[tokio::test]
async fn parts_in_any_order_make_the_file() {
    let lab = Lab::start().await;
    lab.switch(json!({"checksums": "by_job"})).await;
    let id = lab.draft().await;
    let content = bytes(SIZE);
    let entry = lab.init_parts(&id, "big.bin", SIZE, PART).await;
    assert_eq!(entry["transfer"], json!({"type": "M", "parts": 3, "part_size": PART}));
    assert_eq!(entry["links"]["content"], Value::Null);
    assert_eq!(entry["checksum"], Value::Null);
    for number in [3, 1, 2, 2] {
        let answer = send(&lab, &entry, number, part_of(&content, number)).await;
        assert_eq!((&answer["status"], &answer["errors"]), (&json!("pending"), &Value::Null));
    }
    let done = lab.post(link(&entry, "commit"), &json!({}), 200).await;
    assert_eq!(
        (&done["status"], &done["transfer"], &done["size"]),
        (&json!("completed"), &json!({"type": "L"}), &json!(SIZE))
    );
    assert_eq!(done["checksum"], Value::Null, "it comes later");
    assert_eq!(lab.post(link(&entry, "commit"), &json!({}), 200).await["status"], "completed");

    let late = json_of(lab.put(part_link(&entry, 1), part_of(&content, 1)).await.unwrap(), 400).await;
    assert_eq!(late["message"], "Transfer type \"L\" does not support multipart uploads.");
    assert_eq!(lab.control(Method::POST, "/jobs/checksums/run", Value::Null).await["computed"], 1);
    assert_eq!(lab.get(link(&entry, "self")).await["checksum"], format!("md5:{}", md5_of(&content)));
    let got = lab.ask(Method::GET, link(&done, "content")).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), content);
    let inside = lab.inspect(&id, "big.bin").await;
    assert_eq!(inside["md5"], md5_of(&content));
    let times: Vec<_> =
        inside["parts"].as_array().unwrap().iter().map(|part| part["times_received"].clone()).collect();
    assert_eq!(times, [1, 2, 1]);
}

#[tokio::test]
async fn checksums_come_at_once_or_after_a_while() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(SIZE);
    lab.switch(json!({"checksums": "at_once"})).await;
    let committed = async |key: &str| {
        let entry = lab.init_parts(&id, key, SIZE, PART).await;
        for number in 1..=3 {
            send(&lab, &entry, number, part_of(&content, number)).await;
        }
        lab.post(link(&entry, "commit"), &json!({}), 200).await
    };
    let expected = format!("md5:{}", md5_of(&content));
    assert_eq!(committed("at once").await["checksum"], expected);
    lab.switch(json!({"checksums": {"after_ms": 50}})).await;
    let entry = committed("after a while").await;
    assert_eq!(entry["checksum"], Value::Null);
    while lab.get(link(&entry, "self")).await["checksum"] != expected {
        tokio::task::yield_now().await;
    }
}

/// A checksum told at init is stored unchecked, and then nobody computes one.
#[tokio::test]
async fn a_told_checksum_is_believed() {
    let lab = Lab::start().await;
    lab.switch(json!({"checksums": "at_once"})).await;
    let id = lab.draft().await;
    let init = json!({"key": "a", "size": 5, "checksum": "md5:0000", "transfer": {"type": "M", "parts": 1, "part_size": 5}});
    let entry = lab.init(&id, init).await;
    send(&lab, &entry, 1, b"hello".to_vec()).await;
    let done = lab.post(link(&entry, "commit"), &json!({}), 200).await;
    assert_eq!(done["checksum"], "md5:0000");
}

#[tokio::test]
async fn wrong_parts_answer_200_with_errors_and_are_not_stored() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", SIZE, PART).await;
    let beyond = part_link(&entry, 1).replace("/content/1", "/content/4");
    for (url, length) in
        [(part_link(&entry, 1), PART - 1), (part_link(&entry, 3), 49_999), (beyond.as_str(), PART)]
    {
        let answer = json_of(lab.put(url, vec![0; length]).await.unwrap(), 200).await;
        assert_eq!(answer["errors"], "File upload transfer failed.", "{url}");
        assert_eq!(answer["status"], "pending");
    }
    assert_eq!(lab.inspect(&id, "a").await["parts"], json!([]));
    let zero = part_link(&entry, 1).replace("/content/1", "/content/0");
    json_of(lab.put(&zero, vec![0; PART]).await.unwrap(), 500).await;
}

#[tokio::test]
async fn a_last_part_that_is_too_long_is_cut_off() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", 15, 10).await;
    send(&lab, &entry, 1, vec![1; 10]).await;
    assert_eq!(send(&lab, &entry, 2, vec![2; 10]).await["errors"], Value::Null);
    let done = lab.post(link(&entry, "commit"), &json!({}), 200).await;
    assert_eq!(done["size"], 15);
    let got = lab.ask(Method::GET, link(&done, "content")).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(got, [vec![1; 10], vec![2; 5]].concat());
}

#[tokio::test]
async fn a_commit_with_parts_missing_succeeds_and_the_holes_are_zeros() {
    let lab = Lab::start().await;
    lab.switch(json!({"checksums": "at_once"})).await;
    let id = lab.draft().await;
    let mut content = bytes(SIZE);
    let entry = lab.init_parts(&id, "a", SIZE, PART).await;
    for number in [1, 3] {
        send(&lab, &entry, number, part_of(&content, number)).await;
    }
    let done = lab.post(link(&entry, "commit"), &json!({}), 200).await;
    content[PART..2 * PART].fill(0);
    assert_eq!((&done["status"], &done["size"]), (&json!("completed"), &json!(SIZE)));
    assert_eq!(done["checksum"], format!("md5:{}", md5_of(&content)));
    let got = lab
        .ask(Method::GET, link(&done, "content"))
        .header("range", "bytes=99990-200009")
        .send()
        .await
        .unwrap();
    assert_eq!(got.bytes().await.unwrap(), content[99_990..200_010]);
}

#[tokio::test]
async fn inits_that_cannot_be_are_refused() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let files = format!("/api/records/{id}/draft/files");
    let init = |size: Value, transfer: Value| json!([{"key": "a", "size": size, "transfer": transfer}]);
    let parts = lab.post(&files, &init(json!(9), json!({"type": "M", "part_size": 4})), 400).await;
    assert_eq!(
        parts["errors"],
        json!([{"field": "0.transfer.parts", "messages": ["Missing data for required field."]}])
    );
    let empty =
        lab.post(&files, &init(json!(0), json!({"type": "M", "parts": 1, "part_size": 4})), 400).await;
    assert_eq!(empty["message"], "Multipart file transfer requires file size.");
    let no_size = lab.post(&files, &init(json!(9), json!({"type": "M", "parts": 3})), 400).await;
    assert_eq!(no_size["message"], "Multipart file transfer to local storage requires part_size.");
    lab.switch(json!({"multipart": false})).await;
    lab.post(&files, &init(json!(9), json!({"type": "M", "parts": 3, "part_size": 3})), 403).await;
    assert_eq!(lab.get(&files).await["entries"], json!([]));
}

#[tokio::test]
async fn content_of_a_pending_multipart_file_cannot_be_read_and_putting_it_destroys_the_file() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init_parts(&id, "a", SIZE, PART).await;
    send(&lab, &entry, 1, vec![7; PART]).await;
    let content = format!("{}/content", link(&entry, "self"));
    json_of(lab.ask(Method::GET, &content).send().await.unwrap(), 403).await;
    let answer = json_of(lab.put(&content, vec![0; 5]).await.unwrap(), 200).await;
    assert_eq!(answer["errors"], "File upload transfer failed.");
    json_of(lab.ask(Method::GET, link(&entry, "self")).send().await.unwrap(), 404).await;
    assert_eq!(
        std::fs::read_dir(lab.folder.path().join("nrp/blobs")).unwrap().count(),
        0,
        "its parts are gone too"
    );
}
