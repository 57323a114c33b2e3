//! The end of executions that were cancelled while they ran.

use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::Event;
use runbay_model::ExecutionId;
use runbay_model::Outcome;
use runbay_model::State;
use runbay_model::Status;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::Set;
use sea_orm::sea_query::CaseStatement;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;

use super::ExecutionHead;
use super::Stale;
use super::advance::advance;
use super::head::HeadRow;
use super::head::heads;
use super::head::locked_head;
use crate::Command;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::deadline::read;
use crate::entities::execution;
use crate::entities::execution::Column;

/// Ends an execution that is stopping, with what its program has written until then.
#[derive(Debug, Clone)]
pub struct SettleExecution {
    /// The execution.
    pub id: ExecutionId,
    /// The attempt that was stopped.
    pub attempt: Attempt,
    /// What is known of its program. None when its worker has not said anything.
    pub outcome: Option<Arc<Outcome>>,
    /// The present time.
    pub at: Timestamp,
}

impl Store {
    /// Reads at most `limit` executions that are stopping.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn stopping(&self, limit: u64) -> Result<Vec<ExecutionHead>, StoreError> {
        let query = stopping(limit);
        let rows = read(async || Ok(query.clone().into_model::<HeadRow>().all(self.readers()).await?)).await?;
        rows.into_iter().map(ExecutionHead::try_from).collect()
    }
}

impl Command for SettleExecution {
    type Answer = ExecutionHead;
    type Refusal = Stale;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<Stale>> {
        let Some(head) = locked_head(transaction, Column::Id.eq(self.id.as_uuid())).await? else {
            return Err(WriteError::Refused(Stale));
        };
        let mut change = execution::ActiveModel::default();
        if let Some(outcome) = &self.outcome {
            set_outcome_of(&mut change, head.state, outcome);
        }
        let event = Event::Settle { attempt: self.attempt };
        advance(transaction, head, event, self.at, change).await?.ok_or(WriteError::Refused(Stale))
    }
}

/// Sets the columns of the result of an execution that ends in this state.
pub(super) fn set_outcome_of(change: &mut execution::ActiveModel, state: State, outcome: &Outcome) {
    change.set_outcome(outcome);
    if matches!(state, State::Stopping { .. }) {
        // They would explain a verdict, and there is none. The program may have come to its end by itself, just before
        // it would have been stopped.
        change.message = Set(None);
        change.exit_code = Set(None);
        change.signal = Set(None);
    }
}

pub(crate) fn stopping(limit: u64) -> Select<execution::Entity> {
    // By its owner, as few rows have one. The status alone would lead to all that were ever cancelled, so it stands
    // where no index can be used for it.
    let is_cancelled =
        CaseStatement::new().case(Column::Status.eq(Status::Cancelled.as_str()), Expr::val(1)).finally(Expr::val(0));
    heads().filter(Column::LeaseOwner.is_not_null()).filter(Expr::Case(Box::new(is_cancelled)).eq(1)).limit(limit)
}
