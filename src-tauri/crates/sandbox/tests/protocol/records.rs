//! Records: making, reading, changing, deleting; who may do what.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, json_of, metadata};

#[tokio::test]
async fn a_draft_tells_what_is_wrong_with_it_and_still_is_one() {
    let lab = Lab::start().await;
    let draft = lab.post("/api/records?expand=1", &json!({}), 201).await;
    assert_eq!(draft["expanded"]["requests"], json!([]));
    let fields: Vec<_> =
        draft["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(
        fields,
        ["metadata.creators", "metadata.publication_date", "metadata.resource_type", "metadata.title"]
    );
    let id = draft["id"].as_str().unwrap();
    assert_eq!((id.len(), &id[5..6]), (11, "-"));
    let url = format!("/api/records/{id}/draft");
    let mut body = json!({"metadata": metadata()});
    body["metadata"]["colour"] = json!("red");
    let changed = json_of(lab.ask(Method::PUT, &url).json(&body).send().await.unwrap(), 200).await;
    assert_eq!(changed["errors"], json!([{"field": "metadata.colour", "messages": ["Unknown field."]}]));
    assert_eq!(changed["metadata"]["colour"], Value::Null);
    body["metadata"]["resource_type"]["id"] = json!("nope");
    let refused = json_of(lab.ask(Method::PUT, &url).json(&body).send().await.unwrap(), 400).await;
    assert_eq!(refused["message"], "Invalid value nope.");
    assert_eq!(lab.get(&url).await["metadata"]["title"], "Trial");
}

#[tokio::test]
async fn if_match_takes_the_bare_revision() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let url = format!("/api/records/{id}/draft");
    let read = lab.ask(Method::GET, &url).send().await.unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let revision = tag.trim_matches('"').to_owned();
    let put = |condition: String| {
        lab.ask(Method::PUT, &url).header("if-match", condition).json(&json!({"metadata": metadata()})).send()
    };
    for wrong in [tag, "*".to_owned()] {
        json_of(put(wrong).await.unwrap(), 400).await;
    }
    let other = json_of(put("999".to_owned()).await.unwrap(), 412).await;
    assert_eq!(other["message"], format!("Revision id provided(999) doesn't match record's one({revision})"));
    assert_eq!(put(revision).await.unwrap().status(), 200);
}

#[tokio::test]
async fn nobody_and_others_get_403_and_unknown_ids_404() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let draft = format!("/api/records/{id}/draft");
    let users = lab.control(Method::GET, "/inspect/users", Value::Null).await;
    let colleague = users[1]["token"].as_str().unwrap();
    for request in [
        lab.anonymous(Method::GET, &draft),
        lab.anonymous(Method::GET, &draft).bearer_auth("wrong"),
        lab.anonymous(Method::GET, &draft).bearer_auth(colleague),
        lab.anonymous(Method::GET, "/api/user/records?size=1").bearer_auth("wrong"),
        lab.anonymous(Method::POST, "/api/records").json(&json!({})),
        lab.anonymous(Method::POST, &format!("{draft}/files"))
            .bearer_auth(colleague)
            .json(&json!([{"key": "a"}])),
        lab.anonymous(Method::DELETE, &draft).bearer_auth(colleague),
    ] {
        let answer = request.send().await.unwrap();
        assert!(answer.headers().get("www-authenticate").is_none());
        assert_eq!(json_of(answer, 403).await, json!({"status": 403, "message": "Permission denied."}));
    }
    let unknown =
        json_of(lab.ask(Method::GET, "/api/records/zzzzz-zzzzz/draft").send().await.unwrap(), 404).await;
    assert_eq!(unknown["message"], "The persistent identifier does not exist.");
    let unpublished =
        json_of(lab.ask(Method::GET, &format!("/api/records/{id}")).send().await.unwrap(), 404).await;
    assert_eq!(unpublished["message"], "The persistent identifier is not registered.");
    // A wrong token is an anonymous caller: what is public stays readable.
    let public = lab.anonymous(Method::GET, "/api/records").bearer_auth("wrong").send().await.unwrap();
    assert!(public.headers().get("x-user-id").is_none());
    json_of(public, 200).await;
    assert_eq!(lab.ask(Method::GET, "/api/records").send().await.unwrap().headers()["x-user-id"], "1");
}

#[tokio::test]
async fn what_is_not_json_or_not_allowed_is_said_in_json() {
    let lab = Lab::start().await;
    let post = |kind: &'static str, body: &'static str| {
        lab.ask(Method::POST, "/api/records").header("content-type", kind).body(body).send()
    };
    json_of(post("text/plain", "{}").await.unwrap(), 415).await;
    let broken = json_of(post("application/json", "{").await.unwrap(), 400).await;
    assert_eq!(broken["message"], "Unable to decode JSON data in request body.");
    let id = lab.draft().await;
    let method = json_of(
        lab.ask(Method::PUT, &format!("/api/records/{id}/files/a/content")).send().await.unwrap(),
        405,
    )
    .await;
    assert_eq!(method["message"], "The method is not allowed for the requested URL.");
    json_of(lab.ask(Method::GET, "/api/nothing").send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn a_deleted_draft_is_gone_with_its_files() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    lab.upload(&id, "a", b"hello").await;
    let url = format!("/api/records/{id}/draft");
    for status in [204, 404] {
        json_of(lab.ask(Method::DELETE, &url).send().await.unwrap(), status).await;
    }
    assert_eq!(lab.control(Method::GET, "/inspect/files", Value::Null).await, json!([]));
    assert_eq!(std::fs::read_dir(lab.folder.path().join("nrp/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn files_cannot_be_switched_off_while_there_are_some() {
    let lab = Lab::start().await;
    let id = lab.draft().await;
    let url = format!("/api/records/{id}/draft");
    lab.upload(&id, "a", b"x").await;
    let off = json!({"metadata": metadata(), "files": {"enabled": false}});
    let answer = json_of(lab.ask(Method::PUT, &url).json(&off).send().await.unwrap(), 200).await;
    assert_eq!(answer["errors"][0]["field"], "files.enabled");
    assert_eq!(answer["files"]["enabled"], true);
    json_of(lab.ask(Method::DELETE, &format!("{url}/files")).send().await.unwrap(), 204).await;
    json_of(lab.ask(Method::PUT, &url).json(&off).send().await.unwrap(), 200).await;
    let refused = lab.post(&format!("{url}/files"), &json!([{"key": "b"}]), 403).await;
    assert_eq!(refused["message"], "Files are not enabled.");
}

#[tokio::test]
async fn forms_that_are_not_offered_are_406() {
    const OWN: &str = "application/vnd.inveniordm.v1+json";
    let lab = Lab::start().await;
    let id = lab.draft().await;
    lab.upload(&id, "a", b"x").await;
    let get = |path: String, form: &'static str| lab.ask(Method::GET, &path).header("accept", form).send();
    let own = get(format!("/api/records/{id}/draft/files"), OWN).await.unwrap();
    assert_eq!(own.headers()["content-type"], OWN);
    json_of(own, 200).await;
    json_of(get("/api/records".to_owned(), "text/turtle").await.unwrap(), 406).await;
    lab.post(&format!("/api/records/{id}/draft/actions/publish"), &json!({}), 202).await;
    let files = format!("/api/records/{id}/files");
    json_of(get(files.clone(), OWN).await.unwrap(), 406).await;
    json_of(get(files.clone(), "application/json").await.unwrap(), 200).await;
    json_of(get(files, "text/plain, */*;q=0.1").await.unwrap(), 200).await;
}
