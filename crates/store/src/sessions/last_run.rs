//! The time of a session's last run.

use std::time::Duration;

use runbay_model::SessionId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::Set;

use crate::StoreError;
use crate::entities::code_session;
use crate::entities::code_session::Column;

/// The shortest time between two notes of a run. Sessions are kept for many days, so one write a day is enough.
const NOTED_AGAIN_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Notes a run of a locked session, unless one was noted within the last day.
pub(crate) async fn note_run(
    transaction: &DatabaseTransaction,
    id: SessionId,
    noted: Option<i64>,
    at: Timestamp,
) -> Result<(), StoreError> {
    if noted.is_some_and(|noted| at.since(Timestamp::from_micros(noted)) < NOTED_AGAIN_AFTER) {
        return Ok(());
    }
    let change = code_session::ActiveModel { last_run_at: Set(Some(at.as_micros())), ..Default::default() };
    code_session::Entity::update_many().set(change).filter(Column::Id.eq(id.as_uuid())).exec(transaction).await?;
    Ok(())
}
