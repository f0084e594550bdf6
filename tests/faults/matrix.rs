//! Every fault at every step of every way to send a file.

use crate::bench::{Bench, PART, WAYS, Way, content};
use labferry_model::{Direction, VerifyChoice};
use serde_json::{Value, json};

/// Bytes of the file of a way: parts are three, the last one short.
fn length(way: Way) -> usize {
    if way == Way::Whole { 300_000 } else { 2 * PART + 70_000 }
}

/// The requests of an upload, as the lab's rules name them.
fn steps(way: Way) -> Vec<(&'static str, Value)> {
    let bytes = match way {
        Way::Whole => json!({ "method": "PUT", "path": "/content$" }),
        Way::Parts => json!({ "method": "PUT", "path": "/content/\\d+$" }),
        Way::SignedParts => json!({ "method": "PUT", "door": "storage" }),
    };
    vec![
        ("look", json!({ "method": "GET", "path": "/draft/files/" })),
        ("announce", json!({ "method": "POST", "path": "/draft/files$" })),
        ("bytes", bytes),
        ("commit", json!({ "method": "POST", "path": "/commit$" })),
    ]
}

/// What goes wrong; offsets lie at the beginning, inside and at the end of small and large bodies.
fn faults() -> Vec<Value> {
    let mut faults = vec![
        json!({ "status": 500 }),
        json!({ "status": 503, "headers": { "Retry-After": "1" } }),
        json!({ "status": 429, "headers": { "Retry-After": "1" } }),
        json!({ "status": 200, "body": "<html>Maintenance</html>" }),
        json!({ "status": 200, "body": {} }),
        json!({ "lose_answer": true }),
        json!({ "expire_links": true }),
    ];
    for side in ["request", "response"] {
        for offset in [0, 100, 65_000] {
            faults.push(json!({ "flip": offset, "side": side }));
            faults.push(json!({ "cut_after": offset, "side": side }));
        }
    }
    faults
}

async fn once(way: Way) {
    let bench = Bench::new(way).await;
    let content = content(length(way), 1);
    let mut number = 0;
    for (step, matching) in steps(way) {
        for fault in faults() {
            for nth in [1, 2] {
                // The bytes of one part are as good as those of another; whole files have no second one.
                if nth == 2 && !(step == "bytes" && way != Way::Whole) {
                    continue;
                }
                number += 1;
                let name = format!("f{number}");
                let what = format!("{way:?}: {step} {nth}: {fault}");
                bench.write(&name, &content);
                let id = bench.add(Direction::Upload, &name, way, VerifyChoice::Auto).await;
                let mut matching = matching.clone();
                matching["nth"] = json!(nth);
                bench.faults(json!([{ "match": matching, "do": fault }])).await;
                bench.settle(id).await;
                bench.judge(id, &name, &content, &what).await;
                bench.must_arrive(id, &name, &content, &what).await;
                std::fs::remove_file(bench.folder.join(&name)).unwrap();
            }
        }
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_at_each_step_of_a_whole_file() {
    once(Way::Whole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_at_each_step_of_a_file_in_parts() {
    once(Way::Parts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_at_each_step_of_a_file_in_signed_parts() {
    once(Way::SignedParts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_that_is_flipped_every_time_never_ends_green() {
    for way in WAYS {
        let bench = Bench::new(way).await;
        let content = content(length(way), 2);
        let bytes = steps(way).remove(2).1;
        for (number, offset) in [0, 1, 69_999, 150_000].into_iter().enumerate() {
            let name = format!("f{number}");
            bench.write(&name, &content);
            // The last part is short: an offset behind its end strikes the others.
            let id = bench.add(Direction::Upload, &name, way, VerifyChoice::Auto).await;
            bench.faults(json!([{ "match": bytes, "times": 0, "do": { "flip": offset } }])).await;
            let state = bench.settle(id).await;
            assert!(!state.is_green(), "{way:?} {offset}: {state:?}");
            assert!(state.problem().is_some(), "{way:?} {offset}: {state:?}");
            bench.must_arrive(id, &name, &content, &format!("{way:?} {offset}")).await;
        }
        bench.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lying_digest_never_ends_green() {
    for way in WAYS {
        let bench = Bench::new(way).await;
        let content = content(length(way), 3);
        bench.write("a", &content);
        let id = bench.add(Direction::Upload, "a", way, VerifyChoice::Auto).await;
        let lie = json!({ "key": "a", "status": "completed", "size": content.len(),
            "checksum": "md5:00000000000000000000000000000000", "links": {} });
        bench
            .faults(json!([{ "match": { "method": "POST", "path": "/commit$" }, "times": 0,
            "do": { "status": 200, "body": lie } }]))
            .await;
        let state = bench.settle(id).await;
        assert!(!state.is_green(), "{way:?}: {state:?}");
        bench.must_arrive(id, "a", &content, &format!("{way:?}")).await;
        bench.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_back_that_differs_never_ends_green() {
    for way in WAYS {
        let bench = Bench::new(way).await;
        let content = content(length(way), 4);
        bench.write("a", &content);
        let id = bench.add(Direction::Upload, "a", way, VerifyChoice::ReadBack).await;
        let door = if way == Way::SignedParts { "storage" } else { "service" };
        let matching = json!({ "method": "GET", "path": if way == Way::SignedParts { "." } else { "/content$" }, "door": door });
        bench
            .faults(json!([{ "match": matching, "times": 0, "do": { "flip": 1_000, "side": "response" } }]))
            .await;
        let state = bench.settle(id).await;
        assert!(!state.is_green(), "{way:?}: {state:?}");
        bench.must_arrive(id, "a", &content, &format!("{way:?}")).await;
        bench.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downloads_survive_faults_and_never_take_a_flipped_byte() {
    for way in WAYS {
        let bench = Bench::new(way).await;
        let length = if way == Way::Whole { 300_000 } else { 21 << 20 };
        let content = content(length, 5);
        bench.write("a", &content);
        let id = bench.add(Direction::Upload, "a", way, VerifyChoice::Auto).await;
        assert!(bench.settle(id).await.is_green());
        let door = if way == Way::SignedParts { "storage" } else { "service" };
        let path = if way == Way::SignedParts { "." } else { "/content$" };
        for fault in faults() {
            let got = bench.folder.join("got-a");
            let _ = std::fs::remove_file(&got);
            let id = bench.add(Direction::Download, "a", way, VerifyChoice::Auto).await;
            let matching = json!({ "method": "GET", "path": path, "door": door });
            bench.faults(json!([{ "match": matching, "do": fault }])).await;
            let state = bench.settle(id).await;
            let what = format!("{way:?}: {fault}: {state:?}");
            assert!(!state.is_green() || std::fs::read(&got).unwrap() == content, "{what}");
            bench.must_arrive(id, "a", &content, &what).await;
            assert!(std::fs::read(&got).unwrap() == content, "{what}");
        }
        // A byte that is flipped every time: the file never gets its name.
        let _ = std::fs::remove_file(bench.folder.join("got-a"));
        let id = bench.add(Direction::Download, "a", way, VerifyChoice::Auto).await;
        let matching = json!({ "method": "GET", "path": path, "door": door });
        bench
            .faults(json!([{ "match": matching, "times": 0, "do": { "flip": 99, "side": "response" } }]))
            .await;
        let state = bench.settle(id).await;
        assert!(!state.is_green(), "{way:?}: {state:?}");
        assert!(!bench.folder.join("got-a").exists());
        bench.stop().await;
    }
}
