//! The table `idempotency_keys`, and the index for lists of sessions.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::exact_table;
use super::once::create_index;
use super::once::create_table;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(manager, idempotency_keys(manager.get_database_backend())).await?;
        create_index(manager, "idempotency_keys", "ix_idempotency_keys_expires", by_expiry()).await?;
        create_index(manager, "code_sessions", "ix_code_sessions_tenant_created", sessions_of_a_tenant()).await
    }
}

/// Makes the table of idempotency keys.
///
/// It holds digests instead of texts. All digests have one length, and no database confuses two keys that differ only
/// in case.
fn idempotency_keys(backend: DbBackend) -> TableCreateStatement {
    use IdempotencyKeys as Column;
    exact_table(IdempotencyKeys::Table, backend)
        .col(ColumnDef::new(Column::ScopedKey).binary_len(32).not_null().primary_key())
        .col(ColumnDef::new(Column::RequestHash).binary_len(32).not_null())
        .col(ColumnDef::new(Column::ExecutionId).uuid().not_null())
        .col(ColumnDef::new(Column::ExpiresAt).big_integer().not_null())
        .take()
}

fn by_expiry() -> IndexCreateStatement {
    Index::create().col(IdempotencyKeys::ExpiresAt).take()
}

fn sessions_of_a_tenant() -> IndexCreateStatement {
    Index::create().col(CodeSessions::TenantId).col(CodeSessions::CreatedAt).col(CodeSessions::Id).take()
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
    Id,
    TenantId,
    CreatedAt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_database_has_a_type_for_digests_that_can_be_a_primary_key() {
        for (backend, digest) in
            [(DbBackend::Sqlite, "blob(32)"), (DbBackend::Postgres, "bytea"), (DbBackend::MySql, "binary(32)")]
        {
            let sql = backend.build(&idempotency_keys(backend)).sql.to_lowercase().replace(['"', '`'], "");
            assert!(sql.contains(&format!("scoped_key {digest} not null primary key")), "{sql}");
        }
    }
}
