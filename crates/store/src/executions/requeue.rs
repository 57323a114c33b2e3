//! Attempts without a result: lost, or handed back.

use runbay_model::Attempt;
use runbay_model::Event;
use runbay_model::ExecutionId;
use runbay_model::Loss;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::Set;

use super::ExecutionHead;
use super::Stale;
use super::advance::advance;
use super::head::locked_head;
use crate::Command;
use crate::WriteError;
use crate::Writes;
use crate::entities::execution;
use crate::entities::execution::Column;

/// Queues an execution again after a lost attempt, or ends it when its attempts are used up.
#[derive(Debug, Clone)]
pub struct LoseExecution {
    /// The execution.
    pub id: ExecutionId,
    /// The attempt that is lost.
    pub attempt: Attempt,
    /// Why the attempt gave no result.
    pub loss: Loss,
    /// How many attempts an execution gets, without those that were handed back.
    pub attempts_allowed: u32,
    /// The time before which it is not started again.
    pub available_at: Option<Timestamp>,
    /// The present time.
    pub at: Timestamp,
}

/// Queues an execution again that its worker returns unfinished. This uses up no attempt.
#[derive(Debug, Clone)]
pub struct HandBackExecution {
    /// The execution.
    pub id: ExecutionId,
    /// The attempt that is returned.
    pub attempt: Attempt,
    /// The present time.
    pub at: Timestamp,
}

impl Command for LoseExecution {
    type Answer = ExecutionHead;
    type Refusal = Stale;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<Stale>> {
        let Some(mut head) = locked_head(transaction, Column::Id.eq(self.id.as_uuid())).await? else {
            return Err(WriteError::Refused(Stale));
        };
        let attempts_allowed = self.attempts_allowed.saturating_add(head.attempts_returned);
        let event = Event::Lose { attempt: self.attempt, loss: self.loss, attempts_allowed };
        head.available_at = self.available_at;
        let change = execution::ActiveModel {
            available_at: Set(self.available_at.map(Timestamp::as_micros)),
            ..Default::default()
        };
        advance(transaction, head, event, self.at, change).await?.ok_or(WriteError::Refused(Stale))
    }
}

impl Command for HandBackExecution {
    type Answer = ExecutionHead;
    type Refusal = Stale;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<Stale>> {
        let Some(mut head) = locked_head(transaction, Column::Id.eq(self.id.as_uuid())).await? else {
            return Err(WriteError::Refused(Stale));
        };
        // The number of the attempt stays used, because it fences writes. Returned attempts are therefore counted
        // separately.
        head.attempts_returned = head.attempts_returned.saturating_add(1);
        let change =
            execution::ActiveModel { attempts_returned: Set(i64::from(head.attempts_returned)), ..Default::default() };
        let event = Event::HandBack { attempt: self.attempt };
        advance(transaction, head, event, self.at, change).await?.ok_or(WriteError::Refused(Stale))
    }
}
