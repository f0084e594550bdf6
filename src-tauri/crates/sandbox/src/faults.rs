//! Scripted faults: rules that match requests and say what goes wrong with them.
//!
//! A rule is `{"match": {"method", "path", "nth", "service", "door"}, "times", "do": {…}}`. All of `match` is optional;
//! `path` is a regular expression over the path without the query, `nth` (from 1) skips the matches before it, counted
//! from when the rule was set. `times` is how many requests the rule then strikes: 1 unless told, 0 for all. Several
//! rules may strike one request.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::strange::Strange;

/// One rule, as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "match", default)]
    pub(crate) matching: Matching,
    #[serde(default = "once")]
    pub(crate) times: u64,
    #[serde(rename = "do")]
    pub(crate) action: Action,
}

fn once() -> u64 {
    1
}

/// Which requests a rule is about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matching {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// `service` or `storage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    door: Option<String>,
}

/// What goes wrong. Members may be combined.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Action {
    /// Answer with this status and do no work; the request's body is read first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The body that goes with `status`: text, or JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// Headers that go with `status`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, String>,
    /// Wait before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Drop the connection after this many bytes of the body on `side`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut_after: Option<u64>,
    /// Change the byte at this offset of the body on `side`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flip: Option<u64>,
    /// The side `cut_after` and `flip` are about.
    pub(crate) side: Side,
    /// Do the work, then drop the connection instead of answering.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) lose_answer: bool,
    /// Do the work, then answer in another shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Strange>,
    /// Before the work, let every signed link given out so far be expired.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) expire_links: bool,
    /// Change every MD5 and SHA-256 in a JSON answer: 32 or 64 hexadecimal digits in a row.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) wrong_digests: bool,
}

/// Which body of an exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// What the client sends.
    #[default]
    Request,
    /// What the lab answers.
    Response,
}

impl Action {
    fn does_nothing(&self) -> bool {
        self.status.is_none()
            && self.delay_ms.is_none()
            && self.cut_after.is_none()
            && self.flip.is_none()
            && !self.lose_answer
            && !self.expire_links
            && !self.wrong_digests
            && self.answer.is_none()
    }
}

/// A request, as far as rules look at it.
pub(crate) struct Asked<'a> {
    pub(crate) service: &'a str,
    pub(crate) door: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

struct Set {
    rule: Rule,
    path: Option<Regex>,
    matched: u64,
    struck: u64,
}

impl Set {
    fn new(rule: Rule) -> Result<Self, String> {
        if rule.action.does_nothing() {
            return Err("a rule's \"do\" says nothing that goes wrong".to_owned());
        }
        if rule.action.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("a rule's status is not between 200 and 599".to_owned());
        }
        let path = match &rule.matching.path {
            Some(text) => Some(Regex::new(text).map_err(|error| format!("a rule's path: {error}"))?),
            None => None,
        };
        Ok(Self { rule, path, matched: 0, struck: 0 })
    }

    fn strikes(&mut self, asked: &Asked<'_>) -> bool {
        let matching = &self.rule.matching;
        let is_meant =
            matching.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(asked.method))
                && matching.service.as_deref().is_none_or(|service| service == asked.service)
                && matching.door.as_deref().is_none_or(|door| door == asked.door)
                && self.path.as_ref().is_none_or(|path| path.is_match(asked.path));
        if !is_meant {
            return false;
        }
        self.matched += 1;
        let is_due = self.matched >= matching.nth.unwrap_or(1);
        let is_left = self.rule.times == 0 || self.struck < self.rule.times;
        self.struck += u64::from(is_due && is_left);
        is_due && is_left
    }
}

/// The rules in force.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Set>>,
}

impl Faults {
    /// Adds rules, all or none.
    pub(crate) fn add(&self, rules: Vec<Rule>) -> Result<(), String> {
        let sets = rules.into_iter().map(Set::new).collect::<Result<Vec<_>, _>>()?;
        self.lock().extend(sets);
        Ok(())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// What goes wrong with this request.
    pub(crate) fn strike(&self, asked: &Asked<'_>) -> Vec<Action> {
        let mut rules = self.lock();
        rules.iter_mut().filter_map(|set| set.strikes(asked).then(|| set.rule.action.clone())).collect()
    }

    /// The rules with how often each has struck.
    pub(crate) fn to_json(&self) -> Vec<Value> {
        let rules = self.lock();
        rules
            .iter()
            .map(|set| {
                let mut rule = serde_json::to_value(&set.rule).unwrap_or_default();
                rule["struck"] = set.struck.into();
                rule
            })
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Set>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(rules: Value) -> Faults {
        let faults = Faults::default();
        faults.add(serde_json::from_value(rules).unwrap()).unwrap();
        faults
    }

    fn put(path: &str) -> Asked<'_> {
        Asked { service: "nrp", door: "service", method: "PUT", path }
    }

    #[test]
    fn a_rule_strikes_once_unless_told() {
        let faults = faults(json!([{"match": {"path": "/content/2$"}, "do": {"status": 503}}]));
        assert!(faults.strike(&put("/api/x/content/1")).is_empty());
        assert_eq!(faults.strike(&put("/api/x/content/2"))[0].status, Some(503));
        assert!(faults.strike(&put("/api/x/content/2")).is_empty());
    }

    #[test]
    fn nth_counts_matches_and_zero_times_means_all_of_them() {
        let faults =
            faults(json!([{"match": {"method": "put", "nth": 2}, "times": 0, "do": {"delay_ms": 1}}]));
        assert!(faults.strike(&put("/a")).is_empty());
        assert_eq!(faults.strike(&put("/a")).len(), 1);
        assert_eq!(faults.strike(&put("/a")).len(), 1);
        assert_eq!(faults.to_json()[0]["struck"], 2);
    }

    #[test]
    fn a_rule_that_means_nothing_is_refused() {
        let add = |rule: Value| Faults::default().add(vec![serde_json::from_value(rule).unwrap()]);
        assert!(add(json!({"do": {}})).unwrap_err().contains("says nothing"));
        assert!(add(json!({"do": {"status": 99}})).is_err());
        assert!(add(json!({"match": {"path": "("}, "do": {"status": 500}})).is_err());
        assert!(serde_json::from_value::<Rule>(json!({"do": {"stauts": 500}})).is_err());
    }
}
