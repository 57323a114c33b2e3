//! Expired leases: executions of lost workers, and attempts that were taken from a worker.

use std::collections::HashSet;
use std::time::Duration;

use runbay_model::Attempt;
use runbay_model::Event;
use runbay_model::ExecutionId;
use runbay_model::Loss;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::DbBackend;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;

use super::ExecutionHead;
use super::Stale;
use super::advance::advance_if;
use super::head::HeadRow;
use super::head::heads;
use super::head::locked_head;
use crate::Command;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::deadline::read;
use crate::entities::count;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::workers::alive;

/// Queues an execution again when its worker has not renewed its row within the lease.
///
/// Ends the execution when its attempts are used up. Refused when the worker is alive after all.
#[derive(Debug, Clone)]
pub struct ReclaimExecution {
    /// The execution.
    pub id: ExecutionId,
    /// The attempt that is lost.
    pub attempt: Attempt,
    /// How long a worker's row counts after each renewal, by the database's clock.
    pub lease: Duration,
    /// How many attempts an execution gets, without those that were handed back.
    pub attempts_allowed: u32,
    /// The time before which it is not started again.
    pub available_at: Option<Timestamp>,
    /// The present time.
    pub at: Timestamp,
}

impl Store {
    /// Reads at most `limit` running executions whose worker has not renewed its row within `lease`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn expired_leases(&self, lease: Duration, limit: u64) -> Result<Vec<ExecutionHead>, StoreError> {
        let query = expired(self.readers().get_database_backend(), lease, limit);
        let rows = read(async || Ok(query.clone().into_model::<HeadRow>().all(self.readers()).await?)).await?;
        rows.into_iter().map(ExecutionHead::try_from).collect()
    }

    /// Returns those of a worker's attempts that are not its own any more: cancelled, lost or ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn attempts_taken_away(
        &self,
        worker: WorkerId,
        attempts: &[(ExecutionId, Attempt)],
    ) -> Result<Vec<(ExecutionId, Attempt)>, StoreError> {
        if attempts.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.attempts_of(worker).await?;
        Ok(attempts.iter().filter(|attempt| !own.contains(attempt)).copied().collect())
    }

    /// Reads the attempts that belong to a worker by the rows, without those that are to stop.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn attempts_of(&self, worker: WorkerId) -> Result<HashSet<(ExecutionId, Attempt)>, StoreError> {
        let query = execution::Entity::find()
            .select_only()
            .columns([Column::Id, Column::Attempt])
            .filter(Column::LeaseOwner.eq(worker.as_uuid()))
            .filter(Column::Status.eq(Status::Running.as_str()));
        let rows = read(async || {
            let rows: Vec<(Uuid, i64)> = query.clone().into_tuple().all(self.readers()).await?;
            Ok(rows)
        })
        .await?;
        let own = rows
            .into_iter()
            .map(|(id, attempt)| Ok((ExecutionId::from_uuid(id), Attempt(count("executions.attempt", attempt)?))));
        own.collect()
    }
}

impl Command for ReclaimExecution {
    type Answer = ExecutionHead;
    type Refusal = Stale;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<Stale>> {
        let Some(mut head) = locked_head(transaction, Column::Id.eq(self.id.as_uuid())).await? else {
            return Err(WriteError::Refused(Stale));
        };
        let attempts_allowed = self.attempts_allowed.saturating_add(head.attempts_returned);
        let event = Event::Lose { attempt: self.attempt, loss: Loss::WorkerLost, attempts_allowed };
        head.available_at = self.available_at;
        let change = execution::ActiveModel {
            available_at: sea_orm::Set(self.available_at.map(Timestamp::as_micros)),
            ..Default::default()
        };
        let expired = is_expired(transaction.get_database_backend(), self.lease);
        let lost = advance_if(transaction, head, event, self.at, change, expired).await?;
        lost.ok_or(WriteError::Refused(Stale))
    }
}

pub(crate) fn expired(backend: DbBackend, lease: Duration, limit: u64) -> Select<execution::Entity> {
    heads().filter(Column::Status.eq(Status::Running.as_str())).filter(is_expired(backend, lease)).limit(limit)
}

/// Returns the condition for a running execution whose lease has expired.
///
/// A running execution without an owner was claimed before the schema had leases. It counts as expired.
fn is_expired(backend: DbBackend, lease: Duration) -> Condition {
    let owner = Expr::col((execution::Entity, Column::LeaseOwner));
    Condition::all().add(Expr::not_exists(alive(backend, owner, lease)))
}
