//! Files sent in one request.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, bytes, entry, json_of, link, md5_of};

#[tokio::test]
async fn a_file_goes_in_and_comes_out_the_same() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let content = bytes(70_000);
    let pending = lab.init(&id, json!({"key": "dir/a b.bin", "size": 5, "checksum": "md5:wrong"})).await;
    assert_eq!(
        (&pending["status"], &pending["transfer"], &pending["size"]),
        (&json!("pending"), &json!({"type": "L"}), &json!(5))
    );
    assert!(link(&pending, "self").ends_with("/files/dir/a%20b.bin"));
    let sent = json_of(lab.put(link(&pending, "content"), content.clone()).await.unwrap(), 200).await;
    assert_eq!(sent["status"], "pending");
    let done = lab.post(link(&pending, "commit"), &json!({}), 200).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["size"], 70_000);
    // What was told at init is not checked and is replaced by the truth.
    assert_eq!(done["checksum"], format!("md5:{}", md5_of(&content)));
    assert_eq!(
        lab.post(link(&pending, "commit"), &Value::Null, 200).await,
        done,
        "repeating a commit changes nothing"
    );

    let got = lab.ask(Method::GET, link(&done, "content")).send().await.unwrap();
    assert_eq!(got.headers()["etag"], format!("\"md5:{}\"", md5_of(&content)));
    assert_eq!(got.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap().min(1), 1);
    assert_eq!(got.bytes().await.unwrap(), content);
    let encoded =
        lab.ask(Method::GET, &format!("/api/records/{id}/draft/files/dir%2Fa%20b.bin")).send().await.unwrap();
    assert_eq!(json_of(encoded, 200).await["key"], "dir/a b.bin");
    let list = lab.get(&format!("/api/records/{id}/draft/files")).await;
    assert_eq!(entry(&list, "dir/a b.bin")["status"], "completed");
}

#[tokio::test]
async fn an_empty_file_is_a_file_unless_switched_off() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    assert_eq!(lab.upload(&id, "empty", b"").await["size"], 0);
    lab.switch(json!({"empty_files": false})).await;
    let entry = lab.init(&id, json!({"key": "refused"})).await;
    lab.put(link(&entry, "content"), Vec::new()).await.unwrap();
    assert_eq!(
        lab.post(link(&entry, "commit"), &json!({}), 400).await["message"],
        "Empty files are not accepted."
    );
}

#[tokio::test]
async fn content_after_the_commit_destroys_the_file() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let done = lab.upload(&id, "a.txt", b"hello").await;
    let answer = json_of(lab.put(link(&done, "content"), b"again".to_vec()).await.unwrap(), 200).await;
    assert_eq!(answer["errors"], "File upload transfer failed.");
    assert_eq!(answer["checksum"], "md5:5d41402abc4b2a76b9719d911017c592");
    let gone = lab.ask(Method::GET, link(&done, "self")).send().await.unwrap();
    let gone = json_of(gone, 404).await;
    assert_eq!(gone["message"], format!("Record '{id}' has no file 'a.txt'."));
}

#[tokio::test]
async fn a_commit_without_content_is_a_server_error_and_so_is_an_early_download() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init(&id, json!({"key": "a"})).await;
    lab.post(link(&entry, "commit"), &json!({}), 500).await;
    json_of(lab.ask(Method::GET, link(&entry, "content")).send().await.unwrap(), 500).await;
    // The last of several bodies counts.
    lab.put(link(&entry, "content"), b"first".to_vec()).await.unwrap();
    lab.put(link(&entry, "content"), b"second".to_vec()).await.unwrap();
    assert_eq!(
        lab.post(link(&entry, "commit"), &json!({}), 200).await["checksum"],
        format!("md5:{}", md5_of(b"second"))
    );
}

#[tokio::test]
async fn a_key_exists_once_and_is_free_again_after_deletion() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let done = lab.upload(&id, "a.txt", b"hello").await;
    let files = format!("/api/records/{id}/draft/files");
    let twice = lab.post(&files, &json!([{"key": "b"}, {"key": "a.txt"}]), 400).await;
    assert_eq!(twice["message"], "File with key a.txt already exists.");
    assert_eq!(lab.get(&files).await["entries"].as_array().unwrap().len(), 1, "all or none");
    for status in [204, 404] {
        json_of(lab.ask(Method::DELETE, link(&done, "self")).send().await.unwrap(), status).await;
    }
    lab.upload(&id, "a.txt", b"other").await;
}

#[tokio::test]
async fn metadata_of_a_file_can_be_changed_and_nothing_else() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let done = lab.upload(&id, "a", b"x").await;
    let put = |body: Value| lab.ask(Method::PUT, link(&done, "self")).json(&body).send();
    let changed = json_of(put(json!({"metadata": {"channel": 3}})).await.unwrap(), 200).await;
    assert_eq!(changed["metadata"], json!({"channel": 3}));
    json_of(put(json!({"size": 4})).await.unwrap(), 400).await;
    let unknown =
        lab.post(&format!("/api/records/{id}/draft/files"), &json!([{"key": "b", "colour": 1}]), 400).await;
    assert_eq!(unknown["errors"][0]["field"], "0.colour");
}

#[tokio::test]
async fn limits_answer_as_documented() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let entry = lab.init(&id, json!({"key": "a"})).await;
    lab.switch(json!({"quota": 10})).await;
    let over = json_of(lab.put(link(&entry, "content"), vec![0; 11]).await.unwrap(), 400).await;
    assert_eq!(over["message"], "Bucket quota exceeded.");
    lab.switch(json!({"quota": null, "body_limit": 10})).await;
    json_of(lab.put(link(&entry, "content"), vec![0; 10]).await.unwrap(), 413).await;
    json_of(lab.put(link(&entry, "content"), vec![0; 9]).await.unwrap(), 200).await;
    lab.switch(json!({"body_limit": null, "files_per_record": 1})).await;
    lab.post(&format!("/api/records/{id}/draft/files"), &json!([{"key": "b"}]), 400).await;
    lab.switch(json!({"requests_per_minute": 1})).await;
    let answers = [lab.ask(Method::GET, "/api/records").send(), lab.ask(Method::GET, "/api/records").send()];
    let mut last = None;
    for answer in answers {
        last = Some(answer.await.unwrap());
    }
    let last = last.unwrap();
    assert!(last.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(json_of(last, 429).await["message"], "1 per 1 minute");
}

#[tokio::test]
async fn fetch_and_reference_are_told_but_denied() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let told =
        json_of(lab.anonymous(Method::GET, "/.well-known/repository/").send().await.unwrap(), 200).await;
    assert_eq!(told["transfers"], json!(["L", "F", "R", "M"]));
    let fetch = json!([{"key": "x", "transfer": {"type": "F", "url": "https://example.org/x"}}]);
    assert_eq!(
        lab.post(&format!("/api/records/{id}/draft/files"), &fetch, 403).await["message"],
        "Permission denied."
    );
}

#[tokio::test]
async fn keys_that_pass_the_init_and_fail_later() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let long = lab.init(&id, json!({"key": "x".repeat(256)})).await;
    json_of(lab.put(link(&long, "content"), b"x".to_vec()).await.unwrap(), 400).await;
    let bell = lab.upload(&id, "bell\u{7}.txt", b"x").await;
    json_of(lab.ask(Method::GET, link(&bell, "content")).send().await.unwrap(), 500).await;
    let plus = lab.upload(&id, "a+b&c=d?e.txt", b"x").await;
    assert!(link(&plus, "self").ends_with("/a+b&c=d%3Fe.txt"));
    assert_eq!(lab.get(link(&plus, "self")).await["key"], "a+b&c=d?e.txt");
    let slash = lab.init(&id, json!({"key": "/a"})).await;
    let moved = lab.put(link(&slash, "content"), b"x".to_vec()).await.unwrap();
    assert_eq!(moved.status(), 308);
}
