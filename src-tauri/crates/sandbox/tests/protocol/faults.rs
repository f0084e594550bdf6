//! Scripted faults, each from the client's side.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, bytes, json_of, link, md5_of, part_link};

#[tokio::test]
async fn a_status_replaces_the_work_as_often_as_asked() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init(&id, json!({"key": "a"})).await;
    lab.faults(json!([{"match": {"method": "PUT", "path": "/content$"}, "times": 2,
        "do": {"status": 503, "headers": {"retry-after": "7"}, "body": {"message": "later"}}}]))
        .await;
    for _ in 0..2 {
        let answer = lab.put(link(&entry, "content"), bytes(300_000)).await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "7");
        assert_eq!(json_of(answer, 503).await["message"], "later");
    }
    lab.post(link(&entry, "commit"), &json!({}), 500).await;
    json_of(lab.put(link(&entry, "content"), b"x".to_vec()).await.unwrap(), 200).await;
    let seen = lab.requests().await;
    let struck: Vec<_> = seen.iter().filter(|seen| seen["status"] == 503).collect();
    assert_eq!(struck.len(), 2);
    assert_eq!(struck[0]["bytes_received"], 300_000);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_work_done() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init(&id, json!({"key": "a"})).await;
    json_of(lab.put(link(&entry, "content"), b"hello".to_vec()).await.unwrap(), 200).await;
    lab.faults(json!([{"match": {"path": "/commit$"}, "do": {"lose_answer": true}}])).await;
    lab.ask(Method::POST, link(&entry, "commit")).send().await.unwrap_err();
    assert_eq!(lab.get(link(&entry, "self")).await["status"], "completed");
    let seen = lab.requests().await;
    let lost = seen.iter().find(|seen| seen["path"].as_str().unwrap().ends_with("/commit")).unwrap();
    assert_eq!(lost["status"], Value::Null);
}

#[tokio::test]
async fn a_cut_request_leaves_nothing_visible() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(3_000_000);
    let entry = lab.init_parts(&id, "big", content.len(), 1_000_000).await;
    lab.faults(json!([{"match": {"path": "/content/2$"}, "do": {"cut_after": 600_000}}])).await;
    let part = |number: usize| content[(number - 1) * 1_000_000..number * 1_000_000].to_vec();
    json_of(lab.put(part_link(&entry, 1), part(1)).await.unwrap(), 200).await;
    lab.put(part_link(&entry, 2), part(2)).await.unwrap_err();
    let inside = lab.inspect(&id, "big").await;
    assert_eq!(inside["parts"].as_array().unwrap().len(), 1);
    let cut = lab.requests().await.into_iter().find(|seen| seen["part"] == 2).unwrap();
    assert_eq!(cut["bytes_received"], 600_000);
    assert_eq!(std::fs::read_dir(lab.folder.path().join("nrp/incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_cut_answer_gives_the_bytes_before_the_cut() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(2_000_000);
    let done = lab.upload(&id, "a", &content).await;
    lab.faults(json!([{"match": {"path": "/content$"}, "do": {"cut_after": 1_200_000, "side": "response"}}]))
        .await;
    let mut answer = lab.ask(Method::GET, link(&done, "content")).send().await.unwrap();
    assert_eq!(answer.content_length(), Some(2_000_000));
    let mut got = Vec::new();
    let error = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => got.extend_from_slice(&chunk),
            Ok(None) => panic!("the whole answer came"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error}");
    assert_eq!(got.len(), 1_200_000);
    assert_eq!(got, content[..1_200_000]);
}

#[tokio::test]
async fn a_flipped_byte_changes_what_is_stored_or_what_is_answered() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(300_000);
    lab.faults(json!([{"match": {"method": "PUT"}, "do": {"flip": 250_000, "side": "request"}}])).await;
    let done = lab.upload(&id, "a", &content).await;
    let mut changed = content.clone();
    changed[250_000] ^= 1;
    assert_eq!(done["checksum"], format!("md5:{}", md5_of(&changed)));
    lab.faults(
        json!([{"match": {"method": "GET", "path": "/content$"}, "do": {"flip": 0, "side": "response"}}]),
    )
    .await;
    let got = lab.ask(Method::GET, link(&done, "content")).send().await.unwrap().bytes().await.unwrap();
    changed[0] ^= 1;
    assert_eq!(got, changed);
    assert_eq!(lab.inspect(&id, "a").await["md5"], done["checksum"].as_str().unwrap()[4..]);
}

#[tokio::test]
async fn a_delay_delays() {
    let lab = Lab::start().await;
    lab.faults(json!([{"match": {"path": "^/api/records$"}, "do": {"delay_ms": 200}}])).await;
    let begun = Instant::now();
    lab.get("/api/records").await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_rule_that_is_wrong_is_refused_with_a_sentence() {
    let lab = Lab::start().await;
    let control = &lab.sandbox.as_ref().unwrap().description().control_url;
    let refused = lab
        .http
        .post(format!("{control}/faults"))
        .json(&json!([{"do": {"stauts": 1}}]))
        .send()
        .await
        .unwrap();
    let refused = json_of(refused, 400).await;
    assert!(refused["message"].as_str().unwrap().contains("stauts"), "{refused}");
}
