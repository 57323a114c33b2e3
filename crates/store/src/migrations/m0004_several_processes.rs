//! Tables and columns for several processes over one database: leases, turns, dead letters and retention.
//!
//! The new columns are null in older rows. Null means what was true of every row before this migration.

use sea_orm::ConnectionTrait;
use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::exact_table;
use super::columns::long_text;
use super::once::add_column;
use super::once::create_index;
use super::once::create_table;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// A program that does not know this migration would claim executions without a lease.
const MIN_READER: i32 = 4;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        create_table(manager, workers(backend)).await?;
        for column in columns() {
            add_column(manager, "executions", column).await?;
        }
        for (name, index) in indexes(backend) {
            create_index(manager, "executions", name, index).await?;
        }
        create_table(manager, schema_info(backend)).await?;
        let connection = manager.get_connection();
        let rows = Query::select().column(SchemaInfo::Id).from(SchemaInfo::Table).take();
        if connection.query_one(&rows).await?.is_none() {
            connection.execute(&first_schema_info()).await?;
        }
        Ok(())
    }
}

fn workers(backend: DbBackend) -> TableCreateStatement {
    use Workers as Column;
    exact_table(Workers::Table, backend)
        .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Column::Name).string_len(255).not_null())
        .col(ColumnDef::new(Column::Version).string_len(64).not_null())
        .col(ColumnDef::new(Column::Slots).big_integer().not_null())
        .col(ColumnDef::new(Column::Running).big_integer().not_null())
        .col(long_text(Column::Languages, backend).not_null())
        .col(ColumnDef::new(Column::StartedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::LastSeenAt).big_integer().not_null())
        .col(ColumnDef::new(Column::Draining).boolean().not_null())
        .take()
}

/// Makes a table of one row. It holds the number of the oldest migration that a program must know to read the tables.
fn schema_info(backend: DbBackend) -> TableCreateStatement {
    exact_table(SchemaInfo::Table, backend)
        .col(ColumnDef::new(SchemaInfo::Id).integer().not_null().primary_key())
        .col(ColumnDef::new(SchemaInfo::MinReader).integer().not_null())
        .take()
}

fn first_schema_info() -> InsertStatement {
    Query::insert()
        .into_table(SchemaInfo::Table)
        .columns([SchemaInfo::Id, SchemaInfo::MinReader])
        .values_panic([1.into(), MIN_READER.into()])
        .take()
}

fn columns() -> [ColumnDef; 3] {
    [
        ColumnDef::new(Executions::Priority).string_len(16).take(),
        ColumnDef::new(Executions::QueueTurn).double().take(),
        ColumnDef::new(Executions::DeadLetteredAt).big_integer().take(),
    ]
}

/// Makes indexes of only the rows in which the column has a meaning, where the database supports such indexes.
fn indexes(backend: DbBackend) -> [(&'static str, IndexCreateStatement); 3] {
    use Executions as Column;
    let index = |column: Column, columns: &[Column]| {
        let mut index = Index::create();
        for column in columns {
            index.col(*column);
        }
        if backend != DbBackend::MySql {
            index.and_where(Expr::col(column).is_not_null());
        }
        index
    };
    [
        ("ix_executions_lease_owner", index(Column::LeaseOwner, &[Column::LeaseOwner])),
        ("ix_executions_completed", index(Column::CompletedAt, &[Column::CompletedAt, Column::Id])),
        (
            "ix_executions_dead_letters",
            index(Column::DeadLetteredAt, &[Column::TenantId, Column::DeadLetteredAt, Column::Id]),
        ),
    ]
}

#[derive(DeriveIden)]
enum Workers {
    Table,
    Id,
    Name,
    Version,
    Slots,
    Running,
    Languages,
    StartedAt,
    LastSeenAt,
    Draining,
}

#[derive(DeriveIden)]
enum SchemaInfo {
    Table,
    Id,
    MinReader,
}

#[derive(DeriveIden, Clone, Copy)]
enum Executions {
    Id,
    TenantId,
    LeaseOwner,
    CompletedAt,
    Priority,
    QueueTurn,
    DeadLetteredAt,
}
