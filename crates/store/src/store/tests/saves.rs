use std::collections::HashMap;

use runbay_model::CodeChange;
use runbay_model::SourceCode;
use sea_orm::TransactionTrait;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio::time::timeout;

use super::*;
use crate::CloseSession;
use crate::SaveRefusal;
use crate::SaveSession;
use crate::sessions::DueSave;
use crate::sessions::SaveTry;
use crate::sessions::locked_row;

const DEADLINE: Duration = Duration::from_secs(30);

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

/// Saves, without a wait for others.
async fn save_all(store: &Store, saves: Vec<SaveSession>) -> Vec<SaveTry> {
    let until = Instant::now() + DEADLINE;
    let due = saves.into_iter().map(|save| DueSave { save, until }).collect();
    crate::sessions::save_all(store.connections(), due).await
}

fn answered(tried: SaveTry) -> Result<Session, WriteError<SaveRefusal>> {
    match tried {
        SaveTry::Answered(answer) => answer,
        SaveTry::Locked(due) => panic!("{due:?} is locked"),
    }
}

/// Saves that wait for each other are written together. Each counts and has its own answer.
async fn saves_of_one_session_each_count(database: TestDatabase) {
    let store = database.open().await;
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

/// The result of one save does not affect the others.
async fn several_sessions_are_saved_together(database: TestDatabase) {
    let store = database.open().await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(session(&store).await);
    }
    let [plain, twice, unchanged, language, files, stale, strange, closed] = &sessions[..] else { unreachable!() };
    store.write(CloseSession { tenant: closed.tenant.clone(), id: closed.id, at: at(5) }).await.unwrap();
    let new_files = Sources::of_files(vec![("main.py".to_owned(), b"files".to_vec()), ("x".to_owned(), vec![0, 255])]);
    let new_files = new_files.unwrap();
    let saves = vec![
        save(plain, "plain"),
        save(twice, "once"),
        save(twice, "twice"),
        save(unchanged, unchanged.sources.source_code()),
        SaveSession { language: Some(LanguageId::new("bash")), ..save(language, "language") },
        SaveSession { code: Some(CodeChange::Files(new_files.clone())), ..save(files, "") },
        SaveSession { expected_version: Some(3), ..save(stale, "stale") },
        SaveSession { tenant: TenantId::new("stranger"), ..save(strange, "strange") },
        save(closed, "closed"),
        SaveSession { id: SessionId::random(), ..save(plain, "nobody's") },
    ];
    let answers: Vec<_> = save_all(&store, saves).await.into_iter().map(answered).collect();
    let versions: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Ok(session) => Ok(session.version),
            Err(WriteError::Refused(refusal)) => Err(*refusal),
            Err(WriteError::Failed(error)) => panic!("{error:?}"),
        })
        .collect();
    let refusals = [
        SaveRefusal::VersionConflict { current: 1 },
        SaveRefusal::NotFound,
        SaveRefusal::Inactive,
        SaveRefusal::NotFound,
    ];
    assert_eq!(
        versions,
        [Ok(2), Ok(2), Ok(3), Ok(1), Ok(2), Ok(2)].into_iter().chain(refusals.map(Err)).collect::<Vec<_>>()
    );
    for (session, newest) in [(plain, 0), (twice, 2), (unchanged, 3), (language, 4), (files, 5)] {
        let found = store.session(&session.tenant, session.id).await.unwrap();
        assert_eq!(found.as_ref(), answers[newest].as_ref().ok());
    }
    let files = answers[5].as_ref().unwrap();
    assert_eq!(files.sources, new_files);
    for session in [stale, strange] {
        assert_eq!(store.session(&session.tenant, session.id).await.unwrap().as_ref(), Some(session));
    }
    assert_eq!(store.session(&closed.tenant, closed.id).await.unwrap().unwrap().sources, closed.sources);
}

/// Each of many sessions has its own code in the end, however the saves meet.
async fn saves_of_many_sessions_do_not_mix(database: TestDatabase) {
    let store = database.open().await;
    let mut sessions = Vec::new();
    for _ in 0..100 {
        sessions.push(session(&store).await);
    }
    let mut saving = JoinSet::new();
    for session in &sessions {
        for number in 0..3 {
            let (store, save) = (store.clone(), save(session, &format!("print({}, {number})", session.id)));
            saving.spawn(async move { store.save_session(save).await.unwrap() });
        }
    }
    let mut newest = HashMap::new();
    for saved in saving.join_all().await {
        assert!(saved.sources.source_code().contains(&saved.id.to_string()));
        if saved.version == 4 {
            newest.insert(saved.id, saved);
        }
    }
    assert_eq!(newest.len(), sessions.len());
    for session in &sessions {
        let found = store.session(&session.tenant, session.id).await.unwrap();
        assert_eq!(found.as_ref(), newest.get(&session.id));
    }
}

/// As from several processes, which know nothing of each other's saves.
async fn saves_by_several_stores_are_not_lost(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let mut saving = JoinSet::new();
    for writer in 0..4 {
        let store = Store { waiting_saves: WaitingSaves::new(1), ..store.clone() };
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

async fn a_save_that_is_refused_changes_nothing(database: TestDatabase) {
    let store = database.open().await;
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

/// Several saves that wait for each other expect the same version. One of them is right.
async fn one_of_several_expectations_is_met(database: TestDatabase) {
    let store = database.open().await;
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
async fn texts_that_look_alike_are_different(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    for (version, code) in [(2, "a"), (3, "A"), (4, "ä"), (5, "a "), (6, "a")] {
        let saved = store.save_session(save(&session, code)).await.unwrap();
        assert_eq!((saved.version, saved.sources.source_code()), (version, code));
        assert_eq!(store.session(&session.tenant, session.id).await.unwrap(), Some(saved));
    }
    assert_eq!(store.session(&TenantId::new("Default"), session.id).await.unwrap(), None);
}

/// The caller of a late save was told that it failed, and may have saved something else through another process.
async fn a_save_that_comes_too_late_is_not_written(database: TestDatabase) {
    let store = database.open().await;
    let (late, other) = (session(&store).await, session(&store).await);
    let due = |session: &Session, until| DueSave { save: save(session, "new"), until };
    let in_time = Instant::now() + DEADLINE;
    for saves in [vec![due(&late, Instant::now())], vec![due(&late, Instant::now()), due(&other, in_time)]] {
        let mut answers = crate::sessions::save_all(store.connections(), saves).await.into_iter().map(answered);
        assert!(matches!(answers.next(), Some(Err(WriteError::Failed(StoreError::Silent)))));
        assert!(answers.all(|answer| answer.is_ok()));
    }
    assert_eq!(store.session(&late.tenant, late.id).await.unwrap(), Some(late));
    assert_eq!(store.session(&other.tenant, other.id).await.unwrap().unwrap().version, 2);
}

/// As when a process is frozen amid a transaction.
async fn a_session_that_is_locked_holds_up_no_other(database: TestDatabase) {
    let store = database.open().await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(session(&store).await);
    }
    let (locked, others) = sessions.split_first().unwrap();
    let connection = database.raw().await;
    let lock = connection.begin().await.unwrap();
    locked_row(&lock, &locked.tenant, locked.id).await.unwrap().unwrap();

    let nobodys = SaveSession { id: SessionId::random(), ..save(locked, "nobody's") };
    let tries = save_all(&store, vec![save(locked, "first"), nobodys, save(&others[0], "first")]).await;
    let [SaveTry::Locked(_), SaveTry::Answered(Err(_)), SaveTry::Answered(Ok(_))] = &tries[..] else {
        panic!("{tries:?}");
    };

    let mut saving_locked = JoinSet::new();
    let mut saving_others = JoinSet::new();
    for number in 1..4 {
        // Alone the first time, and one of a batch later.
        let (to, of_locked) = (store.clone(), save(locked, &number.to_string()));
        saving_locked.spawn(async move { to.save_session(of_locked).await.unwrap().version });
        tokio::task::yield_now().await;
        for other in others {
            let (to, of_other) = (store.clone(), save(other, &number.to_string()));
            saving_others.spawn(async move { to.save_session(of_other).await.unwrap() });
        }
        let saved = timeout(DEADLINE, async { while saving_others.join_next().await.is_some() {} });
        saved.await.expect("the others do not wait");
    }
    assert!(saving_locked.try_join_next().is_none());

    lock.rollback().await.unwrap();
    let mut versions = saving_locked.join_all().await;
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4]);
    let newest = store.session(&locked.tenant, locked.id).await.unwrap().unwrap();
    assert_eq!(newest.sources.source_code(), "3", "they keep their order");
}

/// Makes the first update of a session fail as if the database had ended it in favour of another.
fn collision(backend: DbBackend) -> Vec<&'static str> {
    match backend {
        DbBackend::MySql => vec![
            "CREATE SEQUENCE updates",
            "CREATE TRIGGER collide BEFORE UPDATE ON code_sessions FOR EACH ROW IF NEXT VALUE FOR updates = 1 THEN \
             SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF",
        ],
        _ => vec![
            "CREATE SEQUENCE updates",
            "CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('updates') = 1 THEN \
             RAISE EXCEPTION 'a collision' USING ERRCODE = '40001'; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER collide BEFORE UPDATE ON code_sessions FOR EACH ROW EXECUTE FUNCTION collide()",
        ],
    }
}

/// It had no effect, so its client need not hear of it.
async fn a_save_that_collides_is_tried_again(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let connection = database.raw().await;
    for statement in collision(connection.get_database_backend()) {
        connection.execute_unprepared(statement).await.unwrap();
    }
    assert_eq!(store.save_session(save(&session, "new")).await.unwrap().version, 2);
    assert_eq!(store.session(&session.tenant, session.id).await.unwrap().unwrap().sources.source_code(), "new");
}

on_all_databases! {
    saves_of_one_session_each_count,
    several_sessions_are_saved_together,
    saves_of_many_sessions_do_not_mix,
    saves_by_several_stores_are_not_lost,
    a_save_that_is_refused_changes_nothing,
    one_of_several_expectations_is_met,
    texts_that_look_alike_are_different,
    a_save_that_comes_too_late_is_not_written,
}

mod servers {
    use super::*;

    on_all_servers! {
        a_session_that_is_locked_holds_up_no_other,
        a_save_that_collides_is_tried_again,
    }
}
