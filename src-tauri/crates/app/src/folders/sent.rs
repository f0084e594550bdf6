//! Uploads of watched files that came to their end: the ledger learns what was proven, and what the rule wants done with
//! the file here is done.

use crate::{app::App, folders::after, wire::answers::ProblemWords};
use labferry_model::{AfterUpload, NotSent, Problem, ProblemCode, State, WatchedFile, WatchedState};
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
            let (mut files, mut unknown, mut proven) = (Vec::new(), Vec::new(), Vec::new());
            for upload in ended {
                let green = upload.arrived.as_ref().is_some_and(|arrived| arrived.green);
                match outcome(upload) {
                    None => {}
                    Some(Outcome::Unknown(key)) => unknown.push(key),
                    Some(Outcome::Known(file)) => {
                        let file = WatchedFile { changed: now, ..*file };
                        if green && file.state == WatchedState::Done {
                            proven.push(file.clone());
                        }
                        files.push(file);
                    }
                }
            }
            // Written before anything is done with the files: what is done twice finds nothing to do.
            self.shared.store.put_watched(&ledger, files).await?;
            self.shared.store.forget_watched(&ledger, &unknown).await?;
            if folder.rule.after != AfterUpload::Keep {
                for file in proven {
                    after::tidy(folder, &file).await;
                }
            }
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
        // As it was when it was sent: a source that changed on the way was sent as it came to rest.
        found.fingerprint = arrived.fingerprint.unwrap_or(found.fingerprint);
        return Some(Outcome::Known(Box::new(WatchedFile {
            found,
            state: WatchedState::Done,
            why: None,
            digests: arrived.digests,
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
