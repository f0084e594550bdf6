//! Records: made, changed, published, made anew.

use super::{browse::files_of, ends_with, refused};
use crate::{
    content::{bytes, holds, put, request},
    target::{Provocation, Target},
};
use labferry_model::{Container, ContainerKind, Entry, Metadata, ProblemCode};
use labferry_provider::{Advice, Provider};
use serde_json::json;

async fn has_records(target: &Target, provider: &dyn Provider) -> bool {
    target.makes_records(provider).await
}

async fn described(provider: &dyn Provider, path: &str) -> Container {
    match provider.describe(path).await.unwrap() {
        Entry::Container { container } => container,
        Entry::File { file } => panic!("a file: {file:?}"),
    }
}

fn fields(fields: serde_json::Value) -> Metadata {
    fields.as_object().unwrap().clone()
}

pub(crate) async fn a_record_is_made_and_changed(target: &Target) {
    let provider = target.connect();
    if !has_records(target, &*provider).await {
        return;
    }
    let made = target.make(&*provider, &target.metadata("First title")).await;
    assert_eq!((made.title.as_str(), made.kind, made.writable), ("First title", ContainerKind::Draft, true));
    assert!(made.complaints.is_empty(), "{:?}", made.complaints);
    assert!(made.web_page.is_some_and(|page| page.starts_with("http")));
    put(&*provider, &made.path, "a.bin", &bytes(1, 5), None).await;
    let title = fields(json!({ "title": "Second title" }));
    let changed = provider.update(&made.path, &title).await.unwrap();
    assert_eq!(changed.title, "Second title");
    let after = described(&*provider, &made.path).await;
    let mut expected = target.metadata("Second title");
    expected.retain(|name, _| name != "creators");
    for (name, value) in expected {
        // A service may add to what it was given (a title to an id), never take away.
        let kept = &after.metadata[&name];
        assert!(kept == &value || kept["id"] == value["id"] && value.is_object(), "{name}: {kept}");
    }
    assert!(after.metadata["creators"].as_array().is_some_and(|creators| creators.len() == 1));
    assert_eq!((after.files, after.bytes), (Some(1), Some(5)), "the files stay");
    assert!(matches!(provider.create(&made.path, &title).await, Err(error) if error.advice == Advice::Stop));
}

pub(crate) async fn what_is_missing_is_named(target: &Target) {
    let provider = target.connect();
    if !has_records(target, &*provider).await {
        return;
    }
    let made = target.make(&*provider, &fields(json!({ "title": "Bare" }))).await;
    put(&*provider, &made.path, "a.bin", &bytes(1, 5), None).await;
    let changed = provider.update(&made.path, &fields(json!({ "title": "Still bare" }))).await.unwrap();
    assert!(changed.complaints.iter().any(|words| words.contains("creators")), "{:?}", changed.complaints);
    let error = refused(provider.publish(&made.path).await);
    assert_eq!(error.advice, Advice::Stop);
    assert!(error.problem.detail.as_ref().is_some_and(|words| words.contains("creators")), "{error}");
    assert_eq!(described(&*provider, &made.path).await.kind, ContainerKind::Draft);
    // Without a file as well.
    let empty = target.place(&*provider).await;
    let error = refused(provider.publish(&empty).await);
    assert!(error.problem.detail.as_ref().is_some_and(|words| words.contains("file")), "{error}");
}

pub(crate) async fn a_published_record_is_locked(target: &Target) {
    let provider = target.connect();
    if !has_records(target, &*provider).await {
        return;
    }
    // What is published stays for good.
    target.lab();
    let place = target.place(&*provider).await;
    let content = bytes(1, 500);
    let file = put(&*provider, &place, "a.bin", &content, None).await;
    let published = provider.publish(&place).await.unwrap();
    assert_eq!((published.kind, published.writable), (ContainerKind::Record, false));
    assert_eq!(described(&*provider, &place).await.kind, ContainerKind::Record);
    let locked = (ProblemCode::RecordLocked, Advice::Stop);
    ends_with(provider.publish(&place).await, locked.0, locked.1);
    ends_with(provider.begin_upload(&request(&place, "b.bin", 1, None)).await, locked.0, locked.1);
    ends_with(provider.delete(&file.path).await, locked.0, locked.1);
    ends_with(provider.delete(&place).await, locked.0, locked.1);
    ends_with(provider.update(&place, &fields(json!({ "title": "Other" }))).await, locked.0, locked.1);
    holds(&*provider, &file.path, &content).await;
    assert_eq!(files_of(&*provider, &place).await.len(), 1);
    // Everybody may read it.
    let colleague = target.connect_as(target.colleague.clone());
    holds(&*colleague, &file.path, &content).await;
    let names: Vec<_> =
        provider.actions(&place).await.unwrap().into_iter().map(|action| action.name).collect();
    assert!(!names.contains(&"publish".to_owned()), "{names:?}");
}

pub(crate) async fn a_pending_file_blocks_publishing(target: &Target) {
    let provider = target.connect();
    if !has_records(target, &*provider).await {
        return;
    }
    // What is published stays for good.
    target.lab();
    let place = target.place(&*provider).await;
    put(&*provider, &place, "a.bin", &bytes(1, 5), None).await;
    provider.begin_upload(&request(&place, "begun.bin", 5, None)).await.unwrap();
    let error = refused(provider.publish(&place).await);
    assert_eq!(error.advice, Advice::Stop, "{error}");
    assert!(error.problem.detail.is_some());
    for leftover in provider.leftovers(&place).await.unwrap() {
        provider.clear_leftover(&leftover).await.unwrap();
    }
    provider.publish(&place).await.unwrap();
}

pub(crate) async fn publishing_on_request_is_told(target: &Target) {
    let provider = target.connect();
    if !has_records(target, &*provider).await || !target.provoke(Provocation::PublishOnRequest).await {
        return;
    }
    let place = target.place(&*provider).await;
    put(&*provider, &place, "a.bin", &bytes(1, 5), None).await;
    ends_with(provider.publish(&place).await, ProblemCode::Unsupported, Advice::Stop);
    let names: Vec<_> =
        provider.actions(&place).await.unwrap().into_iter().map(|action| action.name).collect();
    assert!(!names.contains(&"publish".to_owned()), "what cannot be done is not offered: {names:?}");
}

pub(crate) async fn a_new_version_is_a_draft_of_its_own(target: &Target) {
    let provider = target.connect();
    if !target.offers("versions", provider.capabilities().await.unwrap().versions) {
        return;
    }
    target.lab();
    let place = target.place(&*provider).await;
    ends_with(provider.new_version(&place).await, ProblemCode::InvalidRequest, Advice::Stop);
    let content = bytes(1, 500);
    put(&*provider, &place, "a.bin", &content, None).await;
    let action = provider.actions(&place).await.unwrap().into_iter().find(|action| action.name == "publish");
    assert!(action.unwrap().confirmation.is_some(), "what cannot be undone asks first");
    provider.run_action(&place, "publish", &Default::default()).await.unwrap();
    let draft = provider.new_version(&place).await.unwrap();
    assert_ne!(draft.path, place);
    assert_eq!((draft.kind, draft.writable), (ContainerKind::Draft, true));
    assert!(files_of(&*provider, &draft.path).await.is_empty());
    assert_eq!(provider.new_version(&place).await.unwrap().path, draft.path, "asked twice, made once");
    let result = provider.run_action(&draft.path, "import_files", &Default::default()).await.unwrap();
    assert_eq!(result.place.as_deref(), Some(draft.path.as_str()));
    holds(&*provider, &format!("{}/a.bin", draft.path), &content).await;
    // Its files are its own: the published ones stay.
    provider.delete(&format!("{}/a.bin", draft.path)).await.unwrap();
    put(&*provider, &draft.path, "b.bin", &bytes(2, 5), None).await;
    holds(&*provider, &format!("{place}/a.bin"), &content).await;
    ends_with(
        provider.run_action(&place, "no such action", &Default::default()).await,
        ProblemCode::Unsupported,
        Advice::Stop,
    );
}
