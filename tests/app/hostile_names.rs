//! A record whose files have names that lead elsewhere, mean something to a system, or are one name to some file systems.

use crate::bench::{Bench, client};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HOSTILE: &[&str] = &[
    "../../escape.txt",
    "..\\..\\escape.txt",
    "/absolute.txt",
    "C:\\drive.txt",
    "con.txt",
    "aux",
    "trailing. ",
    "co:lon.txt",
    "Scan.tif",
    "scan.tif",
    "caf\u{e9}.csv",
    "cafe\u{301}.csv",
    "<img src=x onerror=alert(1)>.html",
    "a\u{202e}fdp.exe",
    "fine.csv",
];

/// Puts a file into the draft as anybody with an HTTP client can. False when the service does not take the name.
async fn put(bench: &Bench, place: &str, name: &str, content: &str) -> bool {
    let files = format!("{}/api/records/{place}/draft/files", bench.service().url);
    let key: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let ask = |request: reqwest::RequestBuilder| async {
        request.bearer_auth(bench.token()).send().await.unwrap().status().is_success()
    };
    ask(client().post(&files).json(&json!([{ "key": name }]))).await
        && ask(client().put(format!("{files}/{key}/content")).body(content.to_owned())).await
        && ask(client().post(format!("{files}/{key}/commit"))).await
}

#[tokio::test]
async fn nothing_is_written_outside_the_chosen_folder_and_every_file_gets_a_name_of_its_own() {
    let bench = Bench::new().await;
    let place = bench.draft().await;
    let mut taken = Vec::new();
    for &name in HOSTILE {
        if put(&bench, &place, name, name).await {
            taken.push(name);
        }
    }
    assert!(taken.len() >= 8 && taken.contains(&"scan.tif"), "the service takes {taken:?}");
    let chosen = bench.work.path().join("deep/chosen");
    let request =
        json!({ "account": "nrp", "paths": [place], "destination": format!("{}/", chosen.display()) });
    let queued = bench.call("downloads.add", request).await;
    let rows = bench.settle(&queued).await;
    assert!(
        rows.iter().all(|row| row["verified"] == true),
        "every one arrives, whatever it is called: {rows:#?}"
    );

    let files = bench.work.files();
    let mut found = BTreeSet::new();
    for path in &files {
        assert!(path.starts_with(&chosen), "{} lies outside", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".metadata.json") {
            found.insert(std::fs::read_to_string(path).unwrap());
        }
    }
    let expected: BTreeSet<String> = taken.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(found, expected, "every file is there with its own content");

    let renamed: Vec<&str> = queued["renamed"].as_array().unwrap().iter().map(told).collect();
    for name in ["con.txt", "co:lon.txt", "scan.tif", "/absolute.txt", "../../escape.txt"]
        .iter()
        .filter(|name| taken.contains(name))
    {
        let other_case = *name == "scan.tif" && renamed.contains(&"Scan.tif");
        assert!(renamed.contains(name) || other_case, "{name} is not told: {queued}");
    }
    assert!(!renamed.contains(&"fine.csv"), "{queued}");
}

fn told(row: &Value) -> &str {
    row["name"].as_str().unwrap()
}
