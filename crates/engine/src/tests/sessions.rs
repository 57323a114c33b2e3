use runbay_model::Catalog;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::Sources;
use runbay_model::TenantId;

use super::Bench;
use super::source_code;
use crate::CreateSessionError;
use crate::NewSession;
use crate::ReadError;
use crate::SaveSessionError;
use crate::SessionChange;

fn code(text: &str) -> SessionChange {
    SessionChange { code: Some(source_code(text)), ..SessionChange::default() }
}

#[tokio::test]
async fn a_session_without_language_and_code_is_a_python_template() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    assert_eq!((session.language.as_str(), session.sources.source_code()), ("python", "template of python"));
    assert_eq!((session.version, session.status), (1, SessionStatus::Active));
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), session);
}

#[tokio::test]
async fn answers_carry_the_id_of_a_language_that_was_named_by_an_alias() {
    let bench = Bench::new().await;
    let new = NewSession { language: Some("js".to_owned()), sources: Some(Sources::default()), client: None };
    let session = bench.engine.create_session(&bench.tenant, new).await.unwrap();
    assert_eq!((session.language.as_str(), session.sources.source_code()), ("javascript", ""));
}

#[tokio::test]
async fn unknown_languages_are_refused_with_the_known_ones() {
    let bench = Bench::new().await;
    let new = NewSession { language: Some("Python".to_owned()), sources: None, client: None };
    let error = bench.engine.create_session(&bench.tenant, new).await.unwrap_err();
    let CreateSessionError::UnknownLanguage(unknown) = error else { panic!("{error:?}") };
    assert_eq!((unknown.name.as_str(), unknown.known), ("Python", vec!["python".to_owned(), "javascript".to_owned()]));

    let session = bench.session().await;
    let change = SessionChange { language: Some("cobol".to_owned()), ..SessionChange::default() };
    let error = bench.engine.save_session(&bench.tenant, session.id, change).await.unwrap_err();
    assert!(matches!(error, SaveSessionError::UnknownLanguage(_)), "{error:?}");

    let bench = bench.restarted_with(Catalog::default()).await;
    let error = bench.engine.create_session(&bench.tenant, NewSession::default()).await.unwrap_err();
    assert!(matches!(error, CreateSessionError::NoLanguage), "{error:?}");
}

#[tokio::test]
async fn each_changing_save_adds_one_to_the_version() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let saved = bench.engine.save_session(&bench.tenant, session.id, code("a")).await.unwrap();
    assert_eq!((saved.version, saved.sources.source_code()), (2, "a"));
    assert!(saved.updated_at > session.updated_at);
    assert_eq!(saved.created_at, session.created_at);

    let language = SessionChange { language: Some("js".to_owned()), ..SessionChange::default() };
    let saved = bench.engine.save_session(&bench.tenant, session.id, language).await.unwrap();
    assert_eq!((saved.version, saved.language.as_str(), saved.sources.source_code()), (3, "javascript", "a"));
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), saved);
}

#[tokio::test]
async fn a_save_that_changes_nothing_writes_nothing() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    for unchanged in [
        SessionChange::default(),
        code("template of python"),
        SessionChange { language: Some("py".to_owned()), version: Some(1), ..code("template of python") },
    ] {
        assert_eq!(bench.engine.save_session(&bench.tenant, session.id, unchanged).await.unwrap(), session);
    }
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), session);
}

#[tokio::test]
async fn of_two_saves_of_one_version_one_is_refused() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let change = |text| SessionChange { version: Some(1), ..code(text) };
    let (one, other) = tokio::join!(
        bench.engine.save_session(&bench.tenant, session.id, change("one")),
        bench.engine.save_session(&bench.tenant, session.id, change("other")),
    );
    let (saved, refused) = match (one, other) {
        (Ok(saved), Err(refused)) | (Err(refused), Ok(saved)) => (saved, refused),
        both => panic!("{both:?}"),
    };
    assert!(matches!(refused, SaveSessionError::VersionConflict { current: 2 }), "{refused:?}");
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), saved);
}

#[tokio::test]
async fn a_closed_session_is_read_but_neither_saved_nor_opened_again() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let closed = bench.engine.close_session(&bench.tenant, session.id).await.unwrap();
    assert_eq!((closed.status, closed.version), (SessionStatus::Inactive, 1));
    let again = bench.engine.close_session(&bench.tenant, session.id).await.unwrap();
    assert_eq!(again, closed);
    let error = bench.engine.save_session(&bench.tenant, session.id, code("a")).await.unwrap_err();
    assert!(matches!(error, SaveSessionError::Inactive), "{error:?}");
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), closed);
}

#[tokio::test]
async fn sessions_of_other_tenants_do_not_exist() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    for (tenant, id) in [(TenantId::new("stranger"), session.id), (bench.tenant.clone(), SessionId::random())] {
        let engine = &bench.engine;
        assert!(matches!(engine.session(&tenant, id).await, Err(ReadError::NotFound)));
        assert!(matches!(engine.close_session(&tenant, id).await, Err(ReadError::NotFound)));
        assert!(matches!(engine.save_session(&tenant, id, code("a")).await, Err(SaveSessionError::NotFound)));
    }
    assert_eq!(bench.engine.session(&bench.tenant, session.id).await.unwrap(), session);
}
