//! The migrations that build the tables. A released migration is never changed.
//!
//! Programs of two versions may work on the same tables during an upgrade. A migration therefore only adds what the
//! previous version does not miss. Whatever is unused is removed two releases later, by a migration that also raises
//! `schema_info.min_reader` to the number of the first migration whose programs do not need it. A program tolerates
//! migrations that it does not know, unless the tables say that it is too old.

mod added_columns;
mod columns;
mod lock;
mod m0001_sessions_and_executions;
mod m0002_idempotency_and_lists;
mod m0003_programs_and_tests;
mod m0004_several_processes;
mod once;

use std::collections::HashSet;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use sea_orm::ConnectionTrait;
use sea_orm::DatabaseConnection;
use sea_orm::DatabaseTransaction;
use sea_orm::DbErr;
use sea_orm::EntityTrait;
use sea_orm::Schema;
use sea_orm::Set;
use sea_orm::TransactionTrait;
use sea_orm_migration::MigrationTrait;
use sea_orm_migration::SchemaManager;
use sea_orm_migration::prelude::Query;
use sea_orm_migration::prelude::Table;
use sea_orm_migration::seaql_migrations;

use crate::backend::deadline::in_time;

/// How long a process waits for another process that changes the tables.
pub(crate) const WAIT_SECONDS: u64 = 60;

/// All tables in the order in which they are dropped.
///
/// The list of migrations comes first, so that the next start completes an interrupted [`reset`]. Tables come before
/// the tables that they refer to.
const TABLES: &[&str] = &[APPLIED, "workers", "schema_info", "idempotency_keys", "executions", "code_sessions"];

/// The table with the names of the applied migrations.
const APPLIED: &str = "seaql_migrations";

/// Returns all migrations, oldest first. The number of a migration is its position, counted from one.
fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut migrations: Vec<Box<dyn MigrationTrait>> = vec![
        Box::new(m0001_sessions_and_executions::Migration),
        Box::new(m0002_idempotency_and_lists::Migration),
        Box::new(m0003_programs_and_tests::Migration),
        Box::new(m0004_several_processes::Migration),
    ];
    migrations.extend(added_columns::STEPS.map(|step| Box::new(step) as Box<dyn MigrationTrait>));
    migrations
}

/// Why the tables could not be brought up to date.
#[derive(Debug)]
pub(crate) enum MigrateError {
    /// The tables need a program that knows the migration of this number.
    Newer { needed: u32, known: u32 },
    /// Another process is changing the tables.
    Locked,
    /// A statement failed.
    Failed(DbErr),
}

impl From<DbErr> for MigrateError {
    fn from(error: DbErr) -> Self {
        Self::Failed(error)
    }
}

/// Brings the tables up to date. One process does it while others wait.
///
/// Applies all migrations or none, where the database supports that. Writes nothing when there is nothing to do, so
/// that a user who may not change tables can start.
pub(crate) async fn migrate(database: &DatabaseConnection) -> Result<(), MigrateError> {
    let manager = SchemaManager::new(database);
    in_time(refuse_newer(&manager)).await?;
    if in_time(pending(&manager)).await?.is_empty() {
        return Ok(());
    }
    let transaction = database.begin().await?;
    lock::hold(&transaction).await?;
    refuse_newer(&SchemaManager::new(&transaction)).await?;
    apply(&transaction, usize::MAX).await?;
    transaction.commit().await?;
    Ok(())
}

/// Drops every table of this program and makes it again.
pub(crate) async fn reset(database: &DatabaseConnection) -> Result<(), MigrateError> {
    let transaction = database.begin().await?;
    lock::hold(&transaction).await?;
    for table in TABLES {
        transaction.execute(Table::drop().table(*table).if_exists()).await?;
    }
    apply(&transaction, usize::MAX).await?;
    transaction.commit().await?;
    Ok(())
}

/// Applies at most `steps` of the pending migrations.
async fn apply(transaction: &DatabaseTransaction, steps: usize) -> Result<(), DbErr> {
    let mut table = Schema::new(transaction.get_database_backend()).create_table_from_entity(seaql_migrations::Entity);
    transaction.execute(table.if_not_exists()).await?;
    let manager = SchemaManager::new(transaction);
    for migration in pending(&manager).await?.into_iter().take(steps) {
        migration.up(&manager).await?;
        let applied_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let row = seaql_migrations::ActiveModel {
            version: Set(migration.name().to_owned()),
            applied_at: Set(applied_at.try_into().unwrap_or(i64::MAX)),
        };
        seaql_migrations::Entity::insert(row).exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// Returns the pending migrations. SeaORM's own function fails when it meets one that it does not know.
async fn pending(manager: &SchemaManager<'_>) -> Result<Vec<Box<dyn MigrationTrait>>, DbErr> {
    let mut pending = migrations();
    if manager.has_table(APPLIED).await? {
        let applied = seaql_migrations::Entity::find().all(manager.get_connection()).await?;
        let applied: HashSet<_> = applied.into_iter().map(|migration| migration.version).collect();
        pending.retain(|migration| !applied.contains(migration.name()));
    }
    Ok(pending)
}

async fn refuse_newer(manager: &SchemaManager<'_>) -> Result<(), MigrateError> {
    if !manager.has_table("schema_info").await? {
        return Ok(());
    }
    let query = Query::select().column("min_reader").from("schema_info").take();
    let needed = match manager.get_connection().query_one(&query).await? {
        Some(row) => u32::try_from(row.try_get_by_index::<i32>(0)?).unwrap_or(0),
        None => 0,
    };
    let known = u32::try_from(migrations().len()).unwrap_or(u32::MAX);
    if needed > known {
        return Err(MigrateError::Newer { needed, known });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
