//! The effects of commands, with failures and with other commands at the same time.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::QueryFilter;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio::time::timeout;

use super::*;
use crate::Command;
use crate::StoreError;
use crate::entities::code_session;
use crate::entities::code_session::Column;

const DEADLINE: Duration = Duration::from_secs(30);

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

/// Writes a session and then fails in one way.
#[derive(Debug, Clone)]
struct WriteThen(Session, Then);

#[derive(Debug, Clone, Copy)]
enum Then {
    Refuse,
    Panic,
    WriteTheSameAgain,
}

impl Command for WriteThen {
    type Answer = ();
    type Refusal = &'static str;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<&'static str>> {
        let insert = async || {
            let row = code_session::ActiveModel::from(&self.0);
            code_session::Entity::insert(row).exec_without_returning(transaction).await
        };
        insert().await?;
        match self.1 {
            Then::Refuse => return Err(WriteError::Refused("no")),
            Then::Panic => panic!("on purpose"),
            Then::WriteTheSameAgain => insert().await?,
        };
        Ok(())
    }
}

async fn a_command_that_fails_has_no_effect(database: TestDatabase) {
    let store = database.open().await;
    for then in [Then::Refuse, Then::Panic, Then::WriteTheSameAgain] {
        let session = session_to_be();
        let error = store.write(WriteThen(session.clone(), then)).await.unwrap_err();
        match (then, &error) {
            (Then::Refuse, WriteError::Refused("no"))
            | (Then::Panic, WriteError::Failed(StoreError::Panicked(_)))
            | (Then::WriteTheSameAgain, WriteError::Failed(StoreError::Database(_))) => {}
            unexpected => panic!("{unexpected:?}"),
        }
        assert_eq!(store.session(&session.tenant, session.id).await.unwrap(), None, "{then:?}");
        // Nor does anything stay locked, or a connection unusable.
        store.write(InsertSession(session)).await.unwrap();
    }
}

/// Waits in its transaction until it is let go.
#[derive(Debug, Clone)]
struct InsertAfter(Session, Arc<Barrier>);

impl Command for InsertAfter {
    type Answer = ();
    type Refusal = Infallible;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        self.1.wait().await;
        InsertSession(self.0).apply(transaction).await
    }
}

async fn a_command_is_applied_although_its_caller_went_away(database: TestDatabase) {
    let store = database.open().await;
    let (session, barrier) = (session_to_be(), Arc::new(Barrier::new(2)));
    let insert = InsertAfter(session.clone(), barrier.clone());
    let caller = tokio::spawn({
        let store = store.clone();
        async move { store.write(insert).await }
    });
    // It is in its transaction when one of the two waits; the caller goes, and only then it may go on.
    tokio::task::yield_now().await;
    caller.abort();
    if !caller.await.unwrap_err().is_cancelled() {
        panic!("the caller waits for ever");
    }
    if timeout(DEADLINE, barrier.wait()).await.is_err() {
        panic!("the command was not taken");
    }
    let written = async {
        while store.session(&session.tenant, session.id).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, written).await.expect("it is applied");
}

/// Raises the version of two sessions; the first time, not before another command has raised that of its first one.
#[derive(Debug, Clone)]
struct RaiseBoth {
    first: SessionId,
    second: SessionId,
    tries: Arc<AtomicU32>,
    meet: Arc<Barrier>,
}

impl Command for RaiseBoth {
    type Answer = ();
    type Refusal = Infallible;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let raise = async |id: SessionId| {
            code_session::Entity::update_many()
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::Id.eq(id.as_uuid()))
                .exec(transaction)
                .await
        };
        raise(self.first).await?;
        if self.tries.fetch_add(1, Ordering::SeqCst) == 0 {
            self.meet.wait().await;
        }
        raise(self.second).await?;
        Ok(())
    }
}

/// The database ends one of two transactions that wait for each other; it is applied again.
async fn commands_that_lock_each_other_out_are_both_applied(database: TestDatabase) {
    let store = database.open().await;
    let (one, two) = (session(&store).await, session(&store).await);
    let meet = Arc::new(Barrier::new(2));
    let tries = [Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0))];
    let raise = |first: &Session, second: &Session, tries: &Arc<AtomicU32>| {
        let command = RaiseBoth { first: first.id, second: second.id, tries: tries.clone(), meet: meet.clone() };
        let store = store.clone();
        tokio::spawn(async move { store.write(command).await })
    };
    let (forth, back) = (raise(&one, &two, &tries[0]), raise(&two, &one, &tries[1]));
    forth.await.unwrap().unwrap();
    back.await.unwrap().unwrap();
    for session in [one, two] {
        assert_eq!(store.session(&session.tenant, session.id).await.unwrap().unwrap().version, 3);
    }
    assert!(tries.iter().map(|tries| tries.load(Ordering::SeqCst)).sum::<u32>() > 2, "one was applied again");
}

async fn an_update_counts_the_rows_that_it_finds(database: TestDatabase) {
    let store = database.open().await;
    session(&store).await;
    let same = "UPDATE code_sessions SET version = version";
    assert_eq!(store.readers().execute_unprepared(same).await.unwrap().rows_affected(), 1);
}

async fn the_server_ends_what_takes_too_long(database: TestDatabase) {
    let store = database.open().await;
    let sleep = match database.settings.url.backend() {
        DbBackend::Postgres => "SELECT pg_sleep(60)",
        _ => "SELECT SLEEP(60)",
    };
    let begin = Instant::now();
    store.readers().execute_unprepared(sleep).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    store.check().await.unwrap();
}

on_all_databases! {
    a_command_that_fails_has_no_effect,
}

mod servers {
    use super::*;

    on_all_servers! {
        a_command_is_applied_although_its_caller_went_away,
        commands_that_lock_each_other_out_are_both_applied,
        an_update_counts_the_rows_that_it_finds,
        the_server_ends_what_takes_too_long,
    }
}
