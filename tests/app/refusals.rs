use crate::bench::Bench;
use serde_json::{Value, json};

/// The refusals of an answer, by code.
fn refused(queued: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = queued["refused"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            assert!(text(&row["next"]).ends_with('.'), "{row}");
            (text(&row["code"]), text(&row["message"]))
        })
        .collect()
}

#[tokio::test]
async fn what_cannot_be_sent_is_named_with_its_cause_and_the_rest_goes() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let good = bench.work.file("good.txt", b"these bytes go");
    let missing = bench.work.path().join("missing.czi");
    let empty_folder = bench.work.path().join("empty folder");
    std::fs::create_dir(&empty_folder).unwrap();
    let queued = bench.put(&[&good, &missing, &empty_folder], &place).await;
    assert_eq!(queued["ids"].as_array().unwrap().len(), 1);
    let refused = refused(&queued);
    let codes: Vec<_> = refused.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["source_missing", "source_not_a_file"]);
    assert!(refused[0].1.contains("missing.czi"), "{}", refused[0].1);
    assert!(refused[1].1.contains("empty folder"), "{}", refused[1].1);
    let rows = bench.settle(&queued).await;
    assert_eq!(rows[0]["verified"], true, "{rows:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("private.raw", b"not for us");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&file).is_ok() {
        eprintln!("this user may read everything: nothing to show");
        return;
    }
    let refused = refused(&bench.put(&[&file], &place).await);
    assert_eq!(refused[0].0, "source_unreadable");
    assert!(refused[0].1.contains("private.raw"), "{}", refused[0].1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_nowhere_is_refused_with_the_systems_words() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let circle = bench.work.path().join("circle.raw");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    let refused = refused(&bench.put(&[&circle], &place).await);
    assert_eq!(refused[0].0, "source_unreadable");
    assert!(
        refused[0].1.contains("circle.raw") && refused[0].1.contains("symbolic links"),
        "{}",
        refused[0].1
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere_or_are_too_long_are_refused() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let file = bench.work.file("plain.txt", b"a name is asked for");
    let long = "x".repeat(300);
    for name in ["..", "...", ".", "../up.txt", "a/../../b", "  ", "line\nbreak", &long] {
        let request = json!({ "sources": [file], "account": "nrp", "place": place, "name": name });
        let queued = bench.call("uploads.add", request).await;
        assert_eq!(queued["ids"], json!([]), "{name:?} was queued");
        let refused = refused(&queued);
        assert_eq!(refused[0].0, "name_refused", "{name:?}");
        assert!(refused[0].1.contains("plain.txt"), "{name:?}: {}", refused[0].1);
    }
    let two = bench.work.file("other.txt", b"two files");
    let request = json!({ "sources": [file, two], "account": "nrp", "place": place, "name": "one.txt" });
    assert_eq!(bench.refusal("uploads.add", request).await.code, "invalid_request");
}

#[tokio::test]
async fn a_name_of_255_bytes_is_sent_or_refused_in_words() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let name = format!("{}.dat", "n".repeat(251));
    let file = bench.work.file(&name, b"a long name");
    let queued = bench.put(&[&file], &place).await;
    if queued["ids"].as_array().unwrap().is_empty() {
        assert_eq!(refused(&queued)[0].0, "name_refused");
        return;
    }
    let rows = bench.settle(&queued).await;
    assert_eq!((&rows[0]["verified"], &rows[0]["name"]), (&json!(true), &json!(name)), "{rows:?}");
}

#[tokio::test]
async fn two_files_of_one_name_are_not_made_one() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let one = bench.work.file("a/scan.tif", b"the first");
    let two = bench.work.file("b/scan.tif", b"the second");
    let queued = bench.put(&[&one, &two], &place).await;
    assert_eq!(queued["ids"].as_array().unwrap().len(), 1);
    assert_eq!(refused(&queued)[0].0, "name_taken");

    let other = bench.draft().await;
    let request = json!({ "sources": [one, two], "account": "nrp", "place": other, "on_clash": "rename" });
    let rows = bench.settle(&bench.call("uploads.add", request).await).await;
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["scan.tif", "scan (2).tif"]);
    assert!(rows.iter().all(|row| row["verified"] == true), "{rows:?}");
}

#[tokio::test]
async fn a_record_that_is_not_there_is_told_before_anything_is_queued() {
    let bench = Bench::new().await;
    let file = bench.work.file("good.txt", b"these bytes stay");
    let request = json!({ "sources": [file], "account": "nrp", "place": "zzzzz-zzzzz" });
    let problem = bench.refusal("uploads.add", request).await;
    assert!(["not_found", "not_allowed"].contains(&problem.code.as_str()), "{problem:?}");
    assert!(problem.message.contains("zzzzz-zzzzz"), "{problem:?}");
    let list = bench.call("transfers.list", json!({})).await;
    assert_eq!(list["counts"]["all"], 0);
}

#[tokio::test]
async fn files_beyond_what_a_record_holds_are_refused_before_they_are_sent() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let tested = bench.call("accounts.test", json!({ "account": "nrp" })).await;
    let limit = usize::try_from(tested["capabilities"]["files_per_record"].as_u64().unwrap()).unwrap();
    let folder = bench.work.path().join("run");
    for number in 0..limit + 5 {
        bench.work.file(&format!("run/{number:04}.txt"), format!("file {number}").as_bytes());
    }
    let queued = bench.put(&[&folder], &place).await;
    assert_eq!(queued["ids"].as_array().unwrap().len(), limit);
    let refused_now = refused(&queued);
    assert!(refused_now.iter().all(|(code, _)| code == "too_many_files"), "{refused_now:?}");
    assert!(refused_now.len() == 5 && refused_now[0].1.contains(&limit.to_string()), "{refused_now:?}");
    // The same files again take no room: their uploads go on.
    let again = bench.put(&[&folder], &place).await;
    assert_eq!((again["continued"].as_array().unwrap().len(), refused(&again).len()), (limit, 5));
    assert!(again["ids"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_published_record_takes_no_more_files() {
    let bench = Bench::new().await;
    let listed = bench.call("browse.list", json!({ "account": "nrp", "published": true })).await;
    let Some(record) = listed["entries"].as_array().unwrap().first() else {
        panic!("the seeded lab shows no published record: {listed}")
    };
    let path = record["container"]["path"].as_str().unwrap().to_owned();
    let file = bench.work.file("late.txt", b"too late");
    let request = json!({ "sources": [file], "account": "nrp", "place": path });
    let problem = bench.refusal("uploads.add", request).await;
    assert!(["record_locked", "not_allowed"].contains(&problem.code.as_str()), "{problem:?}");
}

#[tokio::test]
async fn requests_of_another_shape_are_sent_back_without_their_content() {
    let bench = Bench::new().await;
    let unknown = bench.refusal("no.such", json!({})).await;
    assert!(unknown.message.contains("no.such"), "{unknown:?}");
    let shape = bench.refusal("transfers.show", json!({ "id": "seven" })).await;
    assert!(shape.message.contains("transfers.show"), "{shape:?}");
    let secret = bench.refusal("accounts.add", json!({ "secrets": "tok-in-the-wrong-place" })).await;
    assert!(!format!("{secret:?}").contains("tok-in"), "{secret:?}");
}
