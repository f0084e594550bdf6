//! NRP: InvenioRDM with its files on its own disk, and with its files in S3 behind signed links.

use crate::{
    lab::Lab,
    target::{ControlCall, Enrolment, Moment, Provocation, Target},
};
use labferry_connector_nrp::Nrp;
use labferry_model::{Metadata, Secret, Secrets};
use labferry_sandbox::{Checksums, NrpSwitches, Storage};
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "nrp";

/// Content, parts and downloads go through the API.
pub(crate) async fn behind_the_api() -> Target {
    const GAPS: &[(&str, &str)] = &[("ExpireLinks", "no link is signed"), ("Seconds", "no link is signed")];
    start(Storage::Api, GAPS, at_api, provoke_api).await
}

/// Parts and downloads go to a storage host of another name.
pub(crate) async fn with_signed_links() -> Target {
    const GAPS: &[(&str, &str)] = &[("NoRanges", "signed links always take ranges")];
    start(Storage::Signed, GAPS, at_signed, provoke_signed).await
}

async fn start(
    storage: Storage,
    gaps: &'static [(&'static str, &'static str)],
    at: fn(Moment) -> Option<Value>,
    provoke: fn(Provocation) -> Option<ControlCall>,
) -> Target {
    let lab = Lab::start(|options| {
        options.switches = NrpSwitches { storage, checksums: Checksums::AtOnce, ..NrpSwitches::default() };
    })
    .await;
    let service = lab.service(KEY);
    let token = |text: &str| Secrets::from([("token".to_owned(), Secret::new(text))]);
    let users = lab.get("/inspect/users").await;
    Target {
        url: service.url,
        settings: service.settings,
        secrets: token(&service.secrets["token"]),
        colleague: token(users[1]["token"].as_str().unwrap()),
        service: Arc::new(Nrp),
        enrolment: Enrolment {
            gaps,
            metadata,
            place: None,
            absent_files: &["xxxxx-xxxxx/a.bin"],
            credential: "authorization",
            content_elsewhere,
            at,
            provoke,
        },
        lab,
    }
}

fn metadata(title: &str) -> Metadata {
    let fields = json!({
        "title": title, "publication_date": "2026-01-01", "publisher": "Practice",
        "resource_type": { "id": "dataset" },
        "creators": [{ "person_or_org": { "type": "personal", "family_name": "Doe", "given_name": "J" } }],
    });
    fields.as_object().unwrap().clone()
}

fn content_elsewhere(url: &str) -> (Value, Value) {
    let matching = json!({ "method": "GET", "path": "/content$", "door": "service" });
    let location = format!("{url}/content?X-Amz-Signature=1");
    (matching, json!({ "status": 302, "headers": { "location": location } }))
}

fn at_api(moment: Moment) -> Option<Value> {
    Some(match moment {
        Moment::SignIn | Moment::List => json!({ "method": "GET", "path": "^/api/user/records$" }),
        Moment::Begin => json!({ "method": "POST", "path": "/draft/files$" }),
        Moment::Send(nth) => json!({ "method": "PUT", "path": "/content(/[0-9]+)?$", "nth": nth }),
        Moment::Finish => json!({ "method": "POST", "path": "/commit$" }),
        Moment::Content => json!({ "method": "GET", "path": "/content$" }),
    })
}

fn at_signed(moment: Moment) -> Option<Value> {
    Some(match moment {
        // Whole files go through the API here as well; parts do not.
        Moment::Send(nth) => json!({ "method": "PUT", "path": "(/content|/data)$", "nth": nth }),
        Moment::Content => json!({ "method": "GET", "door": "storage" }),
        other => return at_api(other),
    })
}

fn provoke_api(provocation: Provocation) -> Option<ControlCall> {
    match provocation {
        Provocation::ExpireLinks | Provocation::Seconds(_) => None,
        Provocation::NoRanges => Some(("/switches", json!({ "ranges": false }))),
        other => provoke(other),
    }
}

fn provoke_signed(provocation: Provocation) -> Option<ControlCall> {
    match provocation {
        Provocation::NoRanges => None,
        other => provoke(other),
    }
}

fn provoke(provocation: Provocation) -> Option<ControlCall> {
    let switches = match provocation {
        Provocation::WholeOnly => json!({ "multipart": false }),
        Provocation::LateDigests => json!({ "checksums": "by_job" }),
        Provocation::Quota(bytes) => json!({ "quota": bytes }),
        Provocation::Files(count) => json!({ "files_per_record": count }),
        Provocation::BodyLimit(bytes) => json!({ "body_limit": bytes }),
        Provocation::NoEmptyFiles => json!({ "empty_files": false }),
        Provocation::RequestsPerMinute(count) => json!({ "requests_per_minute": count }),
        Provocation::PublishOnRequest => json!({ "publish_by_request": true }),
        Provocation::ComputeDigests => return Some(("/jobs/checksums/run", Value::Null)),
        Provocation::Seconds(seconds) => return Some(("/clock/advance", json!({ "seconds": seconds }))),
        // The rule strikes the next request, before its work is done.
        Provocation::ExpireLinks => {
            return Some(("/faults", json!([{ "match": {}, "do": { "expire_links": true } }])));
        }
        // Status 200 and the entry as it was, with `errors`: nothing was stored.
        Provocation::FalseYes => {
            let entry =
                json!({ "key": "a.bin", "status": "pending", "errors": "File upload transfer failed." });
            let matching = json!({ "method": "PUT", "path": "/content$" });
            return Some(("/faults", json!([{ "match": matching, "do": { "status": 200, "body": entry } }])));
        }
        Provocation::NoRanges => return None,
    };
    Some(("/switches", switches))
}
