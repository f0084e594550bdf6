//! What each enrolled service is known to lack, from `known_gaps.toml`.

use serde::Deserialize;
use std::{collections::BTreeMap, sync::OnceLock};

/// One gap.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gap {
    /// The day it was found.
    pub(crate) since: toml::value::Datetime,
    /// Why the service is like that.
    pub(crate) reason: String,
}

type Services = BTreeMap<String, BTreeMap<String, Gap>>;

fn all() -> &'static Services {
    static ALL: OnceLock<Services> = OnceLock::new();
    ALL.get_or_init(|| toml::from_str(include_str!("known_gaps.toml")).unwrap())
}

/// The gap of that name, where the service is known to have it.
pub(crate) fn find(enrolled: &str, what: &str) -> Option<&'static Gap> {
    all().get(enrolled)?.get(what)
}

#[test]
fn every_gap_has_a_service_a_reason_and_a_day() {
    for (service, gaps) in all() {
        assert!(crate::ENROLLED.contains(&service.as_str()), "no service is enrolled as {service}");
        for (what, gap) in gaps {
            let day = gap.since.date.is_some() && gap.since.time.is_none();
            assert!(day && gap.reason.len() > 10, "{service}, {what}: {gap:?}");
        }
    }
}
