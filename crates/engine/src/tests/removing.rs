use std::time::Duration;

use runbay_model::Status;

use super::Bench;
use super::settings;
use crate::EngineSettings;
use crate::ReadError;
use crate::Retention;
use crate::sweep::Progress;

const NONE: Retention = Retention { executions: Duration::ZERO, sessions: Duration::ZERO };

#[tokio::test]
async fn what_has_ended_goes_and_what_has_not_stays_with_its_session() {
    let bench = Bench::with(EngineSettings { retention: NONE, ..settings() }).await;
    let ended = bench.queued().await;
    let claim = bench.next().await;
    bench.complete(&claim).await;
    let queued = bench.queued().await;
    bench.engine.remove_old(&mut Progress::default()).await.unwrap();
    let removed = bench.engine.report(&bench.tenant, ended.id).await;
    assert!(matches!(removed, Err(ReadError::NotFound)), "{removed:?}");
    let idle = bench.engine.session(&bench.tenant, ended.session.unwrap()).await;
    assert!(matches!(idle, Err(ReadError::NotFound)), "{idle:?}");
    assert_eq!(bench.execution(queued.id).await.state.status(), Status::Queued);
    bench.engine.session(&bench.tenant, queued.session.unwrap()).await.unwrap();
}

#[tokio::test]
async fn by_default_nothing_recent_is_removed() {
    let bench = Bench::new().await;
    let ended = bench.queued().await;
    let claim = bench.next().await;
    bench.complete(&claim).await;
    bench.engine.remove_old(&mut Progress::default()).await.unwrap();
    assert_eq!(bench.execution(ended.id).await.state.status(), Status::Completed);
    assert_eq!(bench.engine.workers().await.unwrap().len(), 1);
}
