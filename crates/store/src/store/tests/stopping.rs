use runbay_model::End;

use super::*;
use crate::AcceptRefusal;
use crate::CancelExecution;
use crate::CancelRefusal;
use crate::SettleExecution;

/// Accepts, claims and cancels an execution of a session.
async fn stopping(store: &Store, session: &Session) -> (ExecutionHead, Attempt) {
    let execution = store.write(run(session, 10)).await.unwrap().into_head();
    let attempt = claimed(store, &execution).await;
    (store.write(cancel(&execution)).await.unwrap(), attempt)
}

fn cancel(execution: &ExecutionHead) -> CancelExecution {
    CancelExecution { tenant: execution.tenant.clone(), id: execution.id, at: at(55) }
}

fn settle(execution: &ExecutionHead, attempt: Attempt, outcome: Option<Outcome>) -> SettleExecution {
    SettleExecution { id: execution.id, attempt, outcome: outcome.map(Arc::new), at: at(60) }
}

/// What is kept of a report that comes too late to count: not how the program ended.
fn unexplained() -> Outcome {
    let outcome = outcome();
    Outcome { facts: Facts { message: None, exit_code: None, signal: None, ..outcome.facts }, ..outcome }
}

async fn what_is_cancelled_while_it_runs_ends_with_what_it_wrote(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let (head, attempt) = stopping(&store, &session).await;
    assert_eq!(head.state, State::Stopping { attempt });
    let seen = read(&store, head.id).await;
    assert_eq!((seen.head.state, seen.report.summary.state), (head.state, head.state));
    assert_eq!((seen.outcome(), seen.report.summary.completed_at), (None, None), "its end is still to come");
    assert_eq!(store.stopping(10).await.unwrap(), std::slice::from_ref(&head));
    // Its session is free at once, and cancelling it again changes nothing.
    let next = store.write(run(&session, 56)).await.unwrap().into_head();
    let again = store.write(cancel(&head)).await;
    assert!(matches!(again, Err(WriteError::Refused(CancelRefusal::Stopping))), "{again:?}");

    let foreign = store.write(settle(&head, Attempt(9), None)).await;
    assert!(matches!(foreign, Err(WriteError::Refused(Stale))), "{foreign:?}");
    let cancelled = State::Ended { attempt, end: End::Cancelled };
    let settled = store.write(settle(&head, attempt, Some(outcome()))).await.unwrap();
    assert_eq!((settled.state, settled.completed_at, settled.worker), (cancelled, Some(at(60)), head.worker));
    let ended = read(&store, head.id).await;
    assert_eq!((ended.report.summary.state, ended.outcome()), (cancelled, Some(unexplained())));
    assert_eq!(ended.report.summary.completed_at, Some(at(60)));
    assert_eq!(store.stopping(10).await.unwrap(), []);

    // Nothing changes it any more.
    for late in [settle(&head, attempt, None), settle(&head, attempt, Some(Outcome::default()))] {
        let late = store.write(late).await;
        assert!(matches!(late, Err(WriteError::Refused(Stale))), "{late:?}");
    }
    let late = store.write(finish(&head, attempt, Verdict::Completed, Outcome::default())).await;
    assert!(matches!(late, Err(WriteError::Refused(Stale))), "{late:?}");
    let late = store.write(cancel(&head)).await;
    assert!(matches!(late, Err(WriteError::Refused(CancelRefusal::AlreadyEnded))), "{late:?}");
    assert_eq!(read(&store, head.id).await, ended);
    let active = store.write(run(&session, 70)).await;
    let refusal = AcceptRefusal::ActiveExecution { execution: Some(next.id) };
    assert!(matches!(active, Err(WriteError::Refused(refused)) if refused == refusal));
}

async fn every_report_ends_what_is_stopping(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    for report in 0..4 {
        let (head, attempt) = stopping(&store, &session).await;
        let (id, now) = (head.id, at(60));
        let lose = LoseExecution {
            id,
            attempt,
            loss: Loss::InternalError,
            attempts_allowed: 9,
            available_at: Some(at(90)),
            at: now,
        };
        let ended = match report {
            0 => store.write(settle(&head, attempt, None)).await.unwrap(),
            1 => store.write(finish(&head, attempt, Verdict::Completed, outcome())).await.unwrap(),
            2 => store.write(lose).await.unwrap(),
            _ => store.write(HandBackExecution { id, attempt, at: now }).await.unwrap(),
        };
        assert_eq!(ended.state, State::Ended { attempt, end: End::Cancelled });
        let row = read(&store, id).await;
        assert_eq!((row.head.state, row.head.worker, row.head.available_at), (ended.state, None, None));
        assert_eq!(row.outcome(), (report == 1).then(unexplained));
    }
}

async fn only_what_was_cancelled_is_settled(database: TestDatabase) {
    let store = database.open().await;
    let (queued, running) = (accepted(&store, 10).await, accepted(&store, 10).await);
    let attempt = claimed(&store, &running).await;
    for (execution, attempt) in [(&queued, Attempt(0)), (&running, attempt)] {
        let refused = store.write(settle(execution, attempt, Some(outcome()))).await;
        assert!(matches!(refused, Err(WriteError::Refused(Stale))), "{refused:?}");
    }
    assert_eq!(store.stopping(10).await.unwrap(), []);
    let cancelled = store.write(cancel(&queued)).await.unwrap();
    assert!(cancelled.state.is_ended(), "it has no program");
    assert_eq!(read(&store, queued.id).await.outcome(), None);
}

on_all_databases! {
    what_is_cancelled_while_it_runs_ends_with_what_it_wrote,
    every_report_ends_what_is_stopping,
    only_what_was_cancelled_is_settled,
}
