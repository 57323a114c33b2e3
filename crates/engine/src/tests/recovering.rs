use std::collections::HashSet;

use runbay_model::Attempt;
use runbay_model::Loss;
use runbay_model::Reason;
use runbay_model::Status;
use runbay_queue::Lane;

use super::Bench;
use super::settings;
use crate::EngineSettings;
use crate::Recorded;
use crate::Recovered;

#[tokio::test]
async fn after_a_crash_everything_comes_back_once_and_in_order() {
    let bench = Bench::new().await;
    let mut accepted = Vec::new();
    for _ in 0..22 {
        accepted.push(bench.queued().await);
    }
    let claims = [bench.next().await, bench.next().await];
    let ended = bench.next().await;
    bench.complete(&ended).await;
    accepted.retain(|execution| execution.id != ended.execution);

    let bench = bench.restarted().await;
    let recovered = bench.recover().await;
    assert_eq!(recovered, Recovered { requeued: 2, lost: 0, queued: 19 });
    assert_eq!(bench.recover().await, Recovered { requeued: 0, lost: 0, queued: 21 }, "twice is as once");

    let mut seen = HashSet::new();
    for execution in &accepted {
        let claim = bench.next().await;
        assert_eq!(claim.execution, execution.id, "in the order of acceptance");
        assert!(seen.insert(claim.execution));
        let was_running = claims.iter().any(|old| old.execution == claim.execution);
        assert_eq!(claim.attempt, Attempt(if was_running { 2 } else { 1 }));
        assert_eq!(bench.complete(&claim).await, Recorded::Accepted);
    }
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
    for old in &claims {
        assert_eq!(bench.complete(old).await, Recorded::Stale, "a report of the former life");
    }
    for execution in &accepted {
        let session = bench.engine.session(&bench.tenant, execution.session.unwrap()).await.unwrap();
        bench.run(&session).await.expect("no session stays blocked");
    }
}

#[tokio::test]
async fn an_execution_that_kills_the_server_each_time_fails_in_the_end() {
    let mut bench = Bench::with(EngineSettings { attempts_allowed: 2, ..settings() }).await;
    let execution = bench.queued().await;
    for expected in [Recovered { requeued: 1, ..Recovered::default() }, Recovered { lost: 1, ..Recovered::default() }] {
        drop(bench.next().await);
        bench = bench.restarted().await;
        assert_eq!(bench.recover().await, expected);
    }
    let failed = bench.execution(execution.id).await;
    assert_eq!((failed.state.status(), failed.state.reason()), (Status::Failed, Some(Reason::WorkerLost)));
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn more_than_the_queue_may_hold_comes_back() {
    let bench = Bench::with(EngineSettings { queue_max_depth: 3, ..settings() }).await;
    for _ in 0..3 {
        bench.queued().await;
        drop(bench.next().await);
    }
    for _ in 0..3 {
        bench.queued().await;
    }
    let bench = bench.restarted().await;
    bench.recover().await;
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 6);
}

#[tokio::test]
async fn a_retry_still_waits_for_its_time_after_a_restart() {
    let long = std::time::Duration::from_secs(3_600);
    let bench = Bench::with(EngineSettings { retry_base: long, ..settings() }).await;
    let retry = bench.queued().await;
    let claim = bench.next().await;
    bench.engine.lose(&claim, Loss::InternalError, "").await.unwrap();
    let other = bench.queued().await;
    let bench = bench.restarted().await;
    bench.recover().await;
    assert_eq!(bench.popped().await, other.id, "the older one is not due");
    assert!(bench.queue.remove(retry.id, &Lane::batch(&retry.language)).await.unwrap());
}
