//! Erasing sessions with all that came of them.

use runbay_model::SessionId;
use runbay_model::TenantId;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::prelude::Uuid;

use super::SessionNotFound;
use super::locked_row;
use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::entities::code_session;
use crate::entities::execution;
use crate::idempotency::forget;

/// Erases a closed session: some of its executions with their keys, and the session itself once none are left.
#[derive(Debug, Clone)]
pub struct EraseSession {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
    /// The most executions to erase, each with its output.
    pub limit: u64,
}

/// The progress of erasing a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasedSome {
    /// How many executions were erased.
    pub executions: u64,
    /// Whether the session is gone.
    pub is_complete: bool,
}

impl Command for EraseSession {
    type Answer = ErasedSome;
    type Refusal = SessionNotFound;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ErasedSome, WriteError<SessionNotFound>> {
        // No run of the session is accepted while its row is locked.
        if locked_row(transaction, &self.tenant, self.id).await?.is_none() {
            return Err(WriteError::Refused(SessionNotFound));
        }
        let (seen, executions) = erase_executions(transaction, self.id, self.limit).await?;
        let is_complete = seen < self.limit;
        if is_complete {
            forget(transaction, &[self.id.as_uuid()]).await?;
            let own = code_session::Column::Id.eq(self.id.as_uuid());
            code_session::Entity::delete_many().filter(own).exec(transaction).await?;
        }
        Ok(ErasedSome { executions, is_complete })
    }
}

/// Erases at most `limit` executions. Returns how many there were, and how many nobody else has removed meanwhile.
async fn erase_executions(
    transaction: &DatabaseTransaction,
    session: SessionId,
    limit: u64,
) -> Result<(u64, u64), StoreError> {
    use execution::Column;
    let ids: Vec<Uuid> = execution::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::SessionId.eq(session.as_uuid()))
        .limit(limit)
        .into_tuple()
        .all(transaction)
        .await?;
    if ids.is_empty() {
        return Ok((0, 0));
    }
    let seen = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    forget(transaction, &ids).await?;
    let erased = execution::Entity::delete_many().filter(Column::Id.is_in(ids)).exec(transaction).await?;
    Ok((seen, erased.rows_affected))
}
