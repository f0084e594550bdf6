//! Every way a service takes a file, as the random suites need to know it: the account, the place, how a file is sent, and
//! what the service's API makes unavoidable.

use labferry_model::ShapeChoice;
use serde_json::{Value, json};

/// A way a service takes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    NrpWhole,
    NrpParts,
    NrpSignedParts,
    Airalogy,
    AymaraLinks,
    AymaraForm,
    ArunaWhole,
    ArunaParts,
    Kaleidoscope,
}

use Shape::{
    Airalogy, ArunaParts, ArunaWhole, AymaraForm, AymaraLinks, Kaleidoscope, NrpParts, NrpSignedParts,
    NrpWhole,
};

pub(crate) const SHAPES: [Shape; 9] = [
    NrpWhole,
    NrpParts,
    NrpSignedParts,
    Airalogy,
    AymaraLinks,
    AymaraForm,
    ArunaWhole,
    ArunaParts,
    Kaleidoscope,
];

impl Shape {
    /// The way of a round: each seed has one, so that a round can be made again by its seed alone.
    pub(crate) fn of(seed: u64) -> Self {
        SHAPES[usize::try_from(seed % SHAPES.len() as u64).unwrap()]
    }

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            NrpWhole => "NRP, whole",
            NrpParts => "NRP, parts through the API",
            NrpSignedParts => "NRP, parts by signed links",
            Airalogy => "Airalogy, form",
            AymaraLinks => "Aymara, link",
            AymaraForm => "Aymara, form",
            ArunaWhole => "Aruna, whole",
            ArunaParts => "Aruna, parts",
            Kaleidoscope => "Kaleidoscope, form",
        }
    }

    /// The service's key.
    pub(crate) fn service(self) -> &'static str {
        match self {
            NrpWhole | NrpParts | NrpSignedParts => "nrp",
            Airalogy => "airalogy",
            AymaraLinks | AymaraForm => "aymara",
            ArunaWhole | ArunaParts => "aruna",
            Kaleidoscope => "kaleidoscope",
        }
    }

    /// The account's name, where there is one for each way.
    pub(crate) fn account(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// A field of the account besides those that the lab tells.
    pub(crate) fn setting(self) -> Option<(&'static str, &'static str)> {
        match self {
            AymaraLinks => Some(("upload", "links")),
            AymaraForm => Some(("upload", "form")),
            _ => None,
        }
    }

    pub(crate) fn in_parts(self) -> bool {
        matches!(self, NrpParts | NrpSignedParts | ArunaParts)
    }

    pub(crate) fn choice(self) -> ShapeChoice {
        if self.in_parts() { ShapeChoice::Parts } else { ShapeChoice::Whole }
    }

    /// How the lab's service behaves for it. Digests are there at once: the clock of a round runs faster than the lab's.
    pub(crate) fn switches(self) -> Value {
        match self {
            NrpWhole | NrpParts | NrpSignedParts => json!({
                "storage": if self == NrpSignedParts { "signed" } else { "api" },
                "checksums": "at_once", "files_per_record": 100_000, "smallest_part": 1,
            }),
            ArunaWhole | ArunaParts => json!({ "finalisation": "at_once", "smallest_part": 1 }),
            Airalogy | AymaraLinks | AymaraForm | Kaleidoscope => json!({}),
        }
    }

    /// The requests that carry the file's bytes, as a rule of the lab matches them.
    pub(crate) fn sends(self) -> Value {
        let (method, path, door) = match self {
            NrpWhole => ("PUT", "/content$", "service"),
            NrpParts => ("PUT", "/content/[0-9]+$", "service"),
            NrpSignedParts | AymaraLinks | ArunaWhole | ArunaParts => ("PUT", ".", "storage"),
            Airalogy => ("POST", "/airalogy/upload$", "service"),
            AymaraForm => ("POST", "/v2/files/-/uploads$", "service"),
            Kaleidoscope => ("POST", "/values/file$", "service"),
        };
        json!({ "service": self.service(), "method": method, "path": path, "door": door })
    }

    /// Whether a request of the lab's log carries the file's bytes.
    pub(crate) fn is_send(self, request: &Value) -> bool {
        let sends = self.sends();
        let path = request["path"].as_str().unwrap();
        let fits = match self {
            NrpWhole => path.ends_with("/content"),
            NrpParts => path.contains("/content/"),
            Airalogy => path.ends_with("/airalogy/upload"),
            AymaraForm => path.ends_with("/-/uploads"),
            Kaleidoscope => path.ends_with("/values/file"),
            NrpSignedParts | AymaraLinks | ArunaWhole | ArunaParts => true,
        };
        fits && ["service", "method", "door"].iter().all(|field| request[field] == sends[field])
    }

    /// Whether a copy that arrived damaged, or whose answer was lost, is found by its name and cannot be told for ours.
    pub(crate) fn keeps_damaged(self) -> bool {
        matches!(self, Kaleidoscope | AymaraForm)
    }

    /// Whether bytes go to a path and not to the object that was announced, so that another object of it may get them.
    pub(crate) fn shares_bytes(self) -> bool {
        self == ArunaWhole
    }

    /// Whether files can be removed.
    pub(crate) fn removes(self) -> bool {
        !matches!(self, Airalogy | Kaleidoscope)
    }

    /// Why the API makes it unavoidable that this is left on the service after faults and kills; `None` where nothing may be:
    /// an announced file without its bytes, or a `complete` one besides the proven one.
    pub(crate) fn unavoidable(self, complete: bool) -> Option<&'static str> {
        match (self, complete) {
            (Airalogy, true) => Some("every form that arrives makes a file that nobody can list or remove"),
            (Kaleidoscope, true) => Some("every form that arrives adds a value that programs cannot remove"),
            (AymaraForm, true) => {
                Some("every form that arrives makes a file whose id is in the answer alone")
            }
            (AymaraLinks, false) => Some("an entry whose announcement got no answer: nobody knows its id"),
            (ArunaWhole | ArunaParts, false) => Some(
                "an object whose announcement got no answer: it is listed nowhere until it has its bytes",
            ),
            _ => None,
        }
    }
}
