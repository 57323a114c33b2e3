//! The tables `code_sessions` and `executions`.
//!
//! Times and durations are BIGINT microseconds, times since 1970, because the databases differ too much in other types.
//! Code is text. Output is bytes, because PostgreSQL refuses a NUL in text.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::exact_table;
use super::columns::long_bytes;
use super::columns::long_text;
use super::once::create_index;
use super::once::create_table;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        create_table(manager, code_sessions(backend)).await?;
        create_table(manager, executions(backend)).await?;
        for (name, index) in [
            ("uq_executions_active_session", one_active_run_of_a_session()),
            ("ix_executions_status_created", queued_in_order()),
            ("ix_executions_session_created", history_of_a_session()),
        ] {
            create_index(manager, "executions", name, index).await?;
        }
        Ok(())
    }
}

fn code_sessions(backend: DbBackend) -> TableCreateStatement {
    use CodeSessions as Column;
    exact_table(CodeSessions::Table, backend)
        .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Column::TenantId).string_len(64).not_null())
        .col(ColumnDef::new(Column::Language).string_len(64).not_null())
        .col(long_text(Column::SourceCode, backend).not_null())
        .col(ColumnDef::new(Column::Status).string_len(16).not_null())
        .col(ColumnDef::new(Column::Version).big_integer().not_null())
        .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::UpdatedAt).big_integer().not_null())
        .take()
}

fn executions(backend: DbBackend) -> TableCreateStatement {
    use Executions as Column;
    exact_table(Executions::Table, backend)
        .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
        .col(ColumnDef::new(Column::TenantId).string_len(64).not_null())
        .col(ColumnDef::new(Column::SessionId).uuid())
        .col(ColumnDef::new(Column::ActiveSessionId).uuid())
        .col(ColumnDef::new(Column::Language).string_len(64).not_null())
        .col(long_text(Column::SourceCode, backend).not_null())
        .col(long_bytes(Column::Stdin, backend).not_null())
        .col(long_text(Column::Args, backend).not_null())
        .col(ColumnDef::new(Column::Status).string_len(16).not_null())
        .col(ColumnDef::new(Column::Reason).string_len(32))
        .col(ColumnDef::new(Column::Attempt).big_integer().not_null())
        .col(ColumnDef::new(Column::AttemptsReturned).big_integer().not_null())
        .col(ColumnDef::new(Column::LeaseOwner).uuid())
        .col(ColumnDef::new(Column::AvailableAt).big_integer())
        .col(ColumnDef::new(Column::CreatedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::QueuedAt).big_integer().not_null())
        .col(ColumnDef::new(Column::StartedAt).big_integer())
        .col(ColumnDef::new(Column::CompletedAt).big_integer())
        .col(long_text(Column::Message, backend))
        .col(ColumnDef::new(Column::ExitCode).integer())
        .col(ColumnDef::new(Column::Signal).string_len(32))
        .col(long_bytes(Column::Stdout, backend))
        .col(long_bytes(Column::Stderr, backend))
        .col(ColumnDef::new(Column::StdoutTruncated).boolean().not_null())
        .col(ColumnDef::new(Column::StderrTruncated).boolean().not_null())
        .col(long_bytes(Column::CompileOutput, backend))
        .col(ColumnDef::new(Column::ExecutionTimeMicros).big_integer())
        .col(ColumnDef::new(Column::CpuTimeMicros).big_integer())
        .col(ColumnDef::new(Column::MemoryBytes).big_integer())
        .col(ColumnDef::new(Column::CompileTimeMicros).big_integer())
        .foreign_key(
            ForeignKey::create()
                .name("fk_executions_session")
                .from(Executions::Table, Column::SessionId)
                .to(CodeSessions::Table, CodeSessions::Id),
        )
        .take()
}

fn one_active_run_of_a_session() -> IndexCreateStatement {
    Index::create().col(Executions::ActiveSessionId).unique().take()
}

fn queued_in_order() -> IndexCreateStatement {
    Index::create().col(Executions::Status).col(Executions::CreatedAt).col(Executions::Id).take()
}

fn history_of_a_session() -> IndexCreateStatement {
    Index::create().col(Executions::SessionId).col(Executions::CreatedAt).col(Executions::Id).take()
}

#[derive(DeriveIden)]
enum CodeSessions {
    Table,
    Id,
    TenantId,
    Language,
    SourceCode,
    Status,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Executions {
    Table,
    Id,
    TenantId,
    SessionId,
    ActiveSessionId,
    Language,
    SourceCode,
    Stdin,
    Args,
    Status,
    Reason,
    Attempt,
    AttemptsReturned,
    LeaseOwner,
    AvailableAt,
    CreatedAt,
    QueuedAt,
    StartedAt,
    CompletedAt,
    Message,
    ExitCode,
    Signal,
    Stdout,
    Stderr,
    StdoutTruncated,
    StderrTruncated,
    CompileOutput,
    ExecutionTimeMicros,
    CpuTimeMicros,
    MemoryBytes,
    CompileTimeMicros,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(table: &TableCreateStatement, backend: DbBackend, name: &str) -> String {
        let sql = backend.build(table).sql;
        let quote = if backend == DbBackend::MySql { '`' } else { '"' };
        let start = sql.find(&format!("{quote}{name}{quote} ")).unwrap_or_else(|| panic!("{name} in {sql}"));
        sql[start..].split(',').next().unwrap().replace(quote, "").to_lowercase()
    }

    #[test]
    fn every_database_has_room_for_a_mebibyte_and_ids_of_sixteen_bytes() {
        for (backend, bytes, text, id, time) in [
            // Every integer of SQLite has room for 64 bits.
            (DbBackend::Sqlite, "blob", "text", "uuid_text", "integer"),
            (DbBackend::Postgres, "bytea", "text", "uuid", "bigint"),
            (DbBackend::MySql, "longblob", "longtext", "binary(16)", "bigint"),
        ] {
            let executions = executions(backend);
            assert_eq!(column(&executions, backend, "stdout"), format!("stdout {bytes}"));
            assert_eq!(column(&executions, backend, "source_code"), format!("source_code {text} not null"));
            assert_eq!(column(&executions, backend, "session_id"), format!("session_id {id}"));
            assert_eq!(column(&executions, backend, "created_at"), format!("created_at {time} not null"));
        }
    }
}
