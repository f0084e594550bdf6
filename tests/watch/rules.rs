//! Rules in the app, from a writer's first byte to the proof, against a practice lab.

use crate::bench::{Bench, Folder, bytes};
use serde_json::{Value, json};
use std::{fs, time::Duration};

/// Longest wait for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A rule on a folder of its own, with a window that suits a test.
pub(crate) async fn rule(bench: &Bench, place: &str, folder: &Folder, more: Value) -> i64 {
    let mut rule = json!({ "folder": folder.path(), "account": "nrp", "place": place, "quiet_seconds": 0.4 });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.call("folders.add", rule).await["id"].as_i64().unwrap()
}

/// The rule's row once it is as it should be.
pub(crate) async fn until(bench: &Bench, id: i64, what: &str, right: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        let rows = bench.call("folders.list", json!({})).await;
        let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
        if right(&row) {
            return row;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: {row}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

pub(crate) async fn done(bench: &Bench, id: i64, number: u64) -> Value {
    until(bench, id, &format!("{number} proven"), |row| row["counts"]["done"] == number).await
}

pub(crate) async fn file(bench: &Bench, id: i64, name: &str) -> Value {
    let files = bench.call("folders.files", json!({ "id": id })).await;
    let found = files["rows"].as_array().unwrap().iter().find(|file| file["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("no {name} in {files}"))
}

pub(crate) async fn names(bench: &Bench, place: &str) -> Vec<String> {
    let listed = bench.call("browse.list", json!({ "account": "nrp", "path": place })).await;
    let files =
        listed["entries"].as_array().unwrap().iter().filter_map(|entry| entry["file"]["name"].as_str());
    let mut names: Vec<String> = files.map(str::to_owned).collect();
    names.sort();
    names
}

pub(crate) async fn uploads(bench: &Bench) -> u64 {
    bench.call("transfers.list", json!({})).await["counts"]["all"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_file_is_sent_once_and_whole_and_what_happens_to_it_later_is_understood() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    let id = rule(&bench, &place, &folder, json!({})).await;
    assert_eq!(until(&bench, id, "a row", |_| true).await["state"], "not_running");
    bench.app.start_engine();
    until(&bench, id, "watching", |row| row["state"] == "watching").await;

    let content = bytes(60_000);
    let path = folder.path().join("run/slow.bin");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for end in (10_000..=60_000).step_by(10_000) {
        fs::write(&path, &content[..end]).unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(uploads(&bench).await, 0, "sent while it grew");
    }
    done(&bench, id, 1).await;
    let sent = file(&bench, id, "run/slow.bin").await;
    assert_eq!((&sent["state"], &sent["size"]), (&json!("done"), &json!(60_000)), "{sent}");
    assert!(sent["verified"].is_i64() && sent["digests"]["sha256"].is_string(), "{sent}");
    assert_eq!(uploads(&bench).await, 1);

    // The same bytes with another time: nothing is sent.
    fs::File::options().write(true).open(&path).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    // Another name: the ledger follows, nothing is sent.
    let renamed = folder.path().join("run/renamed.bin");
    fs::rename(&path, &renamed).unwrap();
    let began = std::time::Instant::now();
    loop {
        let files = bench.call("folders.files", json!({ "id": id, "filter": "done" })).await;
        if files["rows"].as_array().unwrap().len() == 1 && files["rows"][0]["name"] == "run/renamed.bin" {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{files}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(uploads(&bench).await, 1, "renamed and touched files are not sent again");

    // Other bytes: this service keeps no versions of a file, so a person is asked.
    fs::write(&renamed, b"other bytes").unwrap();
    until(&bench, id, "changed", |row| row["counts"]["changed"] == 1).await;
    assert_eq!(uploads(&bench).await, 1, "nothing is overwritten silently");
    let answer = json!({ "id": id, "names": ["run/renamed.bin"], "answer": "replace" });
    bench.call("folders.answer", answer).await;
    done(&bench, id, 1).await;
    assert_eq!(file(&bench, id, "run/renamed.bin").await["size"], 11);
    assert_eq!(uploads(&bench).await, 2);

    // What was deleted here stays there.
    fs::remove_file(&renamed).unwrap();
    bench.call("folders.pause", json!({ "ids": [id] })).await;
    until(&bench, id, "paused", |row| row["state"] == "paused").await;
    assert_eq!(names(&bench, &place).await, ["run/renamed.bin", "run/slow.bin"]);
    bench.call("folders.remove", json!({ "ids": [id] })).await;
    assert_eq!(bench.call("folders.list", json!({})).await, json!([]));
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_what_a_rule_then_does_and_the_backlog_stays_out() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    folder.file("old.tif", b"old");
    folder.file("empty.tif", b"");
    folder.file("x.tmp", b"x");
    folder.file("notes.txt", b"n");
    let wish =
        json!({ "folder": folder.path(), "account": "nrp", "place": place, "include": ["*.tif", "*.tmp"] });
    let check = bench.call("folders.check", wish.clone()).await;
    assert_eq!((&check["send_files"], &check["send_bytes"]), (&json!(1), &json!(3)), "{check}");
    assert_eq!(check["send"][0]["name"], "old.tif");
    let mut left: Vec<(String, String)> = check["leave"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap().into(), row["why"].as_str().unwrap().into()))
        .collect();
    left.sort();
    let expected = [("empty.tif", "empty"), ("notes.txt", "filtered"), ("x.tmp", "temporary")];
    assert_eq!(left, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));

    let id = rule(&bench, &place, &folder, json!({ "backlog": "now", "include": ["*.tif"] })).await;
    bench.app.start_engine();
    folder.file("new.tif", b"new");
    done(&bench, id, 1).await;
    assert_eq!(names(&bench, &place).await, ["new.tif"]);
    let old = file(&bench, id, "old.tif").await;
    assert_eq!((&old["state"], &old["why"]), (&json!("ignored"), &json!("before")));
    // A person wants it all the same.
    bench.call("folders.answer", json!({ "id": id, "names": ["old.tif"], "answer": "send" })).await;
    done(&bench, id, 2).await;
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_becomes_a_record_of_its_own_once_its_marker_is_there() {
    let bench = Bench::new().await;
    let folder = Folder::new();
    let id = rule(
        &bench,
        "",
        &folder,
        json!({
            "unit": "folder", "markers": ["done.txt"], "record_template": { "title": "Run {run} of {instrument}" },
            "path_pattern": "^(?<instrument>[^_/]+)_",
        }),
    )
    .await;
    bench.app.start_engine();
    folder.file("QE2_7/a.raw", b"a");
    folder.file("QE2_7/sub/b.raw", b"b");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(uploads(&bench).await, 0, "the marker is missing");
    folder.file("QE2_7/done.txt", b"!");
    done(&bench, id, 3).await;
    let mine = bench.call("browse.list", json!({ "account": "nrp", "path": "" })).await;
    let made = |entry: &&Value| entry["container"]["title"] == "Run QE2_7 of QE2";
    let record: Vec<&Value> = mine["entries"].as_array().unwrap().iter().filter(made).collect();
    assert_eq!(record.len(), 1, "{mine}");
    let place = record[0]["container"]["path"].as_str().unwrap();
    assert_eq!(names(&bench, place).await, ["QE2_7/a.raw", "QE2_7/done.txt", "QE2_7/sub/b.raw"]);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proven_files_move_away_same_bytes_are_linked_and_a_lost_folder_holds_no_other_back() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let (folder, sent, other) = (Folder::new(), Folder::new(), Folder::new());
    folder.file("a/one.bin", b"the same");
    let more = json!({ "after": "move", "sent_folder": sent.path(), "duplicates": "link" });
    let id = rule(&bench, &place, &folder, more).await;
    let lost = rule(&bench, &place, &other, json!({})).await;
    fs::remove_dir_all(other.path()).unwrap();
    bench.app.start_engine();
    done(&bench, id, 1).await;
    let began = std::time::Instant::now();
    while folder.path().join("a/one.bin").exists() {
        assert!(began.elapsed() < PATIENCE, "the sent file is still there");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(fs::read(sent.path().join("a/one.bin")).unwrap(), b"the same");
    folder.file("two.bin", b"the same");
    done(&bench, id, 2).await;
    assert_eq!(uploads(&bench).await, 1, "the same bytes are not sent twice");
    assert_eq!(file(&bench, id, "two.bin").await["why"], "same_content");
    let row = until(&bench, lost, "suspended", |row| row["state"] == "suspended").await;
    assert_eq!(row["problem"]["code"], "folder_missing", "{row}");
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proven_files_stay_as_long_as_the_rule_says_also_over_a_restart_and_those_that_changed_stay() {
    let bench = Bench::lasting().await;
    let place = bench.draft().await;
    let (folder, sent) = (Folder::new(), Folder::new());
    let (stays, goes) = (folder.file("stays.bin", b"stays"), folder.file("goes.bin", b"goes"));
    let week = 7.0 * 86_400.0;
    let more = json!({ "after": "move", "sent_folder": sent.path(), "put_away_seconds": week });
    let id = rule(&bench, &place, &folder, more.clone()).await;
    bench.app.start_engine();
    done(&bench, id, 2).await;
    let row = file(&bench, id, "goes.bin").await;
    let due = row["put_away_due"].as_i64().unwrap();
    assert_eq!(due, row["verified"].as_i64().unwrap() + week as i64 * 1_000, "{row}");
    assert!(row["put_away"].is_null() && goes.exists() && stays.exists());

    // The same bytes with another time, and other bytes of the same size that a person wants left.
    fs::File::options().write(true).open(&goes).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    fs::write(&stays, b"other").unwrap();
    until(&bench, id, "changed", |row| row["counts"]["changed"] == 1).await;
    bench.call("folders.answer", json!({ "id": id, "names": ["stays.bin"], "answer": "leave" })).await;
    done(&bench, id, 2).await;

    // Another process, and the week is over.
    let bench = bench.reopened().await;
    let mut due_now = bench.call("folders.list", json!({})).await[0]["rule"].clone();
    due_now["put_away_seconds"] = json!(0.1);
    bench.call("folders.edit", json!({ "id": id, "rule": due_now })).await;
    bench.app.start_engine();
    let began = std::time::Instant::now();
    while file(&bench, id, "goes.bin").await["put_away"].is_null() {
        assert!(began.elapsed() < PATIENCE, "{}", file(&bench, id, "goes.bin").await);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(fs::read(sent.path().join("goes.bin")).unwrap(), b"goes");
    assert!(!goes.exists());
    let began = std::time::Instant::now();
    while file(&bench, id, "stays.bin").await["stays"].is_null() {
        assert!(began.elapsed() < PATIENCE, "nothing says why it stays");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(fs::read(&stays).unwrap(), b"other", "what was never proven stays");
    assert_eq!(uploads(&bench).await, 2);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_while_it_waits_in_the_queue_must_rest_again() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    let mut settings = bench.call("settings.show", json!({})).await;
    settings["paused_accounts"] = json!(["nrp"]);
    bench.call("settings.change", settings.clone()).await;
    let id = rule(&bench, &place, &folder, json!({})).await;
    bench.app.start_engine();
    folder.file("x.bin", b"first");
    until(&bench, id, "queued", |row| row["counts"]["queued"] == 1).await;
    folder.file("x.bin", b"first and more");
    until(&bench, id, "settling", |row| row["counts"]["queued"] == 0).await;
    until(&bench, id, "queued again", |row| row["counts"]["queued"] == 1).await;
    settings["paused_accounts"] = json!([]);
    bench.call("settings.change", settings).await;
    done(&bench, id, 1).await;
    assert_eq!(file(&bench, id, "x.bin").await["size"], 14);
    assert_eq!((uploads(&bench).await, names(&bench, &place).await), (1, vec!["x.bin".to_owned()]));
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_of_its_hours_a_rule_queues_and_sends_nothing_and_others_go_on() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    // Three days from now, whatever the time zone: the first day of 1970 was a Thursday.
    let days = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
    let closed = json!([{ "days": [(days + 6) % 7 + 1], "from": "10:00", "to": "11:00", "bandwidth": null }]);
    let id = rule(&bench, &place, &folder, json!({ "hours": closed })).await;
    bench.app.start_engine();
    folder.file("waits.bin", b"waits");
    let row = until(&bench, id, "queued", |row| row["counts"]["queued"] == 1).await;
    assert_eq!(row["out_of_hours"], true, "{row}");
    let beside = bench.work.file("beside.bin", b"beside");
    let queued = bench.put(&[&beside], &place).await;
    assert_eq!(bench.settle(&queued).await[0]["state"], "done", "what somebody drops has no hours");
    let rows = bench.call("transfers.list", json!({ "filter": "waiting" })).await["rows"].clone();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["waiting"]), (1, &json!("timetable")), "{rows}");

    let mut open = bench.call("folders.list", json!({})).await[0]["rule"].clone();
    open["hours"] = json!([{ "days": [], "from": "00:00", "to": "24:00", "bandwidth": null }]);
    bench.call("folders.edit", json!({ "id": id, "rule": open })).await;
    let row = done(&bench, id, 1).await;
    assert_eq!(row["out_of_hours"], false);
    assert_eq!(names(&bench, &place).await, ["beside.bin", "waits.bin"]);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_waits_for_its_sidecar_goes_with_its_metadata_and_a_strange_one_is_told() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    let sidecar = json!({ "pattern": "{stem}.json", "wait_seconds": 4 });
    let more = json!({ "sidecar": sidecar, "path_pattern": "^(?<sample>[^.]+)", "metadata": { "operator": "rule" } });
    let id = rule(&bench, &place, &folder, more).await;
    bench.app.start_engine();
    folder.file("late.raw", b"late");
    folder.file("strange.raw", b"strange");
    folder.file("strange.json", b"{ \"half\": ");
    until(&bench, id, "waiting", |row| row["counts"]["settling"] == 2).await;
    let began = std::time::Instant::now();
    while !file(&bench, id, "late.raw").await["sentence"].as_str().unwrap_or_default().contains("late.json") {
        assert!(began.elapsed() < PATIENCE, "nothing says what it waits for");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(uploads(&bench).await, 0, "sent before its sidecar came");
    folder.file("late.json", br#"{ "operator": "sidecar", "voltage": 300 }"#);
    done(&bench, id, 1).await;
    let path = format!("{place}/late.raw");
    let shown = bench.call("browse.show", json!({ "account": "nrp", "path": path })).await;
    let metadata = shown["file"]["metadata"].clone();
    let expected = json!({ "operator": "sidecar", "voltage": 300, "sample": "late" });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&metadata[name], value, "{shown}");
    }

    // Nothing is sent for a sidecar that cannot be used; once it can, or whatever it says, a person may have it sent.
    until(&bench, id, "listed", |row| row["counts"]["failed"] == 1).await;
    let row = file(&bench, id, "strange.raw").await;
    assert_eq!(row["why"], "no_sidecar");
    assert!(row["sentence"].as_str().unwrap().contains("strange.json is no JSON"), "{row}");
    bench.call("folders.answer", json!({ "id": id, "names": ["strange.raw"], "answer": "send" })).await;
    done(&bench, id, 2).await;
    assert_eq!(names(&bench, &place).await, ["late.raw", "strange.raw"], "no sidecar is sent");
    bench.app.stop().await;
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_with_their_reason() {
    let bench = Bench::new().await;
    let (place, folder) = (bench.draft().await, Folder::new());
    let a_file = folder.file("file", b"x");
    fs::create_dir_all(folder.path().join("in/deeper")).unwrap();
    let inside = folder.path().join("in");
    let wish = |more: Value| {
        let mut rule = json!({ "folder": inside, "account": "nrp", "place": place });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    for (more, words) in [
        (json!({ "folder": "" }), "which folder"),
        (json!({ "folder": a_file }), "it is a file"),
        (json!({ "folder": folder.path().join("none") }), "is not there"),
        (json!({ "folder": bench.data.path() }), "own data"),
        (json!({ "folder": "/" }), "own data"),
        (json!({ "include": ["[a"] }), "[a"),
        (json!({ "path_pattern": "(" }), "path pattern"),
        (json!({ "path_pattern": "(a{1000}){1000}" }), "path pattern"),
        (json!({ "unit": "pile" }), "pile"),
        (json!({ "quiet_seconds": -1 }), "0.1 seconds"),
        (json!({ "after": "move" }), "which folder sent files"),
        (json!({ "after": "recycle", "put_away_seconds": -1 }), "put away at once"),
        (json!({ "after": "move", "sent_folder": inside.join("sent") }), "inside the watched folder"),
        (json!({ "hours": [{ "from": "8:00", "to": "09:00", "bandwidth": null }] }), "like 08:30"),
        (
            json!({ "hours": [{ "from": "08:00", "to": "09:00", "bandwidth": 100000 }] }),
            "no limit of their own",
        ),
        (json!({ "sidecar": { "pattern": "meta.json" } }), "{stem}"),
        (json!({ "sidecar": { "pattern": "../{stem}.json" } }), "no folder"),
        (json!({ "sidecar": { "pattern": "{stem}.json" }, "unit": "folder" }), "one by one"),
        (json!({ "place": "no-such-record" }), "no-such-record"),
        (json!({ "account": "nobody" }), "nobody"),
        (json!({ "backlog": "since" }), "since when"),
    ] {
        let problem = bench.refusal("folders.add", wish(more.clone())).await;
        assert!(problem.message.contains(words), "{more}: {}", problem.message);
    }
    assert_eq!(bench.call("folders.list", json!({})).await, json!([]), "nothing was made");
    bench.call("folders.add", wish(json!({}))).await;
    for (more, words) in [
        (json!({}), "already"),
        (json!({ "folder": inside.join("deeper") }), "inside one another"),
        (json!({ "folder": folder.path() }), "inside one another"),
    ] {
        let problem = bench.refusal("folders.add", wish(more.clone())).await;
        assert!(problem.message.contains(words), "{more}: {}", problem.message);
    }
    let problem = bench.refusal("folders.pause", json!({ "ids": [77] })).await;
    assert!(problem.message.contains("no rule 77"), "{}", problem.message);
}
