//! How the tables came to be, one step per file; a step that was released is never changed.

mod columns;
mod m0001_sessions_and_executions;
mod m0002_idempotency_and_lists;
mod m0003_programs_and_tests;

use async_trait::async_trait;
use sea_orm::DatabaseConnection;
use sea_orm::DbErr;
use sea_orm::TransactionTrait;
use sea_orm_migration::MigrationName;
use sea_orm_migration::MigrationTrait;
use sea_orm_migration::MigratorTrait;

/// All migrations, oldest first.
struct Migrations;

#[async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_sessions_and_executions::Migration),
            Box::new(m0002_idempotency_and_lists::Migration),
            Box::new(m0003_programs_and_tests::Migration),
        ]
    }
}

/// Why the tables could not be brought up to date.
pub(crate) enum MigrateError {
    /// The database has a migration that this program does not know.
    Newer(String),
    /// A statement failed.
    Failed(DbErr),
}

impl From<DbErr> for MigrateError {
    fn from(error: DbErr) -> Self {
        Self::Failed(error)
    }
}

/// Brings the tables up to date, all steps or none where the database can do so.
pub(crate) async fn migrate(database: &DatabaseConnection) -> Result<(), MigrateError> {
    let transaction = database.begin().await?;
    if let Some(newer) = unknown_migration(&transaction).await? {
        return Err(MigrateError::Newer(newer));
    }
    Migrations::up(&transaction, None).await?;
    transaction.commit().await?;
    Ok(())
}

/// Drops every table and makes them anew.
pub(crate) async fn reset(database: &DatabaseConnection) -> Result<(), DbErr> {
    Migrations::fresh(database).await
}

async fn unknown_migration(database: &sea_orm::DatabaseTransaction) -> Result<Option<String>, DbErr> {
    let known = Migrations::migrations();
    let applied = Migrations::get_migration_models(database).await?;
    Ok(applied
        .into_iter()
        .map(|migration| migration.version)
        .find(|version| !known.iter().any(|migration| MigrationName::name(&**migration) == version)))
}

#[cfg(test)]
mod tests {
    use runbay_model::Execution;
    use runbay_model::LanguageId;
    use runbay_model::RunInput;
    use runbay_model::Session;
    use runbay_model::Sources;
    use runbay_model::Work;
    use sea_orm::ConnectionTrait;
    use sea_orm::EntityTrait;

    use super::*;
    use crate::entities::code_session;
    use crate::entities::execution;
    use crate::sqlite::make_file;
    use crate::sqlite::open_writer;

    #[tokio::test]
    async fn a_database_of_the_first_version_keeps_its_rows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.db");
        make_file(&path).unwrap();
        let database = open_writer(&path).await.unwrap();
        Migrations::up(&database, Some(1)).await.unwrap();
        let id = "x'00000000000000000000000000000000'";
        let session =
            format!("INSERT INTO code_sessions VALUES ({id}, 'default', 'python', 'print(1)', 'ACTIVE', 1, 5, 5)");
        database.execute_unprepared(&session).await.unwrap();
        assert!(migrate(&database).await.is_ok());
        let session = code_session::Entity::find().one(&database).await.unwrap().unwrap();
        assert_eq!(Session::try_from(session).unwrap().sources, Sources::single("print(1)").unwrap());
        database.execute_unprepared("SELECT scoped_key FROM idempotency_keys").await.unwrap();

        // A program of that version may still be at work.
        let execution = format!(
            "INSERT INTO executions (id, tenant_id, session_id, language, source_code, stdin, args, status, attempt, \
             attempts_returned, created_at, queued_at, stdout_truncated, stderr_truncated) \
             VALUES ({id}, 'default', {id}, 'python', '1', x'00', '[]', 'QUEUED', 0, 0, 5, 5, 0, 0)"
        );
        database.execute_unprepared(&execution).await.unwrap();
        let execution = execution::Entity::find().one(&database).await.unwrap().unwrap();
        let work = Work { stdin: vec![0], ..Work::default() };
        let expected = RunInput::new(LanguageId::new("python"), Sources::single("1").unwrap(), work);
        assert_eq!(Execution::try_from(execution).unwrap().input, expected);
    }
}
