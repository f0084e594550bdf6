//! Files to and fro, whole and in parts, with things going wrong.

use crate::bench::{Bench, bytes};
use futures_util::TryStreamExt;
use labferry_provider::ByteRange;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const PLACE: &str = "zebrafish-heart/analysis";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_proven(row: &Value, content: &[u8]) {
    assert_eq!((&row["state"], &row["verified"]), (&json!("done"), &json!(true)), "{row}");
    assert_eq!(row["digests"]["sha256"], sha256(content), "{row}");
}

async fn put(bench: &Bench, name: &str, content: &[u8], more: Value) -> Value {
    let file = bench.file(name.rsplit('/').next().unwrap(), content);
    let mut request = json!({ "sources": [file], "account": "aruna", "place": PLACE, "name": name });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.run("uploads.add", request).await.remove(0)
}

async fn get(bench: &Bench, path: &str) -> (Value, Vec<u8>) {
    let to = bench.folder.path().join("back").join(path.replace('/', "_"));
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let request = json!({ "account": "aruna", "paths": [path], "destination": to });
    let row = bench.run("downloads.add", request).await.remove(0);
    (row, std::fs::read(&to).unwrap_or_default())
}

/// No request to the data proxy carried the token.
async fn no_token_left_the_gateway(bench: &Bench) {
    for request in bench.requests("PUT", "").await.iter().chain(&bench.requests("GET", "").await) {
        let is_storage = request["door"] == "storage";
        assert_eq!(request["had_authorization"], json!(!is_storage), "{request}");
    }
}

#[tokio::test]
async fn a_whole_file_goes_up_is_proven_listed_and_comes_back() {
    let bench = Bench::new().await;
    let content = bytes(300_000);
    let labels = json!({ "metadata": { "labels": { "sample": "S17" }, "hash": format!("sha256:{}", sha256(&content)) } });
    let row = put(&bench, "batch-3/run 17.fastq.gz", &content, labels).await;
    is_proven(&row, &content);
    assert_eq!(bench.inside(PLACE, "batch-3/run 17.fastq.gz").await.unwrap()["sha256"], sha256(&content));
    assert!(bench.requests("PATCH", "/finish").await.is_empty(), "a single request finishes by itself");

    let listed = bench.call("browse.list", json!({ "account": "aruna", "path": PLACE })).await;
    let shown = &listed["entries"][0]["file"];
    assert_eq!(
        (&shown["name"], &shown["verified"]),
        (&json!("batch-3/run 17.fastq.gz"), &json!(true)),
        "{listed}"
    );
    let (row, back) = get(&bench, &format!("{PLACE}/batch-3/run 17.fastq.gz")).await;
    is_proven(&row, &content);
    assert!(back == content);
    no_token_left_the_gateway(&bench).await;
}

#[tokio::test]
async fn a_file_in_parts_is_finished_later_and_proven_by_the_service_s_digest() {
    let bench = Bench::new().await;
    let content = bytes((33 << 20) + 777);
    let row = put(&bench, "stack.raw", &content, json!({ "shape": "parts" })).await;
    is_proven(&row, &content);
    let inside = bench.inside(PLACE, "stack.raw").await.unwrap();
    assert_eq!(
        (inside["parts"].as_array().unwrap().len(), &inside["transfer"]),
        (3, &json!("M")),
        "{inside}"
    );
    assert_eq!(bench.requests("PATCH", "/finish").await.len(), 1);
    let (row, back) = get(&bench, &format!("{PLACE}/stack.raw")).await;
    is_proven(&row, &content);
    assert!(back == content);
    no_token_left_the_gateway(&bench).await;
}

#[tokio::test]
async fn every_way_of_answering_ranges_and_receipts_is_read() {
    let bench = Bench::new().await;
    let content = bytes((17 << 20) + 5);
    let provider = bench.connect();
    for (ranges, etags) in [("proper", "plain"), ("ignored", "odd"), ("slice_with200", "plain")] {
        bench.switch(json!({ "ranges": ranges, "etags": etags })).await;
        let name = format!("{}-{etags}.raw", ranges.replace('_', "-"));
        is_proven(&put(&bench, &name, &content, json!({ "shape": "parts" })).await, &content);
        let (row, back) = get(&bench, &format!("{PLACE}/{name}")).await;
        is_proven(&row, &content);
        assert!(back == content, "{ranges}");
        let range = Some(ByteRange { offset: 1000, length: 5 << 20 });
        let path = format!("{PLACE}/{name}");
        let download = provider.open_download(&path, range, None).await.unwrap();
        let begin = usize::try_from(download.offset).unwrap();
        assert_eq!(begin, if ranges == "ignored" { 0 } else { 1000 }, "{ranges}");
        let pieces: Vec<_> = download.stream.try_collect().await.unwrap();
        let end = if ranges == "ignored" { content.len() } else { 1000 + (5 << 20) };
        assert!(pieces.concat() == content[begin..end], "{ranges}");
    }
}

#[tokio::test]
async fn ranges_of_small_files_are_exact_although_the_service_gets_them_wrong() {
    let bench = Bench::new().await;
    bench.switch(json!({ "finalisation": "at_once" })).await;
    let content = bytes(70_000);
    put(&bench, "small.bin", &content, json!({ "shape": "parts" })).await;
    let provider = bench.connect();
    let path = format!("{PLACE}/small.bin");
    for (offset, length) in [(0, 1), (69_999, 1), (1_000, 500), (60_000, 50_000)] {
        let range = Some(ByteRange { offset, length });
        let download = provider.open_download(&path, range, None).await.unwrap();
        assert_eq!((download.offset, download.total), (offset, Some(70_000)));
        let guard = download.revision.clone();
        let pieces: Vec<_> = download.stream.try_collect().await.unwrap();
        let begin = usize::try_from(offset).unwrap();
        let end = content.len().min(begin + usize::try_from(length).unwrap());
        assert!(pieces.concat() == content[begin..end], "{offset} {length}");
        assert!(provider.open_download(&path, range, guard.as_deref()).await.is_ok());
    }
    let error = provider.open_download(&path, None, Some("01H3Z8Q4M7YV2S6N0T9XKJ4B5C")).await.err().unwrap();
    assert!(error.problem.detail.unwrap().contains("changed"));
}

#[tokio::test]
async fn a_taken_name_gets_a_new_revision_when_asked_for() {
    let bench = Bench::new().await;
    let (first, second, third) = (bytes(5_000), bytes(6_000), bytes((6 << 20) + 1));
    put(&bench, "run.csv", &first, json!({ "metadata": { "labels": { "a": "1" } } })).await;
    let refused = put(&bench, "run.csv", &second, json!({})).await;
    assert_eq!(refused["problem"]["code"], "name_taken", "{refused}");
    is_proven(&put(&bench, "run.csv", &second, json!({ "on_clash": "version" })).await, &second);
    let more = json!({ "on_clash": "version", "shape": "parts" });
    is_proven(&put(&bench, "run.csv", &third, more).await, &third);
    let inside = bench.inside(PLACE, "run.csv").await.unwrap();
    assert_eq!((&inside["revision"], &inside["sha256"]), (&json!(2), &json!(sha256(&third))), "{inside}");
    let shown =
        bench.call("browse.show", json!({ "account": "aruna", "path": format!("{PLACE}/run.csv") })).await;
    assert_eq!(shown["file"]["metadata"]["labels"], json!({ "a": "1" }), "labels stay: {shown}");
}

#[tokio::test]
async fn an_empty_file_is_finished_without_an_upload() {
    let bench = Bench::new().await;
    let row = put(&bench, "empty.txt", b"", json!({})).await;
    assert_eq!(row["state"], "done", "{row}");
    assert!(bench.requests("PUT", "").await.is_empty());
    let (row, back) = get(&bench, &format!("{PLACE}/empty.txt")).await;
    assert_eq!((&row["state"], back.len()), (&json!("done"), 0), "{row}");
}

#[tokio::test]
async fn lost_answers_expired_links_and_failures_are_got_over() {
    let bench = Bench::new().await;
    let content = bytes(70_000);
    let storage = json!({ "service": "aruna", "door": "storage", "method": "PUT" });
    bench.fault(storage.clone(), 1, json!({ "lose_answer": true })).await;
    is_proven(&put(&bench, "lost.bin", &content, json!({})).await, &content);
    assert_eq!(bench.inside(PLACE, "lost.bin").await.unwrap()["revision"], 0, "it was not sent twice");

    let large = bytes((11 << 20) + 1);
    bench.fault(storage.clone(), 1, json!({ "expire_links": true })).await;
    is_proven(&put(&bench, "expired.bin", &large, json!({ "shape": "parts" })).await, &large);

    bench.fault(storage, 2, json!({ "status": 500 })).await;
    is_proven(&put(&bench, "failed.bin", &large, json!({ "shape": "parts" })).await, &large);

    let finish = json!({ "service": "aruna", "path": "/finish$" });
    bench.fault(finish.clone(), 1, json!({ "lose_answer": true })).await;
    is_proven(&put(&bench, "finish.bin", &large, json!({ "shape": "parts" })).await, &large);
    let conflict = json!({ "code": 10, "message": "Unable to finish multipart", "details": [] });
    bench.fault(finish, 1, json!({ "status": 409, "body": conflict })).await;
    is_proven(&put(&bench, "conflict.bin", &large, json!({ "shape": "parts" })).await, &large);
}

#[tokio::test]
async fn a_wrong_expected_hash_is_refused_and_said() {
    let bench = Bench::new().await;
    let metadata = json!({ "hash": format!("sha256:{}", "0".repeat(64)) });
    let more = json!({ "shape": "parts", "metadata": metadata });
    let row = put(&bench, "wrong.bin", &bytes(9 << 20), more.clone()).await;
    assert_ne!(row["state"], "done", "{row}");
    assert_eq!(row["problem"]["code"], "digest_mismatch", "{row}");
    assert!(row["problem"].to_string().contains("Hash validation failed"), "{row}");
    // In one request as well, and it is not tried for ever.
    let row = put(&bench, "wrong-whole.bin", &bytes(9 << 10), json!({ "metadata": more["metadata"] })).await;
    assert_eq!((&row["state"], &row["waiting"]), (&json!("failed"), &Value::Null), "{row}");
    assert_eq!(row["problem"]["code"], "digest_mismatch", "{row}");
    assert_eq!(bench.requests("PUT", "wrong-whole").await.len(), 3);
}

#[tokio::test]
async fn names_the_service_cannot_give_back_are_refused_beforehand() {
    let bench = Bench::new().await;
    for name in ["Größe.csv", "100%.txt", "Folder/file.txt"] {
        let file = bench.file("x.txt", b"x");
        let request = json!({ "sources": [file], "account": "aruna", "place": PLACE, "name": name });
        let told = match bench.app.call("uploads.add", request).await {
            Ok(queued) => queued.to_string(),
            Err(problem) => format!("{problem:?}"),
        };
        assert!(told.contains("Aruna"), "{name}: {told}");
    }
    assert!(bench.requests("POST", "/object").await.is_empty());
}
