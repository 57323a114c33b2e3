use runbay_model::Page;
use runbay_model::PageRequest;

use super::*;

async fn opened_at(store: &Store, tenant: &TenantId, micros: i64) -> SessionId {
    let id = SessionId::random();
    let session = Session {
        id,
        tenant: tenant.clone(),
        language: LanguageId::new("python"),
        sources: Sources::default(),
        status: SessionStatus::Active,
        version: 1,
        created_at: at(micros),
        updated_at: at(micros),
    };
    store.write(InsertSession(session)).await.unwrap();
    id
}

async fn every_session_is_listed_once_although_others_are_opened(database: TestDatabase) {
    let store = database.open().await;
    let (tenant, stranger) = (TenantId::default(), TenantId::new("stranger"));
    let mut expected = Vec::new();
    // Several at one time, so that only the id tells them apart.
    for number in 0..25 {
        expected.push((number / 7, opened_at(&store, &tenant, number / 7).await));
        opened_at(&store, &stranger, number / 7).await;
    }
    expected.sort_unstable_by(|one, other| other.cmp(one));

    let mut found = Vec::new();
    let mut after = None;
    loop {
        let Page { entries, last } = store.sessions(&tenant, PageRequest { after, limit: 4 }).await.unwrap();
        assert!(!entries.is_empty() && entries.len() <= 4);
        found.extend(entries.into_iter().map(|session| (session.created_at.as_micros(), session.id)));
        opened_at(&store, &tenant, 100).await;
        after = last;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
}

async fn a_listed_execution_has_everything_but_its_output(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let attempt = claimed(&store, &execution).await;
    store.write(finish(&execution, attempt, Verdict::Failed(Fault::RuntimeError), outcome())).await.unwrap();
    let session = execution.session.unwrap();
    let page = PageRequest { after: None, limit: 1 };
    let listed = store.executions_of_session(&execution.tenant, session, page).await.unwrap();
    assert_eq!(listed.last, None);
    let stored = read(&store, execution.id).await;
    let entry = &listed.entries[0];
    assert_eq!((entry.id, entry.session, &entry.language), (execution.id, execution.session, &execution.language));
    assert_eq!((entry.state, entry.completed_at), (stored.head.state, stored.head.completed_at));
    assert!(entry.queue_time().is_some());
    assert_eq!((entry, entry.facts.clone()), (&stored.report.summary, Some(outcome().facts)));

    let strangers = store.executions_of_session(&TenantId::new("stranger"), session, page).await.unwrap();
    assert_eq!(strangers.entries, []);
}

async fn only_executions_that_have_not_ended_are_active(database: TestDatabase) {
    let store = database.open().await;
    let (running, ended) = (accepted(&store, 10).await, accepted(&store, 20).await);
    let attempt = claimed(&store, &ended).await;
    store.write(finish(&ended, attempt, Verdict::Completed, outcome())).await.unwrap();
    let sessions = [running.session.unwrap(), ended.session.unwrap(), SessionId::random()];
    let active = store.active_executions(&running.tenant, &sessions).await.unwrap();
    assert_eq!(active.into_iter().collect::<Vec<_>>(), [(sessions[0], running.id)]);
    let strangers = store.active_executions(&TenantId::new("stranger"), &sessions).await.unwrap();
    assert!(strangers.is_empty());
}

on_all_databases! {
    only_executions_that_have_not_ended_are_active,
    every_session_is_listed_once_although_others_are_opened,
    a_listed_execution_has_everything_but_its_output,
}
