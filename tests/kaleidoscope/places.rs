//! Activities, records, fields and properties.

use crate::bench::{Bench, bytes, fields, put, request};
use labferry_model::{Container, Entry, ProblemCode};
use labferry_provider::{Advice, ListRequest, Provider};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

async fn containers(provider: &dyn Provider, path: &str, query: Option<&str>) -> Vec<Container> {
    let request =
        ListRequest { path: path.into(), query: query.map(Into::into), limit: 100, ..ListRequest::default() };
    let page = provider.list(&request).await.unwrap();
    let container = |entry| match entry {
        Entry::Container { container } => container,
        Entry::File { file } => panic!("a file: {file:?}"),
    };
    page.entries.into_iter().map(container).collect()
}

fn titles(containers: &[Container]) -> Vec<&str> {
    containers.iter().map(|container| container.title.as_str()).collect()
}

#[tokio::test]
async fn the_tree_of_the_practice_workspace() {
    let bench = Bench::seeded().await;
    let provider = bench.connect();
    let top = containers(&*provider, "", None).await;
    assert_eq!(titles(&top), ["Lipase engineering, round 3", "All records"]);
    let project = containers(&*provider, &top[0].path, None).await;
    assert_eq!(
        BTreeSet::from_iter(titles(&project)),
        BTreeSet::from(["Melting curves of the variants", "Purity by gel", "Report"])
    );
    let melting = project.iter().find(|one| one.title.starts_with("Melting")).unwrap();
    let inside = containers(&*provider, &melting.path, None).await;
    assert_eq!(titles(&inside), ["Report", "LIP-001", "LIP-002", "LIP-003"]);
    // Two fields take files, so a record shows these.
    let shown = containers(&*provider, &inside[1].path, None).await;
    assert_eq!(titles(&shown), ["Raw data", "Gel image"]);
    assert_eq!(shown[0].files, Some(1));
    let Entry::Container { container } = provider.describe(&inside[1].path).await.unwrap() else { panic!() };
    assert_eq!(container.metadata["values"]["Concentration"], "113");
    assert!(!container.writable);
    let example = bench.service.example_place.clone().unwrap();
    put(&*provider, &example, "more.csv", &bytes(1, 100)).await;
    assert_eq!(bench.stored("more.csv").await[0]["activity"], melting.path.rsplit('/').next().unwrap());
    bench.stop().await;
}

#[tokio::test]
async fn searches_reach_every_level() {
    let bench = Bench::seeded().await;
    let provider = bench.connect();
    assert_eq!(titles(&containers(&*provider, "", Some("gel")).await), ["Purity by gel"]);
    assert_eq!(titles(&containers(&*provider, "records", Some("lip-002")).await), ["LIP-002"]);
    assert!(containers(&*provider, "", Some("Somebody else")).await.is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn more_activities_than_a_search_shows_are_all_listed() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    bench.switch(json!({ "search_cap": 3 })).await;
    let mut made = BTreeSet::new();
    for number in 0..7 {
        let title = fields(json!({ "title": format!("Number {number}") }));
        made.insert(provider.create("", &title).await.unwrap().path);
    }
    let (mut seen, mut pages) = (Vec::new(), 0);
    let mut request = ListRequest { limit: 3, ..ListRequest::default() };
    loop {
        let page = provider.list(&request).await.unwrap();
        pages += 1;
        seen.extend(page.entries.into_iter().map(|entry| match entry {
            Entry::Container { container } => container.path,
            Entry::File { .. } => panic!("a file"),
        }));
        match page.next {
            None => break,
            next => request.page = next,
        }
    }
    assert_eq!((pages, seen.len()), (3, 8));
    seen.retain(|path| path != "records");
    assert_eq!(BTreeSet::from_iter(seen), made);
    bench.stop().await;
}

#[tokio::test]
async fn records_are_found_or_made_and_their_values_written() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    let activity = provider.create("", &fields(json!({ "title": "An experiment" }))).await.unwrap();
    let key = fields(json!({ "Sample ID": "S-1" }));
    let record = provider.create(&activity.path, &key).await.unwrap();
    assert_eq!((record.title.as_str(), record.writable), ("S-1", true));
    assert_eq!(provider.create(&activity.path, &key).await.unwrap().path, record.path);
    let values = fields(json!({ "concentration": "12", "Note": "cold" }));
    let written = provider.update(&record.path, &values).await.unwrap();
    assert_eq!(written.metadata["values"], json!({ "Concentration": "12", "Note": "cold" }));
    let wrong =
        provider.update(&record.path, &fields(json!({ "Note": "x", "Colour": "red" }))).await.unwrap_err();
    assert_eq!(wrong.problem.code, ProblemCode::InvalidRequest);
    let Entry::Container { container } = provider.describe(&record.path).await.unwrap() else { panic!() };
    assert_eq!(container.metadata["values"]["Note"], "cold", "nothing is written when one name is wrong");
    provider.update(&activity.path, &fields(json!({ "Instrument": "DSC 3" }))).await.unwrap();
    let Entry::Container { container } = provider.describe(&activity.path).await.unwrap() else { panic!() };
    assert!(container.metadata["properties"].to_string().contains("DSC 3"));
    bench.stop().await;
}

#[tokio::test]
async fn a_record_with_several_fields_for_files_wants_one_named() {
    let bench = Bench::seeded().await;
    let provider = bench.connect();
    let record = containers(&*provider, "records", Some("LIP-002")).await.remove(0).path;
    let error = provider.begin_upload(&request(&record, "a.png", 3)).await.unwrap_err();
    assert_eq!((error.problem.code, error.advice), (ProblemCode::InvalidRequest, Advice::Stop));
    assert!(error.problem.detail.unwrap().contains("Raw data, Gel image"));
    let mut named = request(&record, "a.png", 3);
    named.metadata = fields(json!({ "field": "gel image" }));
    provider.begin_upload(&named).await.unwrap();
    for place in ["", "records", "files", "activities/none/files"] {
        let error = provider.begin_upload(&request(place, "a.png", 3)).await.unwrap_err();
        assert_eq!(error.problem.code, ProblemCode::InvalidRequest, "{place}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn actions_are_offered_and_done() {
    let bench = Bench::seeded().await;
    let provider = bench.connect();
    let stored = bench.stored("melting_LIP-001.csv").await;
    let (id, activity) = (stored[0]["file_id"].as_str().unwrap(), stored[0]["activity"].as_str().unwrap());
    let names =
        |actions: Vec<labferry_provider::Action>| actions.into_iter().map(|one| one.name).collect::<Vec<_>>();
    assert_eq!(names(provider.actions("").await.unwrap()), ["open_file", "create_activity"]);
    let filled = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let opened = provider.run_action("", "open_file", &filled(&[("file_id", id)])).await.unwrap();
    assert_eq!(opened.place.as_deref(), Some(format!("files/{id}").as_str()));
    let place = format!("activities/{activity}");
    let made = provider
        .run_action(&place, "find_or_create_record", &filled(&[("Sample ID", "LIP-004")]))
        .await
        .unwrap();
    let record = made.place.unwrap();
    provider.run_action(&record, "set_value", &filled(&[("field", "Note"), ("value", "new")])).await.unwrap();
    let file = format!("{place}/files/{id}");
    assert_eq!(names(provider.actions(&file).await.unwrap()), ["register"]);
    let registered = provider.run_action(&file, "register", &filled(&[])).await.unwrap();
    assert_eq!(registered.details["status"], "pending");
    let page = ListRequest { path: registered.place.unwrap(), limit: 10, ..ListRequest::default() };
    let Entry::File { file } = provider.list(&page).await.unwrap().entries.remove(0) else { panic!() };
    assert_eq!(
        (file.name.as_str(), file.metadata["field"].as_str()),
        ("melting_LIP-001.csv", Some("registration: pending"))
    );
    for (name, fields) in
        [("open_file", filled(&[("file_id", "../x")])), ("set_value", filled(&[])), ("x", filled(&[]))]
    {
        assert_eq!(provider.run_action("", name, &fields).await.unwrap_err().advice, Advice::Stop);
    }
    bench.stop().await;
}
