use proptest::prelude::*;

use super::*;

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Completed),
        Just(Verdict::Failed(Fault::RuntimeError)),
        Just(Verdict::Failed(Fault::CompileError)),
        Just(Verdict::Failed(Fault::MemoryLimit)),
        Just(Verdict::Failed(Fault::OutputLimit)),
        Just(Verdict::Failed(Fault::ProcessLimit)),
        Just(Verdict::TimedOut(TimeLimit::WallTime)),
        Just(Verdict::TimedOut(TimeLimit::CpuTime)),
        Just(Verdict::TimedOut(TimeLimit::IdleTime)),
    ]
}

fn losses() -> impl Strategy<Value = Loss> {
    prop_oneof![Just(Loss::WorkerLost), Just(Loss::InternalError)]
}

fn attempts() -> impl Strategy<Value = Attempt> {
    (0_u32..6).prop_map(Attempt)
}

fn states() -> impl Strategy<Value = State> {
    let ends = prop_oneof![verdicts().prop_map(End::Judged), losses().prop_map(End::Lost), Just(End::Cancelled)];
    prop_oneof![
        attempts().prop_map(|previous| State::Queued { previous }),
        attempts().prop_map(|attempt| State::Running { attempt }),
        attempts().prop_map(|attempt| State::Stopping { attempt }),
        (attempts(), ends).prop_map(|(attempt, end)| State::Ended { attempt, end }),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Claim),
        Just(Event::Cancel),
        attempts().prop_map(|attempt| Event::Settle { attempt }),
        (attempts(), verdicts()).prop_map(|(attempt, verdict)| Event::Finish { attempt, verdict }),
        attempts().prop_map(|attempt| Event::HandBack { attempt }),
        (attempts(), losses(), 1_u32..5).prop_map(|(attempt, loss, attempts_allowed)| Event::Lose {
            attempt,
            loss,
            attempts_allowed
        }),
    ]
}

proptest! {
    #[test]
    fn nothing_moves_an_ended_execution(state in states(), event in events()) {
        prop_assume!(state.is_ended());
        prop_assert_eq!(next(state, event), Err(IllegalMove { state, event }));
    }

    #[test]
    fn only_the_holder_of_the_claim_is_heard(state in states(), event in events()) {
        let reported = match event {
            Event::Finish { attempt, .. } | Event::Lose { attempt, .. } | Event::HandBack { attempt } => attempt,
            Event::Claim | Event::Cancel | Event::Settle { .. } => return Ok(()),
        };
        let holds = state == State::Running { attempt: reported } || state == State::Stopping { attempt: reported };
        prop_assert_eq!(next(state, event).is_ok(), holds);
    }

    /// Whatever comes of the program, and whoever says so.
    #[test]
    fn what_is_cancelled_while_it_runs_ends_cancelled_after_one_more_move(attempt in attempts(), event in events()) {
        let stopping = next(State::Running { attempt }, Event::Cancel).unwrap();
        prop_assert_eq!((stopping.status(), stopping.is_ended()), (Status::Running, false));
        if let Ok(following) = next(stopping, event) {
            prop_assert_eq!(following, State::Ended { attempt, end: End::Cancelled });
        }
        let settle = Event::Settle { attempt };
        prop_assert!(next(stopping, settle).is_ok());
        prop_assert!(next(State::Running { attempt }, settle).is_err(), "nobody has cancelled it");
    }

    #[test]
    fn only_what_waits_can_be_claimed(state in states()) {
        match next(state, Event::Claim) {
            Ok(claimed) => {
                prop_assert_eq!(state.status(), Status::Queued);
                prop_assert_eq!(claimed, State::Running { attempt: Attempt(state.attempt().0 + 1) });
            }
            Err(_) => prop_assert_ne!(state.status(), Status::Queued),
        }
    }

    #[test]
    fn three_parts_give_back_the_state_that_made_them(state in states()) {
        prop_assume!(!matches!(state, State::Stopping { .. }));
        prop_assert_eq!(State::from_parts(state.status(), state.reason(), state.attempt()), Some(state));
    }

    /// In every history, attempts only grow, exactly one move ends an execution, and lost attempts do end it.
    #[test]
    fn every_history_is_sound(history in prop::collection::vec(events(), 0..60)) {
        let mut state = State::ACCEPTED;
        let mut endings = 0;
        for event in history {
            let Ok(following) = next(state, event) else { continue };
            prop_assert!(following.attempt() >= state.attempt());
            if let (State::Running { attempt }, Event::Lose { attempts_allowed, .. }) = (state, event) {
                prop_assert_eq!(following.is_ended(), attempt.0 >= attempts_allowed);
            }
            endings += usize::from(following.is_ended());
            state = following;
        }
        prop_assert_eq!(endings, usize::from(state.is_ended()));
    }
}

#[test]
fn words_are_those_of_the_interface() {
    let words: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(words, ["QUEUED", "RUNNING", "COMPLETED", "FAILED", "TIMEOUT", "CANCELLED"]);
    for status in Status::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    for reason in Reason::ALL {
        assert_eq!(reason.as_str().parse(), Ok(*reason));
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}

#[test]
fn parts_that_do_not_belong_together_are_no_state() {
    for (status, reason) in [
        (Status::Completed, Some(Reason::RuntimeError)),
        (Status::Failed, None),
        (Status::Failed, Some(Reason::WallTimeLimit)),
        (Status::Timeout, Some(Reason::MemoryLimit)),
        (Status::Queued, Some(Reason::Cancelled)),
    ] {
        assert_eq!(State::from_parts(status, reason, Attempt(1)), None, "{status} {reason:?}");
    }
}
