use super::*;
use crate::AcceptRefusal;
use crate::Acceptance;
use crate::CancelExecution;
use crate::CloseSession;
use crate::ForgetExpiredKeys;
use crate::KeyedRequest;
use crate::OpenSessionOnce;
use crate::Opened;
use crate::RemoveIdleSessions;
use crate::Repetition;
use crate::SessionKeyReused;
use crate::WriteError;

const EXPIRY: i64 = 1_000;

fn keyed(key: u8, request: u8) -> KeyedRequest {
    KeyedRequest { scoped_key: [key; 32], request_hash: [request; 32], expires_at: at(EXPIRY) }
}

async fn run_keyed(
    store: &Store,
    session: &Session,
    keyed: KeyedRequest,
    now: i64,
) -> Result<Acceptance, WriteError<AcceptRefusal>> {
    store.write(AcceptRun { keyed: Some(keyed), ..run(session, now) }).await
}

async fn end(store: &Store, execution: &ExecutionHead) {
    let tenant = execution.tenant.clone();
    store.write(CancelExecution { tenant, id: execution.id, at: at(500) }).await.unwrap();
}

async fn history(store: &Store, session: &Session) -> usize {
    let page = runbay_model::PageRequest { after: None, limit: 100 };
    store.executions_of_session(&session.tenant, session.id, page).await.unwrap().entries.len()
}

async fn a_repeated_request_is_answered_with_its_execution_as_it_is_now(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let first = run_keyed(&store, &session, keyed(1, 1), 10).await.unwrap();
    let Acceptance::New { head: execution, .. } = first else { panic!("{first:?}") };
    assert_eq!(
        run_keyed(&store, &session, keyed(1, 1), 11).await.unwrap(),
        Acceptance::Repeated(execution.clone()),
        "before the check for an active execution"
    );
    end(&store, &execution).await;
    store.write(CloseSession { tenant: session.tenant.clone(), id: session.id, at: at(600) }).await.unwrap();

    let repeated = run_keyed(&store, &session, keyed(1, 1), EXPIRY - 1).await.unwrap();
    let Acceptance::Repeated(repeated) = repeated else { panic!("{repeated:?}") };
    assert_eq!((repeated.id, repeated.state.status()), (execution.id, Status::Cancelled));
    let read = store.repetition(&keyed(1, 1), at(EXPIRY - 1)).await.unwrap();
    assert_eq!(read, Some(Repetition::Same(Box::new(repeated))));
    assert_eq!(history(&store, &session).await, 1);
}

async fn a_key_stands_for_one_request(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    run_keyed(&store, &session, keyed(1, 1), 10).await.unwrap();
    let error = run_keyed(&store, &session, keyed(1, 2), 11).await.unwrap_err();
    assert!(matches!(error, WriteError::Refused(AcceptRefusal::KeyReused)), "{error:?}");
    assert_eq!(store.repetition(&keyed(1, 2), at(11)).await.unwrap(), Some(Repetition::Other));
    assert_eq!(store.repetition(&keyed(2, 1), at(11)).await.unwrap(), None);
}

async fn a_refusal_is_not_remembered(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let first = run_keyed(&store, &session, keyed(1, 1), 10).await.unwrap().into_head();
    run_keyed(&store, &session, keyed(2, 1), 11).await.unwrap_err();
    end(&store, &first).await;
    let second = run_keyed(&store, &session, keyed(2, 2), 12).await.unwrap();
    assert!(matches!(second, Acceptance::New { .. }), "{second:?}");
}

async fn an_expired_key_is_free_again(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let first = run_keyed(&store, &session, keyed(1, 1), 10).await.unwrap().into_head();
    end(&store, &first).await;
    assert_eq!(store.repetition(&keyed(1, 1), at(EXPIRY)).await.unwrap(), None);
    let renewed = KeyedRequest { expires_at: at(2 * EXPIRY), ..keyed(1, 2) };
    let second = run_keyed(&store, &session, renewed.clone(), EXPIRY).await.unwrap();
    let Acceptance::New { head: second, .. } = second else { panic!("{second:?}") };
    assert_eq!(run_keyed(&store, &session, renewed, EXPIRY).await.unwrap(), Acceptance::Repeated(second));
}

async fn expired_keys_are_forgotten_in_batches(database: TestDatabase) {
    let store = database.open().await;
    for key in 0..5 {
        let session = session(&store).await;
        let expires_at = at(EXPIRY + i64::from(key));
        run_keyed(&store, &session, KeyedRequest { expires_at, ..keyed(key, 1) }, 10).await.unwrap();
    }
    for (now, forgotten) in [(EXPIRY - 1, 0), (EXPIRY + 3, 3), (EXPIRY + 3, 1), (EXPIRY + 3, 0)] {
        assert_eq!(store.write(ForgetExpiredKeys { limit: 3, at: at(now) }).await.unwrap(), forgotten);
    }
    assert!(store.repetition(&keyed(4, 1), at(EXPIRY + 3)).await.unwrap().is_some());
}

fn opening(key: u8, request: u8, now: i64) -> OpenSessionOnce {
    let session = Session { created_at: at(now), ..new_session() };
    OpenSessionOnce { session, keyed: keyed(key, request) }
}

async fn a_session_is_opened_once_with_a_key(database: TestDatabase) {
    let store = database.open().await;
    let opened = store.write(opening(1, 1, 10)).await.unwrap();
    let Opened::New(session) = opened else { panic!("{opened:?}") };
    assert_eq!(store.write(opening(1, 1, 11)).await.unwrap(), Opened::Repeated(session.clone()));
    let read = store.repeated_session(&keyed(1, 1), at(11)).await.unwrap();
    assert_eq!(read, Some(Repetition::Same(Box::new(session.clone()))));
    let error = store.write(opening(1, 2, 12)).await.unwrap_err();
    assert!(matches!(error, WriteError::Refused(SessionKeyReused)), "{error:?}");
    assert_eq!(store.repeated_session(&keyed(1, 2), at(12)).await.unwrap(), Some(Repetition::Other));
    let other = store.write(opening(2, 1, 13)).await.unwrap();
    assert!(matches!(&other, Opened::New(other) if other.id != session.id), "{other:?}");
    let late = store.write(opening(1, 2, EXPIRY)).await.unwrap();
    assert!(matches!(&late, Opened::New(late) if late.id != session.id), "{late:?}");
}

async fn a_key_whose_session_was_removed_is_free(database: TestDatabase) {
    let store = database.open().await;
    store.write(opening(1, 1, 10)).await.unwrap();
    store.write(RemoveIdleSessions { untouched_since: at(100_000), after: None, limit: 10 }).await.unwrap();
    assert_eq!(store.repeated_session(&keyed(1, 1), at(20)).await.unwrap(), None);
    let opened = store.write(opening(1, 2, 20)).await.unwrap();
    assert!(matches!(opened, Opened::New(_)), "{opened:?}");
}

async fn of_many_that_open_with_one_key_one_does(database: TestDatabase) {
    let store = database.open().await;
    let mut opening_at_once = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let store = store.clone();
        opening_at_once.spawn(async move { store.write(opening(1, 1, 10)).await.unwrap() });
    }
    let opened = opening_at_once.join_all().await;
    let is_new = |opened: &&Opened| matches!(opened, Opened::New(_));
    assert_eq!(opened.iter().filter(is_new).count(), 1);
    let page = runbay_model::PageRequest { after: None, limit: 100 };
    assert_eq!(store.sessions(&TenantId::default(), page).await.unwrap().entries.len(), 1);
}

on_all_databases! {
    a_session_is_opened_once_with_a_key,
    a_key_whose_session_was_removed_is_free,
    of_many_that_open_with_one_key_one_does,
    a_repeated_request_is_answered_with_its_execution_as_it_is_now,
    a_key_stands_for_one_request,
    a_refusal_is_not_remembered,
    an_expired_key_is_free_again,
    expired_keys_are_forgotten_in_batches,
}
