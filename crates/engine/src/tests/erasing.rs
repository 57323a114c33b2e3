use runbay_model::TenantId;

use super::Bench;
use super::soon;
use crate::EngineSettings;
use crate::ReadError;
use crate::Recorded;
use crate::Retention;
use crate::sweep::Progress;

#[tokio::test]
async fn what_runs_is_stopped_and_its_report_writes_nothing() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    let claim = bench.claimed(execution.id).await;
    let session = execution.session.unwrap();
    let stranger = bench.engine.erase_session(&TenantId::new("stranger"), session).await;
    assert!(matches!(stranger, Err(ReadError::NotFound)), "{stranger:?}");
    assert!(!claim.cancelled.is_cancelled());

    let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
    let waiting = tokio::spawn(async move { engine.wait_for_end(&tenant, execution.id, super::DEADLINE).await });
    soon(bench.engine.erase_session(&bench.tenant, session)).await.unwrap();
    assert!(claim.cancelled.is_cancelled());
    assert_eq!(bench.complete(&claim).await, Recorded::Stale);
    assert_eq!(bench.engine.settle(&claim, None).await.unwrap(), Recorded::Stale);
    for gone in [
        bench.engine.session(&bench.tenant, session).await.err(),
        bench.engine.report(&bench.tenant, execution.id).await.err(),
        bench.engine.erase_session(&bench.tenant, session).await.err(),
    ] {
        assert!(matches!(gone, Some(ReadError::NotFound)), "{gone:?}");
    }
    // Whoever waits for it is not left waiting.
    soon(waiting).await.unwrap().ok();
}

#[tokio::test]
async fn a_queued_run_is_erased_with_its_entry() {
    let bench = Bench::new().await;
    let execution = bench.queued().await;
    bench.engine.erase_session(&bench.tenant, execution.session.unwrap()).await.unwrap();
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 0);
}

#[tokio::test]
async fn erasing_and_retention_do_not_get_in_each_others_way() {
    let none = Retention { executions: std::time::Duration::ZERO, sessions: std::time::Duration::ZERO };
    let bench = Bench::with(EngineSettings { retention: none, ..super::settings() }).await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push(bench.queued().await.session.unwrap());
        bench.complete(&bench.next().await).await;
    }
    let remover = bench.other_engine();
    let removing = tokio::spawn(async move { remover.remove_old(&mut Progress::default()).await });
    for session in &sessions {
        match bench.engine.erase_session(&bench.tenant, *session).await {
            Ok(_) | Err(ReadError::NotFound) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    soon(removing).await.unwrap().unwrap();
    for session in sessions {
        let gone = bench.engine.session(&bench.tenant, session).await;
        assert!(matches!(gone, Err(ReadError::NotFound)), "{gone:?}");
    }
}
