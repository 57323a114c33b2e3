use super::*;
use crate::CancelExecution;
use crate::CloseSession;
use crate::EraseExecution;
use crate::EraseSession;
use crate::ErasedSome;
use crate::ExecutionNotFound;
use crate::KeyedRequest;
use crate::OpenSessionOnce;
use crate::SaveRefusal;
use crate::SaveSession;
use crate::SessionNotFound;
use crate::SettleExecution;
use crate::entities::code_session;
use crate::entities::idempotency_key;

fn erase(session: &Session, limit: u64) -> EraseSession {
    EraseSession { tenant: session.tenant.clone(), id: session.id, limit }
}

/// Opens a session under a key.
async fn opened_once(store: &Store, number: u8) -> Session {
    let session = Session { id: SessionId::random(), ..session(store).await };
    let keyed = KeyedRequest { scoped_key: [number; 32], request_hash: [1; 32], expires_at: at(1_000) };
    store.write(OpenSessionOnce { session: session.clone(), keyed }).await.unwrap();
    session
}

/// Runs a session under a key and ends the run.
async fn ended(store: &Store, session: &Session, number: u8) -> ExecutionId {
    let keyed = KeyedRequest { scoped_key: [number; 32], request_hash: [1; 32], expires_at: at(1_000) };
    let execution = store.write(AcceptRun { keyed: Some(keyed), ..run(session, 10) }).await.unwrap().into_head();
    let attempt = claimed(store, &execution).await;
    store.write(finish(&execution, attempt, Verdict::Completed, outcome())).await.unwrap();
    execution.id
}

async fn a_session_is_erased_in_batches_and_nobody_elses(database: TestDatabase) {
    let store = database.open().await;
    let (session, other) = (opened_once(&store, 7).await, opened_once(&store, 8).await);
    let mut erased = Vec::new();
    for number in 0..5 {
        erased.push(ended(&store, &session, number).await);
    }
    let kept = ended(&store, &other, 9).await;
    let stranger = EraseSession { tenant: TenantId::new("stranger"), ..erase(&session, 2) };
    let refused = store.write(stranger).await;
    assert!(matches!(refused, Err(WriteError::Refused(SessionNotFound))), "{refused:?}");

    for (executions, is_complete) in [(2, false), (2, false), (1, true)] {
        let some = store.write(erase(&session, 2)).await.unwrap();
        assert_eq!(some, ErasedSome { executions, is_complete });
    }
    let again = store.write(erase(&session, 2)).await;
    assert!(matches!(again, Err(WriteError::Refused(SessionNotFound))), "{again:?}");
    let tenant = TenantId::default();
    assert_eq!(store.session(&tenant, session.id).await.unwrap(), None);
    for id in erased {
        assert_eq!(store.report(&tenant, id).await.unwrap(), None);
        assert_eq!(store.input(&tenant, id).await.unwrap(), None);
    }
    read(&store, kept).await;
    assert!(store.session(&tenant, other.id).await.unwrap().is_some());
    let keys = idempotency_key::Entity::find().all(store.readers()).await.unwrap();
    let mut keys: Vec<_> = keys.iter().map(|key| key.scoped_key[0]).collect();
    keys.sort_unstable();
    assert_eq!(keys, [8, 9]);
}

async fn what_comes_later_writes_nothing(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let execution = store.write(run(&session, 10)).await.unwrap().into_head();
    let attempt = claimed(&store, &execution).await;
    let tenant = session.tenant.clone();
    store.write(CloseSession { tenant: tenant.clone(), id: session.id, at: at(20) }).await.unwrap();
    assert!(store.write(erase(&session, 500)).await.unwrap().is_complete);

    let outcome = Some(Arc::new(outcome()));
    let settle = SettleExecution { id: execution.id, attempt, outcome, at: at(60) };
    let late = store.write(settle).await;
    assert!(matches!(late, Err(WriteError::Refused(Stale))), "{late:?}");
    let late = store.write(finish(&execution, attempt, Verdict::Completed, Outcome::default())).await;
    assert!(matches!(late, Err(WriteError::Refused(Stale))), "{late:?}");
    let late = store.write(CancelExecution { tenant: tenant.clone(), id: execution.id, at: at(60) }).await;
    assert!(matches!(late, Err(WriteError::Refused(crate::CancelRefusal::NotFound))), "{late:?}");
    let save = SaveSession {
        tenant,
        id: session.id,
        language: None,
        code: Some(runbay_model::CodeChange::Files(Sources::single("new").unwrap())),
        expected_version: None,
        at: at(60),
    };
    let late = store.save_session(save).await;
    assert!(matches!(late, Err(WriteError::Refused(SaveRefusal::NotFound))), "{late:?}");
    let late = store.write(run(&session, 60)).await;
    assert!(matches!(late, Err(WriteError::Refused(crate::AcceptRefusal::SessionNotFound))), "{late:?}");
    assert_eq!(code_session::Entity::find().all(store.readers()).await.unwrap(), []);
    assert_eq!(execution::Entity::find().all(store.readers()).await.unwrap(), []);
}

async fn one_execution_is_erased_with_its_key(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let (erased, kept) = (ended(&store, &session, 1).await, ended(&store, &session, 2).await);
    let erase = EraseExecution { tenant: session.tenant.clone(), id: erased };
    let stranger = store.write(EraseExecution { tenant: TenantId::new("stranger"), ..erase.clone() }).await;
    assert!(matches!(stranger, Err(WriteError::Refused(ExecutionNotFound))), "{stranger:?}");
    store.write(erase.clone()).await.unwrap();
    assert_eq!(store.report(&session.tenant, erased).await.unwrap(), None);
    read(&store, kept).await;
    let keys = idempotency_key::Entity::find().all(store.readers()).await.unwrap();
    assert_eq!(keys.iter().map(|key| key.scoped_key[0]).collect::<Vec<_>>(), [2]);
    let again = store.write(erase).await;
    assert!(matches!(again, Err(WriteError::Refused(ExecutionNotFound))), "{again:?}");
}

on_all_databases! {
    one_execution_is_erased_with_its_key,
    a_session_is_erased_in_batches_and_nobody_elses,
    what_comes_later_writes_nothing,
}
