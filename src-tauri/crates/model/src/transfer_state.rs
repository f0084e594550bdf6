//! Where a transfer stands and which steps are legal. `advance` is the only function that says so.

use crate::{clock::Timestamp, problem::Problem, proof::Proof};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a transfer waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum WaitReason {
    /// Its turn has not come.
    Turn,
    /// The program stopped while it was on its way; it goes on from its finished parts.
    Interrupted,
    /// It failed in a way that may pass; it is tried again at that time.
    RetryAt {
        /// When.
        at: Timestamp,
        /// What happened.
        problem: Problem,
    },
    /// The service cannot be reached. Goes on by itself as soon as it can, and costs no try.
    Offline {
        /// What was tried and how it failed.
        problem: Problem,
    },
    /// The account must be signed in to.
    SignIn {
        /// What the service said.
        problem: Problem,
    },
    /// The source changed while it was sent; it starts over once it has come to rest.
    SourceChanged,
    /// The disk is nearly full.
    DiskLow,
}

/// Where a transfer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Nothing is being done, for that reason.
    Waiting {
        /// The reason.
        #[serde(flatten)]
        why: WaitReason,
    },
    /// The source, the destination and what the service already holds are looked at.
    Checking,
    /// The plan and the service's session are stored.
    Planned,
    /// Bytes move.
    Moving,
    /// All bytes are there; the service is asked to finish.
    Finishing,
    /// Sent. The service's copy is compared with ours.
    Verifying,
    /// Finished, with what was proven.
    Done {
        /// The proof.
        proof: Proof,
    },
    /// Finished without a transfer: the same bytes were there, or the policy was to skip.
    Skipped {
        /// The proof that the same bytes were there; none when the policy was to skip.
        proof: Option<Proof>,
    },
    /// Stopped by a problem.
    Failed {
        /// The problem.
        problem: Problem,
    },
    /// Stopped by a person; goes on when told to.
    Paused,
    /// Given up by a person.
    Cancelled,
}

impl State {
    /// The name used in answers and in the database.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Checking => "checking",
            Self::Planned => "planned",
            Self::Moving => "moving",
            Self::Finishing => "finishing",
            Self::Verifying => "verifying",
            Self::Done { .. } => "done",
            Self::Skipped { .. } => "skipped",
            Self::Failed { .. } => "failed",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether a worker has it in hand.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Checking | Self::Planned | Self::Moving | Self::Finishing | Self::Verifying)
    }

    /// Whether it came to its end; only `Retry` leads out.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Skipped { .. } | Self::Failed { .. } | Self::Cancelled)
    }

    /// The problem a person should read, if there is one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Failed { problem }
            | Self::Waiting {
                why:
                    WaitReason::RetryAt { problem, .. }
                    | WaitReason::SignIn { problem }
                    | WaitReason::Offline { problem },
            } => Some(problem),
            _ => None,
        }
    }

    /// Whether the bytes were proven to be the same.
    #[must_use]
    pub fn is_green(&self) -> bool {
        match self {
            Self::Done { proof } | Self::Skipped { proof: Some(proof) } => proof.is_green(),
            _ => false,
        }
    }
}

/// What happened to a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The scheduler gave it a place.
    Admitted,
    /// Plan and session are stored.
    PlanStored,
    /// The first part may go.
    MovingBegan,
    /// Every part has its receipt.
    AllPartsSent,
    /// The service says the file is complete, now or already before we asked.
    FinishedOnService,
    /// The comparison ended well.
    Proven {
        /// What it showed.
        proof: Proof,
    },
    /// There is nothing to move.
    NothingToDo {
        /// The proof that the same bytes were there.
        proof: Option<Proof>,
    },
    /// It cannot go on now.
    Held {
        /// The reason.
        why: WaitReason,
    },
    /// It cannot go on.
    Failed {
        /// The problem.
        problem: Problem,
    },
    /// The process that worked on it is gone.
    Interrupted,
    /// A person paused it.
    PauseAsked,
    /// A person let it go on.
    ResumeAsked,
    /// A person gave it up.
    CancelAsked,
    /// A person wants it tried again.
    RetryAsked,
}

/// An event that makes no sense in that state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a transfer that is {state} cannot take \"{event}\"")]
pub struct Illegal {
    /// The state's name.
    pub state: &'static str,
    /// The event.
    pub event: String,
}

/// The next state after `event`, or why there is none. Pure: same input, same answer.
///
/// # Errors
/// [`Illegal`] when the event makes no sense in that state; the state is then unchanged.
pub fn advance(state: &State, event: Event) -> Result<State, Illegal> {
    use State as S;
    let turn = || S::Waiting { why: WaitReason::Turn };
    let live = !state.is_settled();
    let next = match (state, event) {
        (S::Waiting { .. }, Event::Admitted) => S::Checking,
        (S::Checking, Event::PlanStored) => S::Planned,
        (S::Planned, Event::MovingBegan) => S::Moving,
        (S::Moving, Event::AllPartsSent) => S::Finishing,
        (S::Finishing | S::Checking, Event::FinishedOnService) => S::Verifying,
        (S::Verifying, Event::Proven { proof }) => S::Done { proof },
        (S::Checking, Event::NothingToDo { proof }) => S::Skipped { proof },
        (s, Event::Held { why }) if s.is_active() || matches!(s, S::Waiting { .. }) => S::Waiting { why },
        (s, Event::Failed { problem }) if s.is_active() || matches!(s, S::Waiting { .. }) => {
            S::Failed { problem }
        }
        (s, Event::Interrupted) if s.is_active() => S::Waiting { why: WaitReason::Interrupted },
        (S::Paused, Event::PauseAsked) => S::Paused,
        (_, Event::PauseAsked) if live => S::Paused,
        (S::Paused, Event::ResumeAsked) => turn(),
        (S::Waiting { .. }, Event::ResumeAsked | Event::RetryAsked) => turn(),
        (S::Failed { .. } | S::Cancelled, Event::RetryAsked) => turn(),
        (_, Event::CancelAsked) if live => S::Cancelled,
        (s, event) => {
            let event = serde_json::to_value(&event)
                .ok()
                .and_then(|value| value.get("event")?.as_str().map(str::to_owned))
                .unwrap_or_default();
            return Err(Illegal { state: s.name(), event });
        }
    };
    Ok(next)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{digest::Algorithm, problem::ProblemCode};

    fn proof() -> Proof {
        Proof::ServerDigest { algorithm: Algorithm::Md5 }
    }

    fn states() -> Vec<State> {
        vec![
            State::Waiting { why: WaitReason::Turn },
            State::Checking,
            State::Planned,
            State::Moving,
            State::Finishing,
            State::Verifying,
            State::Done { proof: proof() },
            State::Skipped { proof: None },
            State::Failed { problem: Problem::new(ProblemCode::ServiceFailed) },
            State::Paused,
            State::Cancelled,
        ]
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Admitted,
            Event::PlanStored,
            Event::MovingBegan,
            Event::AllPartsSent,
            Event::FinishedOnService,
            Event::Proven { proof: proof() },
            Event::NothingToDo { proof: None },
            Event::Held { why: WaitReason::Offline { problem: Problem::new(ProblemCode::Unreachable) } },
            Event::Failed { problem: Problem::new(ProblemCode::ServiceFailed) },
            Event::Interrupted,
            Event::PauseAsked,
            Event::ResumeAsked,
            Event::CancelAsked,
            Event::RetryAsked,
        ]
    }

    #[test]
    fn the_straight_way_ends_in_done() {
        let steps = [
            Event::Admitted,
            Event::PlanStored,
            Event::MovingBegan,
            Event::AllPartsSent,
            Event::FinishedOnService,
            Event::Proven { proof: proof() },
        ];
        let end = steps
            .into_iter()
            .fold(State::Waiting { why: WaitReason::Turn }, |state, event| advance(&state, event).unwrap());
        assert_eq!(end, State::Done { proof: proof() });
    }

    #[test]
    fn done_is_reached_from_verifying_and_nowhere_else() {
        for state in states() {
            for event in events() {
                if let Ok(State::Done { .. }) = advance(&state, event) {
                    assert_eq!(state, State::Verifying);
                }
            }
        }
    }

    #[test]
    fn a_settled_transfer_only_takes_a_retry() {
        for state in states().into_iter().filter(State::is_settled) {
            for event in events() {
                let legal = advance(&state, event.clone()).is_ok();
                let allowed =
                    event == Event::RetryAsked && matches!(state, State::Failed { .. } | State::Cancelled);
                assert_eq!(legal, allowed, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn every_live_state_can_be_paused_and_cancelled() {
        for state in states().into_iter().filter(|state| !state.is_settled()) {
            assert_eq!(advance(&state, Event::PauseAsked), Ok(State::Paused));
            assert_eq!(advance(&state, Event::CancelAsked), Ok(State::Cancelled));
        }
    }

    #[test]
    fn a_state_survives_being_written_down() {
        for state in states() {
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state, "{text}");
        }
    }
}
