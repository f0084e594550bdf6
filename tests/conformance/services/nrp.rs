//! NRP: InvenioRDM with its files on its own disk, and with its files in S3 behind signed links.

use crate::target::{ControlCall, Enrolment, Moment, Provocation};
use labferry_model::Metadata;
use labferry_sandbox::{Checksums, NrpSwitches, SandboxOptions, Storage};
use serde_json::{Value, json};

const KEY: &str = "nrp";

/// Content, parts and downloads go through the API.
pub(crate) fn behind_the_api() -> Enrolment {
    enrolment(|options| options.switches = switches(Storage::Api), at_api, provoke_api)
}

/// Parts and downloads go to a storage host of another name.
pub(crate) fn with_signed_links() -> Enrolment {
    enrolment(|options| options.switches = switches(Storage::Signed), at_signed, provoke_signed)
}

fn switches(storage: Storage) -> NrpSwitches {
    NrpSwitches { storage, checksums: Checksums::AtOnce, ..NrpSwitches::default() }
}

fn enrolment(
    lab: fn(&mut SandboxOptions),
    at: fn(Moment) -> Option<Value>,
    provoke: fn(Provocation) -> Option<ControlCall>,
) -> Enrolment {
    Enrolment {
        key: KEY,
        lab,
        settings: &[],
        metadata,
        place: None,
        prepare: None,
        absent_place: "xxxxx-xxxxx",
        bytes_end_whole: false,
        ranges_from: 0,
        absent_files: &["xxxxx-xxxxx/a.bin"],
        credential: "authorization",
        content_elsewhere,
        upload_elsewhere,
        at,
        provoke,
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

fn upload_elsewhere(
    links: &[String; 2],
    name: &str,
    size: u64,
    part_size: Option<u64>,
) -> Option<(Value, Value)> {
    let entry = json!({
        "key": name, "status": "pending", "size": size, "created": "2026-01-01T00:00:00+00:00",
        "transfer": { "type": "M", "parts": 2, "part_size": part_size },
        "links": { "parts": [{ "part": 1, "url": links[0] }, { "part": 2, "url": links[1] }] },
    });
    Some((at_api(Moment::Begin)?, json!({ "status": 201, "body": { "entries": [entry] } })))
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
