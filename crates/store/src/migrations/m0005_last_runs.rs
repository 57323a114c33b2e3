//! When a session was last run, so that one in use is not taken for one that nobody needs.
//!
//! Null is what was not run since this column exists, and what only a program of the version before has run.

use sea_orm_migration::prelude::*;

use super::once::add_column;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, "code_sessions", ColumnDef::new(Column::LastRunAt).big_integer().take()).await
    }
}

#[derive(DeriveIden)]
enum Column {
    LastRunAt,
}
