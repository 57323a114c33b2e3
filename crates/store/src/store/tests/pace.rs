use super::*;
use crate::AcceptRefusal;
use crate::CancelExecution;
use crate::WriteError;

const SECOND: i64 = 1_000_000;

const PACE: Pace = Pace { runs_per_minute: 5, cooldown: Duration::from_secs(2) };

async fn run_at(store: &Store, session: &Session, pace: Pace, micros: i64) -> Result<ExecutionHead, AcceptRefusal> {
    match store.write(AcceptRun { pace, ..run(session, micros) }).await {
        Ok(acceptance) => Ok(acceptance.into_head()),
        Err(WriteError::Refused(refusal)) => Err(refusal),
        Err(WriteError::Failed(error)) => panic!("{error}"),
    }
}

async fn end(store: &Store, execution: &ExecutionHead) {
    let tenant = execution.tenant.clone();
    store.write(CancelExecution { tenant, id: execution.id, at: execution.created_at }).await.unwrap();
}

/// Runs a session that may be run, and ends the run at once.
async fn ended_at(store: &Store, session: &Session, pace: Pace, micros: i64) {
    let execution =
        run_at(store, session, pace, micros).await.unwrap_or_else(|refusal| panic!("{micros}: {refusal:?}"));
    end(store, &execution).await;
}

fn cooldown(retry_after: Duration) -> Result<ExecutionHead, AcceptRefusal> {
    Err(AcceptRefusal::Cooldown { retry_after })
}

fn rate_limited(retry_after: Duration) -> Result<ExecutionHead, AcceptRefusal> {
    Err(AcceptRefusal::RateLimited { runs_per_minute: 5, retry_after })
}

async fn a_session_cools_down_from_the_acceptance_of_a_run(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let first = run_at(&store, &session, PACE, 0).await.unwrap();

    let active = run_at(&store, &session, PACE, SECOND).await;
    assert_eq!(active, Err(AcceptRefusal::ActiveExecution { execution: Some(first.id) }), "409 before 429");
    end(&store, &first).await;
    assert_eq!(run_at(&store, &session, PACE, SECOND).await, cooldown(Duration::from_secs(1)));
    assert_eq!(run_at(&store, &session, PACE, 2 * SECOND - 1).await, cooldown(Duration::from_micros(1)));
    let other = super::session(&store).await;
    ended_at(&store, &other, PACE, SECOND).await;
    ended_at(&store, &session, PACE, 2 * SECOND).await;
}

async fn only_accepted_runs_of_the_last_minute_count(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    for second in [0, 10, 20, 30, 40] {
        ended_at(&store, &session, PACE, second * SECOND).await;
    }
    assert_eq!(run_at(&store, &session, PACE, 41 * SECOND).await, cooldown(Duration::from_secs(1)), "before the rate");
    for _ in 0..10 {
        assert_eq!(run_at(&store, &session, PACE, 50 * SECOND).await, rate_limited(Duration::from_secs(10)));
    }
    assert_eq!(run_at(&store, &session, PACE, 60 * SECOND - 1).await, rate_limited(Duration::from_micros(1)));
    let other = super::session(&store).await;
    ended_at(&store, &other, PACE, 50 * SECOND).await;

    ended_at(&store, &session, PACE, 60 * SECOND).await;
    assert_eq!(run_at(&store, &session, PACE, 65 * SECOND).await, rate_limited(Duration::from_secs(5)));
    ended_at(&store, &session, PACE, 70 * SECOND).await;
    for second in [130, 132, 134, 136, 138] {
        ended_at(&store, &session, PACE, second * SECOND).await;
    }
    assert_eq!(run_at(&store, &session, PACE, 140 * SECOND).await, rate_limited(Duration::from_secs(50)));
}

async fn zero_is_no_limit(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let none = Pace { runs_per_minute: 0, cooldown: Duration::ZERO };
    for micros in 0..100 {
        ended_at(&store, &session, none, micros).await;
    }
}

async fn a_clock_that_is_set_back_blocks_nobody_for_long(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    ended_at(&store, &session, PACE, 3600 * SECOND).await;
    ended_at(&store, &session, PACE, 0).await;
    let second = super::session(&store).await;
    ended_at(&store, &second, PACE, SECOND).await;
    assert_eq!(run_at(&store, &second, PACE, 0).await, cooldown(Duration::from_secs(3)));
}

on_all_databases! {
    a_session_cools_down_from_the_acceptance_of_a_run,
    only_accepted_runs_of_the_last_minute_count,
    zero_is_no_limit,
    a_clock_that_is_set_back_blocks_nobody_for_long,
}
