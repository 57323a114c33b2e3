//! The use cases of several processes over real servers.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use runbay_events::RedisEventBus;
use runbay_events::RedisEventBusLimits;
use runbay_model::Attempt;
use runbay_model::LanguageId;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_queue::Lane;
use runbay_queue::Queue;
use runbay_queue::RedisQueue;
use runbay_redis::Prefix;
use runbay_redis::Redis;
use runbay_store::DatabaseSettings;
use runbay_store::Store;
use runbay_testkit::Database;
use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use runbay_testkit::RedisServer;

use super::DEADLINE;
use super::card;
use super::living_worker;
use super::settings;
use super::soon;
use super::two_languages;
use crate::Engine;
use crate::EngineParts;
use crate::EngineSettings;
use crate::NewSession;
use crate::Offer;
use crate::ReadError;
use crate::Recorded;
use crate::Retention;
use crate::RunRequest;
use crate::sweep::Progress;

/// Connects as a process of its own does.
async fn process(database: &Database, redis: &RedisServer, settings: EngineSettings) -> (Engine, Arc<dyn Queue>) {
    let directory = tempfile::tempdir().unwrap();
    let url = database.url.parse().unwrap();
    let settings_of_database = DatabaseSettings { url, connections: 4, ..DatabaseSettings::sqlite(directory.path()) };
    let store = Store::open(&settings_of_database).await.unwrap();
    let redis = Redis::open(redis.url().parse().unwrap());
    let queue: Arc<dyn Queue> = Arc::new(RedisQueue::new(redis.clone(), &Prefix::default()));
    let engine = Engine::new(EngineParts {
        store,
        queue: Arc::clone(&queue),
        events: Arc::new(RedisEventBus::new(redis, &Prefix::default(), RedisEventBusLimits::default())),
        offer: Offer::fixed(two_languages()),
        checker: None,
        programs: None,
        settings,
    });
    (engine, queue)
}

async fn work_of_a_dead_worker_is_taken_over(database: Database) {
    let redis = RedisServer::start().await;
    let tenant = TenantId::default();
    let (api, _) = process(&database, &redis, settings()).await;
    let (dying, queue) = process(&database, &redis, settings()).await;
    let (living, _) = process(&database, &redis, settings()).await;

    let request = RunRequest::default();
    let accepted = api.submit_one_shot(&tenant, request).await.unwrap().into_head();
    let waiting = {
        let (api, tenant) = (api.clone(), tenant.clone());
        tokio::spawn(async move { api.wait_for_end(&tenant, accepted.id, 10 * DEADLINE).await })
    };
    let card = card();
    let mut lease = dying.lease(&card);
    lease.renew().await.unwrap();
    let mut consumer = queue.consumer(&[Lane::batch(&LanguageId::new("python"))]);
    let taken = soon(consumer.pop()).await.unwrap();
    let old = dying.claim(&taken, card.id).await.unwrap().unwrap();
    lease.end().await.unwrap();

    let expired = api.store().expired_leases(settings().lease, 100).await.unwrap();
    let (one, other) = tokio::join!(api.reclaim_all(expired.clone()), living.reclaim_all(expired));
    one.unwrap();
    other.unwrap();
    soon(old.cancelled.cancelled()).await;
    assert_eq!(dying.finish(&old, Verdict::Completed, Arc::default()).await.unwrap(), Recorded::Stale);

    let worker = living_worker(&living).await;
    let again = soon(consumer.pop()).await.unwrap();
    assert_eq!((again.execution, again.turn), (taken.execution, taken.turn));
    let claim = living.claim(&again, worker).await.unwrap().unwrap();
    assert_eq!(claim.attempt, Attempt(2));
    living.finish(&claim, Verdict::Completed, Arc::default()).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().summary.state.status(), Status::Completed);
}

#[tokio::test]
async fn work_of_a_dead_worker_is_taken_over_on_postgres() {
    work_of_a_dead_worker_is_taken_over(PostgresServer::shared().await.database().await).await;
}

#[tokio::test]
async fn work_of_a_dead_worker_is_taken_over_on_mariadb() {
    work_of_a_dead_worker_is_taken_over(MariaDbServer::shared().await.database().await).await;
}

/// Refuses to remove more than one execution at a time, as a server does that ends a statement which takes too long.
const ONE_AT_A_TIME: &str = "\
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT count(*) FROM removed) > 1 THEN RAISE EXCEPTION 'too many'; END IF; RETURN NULL;
END $$;
CREATE TRIGGER refuse AFTER DELETE ON executions REFERENCING OLD TABLE AS removed EXECUTE FUNCTION refuse();
";

#[tokio::test]
async fn what_is_too_much_to_remove_goes_in_parts_and_keeps_nothing_else() {
    let database = PostgresServer::shared().await.database().await;
    let redis = RedisServer::start().await;
    let tenant = TenantId::default();
    let retention = Retention { executions: Duration::ZERO, sessions: Duration::ZERO };
    let (engine, _) = process(&database, &redis, EngineSettings { retention, ..settings() }).await;
    let mut ended = Vec::new();
    for _ in 0..3 {
        let execution = engine.submit_one_shot(&tenant, RunRequest::default()).await.unwrap().into_head();
        engine.cancel(&tenant, execution.id).await.unwrap();
        ended.push(execution.id);
    }
    let idle = engine.create_session(&tenant, NewSession::default()).await.unwrap();
    let client = Command::new("psql").args(["--quiet", &database.url, "--command", ONE_AT_A_TIME]).status();
    assert!(client.unwrap().success());

    let mut progress = Progress::default();
    engine.remove_old(&mut progress).await.unwrap_err();
    let found = engine.session(&tenant, idle.id).await;
    assert!(matches!(found, Err(ReadError::NotFound)), "{found:?}");
    let mut rounds = 0;
    while engine.remove_old(&mut progress).await.is_err() {
        rounds += 1;
        assert!(rounds < 20, "each round tries less");
    }
    for id in ended {
        let found = engine.report(&tenant, id).await;
        assert!(matches!(found, Err(ReadError::NotFound)), "{found:?}");
    }
}

#[tokio::test]
async fn a_cancellation_reaches_a_worker_in_another_process() {
    let database = PostgresServer::shared().await.database().await;
    let redis = RedisServer::start().await;
    let tenant = TenantId::default();
    let (api, _) = process(&database, &redis, settings()).await;
    let (worker, queue) = process(&database, &redis, settings()).await;
    let accepted = api.submit_one_shot(&tenant, RunRequest::default()).await.unwrap().into_head();
    let taken = soon(queue.consumer(&[Lane::batch(&LanguageId::new("python"))]).pop()).await.unwrap();
    let claim = worker.claim(&taken, living_worker(&worker).await).await.unwrap().unwrap();
    api.cancel(&tenant, accepted.id).await.unwrap();
    soon(claim.cancelled.cancelled()).await;
}
