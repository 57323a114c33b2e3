use std::collections::HashSet;

use super::*;
use crate::AcceptRefusal;
use crate::CancelExecution;
use crate::KeyedRequest;
use crate::RemoveEndedExecutions;
use crate::RemoveIdleSessions;
use crate::entities::code_session;

async fn ended(store: &Store, now: i64) -> ExecutionHead {
    let execution = accepted(store, 10).await;
    let tenant = execution.tenant.clone();
    store.write(CancelExecution { tenant, id: execution.id, at: at(now) }).await.unwrap();
    execution
}

async fn the_database_has_a_clock(database: TestDatabase) {
    let store = database.open().await;
    let (before, now, after) = (Timestamp::now(), store.now().await.unwrap(), Timestamp::now());
    // SQLite's is exact to a millisecond.
    let slack = Duration::from_millis(2);
    assert!(before.before(slack) <= now && now <= after.after(slack), "{before:?} {now:?} {after:?}");
}

async fn what_ended_long_ago_is_removed_in_batches(database: TestDatabase) {
    let store = database.open().await;
    let mut old = Vec::new();
    for now in [100, 300, 200] {
        old.push(ended(&store, now).await);
    }
    let (new, queued) = (ended(&store, 400).await, accepted(&store, 10).await);
    let remove = RemoveEndedExecutions { ended_before: at(400), limit: 2 };
    for removed in [2, 1, 0] {
        assert_eq!(store.write(remove.clone()).await.unwrap(), removed);
    }
    let tenant = TenantId::default();
    for execution in &old {
        assert_eq!(store.report(&tenant, execution.id).await.unwrap(), None);
    }
    read(&store, new.id).await;
    read(&store, queued.id).await;
}

async fn sessions_that_nobody_uses_are_removed_with_all_others_left(database: TestDatabase) {
    let store = database.open().await;
    let mut idle = HashSet::new();
    for _ in 0..7 {
        idle.insert(session(&store).await.id);
    }
    let used = ended(&store, 100).await.session.unwrap();
    let touched = session(&store).await;
    let touched = store
        .save_session(crate::SaveSession {
            tenant: touched.tenant.clone(),
            id: touched.id,
            language: None,
            code: Some(runbay_model::CodeChange::Files(Sources::single("new").unwrap())),
            expected_version: None,
            at: at(100),
        })
        .await
        .unwrap()
        .id;
    let mut after = None;
    let mut removed = 0;
    for _ in 0..5 {
        let some = RemoveIdleSessions { untouched_since: at(50), after, limit: 2 };
        let some = store.write(some).await.unwrap();
        removed += some.removed;
        after = some.next;
    }
    assert_eq!((removed, after), (7, None), "nine sessions are five times two at most");
    let tenant = TenantId::default();
    for id in idle {
        assert_eq!(store.session(&tenant, id).await.unwrap(), None);
    }
    for id in [used, touched] {
        assert!(store.session(&tenant, id).await.unwrap().is_some());
    }
}

async fn a_session_that_is_run_without_a_change_is_kept(database: TestDatabase) {
    let day = |number: i64| number * 24 * 3_600 * 1_000_000;
    let store = database.open().await;
    let session = session(&store).await;
    // The second run of a day is not noted.
    for (now, noted) in [(day(1), day(1)), (day(2) - 1, day(1)), (day(2), day(2))] {
        let execution = store.write(run(&session, now)).await.unwrap().into_head();
        store.write(CancelExecution { tenant: execution.tenant, id: execution.id, at: at(now) }).await.unwrap();
        let row = code_session::Entity::find().one(store.readers()).await.unwrap().unwrap();
        assert_eq!((row.last_run_at, row.updated_at), (Some(noted), 1));
    }
    store.write(RemoveEndedExecutions { ended_before: at(day(9)), limit: 9 }).await.unwrap();
    for (untouched_since, removed) in [(day(2), 0), (day(2) + 1, 1)] {
        let remove = RemoveIdleSessions { untouched_since: at(untouched_since), after: None, limit: 2 };
        assert_eq!(store.write(remove).await.unwrap().removed, removed);
    }
}

/// A key stands for nothing when its execution is gone, long before it expires.
async fn a_key_whose_execution_was_removed_is_free(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let keyed = KeyedRequest { scoped_key: [1; 32], request_hash: [1; 32], expires_at: at(1_000) };
    let request = |now| AcceptRun { keyed: Some(keyed.clone()), ..run(&session, now) };
    let first = store.write(request(10)).await.unwrap().into_head();
    let tenant = first.tenant.clone();
    store.write(CancelExecution { tenant, id: first.id, at: at(20) }).await.unwrap();
    store.write(RemoveEndedExecutions { ended_before: at(400), limit: 2 }).await.unwrap();
    let second = store.write(request(30)).await.unwrap().into_head();
    assert_ne!(first.id, second.id);
    let active = store.write(run(&session, 40)).await;
    assert!(matches!(active, Err(WriteError::Refused(AcceptRefusal::ActiveExecution { .. }))), "{active:?}");
}

on_all_databases! {
    the_database_has_a_clock,
    what_ended_long_ago_is_removed_in_batches,
    sessions_that_nobody_uses_are_removed_with_all_others_left,
    a_session_that_is_run_without_a_change_is_kept,
    a_key_whose_execution_was_removed_is_free,
}
