//! Aruna: objects of a collection, in parts and whole, through the signed links of a data proxy.

use crate::target::{ControlCall, Enrolment, Moment, Provocation};
use labferry_model::Metadata;
use serde_json::{Value, json};

const KEY: &str = "aruna";
/// A collection of the practice lab that is empty. Projects are made by administrators only, so there is none without seed.
const PLACE: &str = "zebrafish-heart/analysis";

pub(crate) fn enrolment() -> Enrolment {
    Enrolment {
        key: KEY,
        lab: |options| options.seed = true,
        settings: &[],
        metadata: |_| Metadata::new(),
        place: Some(PLACE),
        // Else every file that came in parts would have to be waited for.
        prepare: Some(|| ("/switches?service=aruna", json!({ "finalisation": "at_once" }))),
        absent_place: "zebrafish-heart/nowhere",
        bytes_end_whole: true,
        // Version 1 gets ranges of smaller ones wrong, see the connector's notes.
        ranges_from: 5 << 20,
        absent_files: &["zebrafish-heart/analysis/nothing.bin", "zebrafish-heart/analysis/no/where.bin"],
        credential: "authorization",
        content_elsewhere,
        upload_elsewhere,
        at,
        provoke,
    }
}

fn content_elsewhere(url: &str) -> (Value, Value) {
    let matching = json!({ "method": "GET", "path": "/download$", "door": "service", "service": KEY });
    let body = json!({ "url": { "url": format!("{url}/bucket/content?X-Amz-Signature=1") } });
    (matching, json!({ "status": 200, "body": body }))
}

fn upload_elsewhere(
    links: &[String; 2],
    _name: &str,
    _size: u64,
    _part_size: Option<u64>,
) -> Option<(Value, Value)> {
    let matching = json!({ "method": "GET", "path": "/upload$", "door": "service", "service": KEY });
    Some((matching, json!({ "status": 200, "body": { "url": { "url": links[0] } } })))
}

fn at(moment: Moment) -> Option<Value> {
    Some(match moment {
        Moment::SignIn => json!({ "method": "GET", "path": "^/v1/user$", "service": KEY }),
        Moment::Begin => json!({ "method": "POST", "path": "/object$", "service": KEY }),
        Moment::Send(nth) => json!({ "method": "PUT", "door": "storage", "service": KEY, "nth": nth }),
        Moment::Finish => json!({ "method": "PATCH", "path": "/finish$", "service": KEY }),
        Moment::Content => json!({ "method": "GET", "door": "storage", "service": KEY }),
        Moment::List => json!({ "method": "GET", "path": "^/v1/user", "service": KEY }),
    })
}

fn provoke(provocation: Provocation) -> Option<ControlCall> {
    const SWITCHES: &str = "/switches?service=aruna";
    Some(match provocation {
        Provocation::NoRanges => (SWITCHES, json!({ "ranges": "ignored" })),
        Provocation::LateDigests => (SWITCHES, json!({ "finalisation": "by_job" })),
        Provocation::ComputeDigests => ("/jobs/checksums/run?service=aruna", Value::Null),
        // The rule strikes the next request, before its work is done.
        Provocation::ExpireLinks => (
            "/faults",
            json!([{ "match": { "service": KEY, "door": "storage" }, "do": { "expire_links": true } }]),
        ),
        Provocation::Seconds(seconds) => ("/clock/advance", json!({ "seconds": seconds })),
        _ => return None,
    })
}
