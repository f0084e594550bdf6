//! Files sent, found and fetched.

use crate::bench::{Bench, bytes, fetch, fields, put, request, send};
use labferry_model::{Entry, ProblemCode};
use labferry_provider::{Advice, ByteRange, ListRequest, Provider, ReceivedParts};
use serde_json::json;

async fn files(provider: &dyn Provider, place: &str) -> Vec<labferry_model::RemoteFile> {
    let page = provider
        .list(&ListRequest { path: place.into(), limit: 100, ..ListRequest::default() })
        .await
        .unwrap();
    let file = |entry| match entry {
        Entry::File { file } => file,
        Entry::Container { container } => panic!("a container: {container:?}"),
    };
    page.entries.into_iter().map(file).collect()
}

#[tokio::test]
async fn a_file_goes_onto_a_record_and_comes_back() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    let record = bench.record(&*provider).await;
    for (name, size) in [("empty.bin", 0), ("one.csv", 1), ("Größe \"1\".csv", 2_000_003)] {
        let content = bytes(size as u64, size);
        let file = put(&*provider, &record, name, &content).await;
        assert_eq!((file.name.as_str(), file.size), (name, Some(size as u64)));
        assert!(fetch(&*provider, &file.path).await == content, "{name}");
        let Entry::File { file: described } = provider.describe(&file.path).await.unwrap() else { panic!() };
        assert_eq!((described.path, described.size), (file.path, Some(size as u64)));
        let found = provider.find_file(&record, name).await.unwrap().unwrap();
        assert_eq!(found.name, name);
        let stored = bench.stored(name).await;
        assert_eq!((stored.len(), &stored[0]["size"]), (1, &json!(size)));
    }
    let mut names: Vec<_> = files(&*provider, &record).await.into_iter().map(|file| file.name).collect();
    names.sort();
    assert_eq!(names, ["Größe \"1\".csv", "empty.bin", "one.csv"]);
    bench.stop().await;
}

#[tokio::test]
async fn a_file_goes_onto_a_property_and_replaces_the_one_before() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    let activity = provider.create("", &fields(json!({ "title": "An experiment" }))).await.unwrap();
    let page = provider
        .list(&ListRequest { path: activity.path, limit: 100, ..ListRequest::default() })
        .await
        .unwrap();
    let property = page.entries.into_iter().find_map(|entry| match entry {
        Entry::Container { container } if container.title == "Report" => Some(container.path),
        _ => None,
    });
    let property = property.unwrap();
    for seed in [1, 2] {
        let content = bytes(seed, 5000);
        let file = put(&*provider, &property, "report.pdf", &content).await;
        assert!(fetch(&*provider, &file.path).await == content);
        assert_eq!(bench.stored("report.pdf").await.last().unwrap()["media_type"], "application/pdf");
    }
    assert_eq!(files(&*provider, &property).await.len(), 1);
    bench.stop().await;
}

#[tokio::test]
async fn every_shape_of_a_file_value_leads_to_the_file() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    for shape in ["id", "object", "array"] {
        for empty in [false, true] {
            bench.switch(json!({ "file_values": shape, "empty_upload_answers": empty })).await;
            let record = bench.record(&*provider).await;
            let content = bytes(7, 3000);
            let file = put(&*provider, &record, "a.csv", &content).await;
            assert_eq!(file.name, "a.csv", "{shape}");
            assert!(fetch(&*provider, &file.path).await == content, "{shape}");
            // A connector that sent nothing finds it as well, by its name.
            let other = bench.connect();
            let found = other.find_file(&record, "a.csv").await.unwrap().unwrap();
            assert_eq!((found.path, found.size), (file.path, Some(3000)), "{shape}");
            assert_eq!(files(&*other, &record).await[0].name, "a.csv", "{shape}");
        }
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_no_file_and_no_guess() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    bench.switch(json!({ "file_values": "opaque" })).await;
    let record = bench.record(&*provider).await;
    let file = put(&*provider, &record, "a.csv", &bytes(7, 3000)).await;
    assert_eq!((file.name.as_str(), file.size), ("a.csv", None));
    let error = provider.open_download(&file.path, None, None).await.err().unwrap();
    assert_eq!(error.problem.code, ProblemCode::Unsupported);
    assert_eq!(bench.stored("a.csv").await.len(), 1);
    bench.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_does_not_make_a_second_value() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    for shape in ["object", "id"] {
        bench.switch(json!({ "file_values": shape })).await;
        let record = bench.record(&*provider).await;
        let name = format!("{shape}.csv");
        let content = bytes(3, 9000);
        let session = provider.begin_upload(&request(&record, &name, content.len())).await.unwrap();
        bench
            .fault(json!({ "method": "POST", "path": "/values/file$" }), json!({ "lose_answer": true }))
            .await;
        let error = send(&*provider, &session, &content).await.unwrap_err();
        assert_eq!((error.problem.code, error.advice), (ProblemCode::ConnectionLost, Advice::Again));
        // After a restart the record tells.
        let other = bench.connect();
        let ReceivedParts::Finished(file) = other.received_parts(&session).await.unwrap() else {
            panic!("the file is there")
        };
        assert_eq!(file.name, name);
        // In the same process the next try finds it.
        let receipt = send(&*provider, &session, &content).await.unwrap();
        let finished = provider.finish_upload(&session, &[receipt]).await.unwrap();
        assert_eq!(finished.path, file.path);
        assert!(fetch(&*provider, &finished.path).await == content);
        assert_eq!(bench.stored(&name).await.len(), 1, "sent once");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_cut_upload_leaves_nothing_and_goes_again() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    let record = bench.record(&*provider).await;
    let content = bytes(3, 900_000);
    let session = provider.begin_upload(&request(&record, "a.bin", content.len())).await.unwrap();
    let cut = json!({ "cut_after": 300_000, "side": "request" });
    bench.fault(json!({ "method": "POST", "path": "/values/file$" }), cut).await;
    assert_eq!(send(&*provider, &session, &content).await.unwrap_err().advice, Advice::Again);
    assert!(bench.stored("a.bin").await.is_empty());
    assert_eq!(provider.received_parts(&session).await.unwrap(), ReceivedParts::NotTold);
    let receipt = send(&*provider, &session, &content).await.unwrap();
    let file = provider.finish_upload(&session, &[receipt]).await.unwrap();
    assert!(fetch(&*provider, &file.path).await == content);
    bench.stop().await;
}

#[tokio::test]
async fn downloads_in_ranges_chunks_and_by_other_hosts() {
    let bench = Bench::start().await;
    let writer = bench.connect();
    let record = bench.record(&*writer).await;
    let content = bytes(5, 200_000);
    let file = put(&*writer, &record, "a.bin", &content).await;
    for (switches, ranges) in [
        (json!({}), true),
        (json!({ "etags": true }), true),
        (json!({ "ranges": false }), false),
        (json!({ "ranges": false, "lengths": false }), false),
        (json!({ "ranges": true, "lengths": true, "redirects": true }), true),
    ] {
        bench.switch(switches.clone()).await;
        let provider = bench.connect();
        let Entry::File { file: described } = provider.describe(&file.path).await.unwrap() else { panic!() };
        assert_eq!(described.size, Some(200_000), "{switches}");
        assert_eq!(provider.capabilities().await.unwrap().ranges, Some(ranges), "{switches}");
        assert!(fetch(&*provider, &file.path).await == content, "{switches}");
        let range = ByteRange { offset: 1000, length: 10 };
        let revision = described.revision.as_deref();
        let download = provider.open_download(&file.path, Some(range), revision).await.unwrap();
        assert_eq!(download.offset, if ranges { 1000 } else { 0 }, "{switches}");
        let error = provider.open_download(&file.path, Some(range), Some("\"other\"")).await.err().unwrap();
        assert_eq!(error.advice, Advice::Stop);
    }
    // The storage host refuses a request that carries a token, and each was answered.
    let seen = bench.get("/inspect/requests").await;
    let storage =
        seen.as_array().unwrap().iter().filter(|seen| seen["door"] == "storage").collect::<Vec<_>>();
    assert!(
        storage.len() >= 3 && storage.iter().all(|seen| seen["status"].as_u64().unwrap() < 300),
        "{storage:?}"
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_file_is_fetched_by_its_id_and_in_its_activity_only() {
    let bench = Bench::seeded().await;
    let provider = bench.connect();
    let stored = bench.stored("melting_LIP-001.csv").await;
    let (id, activity) = (stored[0]["file_id"].as_str().unwrap(), stored[0]["activity"].as_str().unwrap());
    for place in ["files".to_owned(), format!("activities/{activity}/files")] {
        let Entry::File { file } = provider.describe(&format!("{place}/{id}")).await.unwrap() else {
            panic!()
        };
        assert_eq!(file.name, "melting_LIP-001.csv");
        assert_eq!(fetch(&*provider, &file.path).await.len() as u64, file.size.unwrap());
    }
    let fresh = bench.connect();
    let other = "00000000-0000-4000-8000-000000000000";
    for path in [format!("files/{other}"), format!("activities/{other}/files/{id}")] {
        let error = fresh.describe(&path).await.unwrap_err();
        assert_eq!(error.problem.code, ProblemCode::NotFound, "{path}");
    }
    bench.stop().await;
}

#[tokio::test]
async fn refusals_say_what_the_service_said() {
    let bench = Bench::start().await;
    let provider = bench.connect();
    let record = bench.record(&*provider).await;
    let session = provider.begin_upload(&request(&record, "a.bin", 5000)).await.unwrap();
    bench.switch(json!({ "body_limit": 1000 })).await;
    for (shape, words) in [
        ("code_and_message", "Request body is too large"),
        ("framework", "Request body is too large"),
        ("validation", "Request body is too large"),
        ("html", "the service answered 413 Payload Too Large without an explanation"),
    ] {
        bench.switch(json!({ "errors": shape })).await;
        let error = send(&*provider, &session, &bytes(1, 5000)).await.unwrap_err();
        assert_eq!((error.problem.code, error.advice), (ProblemCode::FileTooLarge, Advice::Stop), "{shape}");
        assert_eq!(error.problem.detail.as_deref(), Some(words), "{shape}");
    }
    bench.switch(json!({ "body_limit": null, "requests_per_minute": 1, "errors": "code_and_message" })).await;
    let mut refused = None;
    for _ in 0..3 {
        refused = refused.or(provider.describe(&record).await.err());
    }
    let error = refused.unwrap();
    assert_eq!(error.problem.code, ProblemCode::RateLimited);
    assert!(matches!(error.advice, Advice::AgainAfter(wait) if wait.as_secs() <= 60), "{error:?}");
    bench.stop().await;
}
