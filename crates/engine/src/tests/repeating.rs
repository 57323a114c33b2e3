use std::time::Duration;

use runbay_model::Session;
use runbay_model::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::settings;
use super::soon;
use crate::AcceptRefusal;
use crate::Acceptance;
use crate::EngineSettings;
use crate::ExecutionHead;
use crate::NoPlace;
use crate::RunRequest;
use crate::SubmitError;
use crate::Work;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn keyed(key: &str) -> RunRequest {
    RunRequest { idempotency_key: Some(key.parse().unwrap()), ..RunRequest::default() }
}

async fn submit(bench: &Bench, session: &Session, request: RunRequest) -> Result<Acceptance, SubmitError> {
    bench.engine.submit(&bench.tenant, session.id, request).await
}

async fn new(bench: &Bench, session: &Session, request: RunRequest) -> ExecutionHead {
    match submit(bench, session, request).await.unwrap() {
        Acceptance::New { head: execution, .. } => execution,
        Acceptance::Repeated(execution) => panic!("{} is not new", execution.id),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_requests_with_one_key_one_takes_effect() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let mut submitting = JoinSet::new();
    for _ in 0..20 {
        let (engine, tenant) = (bench.engine.clone(), bench.tenant.clone());
        submitting.spawn(async move { engine.submit(&tenant, session.id, keyed("k")).await.unwrap() });
    }
    let answers = soon(submitting.join_all()).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Acceptance::New { .. })).count(), 1);
    let mut ids: Vec<_> = answers.into_iter().map(|answer| answer.into_head().id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 1);
    assert_eq!(bench.next().await.execution, ids[0]);
}

#[tokio::test]
async fn what_was_accepted_is_answered_although_it_would_now_be_refused() {
    let bench = Bench::with(EngineSettings { queue_max_depth: 1, ..settings() }).await;
    let session = bench.session().await;
    let first = new(&bench, &session, keyed("k")).await;
    let other = bench.session().await;
    let error = submit(&bench, &other, keyed("k")).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoPlace(NoPlace::Full { .. })), "a key belongs to one session: {error:?}");
    let again = submit(&bench, &session, keyed("k")).await.unwrap();
    assert_eq!(again, Acceptance::Repeated(first.clone()));

    let claim = bench.next().await;
    bench.complete(&claim).await;
    bench.engine.close_session(&bench.tenant, session.id).await.unwrap();
    let bench = bench.restarted().await;
    let Acceptance::Repeated(again) = submit(&bench, &session, keyed("k")).await.unwrap() else { panic!("run twice") };
    assert_eq!((again.id, again.state), (first.id, bench.execution(first.id).await.state));
    let changed = RunRequest { work: Work { stdin: b"other".to_vec(), ..Work::default() }, ..keyed("k") };
    let error = submit(&bench, &session, changed).await.unwrap_err();
    assert!(matches!(error, SubmitError::Refused(AcceptRefusal::KeyReused)), "{error:?}");
}

#[tokio::test]
async fn a_sweep_forgets_what_is_a_day_old() {
    let bench = Bench::new().await;
    // More than one batch.
    for _ in 0..201 {
        let session = bench.session().await;
        new(&bench, &session, keyed("k")).await;
    }
    assert_eq!(bench.engine.forget_expired_keys(Timestamp::now()).await.unwrap(), 0);
    assert_eq!(bench.engine.forget_expired_keys(Timestamp::now().after(DAY)).await.unwrap(), 201);
    assert_eq!(bench.engine.forget_expired_keys(Timestamp::now().after(DAY)).await.unwrap(), 0);
}

#[tokio::test]
async fn sweeping_ends_when_it_is_stopped() {
    let bench = Bench::new().await;
    let stop = CancellationToken::new();
    let engine = bench.engine.clone();
    let sweeping = tokio::spawn({
        let stop = stop.clone();
        async move { engine.keep_swept(stop).await }
    });
    stop.cancel();
    soon(sweeping).await.unwrap();
}
