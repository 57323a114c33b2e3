//! Removing old rows, a little at a time.

use std::convert::Infallible;

use runbay_model::SessionId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QueryOrder;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;
use sea_orm::sea_query::Query;

use crate::Command;
use crate::WriteError;
use crate::Writes;
use crate::entities::code_session;
use crate::entities::execution;

/// Removes executions that ended before a time, oldest first. Answers how many.
#[derive(Debug, Clone)]
pub struct RemoveEndedExecutions {
    /// The time.
    pub ended_before: Timestamp,
    /// The most to remove.
    pub limit: u64,
}

/// Removes sessions without executions that were neither changed nor run since a time.
///
/// Each call looks at a few more sessions, whether or not they are removed, so no call takes long. The times of change
/// have no index, because every save would have to update it.
#[derive(Debug, Clone)]
pub struct RemoveIdleSessions {
    /// The time.
    pub untouched_since: Timestamp,
    /// The session to continue after. None to start from the beginning.
    pub after: Option<SessionId>,
    /// The most to look at.
    pub limit: u64,
}

/// The progress of the removal of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedSessions {
    /// How many were removed.
    pub removed: u64,
    /// The session to continue after. None when all were looked at.
    pub next: Option<SessionId>,
}

impl Command for RemoveEndedExecutions {
    type Answer = u64;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<u64, WriteError<Infallible>> {
        let ids: Vec<Uuid> = ended_before(self.ended_before, self.limit).into_tuple().all(transaction).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let old = execution::Entity::delete_many().filter(execution::Column::Id.is_in(ids));
        Ok(old.exec(transaction).await?.rows_affected)
    }
}

pub(crate) fn ended_before(time: Timestamp, limit: u64) -> Select<execution::Entity> {
    use execution::Column;
    execution::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::CompletedAt.lt(time.as_micros()))
        .order_by_asc(Column::CompletedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
}

impl Command for RemoveIdleSessions {
    type Answer = RemovedSessions;
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<RemovedSessions, WriteError<Infallible>> {
        use code_session::Column;
        let mut query =
            code_session::Entity::find().select_only().columns([Column::Id, Column::UpdatedAt, Column::LastRunAt]);
        if let Some(after) = self.after {
            query = query.filter(Column::Id.gt(after.as_uuid()));
        }
        let query = query.order_by_asc(Column::Id).limit(self.limit);
        let seen: Vec<(Uuid, i64, Option<i64>)> = query.into_tuple().all(transaction).await?;
        let is_full = u64::try_from(seen.len()).is_ok_and(|seen| seen >= self.limit);
        let next = seen.last().filter(|_| is_full).map(|(id, ..)| SessionId::from_uuid(*id));
        let limit = self.untouched_since.as_micros();
        let is_idle =
            |updated_at, last_run_at: Option<i64>| updated_at < limit && last_run_at.is_none_or(|at| at < limit);
        let idle: Vec<Uuid> =
            seen.into_iter().filter(|(_, updated, run)| is_idle(*updated, *run)).map(|(id, ..)| id).collect();
        if idle.is_empty() {
            return Ok(RemovedSessions { removed: 0, next });
        }
        let execution = Query::select()
            .expr(Expr::val(1))
            .from(execution::Entity)
            .and_where(
                Expr::col((execution::Entity, execution::Column::SessionId))
                    .eq(Expr::col((code_session::Entity, Column::Id))),
            )
            .take();
        let removed = code_session::Entity::delete_many()
            .filter(Column::Id.is_in(idle))
            .filter(Column::UpdatedAt.lt(limit))
            .filter(Column::LastRunAt.is_null().or(Column::LastRunAt.lt(limit)))
            .filter(Expr::not_exists(execution))
            .exec(transaction)
            .await?;
        Ok(RemovedSessions { removed: removed.rows_affected, next })
    }
}
