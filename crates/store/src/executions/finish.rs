//! Recording the result of an attempt.

use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::Event;
use runbay_model::ExecutionId;
use runbay_model::Outcome;
use runbay_model::Timestamp;
use runbay_model::Verdict;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;

use super::ExecutionHead;
use super::advance::advance;
use super::head::locked_head;
use super::settle::set_outcome_of;
use crate::Command;
use crate::WriteError;
use crate::Writes;
use crate::entities::execution;
use crate::entities::execution::Column;

/// Ends an execution with the result of its program.
#[derive(Debug, Clone)]
pub struct FinishExecution {
    /// The execution.
    pub id: ExecutionId,
    /// The attempt that reports.
    pub attempt: Attempt,
    /// The verdict on the program.
    pub verdict: Verdict,
    /// The result of the run. It is shared, because a report that could not be written is sent again.
    pub outcome: Arc<Outcome>,
    /// The present time.
    pub at: Timestamp,
}

/// The reporting attempt is not the present one, or the execution has ended already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale;

impl Command for FinishExecution {
    type Answer = ExecutionHead;
    type Refusal = Stale;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<Stale>> {
        let Some(head) = locked_head(transaction, Column::Id.eq(self.id.as_uuid())).await? else {
            return Err(WriteError::Refused(Stale));
        };
        let event = Event::Finish { attempt: self.attempt, verdict: self.verdict };
        let mut change = execution::ActiveModel::default();
        set_outcome_of(&mut change, head.state, &self.outcome);
        advance(transaction, head, event, self.at, change).await?.ok_or(WriteError::Refused(Stale))
    }
}
