//! Airalogy: files known by ids, sent to a protocol that is there already.

use crate::target::{ControlCall, Enrolment, Moment, Provocation};
use labferry_model::Metadata;
use serde_json::{Value, json};

const KEY: &str = "airalogy";
/// The practice lab's own.
const PLACE: &str = "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0";

pub(crate) fn enrolment() -> Enrolment {
    Enrolment {
        key: KEY,
        lab: |_| {},
        settings: &[],
        metadata: |_| Metadata::new(),
        place: Some(PLACE),
        prepare: None,
        absent_place: "xxxxx-xxxxx",
        bytes_end_whole: false,
        ranges_from: 0,
        absent_files: &[
            "airalogy.id.file.0190c7a1-1111-7222-8333-444455556666.csv",
            "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0/\
             airalogy.id.file.0190c7a1-1111-7222-8333-444455556666.csv",
        ],
        credential: "airalogy-api-key",
        content_elsewhere,
        upload_elsewhere: |_, _, _, _| None,
        at,
        provoke,
    }
}

fn content_elsewhere(url: &str) -> (Value, Value) {
    let matching = json!({ "method": "GET", "path": "/get_file_url/", "door": "service" });
    let link = format!("{url}/content?X-Amz-Signature=1");
    (matching, json!({ "status": 200, "body": { "url": link } }))
}

fn at(moment: Moment) -> Option<Value> {
    Some(match moment {
        Moment::SignIn => json!({ "method": "POST", "path": "/airalogy/get_records$", "service": KEY }),
        Moment::Send(nth) => {
            json!({ "method": "POST", "path": "/airalogy/upload$", "service": KEY, "nth": nth })
        }
        Moment::Content => json!({ "method": "GET", "door": "storage", "service": KEY }),
        Moment::Begin | Moment::Finish | Moment::List => return None,
    })
}

fn provoke(provocation: Provocation) -> Option<ControlCall> {
    const SWITCHES: &str = "/switches?service=airalogy";
    Some(match provocation {
        Provocation::BodyLimit(bytes) => (SWITCHES, json!({ "body_limit": bytes })),
        // Without its links the service gives everything from the first byte on, whatever is asked for.
        Provocation::NoRanges => (SWITCHES, json!({ "unreachable_links": true })),
        Provocation::Seconds(seconds) => ("/clock/advance", json!({ "seconds": seconds })),
        _ => return None,
    })
}
