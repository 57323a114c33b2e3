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

/// How often a session may be run. Only accepted runs count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The most runs within any 60 seconds. 0 means no limit.
    pub runs_per_minute: u32,
    /// The time after an accepted run in which no other is accepted.
    pub cooldown: Duration,
}

/// Returns why a session may not be run yet. Returns none when it may.
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

/// Skips the session's newest `n` runs and returns when the next older one was accepted.
///
/// Returns none when that is more than `period` ago. A run more than `period` in the future does not count, because the
/// clock was set back since.
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
