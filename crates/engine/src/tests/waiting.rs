use std::time::Duration;

use runbay_model::Status;
use runbay_model::TenantId;
use tokio::task::JoinSet;

use super::Bench;
use super::DEADLINE;
use super::soon;
use crate::ReadError;

#[tokio::test]
async fn everybody_who_waits_gets_the_end() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let mut waiting = JoinSet::new();
    for _ in 0..10 {
        let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
        waiting.spawn(async move { engine.wait_for_end(&tenant, execution.id, DEADLINE).await.unwrap() });
    }
    tokio::task::yield_now().await;
    let claim = bench.next().await;
    bench.complete(&claim).await;
    let ended = bench.report(execution.id).await;
    for answer in soon(waiting.join_all()).await {
        assert_eq!(answer, ended);
    }
    let late = soon(bench.engine.wait_for_end(&bench.tenant, execution.id, DEADLINE)).await.unwrap();
    assert_eq!(late, ended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_end_is_never_missed() {
    let bench = Bench::new().await;
    for _ in 0..100 {
        let execution = bench.queued().await;
        let claim = bench.next().await;
        let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
        let waiting = tokio::spawn(async move { engine.wait_for_end(&tenant, execution.id, 10 * DEADLINE).await });
        bench.complete(&claim).await;
        assert_eq!(soon(waiting).await.unwrap().unwrap().summary.state.status(), Status::Completed);
    }
}

#[tokio::test]
async fn when_the_time_is_over_the_execution_is_answered_as_it_is() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    for patience in [Duration::ZERO, Duration::from_millis(20)] {
        let answer = soon(bench.engine.wait_for_end(&bench.tenant, execution.id, patience)).await.unwrap();
        assert_eq!((answer.summary.id, answer.summary.state), (execution.id, execution.state));
    }
}

#[tokio::test]
async fn nobody_waits_for_executions_of_others() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let answer = soon(bench.engine.wait_for_end(&TenantId::new("stranger"), execution.id, DEADLINE)).await;
    assert!(matches!(answer, Err(ReadError::NotFound)), "{answer:?}");
}

#[tokio::test]
async fn a_cancellation_is_an_end() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
    let waiting = tokio::spawn(async move { engine.wait_for_end(&tenant, execution.id, DEADLINE).await });
    tokio::task::yield_now().await;
    bench.engine.cancel(&bench.tenant, execution.id).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().summary.state.status(), Status::Cancelled);
}
