//! Kaleidoscope: files on a record that is there already, known by ids.

use crate::target::{ControlCall, Enrolment, Moment, Provocation};
use labferry_model::Metadata;
use serde_json::{Value, json};

const KEY: &str = "kaleidoscope";
/// The practice lab's own.
const PLACE: &str = "records/3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f";

pub(crate) fn enrolment() -> Enrolment {
    Enrolment {
        key: KEY,
        lab: |_| {},
        settings: &[],
        metadata: |_| Metadata::new(),
        place: Some(PLACE),
        prepare: None,
        absent_place: "records/00000000-0000-4000-8000-000000000000",
        bytes_end_whole: false,
        ranges_from: 0,
        absent_files: &[
            "files/f1f1f1f1-0000-4000-8000-000000000001",
            "records/3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f/f1f1f1f1-0000-4000-8000-000000000001",
        ],
        credential: "x-kal-authorization",
        content_elsewhere,
        upload_elsewhere: |_, _, _, _| None,
        at,
        provoke,
    }
}

fn content_elsewhere(url: &str) -> (Value, Value) {
    let matching = json!({ "method": "GET", "path": "^/files/", "door": "service", "service": KEY });
    (
        matching,
        json!({ "status": 302, "headers": { "location": format!("{url}/content?X-Amz-Signature=1") } }),
    )
}

fn at(moment: Moment) -> Option<Value> {
    Some(match moment {
        Moment::SignIn => json!({ "method": "GET", "path": "^/workspaces/active$", "service": KEY }),
        // A list begins with the token it is asked for with.
        Moment::List => json!({ "path": "^/(activities|auth/oauth/token)$", "service": KEY }),
        Moment::Send(nth) => {
            json!({ "method": "POST", "path": "/values/file$", "service": KEY, "nth": nth })
        }
        Moment::Content => json!({ "method": "GET", "path": "^/files/", "service": KEY }),
        Moment::Begin | Moment::Finish => return None,
    })
}

fn provoke(provocation: Provocation) -> Option<ControlCall> {
    const SWITCHES: &str = "/switches?service=kaleidoscope";
    Some(match provocation {
        Provocation::BodyLimit(bytes) => (SWITCHES, json!({ "body_limit": bytes })),
        Provocation::NoRanges => (SWITCHES, json!({ "ranges": false })),
        Provocation::RequestsPerMinute(requests) => (SWITCHES, json!({ "requests_per_minute": requests })),
        _ => return None,
    })
}
