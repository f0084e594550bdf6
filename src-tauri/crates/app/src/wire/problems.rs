//! What went wrong, as front ends hear it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A problem in words: what, which file, why, and what next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProblemWords {
    /// The stable code, such as `source_missing`.
    pub code: String,
    /// `error`, `attention` or `notice`.
    pub severity: String,
    /// One sentence.
    pub message: String,
    /// What to do next, one sentence.
    pub next: String,
    /// The button that does it: `retry`, `sign_in`, `open_record`, `choose_other`, or none.
    pub button: Option<String>,
    /// The service's or system's own words, without secrets.
    pub detail: Option<String>,
    /// What the sentences are made of, for a front end that says them in another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub facts: Option<ProblemFacts>,
}

/// What the sentences about a problem are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ProblemFacts {
    /// The file, record or address, of a length for one sentence.
    pub subject: Option<String>,
    /// The cause, where it belongs into the sentence.
    pub cause: Option<String>,
    /// Whether the cause is the sentence, and not its end.
    pub cause_says_all: bool,
    /// Whether nothing goes on by itself although it usually would.
    pub given_up: bool,
    /// After a sign-in test, what failed of it: `keychain`, `address`, `tls`, `credential`, `rights` or `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub failed_part: Option<String>,
}
