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

async fn apply_first(connection: &DatabaseConnection, steps: usize) {
    let transaction = connection.begin().await.unwrap();
    apply(&transaction, steps).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Writes 16 bytes of zero as each database wants them.
fn zero_id(connection: &DatabaseConnection) -> &'static str {
    match connection.get_database_backend() {
        sea_orm::DbBackend::Postgres => "'00000000-0000-0000-0000-000000000000'",
        _ => "x'00000000000000000000000000000000'",
    }
}

async fn a_database_of_the_first_version_keeps_its_rows(database: TestDatabase) {
    let connection = database.raw().await;
    apply_first(&connection, 1).await;
    let id = zero_id(&connection);
    let session =
        format!("INSERT INTO code_sessions VALUES ({id}, 'default', 'python', 'print(1)', 'ACTIVE', 1, 5, 5)");
    connection.execute_unprepared(&session).await.unwrap();
    migrate(&connection).await.unwrap();
    let session = code_session::Entity::find().one(&connection).await.unwrap().unwrap();
    assert_eq!(Session::try_from(session).unwrap().sources, Sources::single("print(1)").unwrap());
    connection.execute_unprepared("SELECT scoped_key FROM idempotency_keys").await.unwrap();

    // A program of that version may still be running.
    let execution = format!(
        "INSERT INTO executions (id, tenant_id, session_id, language, source_code, stdin, args, status, attempt, \
         attempts_returned, created_at, queued_at, stdout_truncated, stderr_truncated) \
         VALUES ({id}, 'default', {id}, 'python', '1', '0', '[]', 'QUEUED', 0, 0, 5, 5, false, false)"
    );
    connection.execute_unprepared(&execution).await.unwrap();
    let row = execution::Entity::find().into_partial_model::<execution::InputRow>().one(&connection).await;
    let work = Work { stdin: b"0".to_vec(), ..Work::default() };
    let expected = RunInput { language: LanguageId::new("python"), sources: Sources::single("1").unwrap(), work };
    assert_eq!(RunInput::try_from(row.unwrap().unwrap()).unwrap(), expected);
}

/// Databases that commit each change by itself keep what a migration did before it was cut short.
async fn a_migration_that_was_cut_short_is_completed(database: TestDatabase) {
    let connection = database.raw().await;
    apply_first(&connection, usize::MAX).await;
    connection.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
    connection.execute_unprepared("ALTER TABLE executions DROP COLUMN queue_turn").await.unwrap();
    migrate(&connection).await.unwrap();
    connection.execute_unprepared("SELECT queue_turn FROM executions").await.unwrap();
    assert_eq!(seaql_migrations::Entity::find().all(&connection).await.unwrap().len(), migrations().len());
}

/// Databases that drop each table by itself keep the others when that is cut short.
async fn a_reset_that_was_cut_short_is_completed_by_the_next_start(database: TestDatabase) {
    let connection = database.raw().await;
    for dropped in 1..TABLES.len() {
        migrate(&connection).await.unwrap();
        for table in &TABLES[..dropped] {
            connection.execute_unprepared(&format!("DROP TABLE {table}")).await.unwrap();
        }
        migrate(&connection).await.unwrap();
        for table in TABLES {
            connection.execute_unprepared(&format!("SELECT COUNT(*) FROM {table}")).await.unwrap();
        }
    }
    database.open().await.close().await;
}

async fn unknown_migrations_are_tolerated_until_the_tables_forbid_it(database: TestDatabase) {
    let connection = database.raw().await;
    migrate(&connection).await.unwrap();
    let future = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    connection.execute_unprepared(future).await.unwrap();
    migrate(&connection).await.unwrap();
    database.open().await.close().await;

    connection.execute_unprepared("UPDATE schema_info SET min_reader = 9999").await.unwrap();
    let error = migrate(&connection).await.unwrap_err();
    assert!(
        matches!(error, MigrateError::Newer { needed: 9999, known } if known as usize == migrations().len()),
        "{error:?}"
    );
    reset(&connection).await.unwrap();
    migrate(&connection).await.unwrap();
    assert!(pending(&SchemaManager::new(&connection)).await.unwrap().is_empty());
}

on_all_databases! {
    a_database_of_the_first_version_keeps_its_rows,
    a_migration_that_was_cut_short_is_completed,
    a_reset_that_was_cut_short_is_completed_by_the_next_start,
    unknown_migrations_are_tolerated_until_the_tables_forbid_it,
}
