//! The only function that changes the state of an execution's row.

use runbay_model::End;
use runbay_model::Event;
use runbay_model::State;
use runbay_model::Timestamp;
use runbay_model::next;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::Set;

use super::ExecutionHead;
use crate::StoreError;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::entities::execution::stored;

/// Applies `event` to an execution that was read in this transaction, and writes `change` with it.
///
/// Returns the new head. Returns none and writes nothing when the life cycle has no such move or when somebody else
/// changed the execution since it was read.
pub(super) async fn advance(
    transaction: &DatabaseTransaction,
    before: ExecutionHead,
    event: Event,
    at: Timestamp,
    change: execution::ActiveModel,
) -> Result<Option<ExecutionHead>, StoreError> {
    advance_if(transaction, before, event, at, change, Condition::all()).await
}

/// Does the same as [`advance`] when the row meets a condition. Otherwise returns none and writes nothing.
pub(super) async fn advance_if(
    transaction: &DatabaseTransaction,
    before: ExecutionHead,
    event: Event,
    at: Timestamp,
    change: execution::ActiveModel,
    condition: Condition,
) -> Result<Option<ExecutionHead>, StoreError> {
    let Ok(state) = next(before.state, event) else {
        return Ok(None);
    };
    // What is stopping and what has been cancelled differ in nothing else.
    let is_stopping = matches!(before.state, State::Stopping { .. });
    let written = execution::Entity::update_many()
        .set(moved(change, state, at))
        .filter(Condition::all().add_option(is_stopping.then(|| Column::LeaseOwner.is_not_null())))
        .filter(Column::Id.eq(before.id.as_uuid()))
        .filter(Column::Status.eq(stored(before.state).0.as_str()))
        .filter(Column::Attempt.eq(i64::from(before.state.attempt().0)))
        .filter(condition)
        .exec(transaction)
        .await?;
    Ok((written.rows_affected == 1).then(|| moved_head(before, state, at)))
}

fn moved(mut change: execution::ActiveModel, state: State, at: Timestamp) -> execution::ActiveModel {
    let (status, reason) = stored(state);
    change.status = Set(status.as_str().to_owned());
    change.reason = Set(reason.map(|reason| reason.as_str().to_owned()));
    change.attempt = Set(i64::from(state.attempt().0));
    match state {
        State::Queued { .. } => {
            change.queued_at = Set(at.as_micros());
            change.started_at = Set(None);
            change.lease_owner = Set(None);
        }
        State::Running { .. } => {
            change.started_at = Set(Some(at.as_micros()));
            change.available_at = Set(None);
        }
        // The owner stays until its report has come, and tells that one is to come.
        State::Stopping { .. } => {
            change.completed_at = Set(Some(at.as_micros()));
            change.active_session_id = Set(None);
        }
        State::Ended { end, .. } => {
            if matches!(end, End::Lost(_)) {
                change.dead_lettered_at = Set(Some(at.as_micros()));
            }
            change.completed_at = Set(Some(at.as_micros()));
            change.active_session_id = Set(None);
            change.available_at = Set(None);
            change.lease_owner = Set(None);
        }
    }
    change
}

fn moved_head(before: ExecutionHead, state: State, at: Timestamp) -> ExecutionHead {
    let head = ExecutionHead { state, ..before };
    match state {
        State::Queued { .. } => ExecutionHead { queued_at: at, started_at: None, ..head },
        State::Running { .. } => ExecutionHead { started_at: Some(at), available_at: None, ..head },
        State::Stopping { .. } => ExecutionHead { completed_at: Some(at), ..head },
        State::Ended { .. } => ExecutionHead { completed_at: Some(at), available_at: None, ..head },
    }
}
