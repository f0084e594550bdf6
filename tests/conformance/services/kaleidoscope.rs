//! Kaleidoscope: files on a record that is there already, known by ids.

use crate::{
    lab::Lab,
    target::{ControlCall, Enrolment, Moment, Provocation, Target},
};
use labferry_connector_kaleidoscope::Kaleidoscope;
use labferry_model::{Metadata, Secret, Secrets};
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "kaleidoscope";
/// The practice lab's own.
const PLACE: &str = "records/3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f";

const GAPS: &[(&str, &str)] = &[
    ("records", "records are made by actions and need a key; nothing is published"),
    ("versions", "a field keeps all its values"),
    ("delete", "nothing can be deleted by programs"),
    ("parts", "a file is one request"),
    ("Begin", "an upload is one request"),
    ("Finish", "an upload is one request"),
    ("md5", "no digest is told"),
    ("ExpireLinks", "no upload goes by a link"),
    ("Quota", "none is known"),
    ("Files", "no limit is known"),
    ("NoEmptyFiles", "empty files are taken"),
    ("FalseYes", "a success is never taken back"),
    ("Seconds", "no link is kept"),
    ("reserved names", "no name means something of its own"),
    ("user", "a credential is nobody's name"),
];

pub(crate) async fn start() -> Target {
    let lab = Lab::start(|_| {}).await;
    let service = lab.service(KEY);
    let secret = Secret::new(service.secrets["client_secret"].as_str());
    let secrets = Secrets::from([("client_secret".to_owned(), secret)]);
    Target {
        url: service.url,
        settings: service.settings,
        colleague: secrets.clone(),
        secrets,
        service: Arc::new(Kaleidoscope),
        enrolment: Enrolment {
            gaps: GAPS,
            metadata: |_| Metadata::new(),
            place: Some(PLACE),
            absent_files: &[
                "files/f1f1f1f1-0000-4000-8000-000000000001",
                "records/3f2d6a51-7d1e-4b7a-9c55-0a1b2c3d4e5f/f1f1f1f1-0000-4000-8000-000000000001",
            ],
            credential: "x-kal-authorization",
            content_elsewhere,
            at,
            provoke,
        },
        lab,
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
