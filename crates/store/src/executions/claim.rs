//! Claiming a queued execution.

use std::time::Duration;

use runbay_model::Event;
use runbay_model::ExecutionId;
use runbay_model::RunInput;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use sea_orm::Condition;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::Set;
use sea_orm::sea_query::Expr;

use super::ExecutionHead;
use super::advance::advance_if;
use super::head::locked_with_input;
use crate::Command;
use crate::WriteError;
use crate::Writes;
use crate::entities::execution;
use crate::workers::alive;

/// Starts a new attempt of a queued execution. Answers none when the execution is not queued.
#[derive(Debug, Clone)]
pub struct ClaimExecution {
    /// The execution.
    pub id: ExecutionId,
    /// The worker that claims it.
    pub worker: WorkerId,
    /// The turn that the execution had in the queue. A retry keeps it.
    pub queue_turn: Option<f64>,
    /// How long the worker's row counts after each renewal, by the database's clock.
    ///
    /// None when no other process reclaims the executions of lost workers.
    pub lease: Option<Duration>,
    /// The present time.
    pub at: Timestamp,
}

/// The worker has not renewed its row within the lease, so others may take away its claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseExpired;

/// An execution that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The execution after the claim.
    pub head: ExecutionHead,
    /// What the execution runs.
    pub input: RunInput,
}

impl Command for ClaimExecution {
    type Answer = Option<Claimed>;
    type Refusal = LeaseExpired;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Option<Claimed>, WriteError<LeaseExpired>> {
        let Some((head, input)) = locked_with_input(transaction, self.id).await? else {
            return Ok(None);
        };
        let mut change = execution::ActiveModel { lease_owner: Set(Some(self.worker.as_uuid())), ..Default::default() };
        if let Some(turn) = self.queue_turn {
            change.queue_turn = Set(Some(turn));
        }
        let is_alive =
            self.lease.map(|lease| alive(transaction.get_database_backend(), Expr::val(self.worker.as_uuid()), lease));
        let condition = Condition::all().add_option(is_alive.clone().map(Expr::exists));
        let Some(head) = advance_if(transaction, head, Event::Claim, self.at, change, condition).await? else {
            if let Some(is_alive) = is_alive
                && transaction.query_one(&is_alive).await?.is_none()
            {
                return Err(WriteError::Refused(LeaseExpired));
            }
            return Ok(None);
        };
        let queue_turn = self.queue_turn.or(head.queue_turn);
        let head = ExecutionHead { queue_turn, worker: Some(self.worker), ..head };
        Ok(Some(Claimed { head, input }))
    }
}
