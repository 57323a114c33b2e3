use std::sync::Arc;

use runbay_events::EventKind;
use runbay_events::MemoryEventBus;
use runbay_model::ExecutionId;
use runbay_model::Reason;
use runbay_model::SessionStatus;
use runbay_model::Status;
use runbay_model::TenantId;
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::as_taken;
use super::card;
use super::settings;
use super::soon;
use crate::CancelError;
use crate::Recorded;
use crate::attempt::stop_signal::Followed;

#[tokio::test]
async fn a_queued_execution_is_cancelled_and_never_started() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let cancelled = bench.engine.cancel(&bench.tenant, execution.id).await.unwrap();
    assert_eq!((cancelled.state.status(), cancelled.state.reason()), (Status::Cancelled, Some(Reason::Cancelled)));
    let row = bench.execution(execution.id).await;
    assert!(row.completed_at.is_some() && row.facts.is_none());
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
    assert!(bench.engine.claim(&as_taken(execution.id), bench.worker).await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_runs_a_cancelled_execution_is_told_to_stop() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let other = bench.queued().await;
    let claim = bench.claimed(execution.id).await;
    let unaffected = bench.claimed(other.id).await;
    assert!(!claim.cancelled.is_cancelled());
    let cancelled = bench.engine.cancel(&bench.tenant, execution.id).await.unwrap();
    soon(claim.cancelled.cancelled()).await;
    assert!(!unaffected.cancelled.is_cancelled());
    assert_eq!(bench.complete(&claim).await, Recorded::Stale);
    let row = bench.execution(execution.id).await;
    assert_eq!((row.state, row.completed_at), (cancelled.state, cancelled.completed_at));
}

#[tokio::test]
async fn what_has_ended_or_belongs_to_others_is_not_cancelled() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    for (tenant, id) in [(TenantId::new("stranger"), execution.id), (bench.tenant.clone(), ExecutionId::random())] {
        assert!(matches!(bench.engine.cancel(&tenant, id).await, Err(CancelError::NotFound)));
    }
    let claim = bench.next().await;
    bench.complete(&claim).await;
    let ended = bench.execution(execution.id).await;
    let late = bench.engine.cancel(&bench.tenant, execution.id).await;
    assert!(matches!(late, Err(CancelError::AlreadyEnded)), "{late:?}");
    assert_eq!(bench.execution(execution.id).await, ended);
}

#[tokio::test]
async fn closing_a_session_cancels_what_is_queued_or_running() {
    let bench = Bench::new().await;
    let queued = bench.queued().await;
    let running = bench.queued().await;
    let claim = bench.claimed(running.id).await;
    for execution in [&queued, &running] {
        let closed = bench.engine.close_session(&bench.tenant, execution.session.unwrap()).await.unwrap();
        assert_eq!(closed.status, SessionStatus::Inactive);
        assert_eq!(bench.execution(execution.id).await.state.status(), Status::Cancelled);
    }
    soon(claim.cancelled.cancelled()).await;
    assert_eq!(bench.complete(&claim).await, Recorded::Stale);
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn a_cancellation_in_another_process_reaches_whoever_runs_it() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let claim = bench.claimed(execution.id).await;
    bench.other_engine().cancel(&bench.tenant, execution.id).await.unwrap();
    soon(claim.cancelled.cancelled()).await;
    assert_eq!(bench.complete(&claim).await, Recorded::Stale);
}

#[tokio::test]
async fn a_cancellation_that_the_bus_has_lost_is_found_at_the_next_renewal() {
    let bench = Bench::new().await;
    let (cancelled, kept) = (bench.queued().await, bench.queued().await);
    let deaf = bench.engine_with(Arc::clone(&bench.queue), Arc::new(MemoryEventBus::default()), settings());
    let card = card();
    let mut lease = deaf.lease(&card);
    lease.renew().await.unwrap();
    let claim = deaf.claim(&as_taken(cancelled.id), card.id).await.unwrap().unwrap();
    let unaffected = deaf.claim(&as_taken(kept.id), card.id).await.unwrap().unwrap();
    bench.engine.cancel(&bench.tenant, cancelled.id).await.unwrap();
    assert!(!claim.cancelled.is_cancelled());
    lease.renew().await.unwrap();
    assert!(claim.cancelled.is_cancelled() && !unaffected.cancelled.is_cancelled());
}

#[tokio::test]
async fn a_result_that_the_row_does_not_know_stops_nothing() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    bench.events.publish(execution.id, EventKind::Result).await.unwrap();
    let claim = bench.next().await;
    let followed = |stop| Followed { execution: execution.id, attempt: claim.attempt, worker: bench.worker, stop };
    let goes_on = CancellationToken::new();
    soon(bench.engine.follow(followed(goes_on.clone())).await).await.unwrap();
    assert!(!goes_on.is_cancelled() && !claim.cancelled.is_cancelled());

    bench.complete(&claim).await;
    let stopped = CancellationToken::new();
    soon(bench.engine.follow(followed(stopped.clone())).await).await.unwrap();
    assert!(stopped.is_cancelled());
}
