//! Aymara AI: files known by ids, sent to links of a storage, or in a form through the service.

use crate::target::{ControlCall, Enrolment, Moment, Provocation};
use labferry_model::Metadata;
use serde_json::{Value, json};

const KEY: &str = "aymara";
/// The practice lab's own workspace.
const PLACE: &str = "0b5e4a3c-6d1f-4f57-9a53-6f1f0c2d7e01";
const ABSENT: &[&str] = &[
    "0b5e4a3c-6d1f-4f57-9a53-6f1f0c2d7e01/0190c7a1-1111-7222-8333-444455556666",
    "all/0190c7a1-1111-7222-8333-444455556666",
];

/// Every file goes to a link.
pub(crate) fn by_links() -> Enrolment {
    Enrolment {
        key: KEY,
        lab: |_| {},
        settings: &[("upload", "links")],
        metadata: |_| Metadata::new(),
        place: Some(PLACE),
        prepare: None,
        absent_place: "xxxxx-xxxxx",
        bytes_end_whole: false,
        ranges_from: 0,
        absent_files: ABSENT,
        credential: "x-api-key",
        content_elsewhere,
        upload_elsewhere,
        at: at_links,
        provoke,
    }
}

fn content_elsewhere(url: &str) -> (Value, Value) {
    let matching = json!({ "method": "GET", "path": "^/v2/files/[^/]+$", "door": "service", "service": KEY });
    let file = json!({ "file_uuid": "u", "file_url": format!("{url}/content?X-Amz-Signature=1") });
    (matching, json!({ "status": 200, "body": file }))
}

fn upload_elsewhere(
    links: &[String; 2],
    _name: &str,
    _size: u64,
    _part_size: Option<u64>,
) -> Option<(Value, Value)> {
    let file = json!({ "file_uuid": "u", "file_url": links[0] });
    Some((at_links(Moment::Begin)?, json!({ "status": 200, "body": { "files": [file] } })))
}

fn at_links(moment: Moment) -> Option<Value> {
    Some(match moment {
        Moment::SignIn => json!({ "method": "GET", "path": "^/v2/files$", "service": KEY }),
        Moment::Begin => json!({ "method": "POST", "path": "^/v2/files$", "service": KEY }),
        Moment::Send(nth) => json!({ "method": "PUT", "door": "storage", "service": KEY, "nth": nth }),
        Moment::Content => json!({ "method": "GET", "door": "storage", "service": KEY }),
        Moment::Finish | Moment::List => return None,
    })
}

fn provoke(provocation: Provocation) -> Option<ControlCall> {
    Some(match provocation {
        Provocation::Seconds(seconds) => ("/clock/advance", json!({ "seconds": seconds })),
        _ => return None,
    })
}
