//! A database that is away, and transactions that collide.

use runbay_testkit::MariaDbServer;
use runbay_testkit::PostgresServer;
use runbay_testkit::TcpProxy;
use sea_orm::DbBackend;
use sea_orm::TransactionTrait;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::saves::save;
use super::*;
use crate::AcceptOneShot;
use crate::Acceptance;
use crate::DatabaseSettings;
use crate::KeyedRequest;
use crate::StoreError;

/// Five seconds, and some more for a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

async fn unavailable<T: std::fmt::Debug>(call: impl Future<Output = Result<T, StoreError>>) {
    let begin = Instant::now();
    call.await.unwrap_err();
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

async fn write(store: &Store) -> Result<(), StoreError> {
    let session = Session { id: SessionId::random(), ..session_to_be() };
    match store.write(InsertSession(session)).await {
        Ok(()) => Ok(()),
        Err(WriteError::Refused(never)) => match never {},
        Err(WriteError::Failed(error)) => Err(error),
    }
}

fn session_to_be() -> Session {
    Session {
        id: SessionId::random(),
        tenant: TenantId::default(),
        language: LanguageId::new("python"),
        sources: Sources::default(),
        status: SessionStatus::Active,
        version: 1,
        created_at: at(1),
        updated_at: at(1),
    }
}

/// Calls until the database answers again.
async fn recovered(store: &Store) {
    let recovered = async {
        while write(store).await.is_err() || store.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), recovered).await.expect("it recovers by itself");
}

/// A network that lets nothing through, with connections that stay open, and then one that closes them.
async fn a_silent_network(database: TestDatabase, port: u16) {
    let proxy = TcpProxy::start(port).await;
    let url = proxy.reroute(&database.server.as_ref().unwrap().url);
    let store = Store::open(&database.with_url(&url)).await.unwrap();
    // All connections are in use when it happens.
    let busy: JoinSet<_> = (0..16).map(|_| write_later(&store)).collect();
    busy.join_all().await.into_iter().for_each(|written| written.unwrap());
    proxy.silence();
    let silent: JoinSet<_> = (0..16).map(|_| write_later(&store)).collect();
    unavailable(store.check()).await;
    let begin = Instant::now();
    assert!(silent.join_all().await.into_iter().all(|written| written.is_err()));
    assert!(begin.elapsed() < PATIENCE);
    proxy.heal();
    recovered(&store).await;

    proxy.cut();
    unavailable(write(&store)).await;
    unavailable(store.check()).await;
    proxy.heal();
    recovered(&store).await;
}

fn write_later(store: &Store) -> impl Future<Output = Result<(), StoreError>> + Send + 'static {
    let store = store.clone();
    async move { write(&store).await }
}

macro_rules! restarts {
    ($name:ident, $server:ident) => {
        #[tokio::test]
        async fn $name() {
            let mut server = $server::start().await;
            let database = TestDatabase::of(server.database().await);
            let store = database.open().await;
            write(&store).await.unwrap();
            server.kill();
            unavailable(write(&store)).await;
            unavailable(store.check()).await;
            let begin = Instant::now();
            server.restart().await;
            recovered(&store).await;
            assert!(begin.elapsed() < Duration::from_secs(60));
            a_silent_network(database, server.port()).await;
        }
    };
}

restarts!(a_postgres_that_is_away_comes_back, PostgresServer);
restarts!(a_mariadb_that_is_away_comes_back, MariaDbServer);

/// A caller gives up while the answer to BEGIN is on its way. No save may use the connection afterwards, because it
/// would be undone with that transaction.
async fn a_transaction_that_nobody_knows_of_takes_no_save_along(database: TestDatabase, port: u16) {
    let proxy = TcpProxy::start(port).await;
    let url = proxy.reroute(&database.server.as_ref().unwrap().url);
    let store = Store::open(&DatabaseSettings { connections: 1, ..database.with_url(&url) }).await.unwrap();
    let session = session(&store).await;
    // Until then, a caller that begins a transaction waits for the connection.
    let idle = async {
        while idle_connections(&store) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, idle).await.expect("the connection comes back");
    proxy.delay(Duration::from_millis(100));
    let beginning = tokio::time::timeout(Duration::from_millis(150), store.readers().begin());
    assert!(beginning.await.is_err(), "the answer is on its way");
    proxy.heal();
    let saved = store.save_session(save(&session, "print('kept')")).await.unwrap();
    let others = database.open().await;
    assert_eq!(others.session(&session.tenant, session.id).await.unwrap(), Some(saved));
}

fn idle_connections(store: &Store) -> usize {
    match store.readers().get_database_backend() {
        DbBackend::Postgres => store.readers().get_postgres_connection_pool().num_idle(),
        _ => store.readers().get_mysql_connection_pool().num_idle(),
    }
}

#[tokio::test]
async fn a_transaction_that_postgres_alone_knows_of() {
    let server = PostgresServer::start().await;
    let database = TestDatabase::of(server.database().await);
    a_transaction_that_nobody_knows_of_takes_no_save_along(database, server.port()).await;
}

#[tokio::test]
async fn a_transaction_that_mariadb_alone_knows_of() {
    let server = MariaDbServer::start().await;
    let database = TestDatabase::of(server.database().await);
    a_transaction_that_nobody_knows_of_takes_no_save_along(database, server.port()).await;
}

/// Two processes get the same request at the same time.
async fn one_of_two_requests_with_one_key_is_new(database: TestDatabase) {
    let store = database.open().await;
    for round in 0..10_u8 {
        let keyed = KeyedRequest { scoped_key: [round; 32], request_hash: [1; 32], expires_at: at(1_000) };
        let accepting: JoinSet<_> = (0..6)
            .map(|_| {
                let store = store.clone();
                let request = AcceptOneShot {
                    tenant: TenantId::default(),
                    execution: ExecutionId::random(),
                    input: RunInput {
                        language: LanguageId::new("python"),
                        sources: Sources::default(),
                        work: Work::default(),
                    },
                    keyed: Some(keyed.clone()),
                    at: at(10),
                };
                async move { store.write(request).await.unwrap() }
            })
            .collect();
        let answers = accepting.join_all().await;
        let new: Vec<_> = answers.iter().filter(|answer| matches!(answer, Acceptance::New { .. })).collect();
        assert_eq!(new.len(), 1);
        let id = new[0].clone().into_head().id;
        assert!(answers.into_iter().all(|answer| answer.into_head().id == id));
        assert_eq!(store.queued().await.unwrap(), u64::from(round) + 1);
    }
}

/// One attempt is claimed by one of many.
async fn one_of_many_claims_wins(database: TestDatabase) {
    let store = database.open().await;
    for _ in 0..10 {
        let execution = accepted(&store, 10).await;
        let claiming: JoinSet<_> = (0..6)
            .map(|_| {
                let store = store.clone();
                let worker = WorkerId::random();
                let claim = ClaimExecution { id: execution.id, worker, queue_turn: None, lease: None, at: at(50) };
                async move { store.write(claim).await.unwrap() }
            })
            .collect();
        let claims = claiming.join_all().await;
        assert_eq!(claims.iter().flatten().count(), 1);
    }
}

/// A session is run by one of many requests.
async fn one_of_many_runs_of_a_session_is_accepted(database: TestDatabase) {
    let store = database.open().await;
    for _ in 0..10 {
        let session = session(&store).await;
        let running: JoinSet<_> = (0..6)
            .map(|_| {
                let (store, run) = (store.clone(), run(&session, 10));
                async move { store.write(run).await }
            })
            .collect();
        let answers = running.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        let busy = |answer: &Result<Acceptance, _>| {
            matches!(answer, Ok(_) | Err(WriteError::Refused(crate::AcceptRefusal::ActiveExecution { .. })))
        };
        assert!(answers.iter().all(busy), "{answers:?}");
    }
}

on_all_databases! {
    one_of_two_requests_with_one_key_is_new,
    one_of_many_claims_wins,
    one_of_many_runs_of_a_session_is_accepted,
}
