//! Faults of a database that are named in words at the start.

use std::error::Error;

use super::*;
use crate::DatabaseSettings;
use crate::OpenError;

const DEADLINE: Duration = Duration::from_secs(30);

async fn refused(settings: &DatabaseSettings) -> (Option<crate::Fault>, OpenError) {
    let error = tokio::time::timeout(DEADLINE, Store::open(settings)).await.unwrap().unwrap_err();
    let mut text = format!("{error:?} {error}");
    let mut next = error.source();
    while let Some(error) = next {
        text += &error.to_string();
        next = error.source();
    }
    assert!(!text.contains("secret"), "{text}");
    (crate::Fault::find(&error), error)
}

async fn a_login_that_is_wrong_is_told(database: TestDatabase) {
    let server = database.server.as_ref().unwrap();
    Store::open(&database.with_url(&server.guarded_url)).await.unwrap().close().await;
    let wrong = database.with_url(&server.guarded_url.replace(":secret@", ":secret2@"));
    assert_eq!(refused(&wrong).await.0, Some(crate::Fault::WrongLogin));
}

async fn an_address_that_is_wrong_is_told(database: TestDatabase) {
    let url = database.server.as_ref().unwrap().guarded_url.clone();
    let (rest, _) = url.rsplit_once('/').unwrap();
    let missing = refused(&database.with_url(&format!("{rest}/test_missing"))).await.0;
    assert_eq!(missing, Some(crate::Fault::NoSuchDatabase));
    // A port that nobody listens on: it was free a moment ago.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let scheme = url.split_once(':').unwrap().0;
    let closed = refused(&database.with_url(&format!("{scheme}://a:secret@127.0.0.1:{port}/test_1"))).await.0;
    assert_eq!(closed, Some(crate::Fault::Unreachable));
    // This server accepts connections and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let silence = refused(&database.with_url(&format!("{scheme}://a:secret@127.0.0.1:{port}/test_1"))).await.0;
    assert_eq!(silence, Some(crate::Fault::Unreachable));
}

async fn rights_that_are_missing_are_told(database: TestDatabase) {
    let reader = database.with_url(&database.server.as_ref().unwrap().reader_url.clone());
    let (fault, error) = refused(&reader).await;
    assert!(matches!(error, OpenError::Migrate { .. }), "{error:?}");
    assert_eq!(fault, Some(crate::Fault::MissingRights), "tables cannot be made");
    database.open().await.close().await;
    let (fault, error) = refused(&reader).await;
    assert!(matches!(error, OpenError::Open { .. }), "{error:?}");
    assert_eq!(fault, Some(crate::Fault::MissingRights), "rows cannot be written");
}

async fn a_copy_is_read_for_lists_alone(database: TestDatabase) {
    let server = database.server.as_ref().unwrap();
    database.open().await.close().await;
    let settings = DatabaseSettings { read_url: Some(server.reader_url.parse().unwrap()), ..database.settings.clone() };
    let store = Store::open(&settings).await.unwrap();
    let execution = accepted(&store, 10).await;
    assert_eq!(read(&store, execution.id).await.head, execution);
    let page = runbay_model::PageRequest { after: None, limit: 5 };
    let sessions = store.sessions(&TenantId::default(), page).await.unwrap();
    assert_eq!(sessions.entries.len(), 1);
    let written = store.list_readers().execute_unprepared("DELETE FROM executions").await;
    assert!(written.is_err(), "lists come through the other address");

    let other = DatabaseSettings { read_url: Some("sqlite:".parse().unwrap()), ..database.settings.clone() };
    assert!(matches!(refused(&other).await.1, OpenError::OtherKind { .. }));
    let wrong = server.guarded_url.replace(":secret@", ":secret2@");
    let wrong = DatabaseSettings { read_url: Some(wrong.parse().unwrap()), ..database.settings.clone() };
    assert_eq!(refused(&wrong).await.0, Some(crate::Fault::WrongLogin));
}

async fn a_copy_that_is_away_fails_lists_alone(database: TestDatabase) {
    let scheme = database.settings.url.to_string().split_once("://").unwrap().0.to_owned();
    let away = format!("{scheme}://a:secret@127.0.0.1:1/test_1");
    let settings = DatabaseSettings { read_url: Some(away.parse().unwrap()), ..database.settings.clone() };
    let store = Store::open(&settings).await.unwrap();
    let execution = accepted(&store, 10).await;
    assert_eq!(read(&store, execution.id).await.head, execution);
    let page = runbay_model::PageRequest { after: None, limit: 5 };
    store.sessions(&TenantId::default(), page).await.unwrap_err();
}

/// Many processes that start together do this.
async fn a_new_database_is_opened_by_many_at_once(database: TestDatabase) {
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let settings = database.settings.clone();
        opening.spawn(async move { Store::open(&settings).await.unwrap() });
    }
    for store in opening.join_all().await {
        session(&store).await;
        store.close().await;
    }
}

on_all_servers! {
    a_login_that_is_wrong_is_told,
    an_address_that_is_wrong_is_told,
    rights_that_are_missing_are_told,
    a_copy_is_read_for_lists_alone,
    a_copy_that_is_away_fails_lists_alone,
    a_new_database_is_opened_by_many_at_once,
}
