//! What a copy does next, decided from how its files and their transfers stand. No I/O.

use super::{BUNDLE_BYTES, BUNDLE_FILES};
use crate::rows;
use labferry_model::{CopiedFile, CopyState, CopyStep, Problem, ProblemCode, Proof, State, WaitReason};
use labferry_store::FileInHand;

/// What is done next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// What became of transfers is written down.
    Learn(Vec<CopiedFile>),
    /// These are sent on.
    Send(Vec<CopiedFile>),
    /// So many more may be fetched, with so many bytes, if there are any.
    Fetch { files: usize, bytes: u64 },
    /// Nothing before a transfer moves or a person acts.
    Rest,
}

/// What a copy in that state does next.
pub(super) fn next(state: CopyState, hand: &[FileInHand]) -> Next {
    let news: Vec<CopiedFile> = hand.iter().filter_map(learned).collect();
    if !news.is_empty() {
        return Next::Learn(news);
    }
    if state != CopyState::Working {
        return Next::Rest;
    }
    let at = |step: CopyStep| hand.iter().filter(move |hand| hand.file.step == step);
    let fetched: Vec<CopiedFile> = at(CopyStep::Fetched).map(|hand| hand.file.clone()).collect();
    if !fetched.is_empty() {
        // What comes together is sent together.
        return if at(CopyStep::Fetching).any(holds_up) { Next::Rest } else { Next::Send(fetched) };
    }
    if hand.iter().any(holds_up) || at(CopyStep::Failed).count() >= BUNDLE_FILES {
        // So many that failed are no accident: the rest waits until somebody looked at them.
        return Next::Rest;
    }
    let on_way = || hand.iter().filter(|hand| hand.file.step != CopyStep::Failed);
    let bytes: u64 = on_way().map(|hand| size(&hand.file)).fold(0, u64::saturating_add);
    let files = BUNDLE_FILES.saturating_sub(on_way().count());
    match BUNDLE_BYTES.checked_sub(bytes) {
        Some(bytes) if bytes > 0 && files > 0 => Next::Fetch { files, bytes },
        _ => Next::Rest,
    }
}

/// How many of these files go together; the first goes in any case where nothing else is on its way.
pub(super) fn bundle(files: &[CopiedFile], most: usize, room: u64) -> usize {
    let mut bytes = 0_u64;
    let fits = |file: &&CopiedFile| {
        bytes = bytes.saturating_add(size(file));
        bytes <= room
    };
    let fit = files.iter().take(most).take_while(fits).count();
    if room == BUNDLE_BYTES { fit.max(1) } else { fit }
}

/// A size that is not told counts as a bundle of its own.
fn size(file: &CopiedFile) -> u64 {
    file.size.unwrap_or(BUNDLE_BYTES)
}

/// Whether a transfer keeps others from being begun. One that is tried again later for its own sake does not: the others
/// need not wait for it.
fn holds_up(hand: &FileInHand) -> bool {
    let on_way = matches!(hand.file.step, CopyStep::Fetching | CopyStep::Sending);
    on_way && !matches!(&hand.state, Some(State::Waiting { why: WaitReason::RetryAt { .. } }))
}

/// Whether it waits for something that a person can end.
pub(super) fn is_held(hand: &FileInHand) -> bool {
    matches!(&hand.state, Some(State::Waiting { why: WaitReason::SignIn { .. } | WaitReason::DiskLow }))
        && matches!(hand.file.step, CopyStep::Fetching | CopyStep::Sending)
}

/// The file as its transfer left it, where that is news.
pub(super) fn learned(hand: &FileInHand) -> Option<CopiedFile> {
    let file = || CopiedFile { problem: None, ..hand.file.clone() };
    let fetching = hand.file.upload.is_none();
    match (hand.file.step, &hand.state) {
        (CopyStep::Fetching, state) => match state {
            None if hand.arrived.is_none() => {
                Some(CopiedFile { step: CopyStep::Waiting, download: None, ..file() })
            }
            Some(state) if !state.is_settled() => None,
            state => settled_fetch(hand, state.as_ref()),
        },
        (CopyStep::Sending, state) => match (state, &hand.arrived) {
            // Somebody cleared its row; the ledger keeps what arrived.
            (None, Some(proof)) => Some(copied(file(), Some(proof))),
            (None, None) => Some(CopiedFile { step: CopyStep::Fetched, upload: None, ..file() }),
            (Some(state), _) => settled_send(hand, state),
        },
        // A person helped its transfer on in the list of transfers.
        (CopyStep::Failed, Some(state)) if !matches!(state, State::Failed { .. } | State::Cancelled) => {
            match (fetching, state.is_settled()) {
                (true, false) => Some(CopiedFile { step: CopyStep::Fetching, ..file() }),
                (true, true) => settled_fetch(hand, Some(state)),
                (false, false) => Some(CopiedFile { step: CopyStep::Sending, ..file() }),
                (false, true) => settled_send(hand, state),
            }
        }
        _ => None,
    }
}

fn settled_fetch(hand: &FileInHand, state: Option<&State>) -> Option<CopiedFile> {
    let file = hand.file.clone();
    let proven = match state {
        Some(State::Failed { problem }) => return Some(failed(file, problem)),
        Some(State::Cancelled) => return Some(cancelled(file)),
        Some(state) => state.is_green(),
        None => hand.arrived.as_ref().is_some_and(Proof::is_green),
    };
    let Some(local) = hand.local.clone().or(file.local.clone()) else {
        return Some(CopiedFile { step: CopyStep::Waiting, download: None, problem: None, ..file });
    };
    Some(CopiedFile {
        step: CopyStep::Fetched,
        local: Some(local),
        fetched_proven: proven,
        problem: None,
        ..file
    })
}

fn settled_send(hand: &FileInHand, state: &State) -> Option<CopiedFile> {
    let file = CopiedFile { problem: None, ..hand.file.clone() };
    match state {
        State::Done { proof } | State::Skipped { proof: Some(proof) } => Some(copied(file, Some(proof))),
        State::Skipped { proof: None } => Some(CopiedFile { step: CopyStep::Skipped, ..file }),
        State::Failed { problem } => Some(failed(file, problem)),
        State::Cancelled => Some(cancelled(file)),
        _ => None,
    }
}

/// Green needs both halves: what was fetched is what the source holds, and what is at the destination is what was fetched.
fn copied(file: CopiedFile, proof: Option<&Proof>) -> CopiedFile {
    let verified = file.fetched_proven && proof.is_some_and(Proof::is_green);
    CopiedFile { step: CopyStep::Copied, verified, ..file }
}

/// A file that failed, with its problem in words.
pub(super) fn failed(file: CopiedFile, problem: &Problem) -> CopiedFile {
    let words = serde_json::to_value(rows::given_up(problem, &file.name)).ok();
    CopiedFile { step: CopyStep::Failed, problem: words, ..file }
}

fn cancelled(file: CopiedFile) -> CopiedFile {
    let problem = Problem::new(ProblemCode::InvalidRequest)
        .about(&file.name)
        .because("its transfer was cancelled, so it was not copied; try the copy again to begin anew");
    failed(file, &problem)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use labferry_model::{Algorithm, Timestamp, TransferId};

    fn file(step: CopyStep, size: Option<u64>) -> CopiedFile {
        CopiedFile {
            number: 1,
            path: "abcd-1234/a.tif".into(),
            name: "a.tif".into(),
            size,
            told: String::new(),
            step,
            local: None,
            fetched_proven: true,
            verified: false,
            download: Some(TransferId(1)),
            upload: matches!(step, CopyStep::Sending).then_some(TransferId(2)),
            problem: None,
        }
    }

    fn hand(step: CopyStep, state: Option<State>) -> FileInHand {
        FileInHand { file: file(step, Some(1)), state, local: Some("/data/a.tif".into()), arrived: None }
    }

    fn later() -> State {
        let problem = Problem::new(ProblemCode::ServiceFailed);
        State::Waiting { why: WaitReason::RetryAt { at: Timestamp(0), problem } }
    }

    fn proven() -> State {
        State::Done { proof: Proof::ServerDigest { algorithm: Algorithm::Md5 } }
    }

    #[test]
    fn a_bundle_is_bounded_and_never_empty() {
        let of = |sizes: &[Option<u64>]| {
            let files: Vec<_> = sizes.iter().map(|size| file(CopyStep::Waiting, *size)).collect();
            bundle(&files, BUNDLE_FILES, BUNDLE_BYTES)
        };
        assert_eq!(of(&[Some(BUNDLE_BYTES * 3), Some(1)]), 1);
        assert_eq!(of(&[Some(1), Some(BUNDLE_BYTES - 1), Some(1)]), 2);
        assert_eq!(of(&[None, Some(1)]), 1);
        assert_eq!(of(&[Some(0); 250]), BUNDLE_FILES);
        // Beside others a large file waits until there is room.
        assert_eq!(bundle(&[file(CopyStep::Waiting, Some(8))], 1, 7), 0);
    }

    #[test]
    fn what_came_together_is_sent_together_and_one_that_is_tried_later_holds_up_nobody() {
        let (fetched, moving) =
            (hand(CopyStep::Fetched, Some(proven())), hand(CopyStep::Fetching, Some(State::Moving)));
        assert_eq!(next(CopyState::Working, &[fetched.clone(), moving.clone()]), Next::Rest);
        let waits = hand(CopyStep::Fetching, Some(later()));
        let sent = next(CopyState::Working, &[fetched.clone(), waits.clone()]);
        assert_eq!(sent, Next::Send(vec![fetched.file.clone()]));
        assert_eq!(next(CopyState::NeedsYou, std::slice::from_ref(&fetched)), Next::Rest);
        // A paused one is somebody's wish that nothing goes on.
        let paused = hand(CopyStep::Sending, Some(State::Paused));
        assert_eq!(next(CopyState::Working, &[waits.clone(), paused]), Next::Rest);
        let more = next(CopyState::Working, std::slice::from_ref(&waits));
        assert_eq!(more, Next::Fetch { files: BUNDLE_FILES - 1, bytes: BUNDLE_BYTES - 1 });
        let failed = hand(CopyStep::Failed, Some(State::Cancelled));
        let all = Next::Fetch { files: BUNDLE_FILES, bytes: BUNDLE_BYTES };
        assert_eq!(next(CopyState::Working, std::slice::from_ref(&failed)), all);
        assert_eq!(next(CopyState::Working, &vec![failed; BUNDLE_FILES]), Next::Rest);
    }

    #[test]
    fn only_both_proofs_together_are_green() {
        let sent = learned(&hand(CopyStep::Sending, Some(proven()))).unwrap();
        assert!(sent.step == CopyStep::Copied && sent.verified);
        let mut unsure = hand(CopyStep::Sending, Some(proven()));
        unsure.file.fetched_proven = false;
        assert!(!learned(&unsure).unwrap().verified);
        let only_size = State::Done { proof: Proof::SizeOnly };
        let sent = learned(&hand(CopyStep::Sending, Some(only_size.clone()))).unwrap();
        assert!(sent.step == CopyStep::Copied && !sent.verified);
        let fetched = learned(&hand(CopyStep::Fetching, Some(only_size))).unwrap();
        assert!(fetched.step == CopyStep::Fetched && !fetched.fetched_proven);
        let left_out = learned(&hand(CopyStep::Sending, Some(State::Skipped { proof: None }))).unwrap();
        assert!(left_out.step == CopyStep::Skipped && !left_out.verified);
    }

    #[test]
    fn a_row_that_was_cleared_loses_nothing() {
        // What arrived stands in the ledger; what did not goes again.
        let mut cleared = hand(CopyStep::Sending, None);
        let again = learned(&cleared).unwrap();
        assert_eq!((again.step, again.upload), (CopyStep::Fetched, None));
        cleared.arrived = Some(Proof::ServerDigest { algorithm: Algorithm::Md5 });
        assert!(learned(&cleared).unwrap().verified);
        assert_eq!(learned(&hand(CopyStep::Fetching, None)).unwrap().step, CopyStep::Waiting);
    }

    #[test]
    fn a_failed_file_that_somebody_helped_on_goes_on() {
        let problem = Problem::new(ProblemCode::NameTaken);
        let failed = learned(&hand(CopyStep::Sending, Some(State::Failed { problem }))).unwrap();
        assert_eq!(failed.problem.unwrap()["code"], "name_taken");
        let mut helped = hand(CopyStep::Failed, Some(State::Moving));
        helped.file.upload = Some(TransferId(2));
        assert_eq!(learned(&helped).unwrap().step, CopyStep::Sending);
        helped.state = Some(proven());
        assert!(learned(&helped).unwrap().verified);
        helped.file.upload = None;
        assert_eq!(learned(&helped).unwrap().step, CopyStep::Fetched);
        assert_eq!(learned(&hand(CopyStep::Failed, Some(State::Cancelled))), None);
    }
}
