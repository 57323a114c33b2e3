//! How often a session may be run.

use std::time::Duration;

use runbay_model::SessionId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QueryOrder;
use sea_orm::QuerySelect;
use sea_orm::Select;

use super::AcceptRefusal;
use crate::StoreError;
use crate::entities::execution;
use crate::entities::execution::Column;

const MINUTE: Duration = Duration::from_secs(60);

/// How often a session may be run; only runs that were accepted count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The most runs within any 60 seconds; 0 for as many as there are.
    pub runs_per_minute: u32,
    /// The time after the acceptance of a run in which no other is accepted.
    pub cooldown: Duration,
}

/// Returns why a session may not be run yet, if it may not.
pub(super) async fn too_fast(
    transaction: &DatabaseTransaction,
    session: SessionId,
    pace: Pace,
    at: Timestamp,
) -> Result<Option<AcceptRefusal>, StoreError> {
    if !pace.cooldown.is_zero()
        && let Some(newest) = nth_newest(transaction, session, 0, pace.cooldown, at).await?
    {
        return Ok(Some(AcceptRefusal::Cooldown { retry_after: newest.after(pace.cooldown).since(at) }));
    }
    let Some(others) = pace.runs_per_minute.checked_sub(1) else {
        return Ok(None);
    };
    let oldest = nth_newest(transaction, session, others, MINUTE, at).await?;
    Ok(oldest.map(|oldest| AcceptRefusal::RateLimited {
        runs_per_minute: pace.runs_per_minute,
        retry_after: oldest.after(MINUTE).since(at),
    }))
}

/// Returns when the session's newest run but `n` was accepted, if that is less than `period` ago.
///
/// A run that lies more than `period` in the future does not count: the clock was set back since.
async fn nth_newest(
    transaction: &DatabaseTransaction,
    session: SessionId,
    n: u32,
    period: Duration,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let created_at: Option<i64> = nth_newest_query(session, n, period, at).into_tuple().one(transaction).await?;
    Ok(created_at.map(Timestamp::from_micros))
}

pub(crate) fn nth_newest_query(
    session: SessionId,
    n: u32,
    period: Duration,
    at: Timestamp,
) -> Select<execution::Entity> {
    execution::Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .filter(Column::SessionId.eq(session.as_uuid()))
        .filter(Column::CreatedAt.gt(at.before(period).as_micros()))
        .filter(Column::CreatedAt.lte(at.after(period).as_micros()))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(u64::from(n))
        .limit(1)
}
