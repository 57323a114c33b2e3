//! Reading executions.

use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QueryOrder;
use sea_orm::QuerySelect;

use super::ExecutionHead;
use super::head::HeadRow;
use super::head::heads;
use crate::Store;
use crate::Unavailable;
use crate::entities::execution;
use crate::entities::execution::Column;

impl Store {
    /// Reads an execution; none when there is no such execution or it belongs to another tenant.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer.
    pub async fn execution(&self, tenant: &TenantId, id: ExecutionId) -> Result<Option<Execution>, Unavailable> {
        let row = execution::Entity::find()
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::TenantId.eq(tenant.as_str()))
            .one(self.readers())
            .await?;
        row.map(Execution::try_from).transpose()
    }

    /// Reads the next at most `limit` executions with this status after `after`, in the order of their acceptance.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer.
    pub async fn executions_with_status(
        &self,
        status: Status,
        after: Option<(Timestamp, ExecutionId)>,
        limit: u64,
    ) -> Result<Vec<ExecutionHead>, Unavailable> {
        let mut query = heads().filter(Column::Status.eq(status.as_str()));
        if let Some((created_at, id)) = after {
            query = query.filter(Condition::any().add(Column::CreatedAt.gt(created_at.as_micros())).add(
                Condition::all().add(Column::CreatedAt.eq(created_at.as_micros())).add(Column::Id.gt(id.as_uuid())),
            ));
        }
        let rows = query
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_model::<HeadRow>()
            .all(self.readers())
            .await?;
        rows.into_iter().map(ExecutionHead::try_from).collect()
    }
}
