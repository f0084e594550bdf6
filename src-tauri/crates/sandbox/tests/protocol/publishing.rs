//! Publishing and what follows: editing, new versions, taking over files.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, entry, json_of, link};

async fn published(lab: &Lab) -> String {
    let id = lab.draft().await;
    lab.upload(&id, "a.txt", b"hello").await;
    let record = lab.post(&format!("/api/records/{id}/draft/actions/publish"), &Value::Null, 202).await;
    assert_eq!(
        (&record["id"], &record["status"], &record["is_published"]),
        (&json!(id), &json!("published"), &json!(true))
    );
    id
}

#[tokio::test]
async fn missing_and_pending_files_block_publishing() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let publish = format!("/api/records/{id}/draft/actions/publish");
    let missing = lab.post(&publish, &json!({}), 400).await;
    assert_eq!(missing["errors"][0]["field"], "files.enabled");
    lab.upload(&id, "a", b"x").await;
    let pending = lab.init(&id, json!({"key": "b"})).await;
    let blocked = lab.post(&publish, &json!({}), 400).await;
    assert_eq!(
        blocked["errors"],
        json!([{"field": "files",
        "messages": ["One or more files have not completed their transfer, please wait."]}])
    );
    json_of(lab.ask(Method::DELETE, link(&pending, "self")).send().await.unwrap(), 204).await;
    lab.post(&publish, &json!({}), 202).await;
    assert_eq!(lab.post(&publish, &json!({}), 404).await["message"], "Not found.");
}

#[tokio::test]
async fn a_published_record_is_public_and_stays_as_it_is() {
    let lab = Lab::start().await;
    let id = published(&lab).await;
    let files = format!("/api/records/{id}/files");
    let list = json_of(lab.anonymous(Method::GET, &files).send().await.unwrap(), 200).await;
    let file = entry(&list, "a.txt");
    assert_eq!(file["links"]["commit"], Value::Null);
    let got = lab.anonymous(Method::GET, link(&file, "content")).send().await.unwrap();
    assert_eq!(got.text().await.unwrap(), "hello");
    json_of(lab.ask(Method::DELETE, &format!("{files}/a.txt")).send().await.unwrap(), 405).await;
    json_of(lab.ask(Method::DELETE, &format!("/api/records/{id}")).send().await.unwrap(), 403).await;
    json_of(lab.ask(Method::PUT, &format!("/api/records/{id}")).json(&json!({})).send().await.unwrap(), 500)
        .await;
    let record = lab.get(&format!("/api/records/{id}")).await;
    assert_eq!(record["links"]["publish"], Value::Null);
    assert_eq!(record["files"]["entries"]["a.txt"]["checksum"], "md5:5d41402abc4b2a76b9719d911017c592");
    let parent = lab
        .ask(Method::GET, &format!("/api/records/{}", record["parent"]["id"].as_str().unwrap()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (parent.status().as_u16(), &parent.headers()["location"]),
        (302, &format!("/api/records/{id}").parse().unwrap())
    );
}

#[tokio::test]
async fn editing_keeps_the_files_locked_and_a_stuck_entry_blocks() {
    let lab = Lab::start().await;
    let id = published(&lab).await;
    let draft = format!("/api/records/{id}/draft");
    let editing = lab.post(&draft, &Value::Null, 201).await;
    assert_eq!((&editing["is_draft"], &editing["is_published"]), (&json!(true), &json!(true)));
    let stuck = lab.init(&id, json!({"key": "new"})).await;
    let locked = json_of(lab.put(link(&stuck, "content"), b"x".to_vec()).await.unwrap(), 403).await;
    assert_eq!(locked["message"], "Bucket is locked for modifications.");
    lab.post(&format!("{draft}/actions/publish"), &json!({}), 400).await;
    json_of(lab.ask(Method::DELETE, &draft).send().await.unwrap(), 204).await;
    assert_eq!(lab.get(&format!("/api/records/{id}")).await["files"]["count"], 1);
}

#[tokio::test]
async fn a_new_version_has_a_new_id_and_takes_over_files_on_request() {
    let lab = Lab::start().await;
    let id = published(&lab).await;
    let versions = format!("/api/records/{id}/versions");
    let draft = lab.post(&versions, &json!({}), 201).await;
    let new = draft["id"].as_str().unwrap().to_owned();
    assert_ne!(new, id);
    assert_eq!(
        (&draft["status"], &draft["versions"]["index"], &draft["files"]["count"]),
        (&json!("new_version_draft"), &json!(2), &json!(0))
    );
    assert_eq!(lab.post(&versions, &json!({}), 201).await["id"], new, "asked again it is the same");
    let import = format!("/api/records/{new}/draft/actions/files-import");
    let list = lab.post(&import, &Value::Null, 201).await;
    let before = lab.get(&format!("/api/records/{id}/files")).await;
    assert_eq!(entry(&list, "a.txt")["file_id"], entry(&before, "a.txt")["file_id"]);
    assert_eq!(
        lab.post(&import, &Value::Null, 400).await["errors"][0]["messages"][0],
        "Please remove all files first."
    );
    lab.upload(&new, "b.txt", b"more").await;
    lab.post(&format!("/api/records/{new}/draft/actions/publish"), &json!({}), 202).await;

    let all = lab.get(&versions).await;
    let ids: Vec<_> = all["hits"]["hits"].as_array().unwrap().iter().map(|hit| hit["id"].clone()).collect();
    assert_eq!(ids, [new.clone(), id.clone()]);
    let latest = lab.ask(Method::GET, &format!("{versions}/latest")).send().await.unwrap();
    assert_eq!(latest.status(), 301);
    assert!(latest.headers()["location"].to_str().unwrap().ends_with(&format!("/api/records/{new}")));
    assert_eq!(lab.get("/api/records").await["hits"]["total"], 1, "the newest version only");
    assert_eq!(lab.get("/api/records?allversions=true").await["hits"]["total"], 2);
}

#[tokio::test]
async fn publishing_can_be_a_request() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    lab.upload(&id, "a", b"x").await;
    lab.switch(json!({"publish_by_request": true})).await;
    let draft = lab.get(&format!("/api/records/{id}/draft")).await;
    assert_eq!(draft["links"]["publish"], Value::Null);
    lab.post(&format!("/api/records/{id}/draft/actions/publish"), &json!({}), 403).await;
}
