//! No order of events leads a transfer where it must not be.

use crate::{cases, one_of};
use labferry_model::{Algorithm, Event, Problem, ProblemCode, Proof, State, Timestamp, WaitReason, advance};

fn event(random: &mut fastrand::Rng) -> Event {
    let problem = || Problem::new(ProblemCode::ServiceFailed);
    let proof = match random.u8(0..3) {
        0 => Proof::SizeOnly,
        1 => Proof::ReadBack { algorithm: Algorithm::Sha256 },
        _ => Proof::ServerDigest { algorithm: Algorithm::Md5 },
    };
    let why = match random.u8(0..6) {
        0 => WaitReason::Turn,
        1 => WaitReason::RetryAt { at: Timestamp(random.i64(..)), problem: problem() },
        2 => WaitReason::Offline { problem: problem() },
        3 => WaitReason::SignIn { problem: problem() },
        4 => WaitReason::SourceChanged,
        _ => WaitReason::DiskLow,
    };
    let nothing = one_of(random, &[None, Some(proof.clone())]);
    one_of(
        random,
        &[
            Event::Admitted,
            Event::PlanStored,
            Event::MovingBegan,
            Event::AllPartsSent,
            Event::FinishedOnService,
            Event::Proven { proof },
            Event::NothingToDo { proof: nothing },
            Event::Held { why },
            Event::Failed { problem: problem() },
            Event::Interrupted,
            Event::PauseAsked,
            Event::ResumeAsked,
            Event::CancelAsked,
            Event::RetryAsked,
        ],
    )
}

#[test]
fn no_order_of_events_leads_to_an_illegal_state() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut done = 0;
    for case in 0..cases(3_000) {
        let mut state = State::Waiting { why: WaitReason::Turn };
        // Whether the bytes of this try went through every station that makes a proof worth something.
        let (mut sent, mut verifying) = (false, false);
        for step in 0..40 {
            let event = event(&mut random);
            let what = format!("case {case}, step {step}: {state:?} with {event:?}");
            let Ok(next) = advance(&state, event.clone()) else { continue };
            if state.is_settled() {
                assert_eq!(event, Event::RetryAsked, "{what}");
                assert!(!matches!(state, State::Done { .. } | State::Skipped { .. }), "{what}");
            }
            if !state.is_active() && next.is_active() {
                assert_eq!(next, State::Checking, "{what}: begun in the middle");
                (sent, verifying) = (false, false);
            }
            sent |= next == State::Finishing;
            if next == State::Verifying {
                assert!(sent || state == State::Checking, "{what}: verified what was not sent");
                verifying = true;
            }
            if let State::Done { proof } = &next {
                assert!(state == State::Verifying && verifying, "{what}: done without a comparison");
                assert_eq!(event, Event::Proven { proof: proof.clone() }, "{what}");
                assert_eq!(next.is_green(), proof.is_green(), "{what}");
                done += 1;
            }
            assert!(!next.is_green() || next.is_settled(), "{what}: green and not at its end");
            state = next;
        }
    }
    assert!(done > 10, "the walks get somewhere: {done}");
}
