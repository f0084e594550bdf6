//! What an upload would do, told before anything is queued.

use crate::bench::Bench;
use serde_json::{Value, json};

async fn plan(bench: &Bench, place: &str, sources: Value) -> Value {
    bench.call("uploads.plan", json!({ "sources": sources, "account": "nrp", "place": place })).await
}

#[tokio::test]
async fn clashes_are_told_with_both_sides_and_each_gets_its_own_answer() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let first = bench.work.file("first/same.bin", b"the same bytes");
    let other = bench.work.file("first/other.bin", b"what was there");
    bench.settle(&bench.put(&[&first, &other], &place).await).await;

    let same = bench.work.file("second/same.bin", b"the same bytes");
    let changed = bench.work.file("second/other.bin", b"something longer than it");
    let fresh = bench.work.file("second/new.bin", b"nobody has it");
    let twin = bench.work.file("third/new.bin", b"the name of another");
    let sources = json!([same, changed, fresh, twin]);
    let plan = plan(&bench, &place, sources.clone()).await;
    assert_eq!((&plan["files"], &plan["looked"]), (&json!(4), &json!(true)), "{plan}");
    assert_eq!(plan["clash_count"], 3);
    let rows = plan["clashes"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| (&row["name"], &row["kind"], &row["same"])).collect();
    assert_eq!(
        json!(told),
        json!([["same.bin", "there", true], ["other.bin", "there", false], ["new.bin", "twice", null]])
    );
    assert_eq!(rows[1]["there"]["size"], 14, "{plan}");
    assert_eq!(rows[1]["size"], 24);
    assert!(rows[1]["modified"].as_i64().unwrap() > 0 && rows[1]["there"]["digests"][0]["hex"].is_string());
    assert_eq!(plan["policies"], json!(["skip", "rename", "replace"]), "no versions of single files here");
    let list = bench.call("transfers.list", json!({})).await;
    assert_eq!(list["counts"]["all"], 2, "a plan queues nothing");

    let answers = json!({ changed.to_str().unwrap(): "rename", twin.to_str().unwrap(): "skip" });
    let request = json!({ "sources": sources, "account": "nrp", "place": place, "answers": answers });
    let queued = bench.call("uploads.add", request).await;
    assert_eq!(queued["refused"], json!([]), "what was left out is no refusal");
    let rows = bench.settle(&queued).await;
    let mut names: Vec<_> =
        rows.iter().map(|row| (row["name"].as_str().unwrap(), row["state"].as_str().unwrap())).collect();
    names.sort_unstable();
    assert_eq!(names, [("new.bin", "done"), ("other (2).bin", "done"), ("same.bin", "skipped")]);
}

#[tokio::test]
async fn folders_are_asked_about_where_a_service_keeps_none() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    for name in ["run/a/scan.tif", "run/b/scan.tif"] {
        bench.work.file(name, name.as_bytes());
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(bench.work.path().join("run"), bench.work.path().join("run/circle")).unwrap();
    let folder = bench.work.path().join("run");
    let told = plan(&bench, &place, json!([folder])).await;
    let ways: Vec<_> = told["folders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|way| json!([way["how"], way["example"], way["refused"], way["twice"]]))
        .collect();
    assert_eq!(
        json!(ways),
        json!([
            ["keep", "run/a/scan.tif", 0, 0],
            ["join", "run__a__scan.tif", 0, 0],
            ["drop", "scan.tif", 0, 1],
            ["archive", "run.zip", 0, 0]
        ])
    );
    if cfg!(unix) {
        assert_eq!(
            told["refused_count"], 1,
            "a folder that leads back to itself is told, not walked: {told}"
        );
    }
    let request = json!({ "sources": [folder], "account": "nrp", "place": place, "folders": "join" });
    let rows = bench.settle(&bench.call("uploads.add", request).await).await;
    assert!(rows.iter().any(|row| row["name"] == "run__b__scan.tif" && row["verified"] == true), "{rows:?}");
    let file = bench.work.file("alone.bin", b"no folder");
    assert_eq!(plan(&bench, &place, json!([file])).await["folders"], json!([]), "nothing to ask");
}

#[tokio::test]
async fn thousands_of_clashes_are_counted_and_only_some_are_told() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    for number in 0..1_100 {
        bench.work.file(&format!("one/{number}.txt"), b"1");
        bench.work.file(&format!("two/{number}.txt"), b"2");
    }
    let sources: Vec<_> = ["one", "two"]
        .iter()
        .flat_map(|folder| {
            (0..1_100)
                .map(|number| bench.work.path().join(format!("{folder}/{number}.txt")))
                .collect::<Vec<_>>()
        })
        .collect();
    let plan = plan(&bench, &place, json!(sources)).await;
    let clashes = plan["clash_count"].as_u64().unwrap();
    let refused = plan["refused_count"].as_u64().unwrap();
    assert!(clashes == 1_100 && plan["clashes"].as_array().unwrap().len() == 1_000, "{clashes}");
    assert!(
        plan["refused"].as_array().unwrap().len() <= 200 && refused >= 1_000,
        "a record takes 100 files: {refused}"
    );
}

#[tokio::test]
async fn batches_sum_up_what_came_together() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let one = bench.work.file("one.bin", b"first");
    let two = bench.work.file("two.bin", b"second");
    bench.settle(&bench.put(&[&one, &two], &place).await).await;
    let clash = bench.work.file("later/one.bin", b"another one");
    bench.settle(&bench.put(&[&clash], &place).await).await;
    let batches = bench.call("transfers.batches", json!({})).await;
    let told: Vec<_> = batches
        .as_array()
        .unwrap()
        .iter()
        .map(|batch| {
            json!([
                batch["counts"]["all"],
                batch["verified"],
                batch["counts"]["needs_you"],
                batch["bytes_done"]
            ])
        })
        .collect();
    assert_eq!(json!(told), json!([[1, 0, 1, 0], [2, 2, 0, 11]]), "{batches}");
    let older = bench.call("transfers.batches", json!({ "after": batches[0]["batch"] })).await;
    assert_eq!(older.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_waiting_are_listed_in_the_order_they_are_sent_in() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let settings = bench.call("settings.show", json!({})).await;
    let mut paused = settings.clone();
    paused["paused_accounts"] = json!(["nrp"]);
    bench.call("settings.change", paused).await;
    let files: Vec<_> = ["a", "b", "c"].iter().map(|name| bench.work.file(name, name.as_bytes())).collect();
    let queued = bench.put(&files.iter().map(|file| file.as_path()).collect::<Vec<_>>(), &place).await;
    let ids: Vec<i64> = queued["ids"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
    bench.call("transfers.move", json!({ "id": ids[2], "to": ids[0].to_string() })).await;
    let ask = json!({ "filter": "waiting", "in_order": true, "limit": 2 });
    let order = |list: &Value| {
        list["rows"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(order(&bench.call("transfers.list", ask).await), [ids[2], ids[0]]);
    let rest = json!({ "filter": "waiting", "in_order": true, "after": ids[0] });
    assert_eq!(order(&bench.call("transfers.list", rest).await), [ids[1]]);
    let wrong = json!({ "filter": "done", "in_order": true });
    assert_eq!(bench.refusal("transfers.list", wrong).await.code, "invalid_request");
}

#[tokio::test]
async fn a_pasted_picture_is_kept_and_sent_under_a_name_that_leads_nowhere_else() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let kept =
        bench.call("uploads.keep", json!({ "name": "../../up/image.png", "base64": "iVBORw0KGgo=" })).await;
    let path = std::path::PathBuf::from(kept["path"].as_str().unwrap());
    assert!(path.ends_with("image.png") && path.iter().any(|part| part == "pasted"), "{kept}");
    assert_eq!(std::fs::read(&path).unwrap(), b"\x89PNG\r\n\x1a\n");
    let again = bench.call("uploads.keep", json!({ "name": "image.png", "base64": "aGk=" })).await;
    assert_ne!(again["path"], kept["path"], "a second picture does not take the first one's place");
    let rows = bench.settle(&bench.put(&[&path], &place).await).await;
    assert_eq!((&rows[0]["name"], &rows[0]["verified"]), (&json!("image.png"), &json!(true)), "{rows:?}");
    let wrong = json!({ "name": "x.png", "base64": "not base 64!" });
    assert_eq!(bench.refusal("uploads.keep", wrong).await.code, "invalid_request");
}
