//! Erasing single executions.

use runbay_model::ExecutionId;
use runbay_model::TenantId;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;

use crate::Command;
use crate::WriteError;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::idempotency::forget;

/// Erases an execution with its output and its key, whatever its state.
#[derive(Debug, Clone)]
pub struct EraseExecution {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The execution.
    pub id: ExecutionId,
}

/// There is no such execution, or it belongs to another tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionNotFound;

impl Command for EraseExecution {
    type Answer = ();
    type Refusal = ExecutionNotFound;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<ExecutionNotFound>> {
        let erased = execution::Entity::delete_many()
            .filter(Column::Id.eq(self.id.as_uuid()))
            .filter(Column::TenantId.eq(self.tenant.as_str()))
            .exec(transaction)
            .await?;
        if erased.rows_affected == 0 {
            return Err(WriteError::Refused(ExecutionNotFound));
        }
        Ok(forget(transaction, &[self.id.as_uuid()]).await?)
    }
}
