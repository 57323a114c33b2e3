//! Taking a queued execution.

use std::convert::Infallible;

use runbay_model::Event;
use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::Set;

use super::ExecutionHead;
use super::advance::advance;
use super::head::locked_head;
use crate::Command;
use crate::WriteError;
use crate::Writes;
use crate::entities::execution;
use crate::entities::execution::Column;

/// Starts a new attempt of a queued execution; answers none when it is no longer queued.
#[derive(Debug)]
pub struct ClaimExecution {
    /// The execution.
    pub id: ExecutionId,
    /// Who takes it.
    pub worker: WorkerId,
    /// The present time.
    pub at: Timestamp,
}

/// An execution that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// Where it is now.
    pub head: ExecutionHead,
    /// All of it.
    pub execution: Execution,
}

impl Command for ClaimExecution {
    type Answer = Option<Claimed>;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Option<Claimed>, WriteError<Infallible>> {
        let Some(head) = locked_head(transaction, Column::Id.eq(self.id.as_uuid())).await? else {
            return Ok(None);
        };
        let change = execution::ActiveModel { lease_owner: Set(Some(self.worker.as_uuid())), ..Default::default() };
        let Some(head) = advance(transaction, head, Event::Claim, self.at, change).await? else {
            return Ok(None);
        };
        let row = execution::Entity::find_by_id(self.id.as_uuid()).one(transaction).await?;
        let execution = row.map(Execution::try_from).transpose()?;
        Ok(execution.map(|execution| Claimed { head, execution }))
    }
}
