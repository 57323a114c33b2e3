//! The table `idempotency_keys`, and the index that lists of sessions are read by.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(idempotency_keys()).await?;
        manager.create_index(by_expiry()).await?;
        manager.create_index(sessions_of_a_tenant()).await
    }
}

/// Digests instead of texts: they have one length, and no database takes two keys for one because of their case.
fn idempotency_keys() -> TableCreateStatement {
    use IdempotencyKeys as Column;
    Table::create()
        .table(IdempotencyKeys::Table)
        .col(ColumnDef::new(Column::ScopedKey).binary_len(32).not_null().primary_key())
        .col(ColumnDef::new(Column::RequestHash).binary_len(32).not_null())
        .col(ColumnDef::new(Column::ExecutionId).uuid().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .take()
}

fn by_expiry() -> IndexCreateStatement {
    Index::create()
        .name("ix_idempotency_keys_expires")
        .table(IdempotencyKeys::Table)
        .col(IdempotencyKeys::ExpiresAt)
        .take()
}

fn sessions_of_a_tenant() -> IndexCreateStatement {
    Index::create()
        .name("ix_code_sessions_tenant_created")
        .table(CodeSessions::Table)
        .col(CodeSessions::TenantId)
        .col(CodeSessions::CreatedAt)
        .col(CodeSessions::Id)
        .take()
}

#[derive(DeriveIden)]
enum IdempotencyKeys {
    Table,
    ScopedKey,
    RequestHash,
    ExecutionId,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum CodeSessions {
    Table,
    Id,
    TenantId,
    CreatedAt,
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    #[test]
    fn every_database_has_a_type_for_digests_that_can_be_a_primary_key() {
        for (backend, digest) in
            [(DbBackend::Sqlite, "blob(32)"), (DbBackend::Postgres, "bytea"), (DbBackend::MySql, "binary(32)")]
        {
            let sql = backend.build(&idempotency_keys()).sql.to_lowercase().replace(['"', '`'], "");
            assert!(sql.contains(&format!("scoped_key {digest} not null primary key")), "{sql}");
        }
    }
}
