//! The table in `docs/providers/README.md` says what each service can do and how a file is proven there. It is made from
//! what the connectors answer against the practice lab; this fails when it is stale. `make providers` writes it anew.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod lines;

use labferry_app::{App, AppOptions, Own};
use labferry_sandbox::{LabService, Sandbox, SandboxOptions};
use lines::{Column, LINES};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

const BEGIN: &str = "<!-- made by `make providers` -->\n";
const END: &str = "<!-- end -->\n";

/// Enough for two parts and more of any service.
const LARGE: usize = 12 << 20;

async fn ask(app: &App, command: &str, request: Value) -> Value {
    match app.call(command, request).await {
        Ok(answer) => answer,
        Err(words) => panic!("{command}: {words:?}"),
    }
}

/// Runs what was queued; gives the proof of the only row.
async fn proof(app: &App, queued: &Value) -> String {
    assert_eq!(queued["refused"], json!([]), "{queued}");
    let ids: Vec<i64> = serde_json::from_value(queued["ids"].clone()).unwrap();
    app.run_until_settled(&ids).await.unwrap();
    let row = ask(app, "transfers.show", json!({ "id": ids[0] })).await["row"].clone();
    assert_eq!(row["state"], "done", "{row}");
    row["proof"].as_str().unwrap().to_owned()
}

/// What one service can do, and how files are proven in both directions.
async fn look(app: &App, service: &LabService, title: String, work: &Path) -> Column {
    let account = format!("practice-{}", service.service);
    let form = json!({ "service": service.service, "name": account, "url": service.url,
        "settings": service.settings, "secrets": service.secrets });
    ask(app, "accounts.add", form).await;
    let place = service.example_place.as_ref().unwrap();
    let send = async |name: &str, length: usize, shape: &str| {
        let file = work.join(format!("{}-{name}", service.service));
        std::fs::write(&file, vec![7; length]).unwrap();
        let request = json!({ "account": account, "place": place, "sources": [file], "shape": shape });
        proof(app, &ask(app, "uploads.add", request).await).await
    };
    let sent = send("small.csv", 1000, "whole").await;
    // A file is fetched by the path the service lists it under.
    let listed = ask(app, "browse.list", json!({ "account": account, "path": place, "limit": 1000 })).await;
    let entries = listed["entries"].as_array().unwrap();
    let name = format!("{}-small.csv", service.service);
    let path = &entries.iter().find(|entry| entry["file"]["name"] == name).unwrap()["file"]["path"];
    let folder = format!("{}/", work.join(&service.service).display());
    let request = json!({ "account": account, "paths": [path], "destination": folder });
    let fetched = proof(app, &ask(app, "downloads.add", request).await).await;
    // Ranges are known once a file was fetched.
    let facts = ask(app, "accounts.test", json!({ "account": account })).await["capabilities"].clone();
    let in_parts = match facts["parts"] {
        Value::Null => None,
        _ => Some(send("large.bin", LARGE, "parts").await),
    };
    Column { title, key: service.service.clone(), facts, sent, in_parts, fetched }
}

async fn columns() -> Vec<Column> {
    let folder = tempfile::tempdir().unwrap();
    let lab = Sandbox::start(SandboxOptions::new(folder.path().join("lab"))).await.unwrap();
    let options =
        AppOptions { vault_in_memory: true, own: Own::Must, ..AppOptions::new(folder.path().join("data")) };
    let app = App::open(options).await.unwrap();
    let known = ask(&app, "accounts.services", json!({})).await;
    let known = known.as_array().unwrap();
    let mut columns = Vec::new();
    for service in &lab.description().services {
        let form = known.iter().find(|row| row["service"] == service.service).unwrap();
        let title = form["title"].as_str().unwrap().to_owned();
        columns.push(look(&app, service, title, folder.path()).await);
    }
    app.stop().await;
    lab.stop().await;
    assert_eq!(columns.len(), known.len(), "every service of the app is in the practice lab");
    columns.sort_by(|a, b| a.title.cmp(&b.title));
    columns
}

fn table(columns: &[Column]) -> String {
    let row = |label: &str, cells: Vec<String>| format!("| {label} | {} |\n", cells.join(" | "));
    let heads = columns.iter().map(|column| format!("[{}]({}.md)", column.title, column.key)).collect();
    let mut table = row("", heads);
    table += &row("---", columns.iter().map(|_| "---".to_owned()).collect());
    for line in LINES {
        table += &row(line.label, columns.iter().map(|column| (line.cell)(column)).collect());
    }
    table
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/providers/README.md")
}

#[tokio::test]
async fn the_table_of_services_is_what_the_code_says() {
    let columns = columns().await;
    let described: BTreeSet<&str> = LINES.iter().flat_map(|line| line.facts).copied().collect();
    for column in &columns {
        for fact in column.facts.as_object().unwrap().keys() {
            assert!(described.contains(fact.as_str()), "no line of the table tells \"{fact}\": add one");
        }
    }
    let table = table(&columns);
    let text = std::fs::read_to_string(page()).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (there, after) = rest.split_once(END).expect("where the table ends");
    if std::env::var_os("LABFERRY_WRITE_TABLE").is_some() {
        std::fs::write(page(), format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(there, table, "docs/providers/README.md is stale: run `make providers` and commit it");
    }
}
