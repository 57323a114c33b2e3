//! Cancelling executions.

use runbay_model::Event;
use runbay_model::ExecutionId;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::DatabaseTransaction;

use super::ExecutionHead;
use super::advance::advance;
use super::head::locked_head;
use crate::Command;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::entities::execution;
use crate::entities::execution::Column;

/// Cancels an execution that is queued or running. One that runs is stopping afterwards.
#[derive(Debug, Clone)]
pub struct CancelExecution {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The execution.
    pub id: ExecutionId,
    /// The present time.
    pub at: Timestamp,
}

/// Why an execution is not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelRefusal {
    /// There is no such execution, or it belongs to another tenant.
    NotFound,
    /// The execution was cancelled before, and its end is still to come.
    Stopping,
    /// The execution had already ended.
    AlreadyEnded,
}

impl Command for CancelExecution {
    type Answer = ExecutionHead;
    type Refusal = CancelRefusal;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<CancelRefusal>> {
        let which =
            Condition::all().add(Column::Id.eq(self.id.as_uuid())).add(Column::TenantId.eq(self.tenant.as_str()));
        let Some(head) = locked_head(transaction, which).await? else {
            return Err(WriteError::Refused(CancelRefusal::NotFound));
        };
        if matches!(head.state, State::Stopping { .. }) {
            return Err(WriteError::Refused(CancelRefusal::Stopping));
        }
        let cancelled = advance(transaction, head, Event::Cancel, self.at, execution::ActiveModel::default()).await?;
        cancelled.ok_or(WriteError::Refused(CancelRefusal::AlreadyEnded))
    }
}

/// Cancels the active execution of a session that is locked in this transaction.
pub(crate) async fn cancel_active(
    transaction: &DatabaseTransaction,
    session: SessionId,
    at: Timestamp,
) -> Result<Option<ExecutionHead>, StoreError> {
    match locked_head(transaction, Column::ActiveSessionId.eq(session.as_uuid())).await? {
        Some(head) => advance(transaction, head, Event::Cancel, at, execution::ActiveModel::default()).await,
        None => Ok(None),
    }
}
