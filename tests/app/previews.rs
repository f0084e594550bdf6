//! What can be shown of a file without fetching it whole: bounded, by what the bytes are, and in words where it cannot be.

use crate::bench::{Bench, bytes, client};
use serde_json::{Value, json};

async fn preview(bench: &Bench, path: &str) -> Value {
    bench.call("files.preview", json!({ "account": "nrp", "path": path })).await
}

#[tokio::test]
async fn files_are_shown_by_what_their_bytes_are() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    // A bitmap of one pixel, under the ending of something else.
    let mut picture = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
    picture.resize(58, 0);
    let mut large = picture.clone();
    large.resize((16 << 20) + 1, 7);
    let text = format!("{}µ", "0123456789abcde\n".repeat(20_000));
    let files: [(&str, &[u8], &str); 7] = [
        ("picture.txt", &picture, "image"),
        ("page.png", b"<html><script>alert(1)</script></html>", "text"),
        ("run.csv", b"cell;area\n1;12,5\n", "table"),
        ("long.txt", text.as_bytes(), "text"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0", "broken"),
        ("noise.bin", &bytes(4_000), "unknown"),
        ("large.bmp", &large, "too_large"),
    ];
    let sources: Vec<_> = files.iter().map(|(name, content, _)| bench.work.file(name, content)).collect();
    let queued =
        bench.put(&sources.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>(), &place).await;
    bench.settle(&queued).await;
    for (name, _, kind) in files {
        let answer = preview(&bench, &format!("{place}/{name}")).await;
        assert_eq!(answer["kind"], kind, "{name}: {answer:.300}");
        assert!(answer.to_string().len() < 300 << 10 && !answer.to_string().contains("http"), "{name}");
    }
    let answer = preview(&bench, &format!("{place}/run.csv")).await;
    assert_eq!(answer["rows"], json!([["cell", "area"], ["1", "12,5"]]));
    let answer = preview(&bench, &format!("{place}/long.txt")).await;
    assert_eq!((answer["text"].as_str().unwrap().len(), &answer["cut"]), (256 << 10, &json!(true)));
    let picture = json!({ "account": "nrp", "path": format!("{place}/picture.txt"), "thumbnail": true });
    let answer = bench.call("files.preview", picture).await;
    assert_eq!((&answer["kind"], &answer["media_type"]), (&json!("image"), &json!("image/bmp")));

    let refused = bench.refusal("files.preview", json!({ "account": "nrp", "path": place })).await;
    assert_eq!(refused.code, "invalid_request", "{refused:?}");
    let none = json!({ "account": "nrp", "path": format!("{place}/none.txt") });
    assert_eq!(bench.refusal("files.preview", none).await.code, "not_found");
}

#[tokio::test]
async fn a_broken_answer_is_asked_for_again_and_a_refusal_is_told() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("notes.txt", &b"a line of notes\n".repeat(1_000));
    bench.settle(&bench.put(&[&file], &place).await).await;
    let fault = async |action: Value, times: u32| {
        let rules =
            json!([{ "match": { "method": "GET", "path": "/content" }, "times": times, "do": action }]);
        let url = format!("{}/faults", bench.lab.description().control_url);
        assert!(client().post(url).json(&rules).send().await.unwrap().status().is_success());
    };
    let path = format!("{place}/notes.txt");
    fault(json!({ "cut_after": 100, "side": "response" }), 1).await;
    let answer = preview(&bench, &path).await;
    assert_eq!(answer["text"].as_str().unwrap().len(), 16_000, "{answer:.200}");
    fault(json!({ "status": 403, "body": "<script>alert(1)</script>" }), 0).await;
    let refused = bench.refusal("files.preview", json!({ "account": "nrp", "path": path })).await;
    assert_eq!(refused.code, "not_allowed", "{refused:?}");
}

#[tokio::test]
async fn receipts_are_written_for_other_programs_and_never_leave_half_a_file() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("a, \"quoted\".bin", &bytes(500));
    bench.settle(&bench.put(&[&file], &place).await).await;
    let export = async |more: Value| {
        let mut request = json!({ "format": "csv" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bench.call("receipts.export", request).await
    };
    let csv = export(json!({})).await;
    assert_eq!(csv["written"], 1);
    assert!(csv["text"].as_str().unwrap().contains("\"a, \"\"quoted\"\".bin\""), "{csv}");
    assert_eq!(export(json!({ "direction": "download" })).await["written"], 0);
    assert_eq!(export(json!({ "verified": true, "account": "nrp" })).await["written"], 1);
    let path = bench.work.file("sums.txt", b"old");
    export(json!({ "format": "sha256sums", "path": path })).await;
    let sums = std::fs::read_to_string(&path).unwrap();
    assert!(sums.ends_with(&format!("  {}\n", file.display())), "{sums}");
    let refused = json!({ "format": "csv", "path": bench.work.path().join("none/x.csv") });
    assert_eq!(bench.refusal("receipts.export", refused).await.code, "folder_not_writable");
    assert_eq!(bench.refusal("receipts.export", json!({ "format": "pdf" })).await.code, "invalid_request");
    let parts =
        bench.work.files().into_iter().filter(|path| path.extension().is_some_and(|end| end == "part"));
    assert_eq!(parts.count(), 0);
}
