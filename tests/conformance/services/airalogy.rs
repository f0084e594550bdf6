//! Airalogy: files known by ids, sent to a protocol that is there already.

use crate::{
    lab::Lab,
    target::{ControlCall, Enrolment, Moment, Provocation, Target},
};
use labferry_connector_airalogy::Airalogy;
use labferry_model::{Metadata, Secret, Secrets};
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "airalogy";
/// The practice lab's own.
const PLACE: &str = "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0";

const GAPS: &[(&str, &str)] = &[
    ("user", "the key tells nobody's name"),
    ("list", "nothing lists files; protocols come from the account's settings"),
    ("List", "the protocols of the account are known without asking"),
    ("names", "files are known by ids; a name may be given any number of times"),
    ("records", "records are made in the web application"),
    ("versions", "records are made in the web application"),
    ("delete", "files are kept for good"),
    ("parts", "a file is one request"),
    ("Begin", "an upload is one request"),
    ("Finish", "an upload is one request"),
    ("sending again", "a file that arrived twice is two files, and neither can be removed"),
    ("md5", "no digest is told"),
    ("ExpireLinks", "no upload goes by a link"),
    ("Quota", "none is known"),
    ("Files", "no limit is known"),
    ("NoEmptyFiles", "empty files are taken"),
    ("RequestsPerMinute", "no limit is known"),
    ("FalseYes", "the answer to an upload is the file's id; without one it is no yes"),
];

pub(crate) async fn start() -> Target {
    let lab = Lab::start(|_| {}).await;
    let service = lab.service(KEY);
    let secrets = Secrets::from([("api_key".to_owned(), Secret::new(service.secrets["api_key"].as_str()))]);
    Target {
        url: service.url,
        settings: service.settings,
        colleague: secrets.clone(),
        secrets,
        service: Arc::new(Airalogy),
        enrolment: Enrolment {
            gaps: GAPS,
            metadata: |_| Metadata::new(),
            place: Some(PLACE),
            absent_files: &[
                "airalogy.id.file.0190c7a1-1111-7222-8333-444455556666.csv",
                "airalogy.id.lab.practice_lab.project.solvents.protocol.titration.v.0.1.0/\
                 airalogy.id.file.0190c7a1-1111-7222-8333-444455556666.csv",
            ],
            credential: "airalogy-api-key",
            content_elsewhere,
            at,
            provoke,
        },
        lab,
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
