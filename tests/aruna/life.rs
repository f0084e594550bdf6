//! The life of projects, collections and objects: made, labelled, revised, referred to, moved, pinned, deleted.

use crate::bench::{Bench, act, metadata, names};
use labferry_model::{Entry, ProblemCode};
use labferry_provider::{Advice, Provider};
use serde_json::json;

const FRAMES: &str = "zebrafish-heart/raw-frames";
const OTHER: &str = "zebrafish-heart/analysis";
const FILE: &str = "zebrafish-heart/raw-frames/2024-03-18/acquisition.json";
const KEY: &str = "2024-03-18/acquisition.json";

async fn described(provider: &dyn Provider, path: &str) -> labferry_model::RemoteFile {
    match provider.describe(path).await.unwrap() {
        Entry::File { file } => file,
        Entry::Container { .. } => panic!("{path} is no file"),
    }
}

#[tokio::test]
async fn projects_collections_and_files_are_listed_and_searched() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    let who = provider.check_sign_in().await.unwrap();
    assert_eq!(who.user.as_deref(), Some("Robin Practice"));
    assert_eq!(who.server.as_deref(), Some("Aruna Object Storage 1.0.1"));
    assert_eq!(names(&*provider, "", None).await, ["reference-genomes", "zebrafish-heart"]);
    assert_eq!(names(&*provider, "zebrafish-heart", None).await, [OTHER, FRAMES]);
    assert_eq!(names(&*provider, FRAMES, None).await, [KEY, "2024-03-18/frame_0001.raw"]);
    assert_eq!(names(&*provider, FRAMES, Some("label:stage=3 frame")).await, Vec::<String>::new());
    assert_eq!(names(&*provider, FRAMES, Some("label:stage")).await, ["2024-03-18/frame_0001.raw"]);
    let id = described(&*provider, FILE).await.metadata["object_id"].as_str().unwrap().to_owned();
    assert_eq!(names(&*provider, FRAMES, Some(&format!("id:{id}"))).await, [KEY]);
    // Somebody else's project, and one that does not exist, are both not ours.
    for path in ["colleagues-only", "nowhere", "zebrafish-heart/nothing", "zebrafish-heart/analysis/x"] {
        assert_eq!(provider.describe(path).await.unwrap_err().problem.code, ProblemCode::NotFound, "{path}");
    }
}

#[tokio::test]
async fn each_wrong_token_asks_for_another() {
    let bench = Bench::new().await;
    let good = bench.service().secrets["token"].clone();
    for token in ["nonsense", "a.b.c", &format!("{good}x")] {
        let error = bench.connect_with(token).check_sign_in().await.unwrap_err();
        assert_eq!(
            (error.problem.code, error.advice),
            (ProblemCode::SignInNeeded, Advice::SignIn),
            "{token}"
        );
        let error = bench.connect_with(token).describe(FILE).await.unwrap_err();
        assert_eq!(error.advice, Advice::SignIn, "{token}");
    }
}

#[tokio::test]
async fn collections_are_made_changed_pinned_and_deleted() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    let made = provider
        .create(
            "zebrafish-heart",
            &metadata(json!({ "name": "movies", "description": "d", "labels": { "a": "1" } })),
        )
        .await
        .unwrap();
    assert_eq!(made.path, "zebrafish-heart/movies");
    let changed = provider.update(&made.path, &metadata(json!({ "description": "new" }))).await.unwrap();
    assert_eq!(changed.metadata["description"], "new");
    assert_eq!(changed.metadata["labels"], json!({ "a": "1" }), "what was not given stays");
    let error =
        provider.create("zebrafish-heart", &metadata(json!({ "name": "My Movies" }))).await.unwrap_err();
    assert!(error.problem.detail.unwrap().contains("my-movies"));
    provider.delete(&made.path).await.unwrap();
    assert!(provider.describe(&made.path).await.unwrap_err().is_not_found());

    let pinned = act(&*provider, FRAMES, "pin", &[("version", "1.0.0")]).await.unwrap().place.unwrap();
    assert_eq!(names(&*provider, &pinned, None).await.len(), 2);
    let error = provider.delete(&format!("{pinned}/{KEY}")).await.unwrap_err();
    assert_eq!(error.problem.code, ProblemCode::RecordLocked);
    let error = provider.delete(FRAMES).await.unwrap_err();
    assert!(error.problem.detail.unwrap().contains("still has objects"));
}

#[tokio::test]
async fn labels_come_without_a_revision_and_updates_with_one() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    act(&*provider, FILE, "add_labels", &[("labels", "stage=3 dpf\nscope=A")]).await.unwrap();
    let again = act(&*provider, FILE, "add_labels", &[("labels", "scope=A")]).await.unwrap();
    assert!(again.message.contains("already"), "{}", again.message);
    let before = described(&*provider, FILE).await;
    assert_eq!(before.metadata["labels"], json!({ "scope": "A", "stage": "3 dpf" }));
    assert_eq!(before.metadata["revision"], 0);

    let done =
        act(&*provider, FILE, "update", &[("labels", "scope=B"), ("data_class", "public")]).await.unwrap();
    let after = described(&*provider, FILE).await;
    assert_eq!(after.metadata["labels"], json!({ "scope": "B" }));
    assert_eq!(
        (&after.metadata["revision"], &after.metadata["data_class"]),
        (&json!(1), &json!("DATA_CLASS_PUBLIC"))
    );
    assert_eq!((after.size, &after.digests), (before.size, &before.digests), "the bytes are the same");
    assert_eq!(done.place.as_deref(), Some(FILE));
    let shown = act(&*provider, FILE, "revisions", &[]).await.unwrap();
    assert_eq!(shown.details["revisions"].as_array().unwrap().len(), 2);

    act(&*provider, FILE, "set_hooks", &[("hooks", "on-upload=check")]).await.unwrap();
    assert_eq!(described(&*provider, FILE).await.metadata["hooks"], json!({ "on-upload": "check" }));
    let moved = act(&*provider, FILE, "update", &[("name", "2024-03-18/settings.json")]).await.unwrap();
    let renamed = described(&*provider, &moved.place.unwrap()).await;
    assert_eq!((renamed.name.as_str(), renamed.size), ("2024-03-18/settings.json", before.size));
    let error = act(&*provider, &renamed.path, "add_labels", &[("labels", "aruna=1")]).await.unwrap_err();
    assert_eq!(error.problem.code, ProblemCode::InvalidRequest);
}

#[tokio::test]
async fn references_moves_and_copies_follow_the_rules() {
    let bench = Bench::new().await;
    let provider = bench.connect();
    let rule = |actions: Vec<labferry_provider::Action>| {
        actions.into_iter().find(|action| action.name == "delete").unwrap().confirmation.unwrap()
    };
    assert!(rule(provider.actions(FILE).await.unwrap()).contains("only collection"));
    let made = act(&*provider, FILE, "reference", &[("target", OTHER)]).await.unwrap();
    assert_eq!(made.place, Some(format!("{OTHER}/{KEY}")));
    assert!(rule(provider.actions(FILE).await.unwrap()).contains("nobody can change"));
    let other = format!("{OTHER}/{KEY}");
    assert!(rule(provider.actions(&other).await.unwrap()).contains("Only this read-only reference"));
    let again = act(&*provider, FILE, "reference", &[("target", OTHER)]).await.unwrap();
    assert!(again.message.contains("already"));
    let error = act(&*provider, &other, "update", &[("labels", "a=1")]).await.unwrap_err();
    assert_eq!(error.problem.code, ProblemCode::RecordLocked, "{error}");
    let shown = act(&*provider, FILE, "references", &[]).await.unwrap();
    assert_eq!(
        shown.details["references"],
        json!([{ "collection": FRAMES, "writeable": true }, { "collection": OTHER, "writeable": false }])
    );
    provider.delete(&other).await.unwrap();
    assert_eq!(names(&*provider, OTHER, None).await, Vec::<String>::new());
    assert_eq!(names(&*provider, FRAMES, None).await.len(), 2, "the file stays where it belongs");

    let moved = act(&*provider, FILE, "move", &[("target", OTHER)]).await.unwrap();
    assert_eq!(moved.place, Some(other.clone()));
    assert_eq!(names(&*provider, FRAMES, None).await, ["2024-03-18/frame_0001.raw"]);
    let there = described(&*provider, &other).await;
    assert_eq!(there.digests.len(), 2);

    act(&*provider, &other, "clone", &[("target", FRAMES)]).await.unwrap();
    act(&*provider, &other, "delete", &[("with_revisions", "yes")]).await.unwrap();
    assert!(provider.describe(&other).await.unwrap_err().is_not_found());
    assert_eq!(described(&*provider, FILE).await.digests, there.digests, "the copy lives on");
    let error =
        act(&*provider, "reference-genomes/danio-rerio/chr1-excerpt.fa", "add_labels", &[("labels", "a=1")]);
    assert_eq!(error.await.unwrap_err().problem.code, ProblemCode::NotAllowed);
}

#[tokio::test]
async fn a_link_can_be_given_out() {
    let bench = Bench::new().await;
    let link = bench.connect().temporary_link(FILE).await.unwrap();
    assert!(link.expires.is_some() && link.url.reveal().contains("X-Amz-Signature"));
}
