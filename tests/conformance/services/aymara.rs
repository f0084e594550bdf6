//! Aymara AI: files known by ids, sent to links of a storage, or in a form through the service.

use crate::{
    lab::Lab,
    target::{ControlCall, Enrolment, Moment, Provocation, Target},
};
use labferry_connector_aymara::Aymara;
use labferry_model::{Metadata, Secret, Secrets};
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "aymara";
/// The practice lab's own workspace.
const PLACE: &str = "0b5e4a3c-6d1f-4f57-9a53-6f1f0c2d7e01";
const ABSENT: &[&str] = &[
    "0b5e4a3c-6d1f-4f57-9a53-6f1f0c2d7e01/0190c7a1-1111-7222-8333-444455556666",
    "all/0190c7a1-1111-7222-8333-444455556666",
];

const GAPS: &[(&str, &str)] = &[
    ("List", "the workspaces of the account are known without asking"),
    ("records", "there are files only"),
    ("versions", "there are files only"),
    ("user", "only a file tells the organisation"),
    ("sorted lists", "the newest comes first"),
    ("sizes in lists", "the storage knows them, and is asked for single files"),
    ("sizes of leftovers", "nobody is told one before the bytes are there"),
    ("totals", "nothing tells them"),
    ("one file a name", "files are known by ids; a name may be given any number of times"),
    ("reserved names", "ids stand there"),
    ("Finish", "the bytes end an upload"),
    ("going on elsewhere", "a link is given once; another process asks for another file"),
    ("ExpireLinks", "a fresh link comes with another file, see the suite of the service"),
    ("parts", "a file is one request"),
    ("md5", "no digest is told"),
    ("NoRanges", "the storage always takes ranges"),
    ("Quota", "none is known"),
    ("Files", "no limit is known"),
    ("BodyLimit", "the storage's is 5 GiB"),
    ("NoEmptyFiles", "empty files are taken"),
    ("RequestsPerMinute", "no limit is known"),
    ("FalseYes", "the storage answers nothing that could be one"),
];

/// Every file goes to a link.
pub(crate) async fn by_links() -> Target {
    start("links", GAPS, at_links).await
}

async fn start(
    way: &str,
    gaps: &'static [(&'static str, &'static str)],
    at: fn(Moment) -> Option<Value>,
) -> Target {
    let lab = Lab::start(|_| {}).await;
    let service = lab.service(KEY);
    let users = lab.get("/inspect/users?service=aymara").await;
    let key = |text: &str| Secrets::from([("api_key".to_owned(), Secret::new(text))]);
    let mut settings = service.settings;
    settings.insert("upload".into(), way.into());
    Target {
        url: service.url,
        settings,
        colleague: key(users[1]["api_key"].as_str().unwrap()),
        secrets: key(&service.secrets["api_key"]),
        service: Arc::new(Aymara),
        enrolment: Enrolment {
            gaps,
            metadata: |_| Metadata::new(),
            place: Some(PLACE),
            absent_files: ABSENT,
            credential: "x-api-key",
            content_elsewhere,
            at,
            provoke,
        },
        lab,
    }
}

fn content_elsewhere(url: &str) -> (Value, Value) {
    let matching = json!({ "method": "GET", "path": "^/v2/files/[^/]+$", "door": "service", "service": KEY });
    let file = json!({ "file_uuid": "u", "file_url": format!("{url}/content?X-Amz-Signature=1") });
    (matching, json!({ "status": 200, "body": file }))
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
