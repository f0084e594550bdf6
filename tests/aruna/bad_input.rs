//! What the service or a person may hand us wrongly: each is one clear problem, or nothing at all where it does no harm.

use crate::bench::{Bench, bytes, names};
use labferry_model::ProblemCode;
use labferry_provider::Advice;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const FRAMES: &str = "zebrafish-heart/raw-frames";
const PLACE: &str = "zebrafish-heart/analysis";
const KEY: &str = "2024-03-18/frame_0001.raw";

fn list() -> Value {
    json!({ "service": "aruna", "method": "GET", "path": "/objects$" })
}

#[tokio::test]
async fn ids_of_something_else_are_not_found() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    for path in [
        "01H3Z8Q4M7YV2S6N0T9XKJ4B5C",
        "zebrafish-heart/01H3Z8Q4M7YV2S6N0T9XKJ4B5C",
        "3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f",
        "tx3ky-4d74q",
        "airalogy.id.file.3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f.csv",
        "zebrafish-heart/raw-frames/01H3Z8Q4M7YV2S6N0T9XKJ4B5C",
        "zebrafish-heart/raw-frames@9.9.9",
    ] {
        let error = provider.describe(path).await.unwrap_err();
        assert_eq!((error.problem.code, error.advice), (ProblemCode::NotFound, Advice::Stop), "{path}");
    }
}

#[tokio::test]
async fn odd_answers_are_read_or_refused() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    // A file with unknown fields and few of the known ones is shown all the same.
    let bare = json!({ "objects": [{ "object": { "id": "01H3Z8Q4M7YV2S6N0T9XKJ4B5C", "filename": "a.bin",
        "status": "STATUS_AVAILABLE", "contentLen": "5", "new": { "deep": [1] } } }], "more": true });
    bench.fault(list(), 1, json!({ "status": 200, "body": bare })).await;
    assert_eq!(names(&*provider, FRAMES, None).await, ["a.bin"]);
    for odd in [json!({ "objects": "none" }), json!({ "objects": [{ "object": 7 }] })] {
        // Asked for in pages as well, in case it was too much at once.
        bench.fault(list(), 2, json!({ "status": 200, "body": odd })).await;
        let request = labferry_provider::ListRequest { path: FRAMES.into(), limit: 9, ..Default::default() };
        let error = provider.list(&request).await.unwrap_err();
        assert_eq!(error.problem.code, ProblemCode::BadAnswer, "{odd}");
    }
}

#[tokio::test]
async fn pages_that_repeat_themselves_end() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    let all = json!({ "status": 200, "body": "too much to be JSON" });
    let page = json!({ "objects": [{ "object": { "id": "01H3Z8Q4M7YV2S6N0T9XKJ4B5C", "filename": "a.bin",
        "status": "STATUS_AVAILABLE", "contentLen": "5" } }] });
    bench.fault(list(), 1, all).await;
    bench.fault(list(), 0, json!({ "status": 200, "body": page })).await;
    assert_eq!(names(&*provider, FRAMES, None).await, ["a.bin"]);
}

#[tokio::test]
async fn a_link_that_answers_a_web_page_is_never_taken_for_the_file() {
    let bench = Bench::new().await;
    let page = "<!doctype html><title>Sign in</title>";
    let get = json!({ "service": "aruna", "door": "storage", "method": "GET" });
    let answer = json!({ "status": 200, "headers": { "content-type": "text/html" }, "body": page });
    bench.fault(get, 1, answer.clone()).await;
    let to = bench.folder.path().join("back.raw");
    let request = json!({ "account": "aruna", "paths": [format!("{FRAMES}/{KEY}")], "destination": to });
    let row = bench.run("downloads.add", request).await.remove(0);
    // Fetched again, or given up; under the final name there is the file or nothing.
    let right = bench.inside(FRAMES, KEY).await.unwrap()["sha256"].clone();
    match std::fs::read(&to) {
        Ok(back) => {
            assert_eq!((&row["verified"], json!(hex::encode(Sha256::digest(back)))), (&json!(true), right))
        }
        Err(_) => assert!(row["state"] != "done" && row["problem"].is_object(), "{row}"),
    }

    // To an upload: a yes that is none. The bytes are sent again until the service has them.
    let put = json!({ "service": "aruna", "door": "storage", "method": "PUT" });
    bench.fault(put, 1, answer).await;
    let content = bytes(40_000);
    let file = bench.file("a.raw", &content);
    let request = json!({ "sources": [file], "account": "aruna", "place": PLACE });
    let row = bench.run("uploads.add", request).await.remove(0);
    let inside = bench.inside(PLACE, "a.raw").await;
    let is_there = inside.is_some_and(|inside| inside["sha256"] == hex::encode(Sha256::digest(&content)));
    assert_eq!(row["verified"] == json!(true), is_there, "green only where the bytes are: {row}");
}

#[tokio::test]
async fn a_token_that_ends_in_a_batch_loses_nothing() {
    let bench = Bench::new().await;
    let files: Vec<_> = (0..4).map(|n| bench.file(&format!("f{n}.bin"), &bytes(1_000 + n))).collect();
    let expired = json!({ "code": 7, "message": "Token expired", "details": [] });
    // The third announcement and everything after it.
    let matching =
        json!({ "service": "aruna", "door": "service", "method": "POST", "path": "/object$", "nth": 3 });
    bench.fault(matching, 0, json!({ "status": 403, "body": expired })).await;
    let request = json!({ "sources": files, "account": "aruna", "place": PLACE });
    let rows = bench.run("uploads.add", request).await;
    let done = rows.iter().filter(|row| row["state"] == "done" && row["verified"] == true).count();
    assert_eq!(done, 2, "{rows:?}");
    for row in rows.iter().filter(|row| row["state"] != "done") {
        assert_eq!(row["problem"]["code"], "sign_in_needed", "{row}");
        assert_ne!(row["state"], "failed", "it waits for the person: {row}");
    }
}
