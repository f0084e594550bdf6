//! What drafts miss. A repository says so in the answer that makes or changes a draft, and need not say it again when it is
//! asked for one: it is remembered for those who look at the draft later.

use labferry_model::{Container, Metadata};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Drafts of which it is remembered.
const MOST: usize = 64;

/// What was said of each draft, and of which metadata.
#[derive(Default)]
pub(crate) struct Complaints(Mutex<BTreeMap<String, (Metadata, Vec<String>)>>);

impl Complaints {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Metadata, Vec<String>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what is said of a draft that was made or changed just now.
    pub(crate) fn keep(&self, draft: Container) -> Container {
        let mut said = self.lock();
        said.remove(&draft.path);
        if !draft.complaints.is_empty() {
            if said.len() >= MOST {
                said.pop_first();
            }
            said.insert(draft.path.clone(), (draft.metadata.clone(), draft.complaints.clone()));
        }
        draft
    }

    /// Adds what was said of a draft, as long as nobody has changed what it was said of.
    pub(crate) fn add(&self, mut draft: Container) -> Container {
        let same = |(metadata, _): &&(Metadata, Vec<String>)| *metadata == draft.metadata;
        if draft.writable
            && draft.complaints.is_empty()
            && let Some((_, complaints)) = self.lock().get(&draft.path).filter(same)
        {
            draft.complaints.clone_from(complaints);
        }
        draft
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use labferry_model::ContainerKind;
    use serde_json::json;

    fn draft(path: &str, metadata: serde_json::Value, complaints: &[&str]) -> Container {
        Container {
            path: path.to_owned(),
            title: "Run".to_owned(),
            kind: ContainerKind::Draft,
            writable: true,
            files: None,
            bytes: None,
            modified: None,
            web_page: None,
            metadata: metadata.as_object().unwrap().clone(),
            complaints: complaints.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    #[test]
    fn what_was_said_is_added_until_the_metadata_is_another() {
        let (said, metadata) = (Complaints::default(), json!({ "title": "Run" }));
        said.keep(draft("a", metadata.clone(), &["metadata.creators: Missing."]));
        assert_eq!(said.add(draft("a", metadata.clone(), &[])).complaints, ["metadata.creators: Missing."]);
        assert!(said.add(draft("b", metadata.clone(), &[])).complaints.is_empty());
        let described = json!({ "title": "Run", "creators": [{}] });
        assert!(said.add(draft("a", described.clone(), &[])).complaints.is_empty(), "changed elsewhere");
        said.keep(draft("a", metadata.clone(), &[]));
        assert!(said.add(draft("a", metadata, &[])).complaints.is_empty(), "nothing is missing any more");
    }

    #[test]
    fn no_more_drafts_are_remembered_than_somebody_works_on() {
        let said = Complaints::default();
        for number in 0..2 * MOST {
            said.keep(draft(&number.to_string(), json!({}), &["Missing."]));
        }
        assert_eq!(said.lock().len(), MOST);
    }
}
