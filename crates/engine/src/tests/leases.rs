use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::Reason;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_queue::Turn;
use runbay_store::ClaimExecution;

use super::Bench;
use super::as_taken;
use super::card;
use super::settings;
use super::soon;
use crate::ClaimError;
use crate::EngineSettings;
use crate::Recorded;
use crate::WorkerCard;
use crate::sweep::Steadiness;

#[tokio::test]
async fn what_a_dead_worker_ran_is_run_again_and_a_late_result_is_dropped() {
    let bench = Bench::new().await;
    let (execution, other) = (bench.queued().await, bench.queued().await);
    let taken = bench.taken().await;
    let old = bench.engine.claim(&taken, bench.worker).await.unwrap().unwrap();
    bench.reclaim().await;
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Running, "its worker lives");

    bench.kill_workers().await;
    bench.reclaim().await;
    bench.reclaim().await;
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Queued);
    soon(old.cancelled.cancelled()).await;
    assert_eq!(bench.complete(&old).await, Recorded::Stale);

    bench.revive_worker().await;
    let claims = [bench.next().await, bench.next().await];
    let retry = claims.iter().find(|claim| claim.execution == execution.id).expect("it is queued again");
    assert_eq!(retry.attempt, Attempt(2));
    assert!(claims.iter().any(|claim| claim.execution == other.id));
    assert_eq!(bench.complete(&old).await, Recorded::Stale);
    assert_eq!(bench.complete(retry).await, Recorded::Accepted);
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Completed);
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn a_retry_keeps_its_turn() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let mut taken = bench.taken().await;
    taken.turn = Turn::new(7.25).unwrap();
    let claim = bench.engine.claim(&taken, bench.worker).await.unwrap().unwrap();
    bench.engine.hand_back(&claim).await.unwrap();
    let again = bench.taken().await;
    assert_eq!((again.execution, again.turn), (execution.id, taken.turn));
}

#[tokio::test]
async fn two_sweepers_at_once_reclaim_once() {
    let bench = Bench::with(EngineSettings { attempts_allowed: 2, ..settings() }).await;
    let mut executions = Vec::new();
    for _ in 0..20 {
        executions.push(bench.queued().await);
        drop(bench.next().await);
    }
    bench.kill_workers().await;
    tokio::join!(bench.reclaim(), bench.reclaim(), bench.reclaim());
    for execution in executions {
        assert_eq!(bench.execution(execution.id).await.state.attempt(), Attempt(1));
        assert_eq!(bench.execution(execution.id).await.state.status(), Status::Queued, "not lost a second time");
    }
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 20);
}

#[tokio::test]
async fn when_the_attempts_are_used_up_the_session_is_free_again() {
    let bench = Bench::with(EngineSettings { attempts_allowed: 1, ..settings() }).await;
    let session = bench.session().await;
    let execution = bench.run(&session).await.unwrap();
    drop(bench.next().await);
    bench.kill_workers().await;
    bench.reclaim().await;
    let failed = bench.execution(execution.id).await;
    assert_eq!((failed.state.status(), failed.state.reason()), (Status::Failed, Some(Reason::WorkerLost)));
    bench.run(&session).await.expect("the session is free");
}

#[tokio::test]
async fn a_worker_whose_row_is_gone_renews_it_before_it_claims() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    bench.kill_workers().await;
    let refused = bench.engine.claim(&as_taken(execution.id), bench.worker).await;
    assert!(matches!(refused, Err(ClaimError::LeaseExpired)), "{refused:?}");
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Queued);
    bench.revive_worker().await;
    let claim = bench.claimed(execution.id).await;
    assert_eq!(claim.attempt, Attempt(1));
}

#[tokio::test]
async fn a_process_does_not_reclaim_what_it_runs_itself() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let claim = bench.next().await;
    bench.kill_workers().await;
    let expired = bench.store.expired_leases(Duration::ZERO, 100).await.unwrap();
    assert_eq!(expired.len(), 1);
    bench.engine.reclaim_all(expired).await.unwrap();
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Running);
    assert_eq!(bench.complete(&claim).await, Recorded::Accepted);
}

#[tokio::test]
async fn a_claim_that_was_never_answered_is_handed_back() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let known = bench.claimed(bench.queued().await.id).await;
    let claim =
        ClaimExecution { id: execution.id, worker: bench.worker, queue_turn: None, lease: None, at: Timestamp::now() };
    bench.store.write(claim).await.unwrap().unwrap();
    let mut lease = bench.engine.lease(&card_of(&bench));
    lease.renew().await.unwrap();
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Running, "the claim may be on its way");
    lease.renew().await.unwrap();
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Queued);
    assert_eq!(bench.execution(known.execution).await.state.status(), Status::Running);
}

#[tokio::test]
async fn nothing_is_reclaimed_before_the_workers_could_renew_their_rows() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    drop(bench.next().await);
    bench.kill_workers().await;
    let engine = bench.engine_with(bench.queue.clone(), bench.events.clone(), patient());
    let mut steadiness = Steadiness::default();
    engine.sweep_leases(&mut steadiness).await.unwrap();
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Running);
    pass(settings().lease / 2).await;
    engine.sweep_leases(&mut steadiness).await.unwrap();
    assert_eq!(bench.execution(execution.id).await.state.status(), Status::Queued);
}

fn patient() -> EngineSettings {
    EngineSettings { sweep: Duration::from_secs(60), ..settings() }
}

/// Lets time pass while nothing waits for the database.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn card_of(bench: &Bench) -> WorkerCard {
    WorkerCard { id: bench.worker, ..card() }
}
