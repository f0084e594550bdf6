//! Uploads of watched files that came to their end: the ledger learns what was proven.

use crate::{app::App, wire::answers::ProblemWords};
use labferry_model::{NotSent, Problem, ProblemCode, State, WatchedFile, WatchedState};
use labferry_store::{EndedUpload, WatchedFolder};

impl App {
    /// Brings the rule's ledger up to date with the queue, and says whether something changed. At start this is what puts
    /// in order what an earlier process left.
    pub(super) async fn learn_what_was_sent(&self, folder: &WatchedFolder) -> Result<bool, ProblemWords> {
        let ledger = folder.ledger();
        let mut changed = false;
        loop {
            let ended = self.shared.store.watched_ended(&ledger).await?;
            if ended.is_empty() {
                return Ok(changed);
            }
            changed = true;
            let now = self.shared.clock.now();
            let (mut files, mut unknown) = (Vec::new(), Vec::new());
            for upload in ended {
                match outcome(upload) {
                    None => {}
                    Some(Outcome::Unknown(key)) => unknown.push(key),
                    Some(Outcome::Known(file)) => files.push(WatchedFile { changed: now, ..*file }),
                }
            }
            self.shared.store.put_watched(&ledger, files).await?;
            self.shared.store.forget_watched(&ledger, &unknown).await?;
        }
    }
}

enum Outcome {
    Known(Box<WatchedFile>),
    /// Its upload is gone without a trace: it is looked at as a new file.
    Unknown(String),
}

fn outcome(upload: EndedUpload) -> Option<Outcome> {
    let EndedUpload { file, state, arrived } = upload;
    if let Some(arrived) = arrived
        && !matches!(state, Some(State::Failed { .. } | State::Cancelled))
    {
        let mut found = file.found.clone();
        // A file whose digest is known before its upload ended is in an archive, and that is what arrived.
        let inside = file.digests.sha256.is_some();
        let digests = if inside { file.digests.clone() } else { arrived.digests };
        if !inside {
            // As it was when it was sent: a source that changed on the way was sent as it came to rest.
            found.fingerprint = arrived.fingerprint.unwrap_or(found.fingerprint);
        }
        return Some(Outcome::Known(Box::new(WatchedFile {
            found,
            state: WatchedState::Done,
            why: None,
            digests,
            remote: Some(arrived.remote),
            verified: arrived.green.then_some(arrived.at),
            ..file
        })));
    }
    let refused = |problem| Some(NotSent::Refused { problem });
    let (state, why) = match state {
        None => return Some(Outcome::Unknown(file.found.key)),
        Some(State::Failed { problem }) => (WatchedState::Failed, refused(problem)),
        Some(State::Cancelled) => (WatchedState::Failed, Some(NotSent::GivenUp)),
        Some(State::Skipped { proof: None }) => {
            (WatchedState::Ignored, refused(Problem::new(ProblemCode::NameTaken).about(&file.found.key)))
        }
        // The same bytes were there.
        Some(State::Skipped { proof: Some(_) } | State::Done { .. }) => (WatchedState::Done, None),
        Some(_) => return None,
    };
    Some(Outcome::Known(Box::new(WatchedFile { state, why, ..file })))
}
