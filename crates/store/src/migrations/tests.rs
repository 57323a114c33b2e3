use runbay_model::LanguageId;
use runbay_model::RunInput;
use runbay_model::Session;
use runbay_model::Sources;
use runbay_model::Work;

use super::*;
use crate::entities::code_session;
use crate::entities::execution;
use crate::store::tests::TestDatabase;
use crate::store::tests::on_all_databases;

async fn apply_first(database: &DatabaseConnection, steps: usize) {
    let transaction = database.begin().await.unwrap();
    apply(&transaction, steps).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Writes 16 bytes of zero as each database wants them.
fn zero_id(database: &DatabaseConnection) -> &'static str {
    match database.get_database_backend() {
        sea_orm::DbBackend::Postgres => "'00000000-0000-0000-0000-000000000000'",
        _ => "x'00000000000000000000000000000000'",
    }
}

async fn a_database_of_the_first_version_keeps_its_rows(place: TestDatabase) {
    let database = place.raw().await;
    apply_first(&database, 1).await;
    let id = zero_id(&database);
    let session =
        format!("INSERT INTO code_sessions VALUES ({id}, 'default', 'python', 'print(1)', 'ACTIVE', 1, 5, 5)");
    database.execute_unprepared(&session).await.unwrap();
    migrate(&database).await.unwrap();
    let session = code_session::Entity::find().one(&database).await.unwrap().unwrap();
    assert_eq!(Session::try_from(session).unwrap().sources, Sources::single("print(1)").unwrap());
    database.execute_unprepared("SELECT scoped_key FROM idempotency_keys").await.unwrap();

    // A program of that version may still be at work.
    let execution = format!(
        "INSERT INTO executions (id, tenant_id, session_id, language, source_code, stdin, args, status, attempt, \
         attempts_returned, created_at, queued_at, stdout_truncated, stderr_truncated) \
         VALUES ({id}, 'default', {id}, 'python', '1', '0', '[]', 'QUEUED', 0, 0, 5, 5, false, false)"
    );
    database.execute_unprepared(&execution).await.unwrap();
    let row = execution::Entity::find().into_partial_model::<execution::InputRow>().one(&database).await;
    let work = Work { stdin: b"0".to_vec(), ..Work::default() };
    let expected = RunInput { language: LanguageId::new("python"), sources: Sources::single("1").unwrap(), work };
    assert_eq!(RunInput::try_from(row.unwrap().unwrap()).unwrap(), expected);
}

/// Databases that commit each change by itself keep what a migration did before it was cut short.
async fn a_migration_that_was_cut_short_is_completed(place: TestDatabase) {
    let database = place.raw().await;
    apply_first(&database, usize::MAX).await;
    database.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
    database.execute_unprepared("ALTER TABLE executions DROP COLUMN queue_turn").await.unwrap();
    migrate(&database).await.unwrap();
    database.execute_unprepared("SELECT queue_turn FROM executions").await.unwrap();
    assert_eq!(seaql_migrations::Entity::find().all(&database).await.unwrap().len(), migrations().len());
}

/// Databases that drop each table by itself keep the others when that is cut short.
async fn a_reset_that_was_cut_short_is_completed_by_the_next_start(place: TestDatabase) {
    let database = place.raw().await;
    for dropped in 1..TABLES.len() {
        migrate(&database).await.unwrap();
        for table in &TABLES[..dropped] {
            database.execute_unprepared(&format!("DROP TABLE {table}")).await.unwrap();
        }
        migrate(&database).await.unwrap();
        for table in TABLES {
            database.execute_unprepared(&format!("SELECT COUNT(*) FROM {table}")).await.unwrap();
        }
    }
    place.open().await.close().await;
}

async fn unknown_migrations_are_tolerated_until_the_tables_forbid_it(place: TestDatabase) {
    let database = place.raw().await;
    migrate(&database).await.unwrap();
    let future = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    database.execute_unprepared(future).await.unwrap();
    migrate(&database).await.unwrap();
    place.open().await.close().await;

    database.execute_unprepared("UPDATE schema_info SET min_reader = 9999").await.unwrap();
    let error = migrate(&database).await.unwrap_err();
    assert!(matches!(error, MigrateError::Newer { needed: 9999, known: 5 }), "{error:?}");
    reset(&database).await.unwrap();
    migrate(&database).await.unwrap();
    assert!(pending(&SchemaManager::new(&database)).await.unwrap().is_empty());
}

on_all_databases! {
    a_database_of_the_first_version_keeps_its_rows,
    a_migration_that_was_cut_short_is_completed,
    a_reset_that_was_cut_short_is_completed_by_the_next_start,
    unknown_migrations_are_tolerated_until_the_tables_forbid_it,
}
