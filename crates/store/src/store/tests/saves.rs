use runbay_model::CodeChange;
use runbay_model::SourceCode;
use tokio::task::JoinSet;

use super::*;
use crate::CloseSession;
use crate::SaveRefusal;
use crate::SaveSession;

pub(super) fn save(session: &Session, code: &str) -> SaveSession {
    SaveSession {
        tenant: session.tenant.clone(),
        id: session.id,
        language: None,
        code: Some(CodeChange::SourceCode(SourceCode::new(code).unwrap())),
        expected_version: None,
        at: at(20),
    }
}

/// Those that wait for each other are written together; each counts and has an answer of its own.
async fn saves_of_one_session_each_count(place: Place) {
    let store = place.open().await;
    let session = session(&store).await;
    let mut saving = JoinSet::new();
    for number in 0..50 {
        let (store, save) = (store.clone(), save(&session, &format!("print({number})")));
        saving.spawn(async move { store.save_session(save).await.unwrap() });
    }
    let mut saved = saving.join_all().await;
    saved.sort_by_key(|session| session.version);
    assert_eq!(saved.iter().map(|session| session.version).collect::<Vec<_>>(), (2..52).collect::<Vec<_>>());
    let newest = store.session(&session.tenant, session.id).await.unwrap();
    assert_eq!(newest.as_ref(), saved.last());
    let unchanged = store.save_session(save(&session, newest.unwrap().sources.source_code())).await.unwrap();
    assert_eq!(unchanged.version, 51);
}

/// As from several processes, which know nothing of each other's saves.
async fn saves_by_several_stores_are_not_lost(place: Place) {
    let store = place.open().await;
    let session = session(&store).await;
    let mut saving = JoinSet::new();
    for writer in 0..4 {
        let store = Store { waiting_saves: WaitingSaves::default(), ..store.clone() };
        let session = session.clone();
        saving.spawn(async move {
            for number in 0..10 {
                store.save_session(save(&session, &format!("print({writer}, {number})"))).await.unwrap();
            }
        });
    }
    saving.join_all().await;
    assert_eq!(store.session(&session.tenant, session.id).await.unwrap().unwrap().version, 41);
}

async fn a_save_that_is_refused_changes_nothing(place: Place) {
    let store = place.open().await;
    let session = session(&store).await;
    let refused = async |save: SaveSession| match store.save_session(save).await {
        Err(WriteError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let stale = SaveSession { expected_version: Some(7), ..save(&session, "x") };
    assert_eq!(refused(stale).await, SaveRefusal::VersionConflict { current: 1 });
    let stranger = SaveSession { tenant: TenantId::new("stranger"), ..save(&session, "x") };
    assert_eq!(refused(stranger).await, SaveRefusal::NotFound);
    assert_eq!(refused(SaveSession { id: SessionId::random(), ..save(&session, "x") }).await, SaveRefusal::NotFound);
    assert_eq!(store.session(&session.tenant, session.id).await.unwrap(), Some(session.clone()));
    store.write(CloseSession { tenant: session.tenant.clone(), id: session.id, at: at(5) }).await.unwrap();
    assert_eq!(refused(save(&session, "x")).await, SaveRefusal::Inactive);
}

/// Of several with the same expectation, which wait for each other, one is right.
async fn one_of_several_expectations_is_met(place: Place) {
    let store = place.open().await;
    let session = session(&store).await;
    let mut saving = JoinSet::new();
    for number in 0..10 {
        let save = SaveSession { expected_version: Some(1), ..save(&session, &number.to_string()) };
        let store = store.clone();
        saving.spawn(async move { store.save_session(save).await });
    }
    let answers = saving.join_all().await;
    let conflicts = answers
        .iter()
        .filter(|answer| matches!(answer, Err(WriteError::Refused(SaveRefusal::VersionConflict { current: 2 }))));
    assert_eq!((conflicts.count(), answers.iter().filter(|answer| answer.is_ok()).count()), (9, 1));
}

/// Languages, names and texts are exact: neither case nor accents nor spaces at the end are alike.
async fn texts_that_look_alike_are_different(place: Place) {
    let store = place.open().await;
    let session = session(&store).await;
    for (version, code) in [(2, "a"), (3, "A"), (4, "ä"), (5, "a "), (6, "a")] {
        let saved = store.save_session(save(&session, code)).await.unwrap();
        assert_eq!((saved.version, saved.sources.source_code()), (version, code));
        assert_eq!(store.session(&session.tenant, session.id).await.unwrap(), Some(saved));
    }
    assert_eq!(store.session(&TenantId::new("Default"), session.id).await.unwrap(), None);
}

on_all_databases! {
    saves_of_one_session_each_count,
    saves_by_several_stores_are_not_lost,
    a_save_that_is_refused_changes_nothing,
    one_of_several_expectations_is_met,
    texts_that_look_alike_are_different,
}
