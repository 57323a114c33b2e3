//! The time of a session's last run, so that a session in use is not removed.
//!
//! It is null for sessions that were not run since this column exists, or only by a program of the version before.

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
