//! Listing mine, searching what is published, paging.

use reqwest::Method;
use serde_json::{Value, json};

use crate::lab::{Lab, json_of, metadata};
use labferry_sandbox::NrpSwitches;

async fn drafts(lab: &Lab, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let mut metadata = metadata();
        metadata["title"] = json!(format!("Run {number} of the spectrometer"));
        let draft = lab.post("/api/records", &json!({"metadata": metadata}), 201).await;
        ids.push(draft["id"].as_str().unwrap().to_owned());
    }
    ids
}

fn ids(list: &Value) -> Vec<String> {
    list["hits"]["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn following_next_gives_every_record_once() {
    let lab = Lab::start().await;
    let mut made = drafts(&lab, 7).await;
    let mut found = Vec::new();
    let mut next = Some("/api/user/records?size=3&sort=newest&q=spectrometer".to_owned());
    let mut pages = 0;
    while let Some(url) = next {
        let page = lab.get(&url).await;
        assert_eq!(page["hits"]["total"], 7);
        found.extend(ids(&page));
        next = page["links"]["next"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!(pages, 3);
    made.reverse();
    assert_eq!(found, made);
    assert_eq!(ids(&lab.get("/api/user/records?page=9").await), Vec::<String>::new());
}

#[tokio::test]
async fn queries_sorts_and_facets() {
    let lab = Lab::start().await;
    let made = drafts(&lab, 3).await;
    lab.upload(&made[0], "a", b"x").await;
    lab.post(&format!("/api/records/{}/draft/actions/publish", made[0]), &json!({}), 202).await;
    let mine = async |query: &str| ids(&lab.get(&format!("/api/user/records?sort=oldest&{query}")).await);
    assert_eq!(mine("is_published=false").await, made[1..]);
    assert_eq!(mine("q=is_published:true").await, made[..1]);
    assert_eq!(mine("q=run+2").await, made[2..]);
    assert_eq!(mine("q=Spectro*").await, made);
    assert_eq!(mine("q=spectro").await, Vec::<String>::new());
    assert_eq!(mine("q=%22unclosed").await, Vec::<String>::new());
    let public = json_of(lab.anonymous(Method::GET, "/api/records").send().await.unwrap(), 200).await;
    assert_eq!(ids(&public), made[..1]);
    let self_link = &lab.get("/api/user/records?sort=oldest").await["hits"]["hits"][1]["links"]["self"];
    assert!(self_link.as_str().unwrap().ends_with("/draft"));
    for wrong in ["sort=colour", "size=0", "page=0", "page=101&size=100"] {
        json_of(lab.ask(Method::GET, &format!("/api/user/records?{wrong}")).send().await.unwrap(), 400).await;
    }
}

#[tokio::test]
async fn a_new_record_may_be_missing_from_lists_for_a_moment() {
    let lab = Lab::with(NrpSwitches { index_lag_ms: 60_000, ..NrpSwitches::default() }, false).await;
    let id = lab.draft().await;
    assert_eq!(ids(&lab.get("/api/user/records").await), Vec::<String>::new());
    lab.get(&format!("/api/records/{id}/draft")).await;
    lab.control(Method::POST, "/clock/advance", json!({"seconds": 61})).await;
    assert_eq!(ids(&lab.get("/api/user/records").await), [id]);
}

#[tokio::test]
async fn a_seeded_lab_has_drafts_and_published_records_of_two_people() {
    let lab = Lab::with(NrpSwitches::default(), true).await;
    let mine = lab.get("/api/user/records").await;
    assert_eq!(mine["hits"]["total"], 4);
    assert_eq!(lab.get("/api/records").await["hits"]["total"], 3);
    let example = lab.sandbox.as_ref().unwrap().description().services[0].example_place.clone().unwrap();
    assert_eq!(lab.get(&format!("/api/records/{example}/draft")).await["is_published"], false);
    let found = lab.get("/api/records?q=caffeine").await;
    let id = found["hits"]["hits"][0]["id"].as_str().unwrap();
    let entry = lab.get(&format!("/api/records/{id}/files/standards/chromatogram.csv")).await;
    let got = lab.ask(Method::GET, entry["links"]["content"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(format!("md5:{}", crate::lab::md5_of(&got.bytes().await.unwrap())), entry["checksum"]);
}
