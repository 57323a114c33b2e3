use std::sync::Arc;
use std::time::Duration;

use runbay_events::EventKind;
use runbay_model::ExecutionReport;
use runbay_model::Facts;
use runbay_model::Loss;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::Reason;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_model::Verdict;
use runbay_store::CancelExecution;
use tokio::task::JoinHandle;

use super::Bench;
use super::DEADLINE;
use super::settings;
use super::soon;
use crate::CancelError;
use crate::Claim;
use crate::Engine;
use crate::EngineSettings;
use crate::ExecutionHead;
use crate::Recorded;

/// A bench on which cancellations wait for the report of the worker.
async fn patient() -> Bench {
    Bench::with(EngineSettings { stop_patience: DEADLINE, ..settings() }).await
}

fn written() -> Arc<Outcome> {
    let facts = Facts { execution_time: Some(Duration::from_millis(1_500)), ..Facts::default() };
    Arc::new(Outcome { facts, output: Output { stdout: b"so far\n".to_vec(), ..Output::default() } })
}

fn cancelling(bench: &Bench, engine: Engine, claim: &Claim) -> JoinHandle<Result<ExecutionHead, CancelError>> {
    let (tenant, id) = (bench.tenant.clone(), claim.execution);
    tokio::spawn(async move { engine.cancel(&tenant, id).await })
}

fn assert_kept(report: &ExecutionReport) {
    let summary = &report.summary;
    assert_eq!((summary.state.status(), summary.state.reason()), (Status::Cancelled, Some(Reason::Cancelled)));
    let found = (summary.facts.clone(), report.output.clone());
    assert_eq!(found, (Some(written().facts.clone()), Some(written().output.clone())));
    assert!(summary.completed_at.is_some());
}

/// Every event of an execution that has ended.
async fn events(bench: &Bench, claim: &Claim) -> Vec<EventKind> {
    let mut subscription = bench.events.subscribe(claim.execution, None).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(event) = soon(subscription.next()).await.unwrap() {
        kinds.push(event.kind);
    }
    kinds
}

#[tokio::test]
async fn what_was_written_before_a_cancellation_is_kept() {
    let bench = patient().await;
    let execution = bench.queued().await;
    let claim = bench.claimed(execution.id).await;
    let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
    let waiting = tokio::spawn(async move { engine.wait_for_end(&tenant, execution.id, DEADLINE).await });
    let cancelled = cancelling(&bench, bench.other_engine(), &claim);
    soon(claim.cancelled.cancelled()).await;
    // Its end is the last word, so until then it is running for its readers. Its session is free.
    let seen = bench.report(claim.execution).await;
    assert_eq!((seen.summary.state.status(), seen.summary.completed_at, seen.output), (Status::Running, None, None));
    let session = bench.engine.session(&bench.tenant, execution.session.unwrap()).await.unwrap();
    bench.run(&session).await.unwrap();

    assert_eq!(bench.engine.settle(&claim, Some(written())).await.unwrap(), Recorded::Accepted);
    assert_eq!(soon(cancelled).await.unwrap().unwrap().state.status(), Status::Cancelled);
    assert_kept(&bench.report(claim.execution).await);
    assert_kept(&soon(waiting).await.unwrap().unwrap());
    assert_eq!(bench.complete(&claim).await, Recorded::Stale);
    assert_eq!(bench.engine.settle(&claim, None).await.unwrap(), Recorded::Stale);
    assert_kept(&bench.report(claim.execution).await);
    let again = bench.engine.cancel(&bench.tenant, claim.execution).await;
    assert!(matches!(again, Err(CancelError::AlreadyEnded)), "{again:?}");
    let ends = |kind: &EventKind| matches!(kind, EventKind::Status { status: Status::Cancelled, .. });
    let told = events(&bench, &claim).await;
    assert_eq!(told.iter().filter(|kind| ends(kind)).count(), 1, "{told:?}");
    assert_eq!(told.last(), Some(&EventKind::Result), "{told:?}");
}

#[tokio::test]
async fn what_was_written_before_its_session_was_closed_is_kept() {
    let bench = patient().await;
    let execution = bench.queued().await;
    let claim = bench.claimed(execution.id).await;
    let (engine, tenant, session) = (bench.engine.clone(), bench.tenant.clone(), execution.session.unwrap());
    let closing = tokio::spawn(async move { engine.close_session(&tenant, session).await });
    soon(claim.cancelled.cancelled()).await;
    assert_eq!(bench.engine.settle(&claim, Some(written())).await.unwrap(), Recorded::Accepted);
    soon(closing).await.unwrap().unwrap();
    assert_kept(&bench.report(claim.execution).await);
}

#[tokio::test]
async fn whatever_its_worker_reports_it_ends_cancelled() {
    let bench = patient().await;
    for report in 0..3 {
        let claim = bench.claimed(bench.queued().await.id).await;
        let cancelled = cancelling(&bench, bench.engine.clone(), &claim);
        soon(claim.cancelled.cancelled()).await;
        let recorded = match report {
            0 => bench.engine.finish(&claim, Verdict::Completed, written()).await,
            1 => bench.engine.lose(&claim, Loss::InternalError, "a fault").await,
            _ => bench.engine.hand_back(&claim).await,
        };
        assert_eq!(recorded.unwrap(), Recorded::Accepted);
        assert_eq!(soon(cancelled).await.unwrap().unwrap().state.status(), Status::Cancelled);
        assert_eq!(bench.report(claim.execution).await.output.is_some(), report == 0);
        assert_eq!(bench.engine.queue_depth().await.unwrap(), 0, "{report}: nothing is queued again");
    }
}

#[tokio::test]
async fn a_cancellation_does_not_wait_for_ever() {
    let bench = Bench::new().await;
    let claim = bench.claimed(bench.queued().await.id).await;
    let cancelled = soon(bench.engine.cancel(&bench.tenant, claim.execution)).await.unwrap();
    assert_eq!(cancelled.state.status(), Status::Cancelled);
    assert_eq!(bench.engine.settle(&claim, Some(written())).await.unwrap(), Recorded::Stale, "it came too late");
    let row = bench.report(claim.execution).await;
    assert_eq!((row.summary.state, row.summary.facts), (cancelled.state, None));
}

/// Cancels like a process that dies right afterwards.
async fn forsaken(bench: &Bench, claim: &Claim) {
    let cancel = CancelExecution { tenant: bench.tenant.clone(), id: claim.execution, at: Timestamp::now() };
    bench.store.write(cancel).await.unwrap();
    assert_eq!(bench.report(claim.execution).await.summary.state.status(), Status::Running);
}

#[tokio::test]
async fn who_cancels_it_again_waits_as_well() {
    let bench = Bench::new().await;
    let claim = bench.claimed(bench.queued().await.id).await;
    forsaken(&bench, &claim).await;
    let cancelled = soon(bench.engine.cancel(&bench.tenant, claim.execution)).await.unwrap();
    assert_eq!(cancelled.state.status(), Status::Cancelled);
}

#[tokio::test]
async fn the_sweep_ends_what_nobody_waits_for() {
    let bench = Bench::new().await;
    let claim = bench.claimed(bench.queued().await.id).await;
    forsaken(&bench, &claim).await;
    bench.engine.settle_forsaken().await.unwrap();
    assert_eq!(bench.report(claim.execution).await.summary.state.status(), Status::Running, "its worker may report");
    let none = EngineSettings { lease: Duration::ZERO, stop_patience: Duration::ZERO, ..settings() };
    let impatient = bench.engine_with(Arc::clone(&bench.queue), Arc::clone(&bench.events), none);
    soon(async {
        // The database's clock may have to move on first.
        while bench.report(claim.execution).await.summary.state.status() == Status::Running {
            impatient.settle_forsaken().await.unwrap();
        }
    })
    .await;
    assert_eq!(bench.report(claim.execution).await.summary.state.status(), Status::Cancelled);
    assert_eq!(events(&bench, &claim).await.last(), Some(&EventKind::Result));
}

#[tokio::test]
async fn a_server_that_starts_again_ends_what_was_stopping() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let claim = bench.claimed(execution.id).await;
    forsaken(&bench, &claim).await;
    drop(claim);
    let bench = bench.restarted().await;
    assert_eq!(bench.recover().await, crate::Recovered::default());
    assert_eq!(bench.report(execution.id).await.summary.state.status(), Status::Cancelled);
}
