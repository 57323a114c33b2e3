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
use sea_orm::Select;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::ExprTrait;

use super::ExecutionHead;
use super::head::HeadRow;
use super::head::heads;
use crate::Store;
use crate::StoreError;
use crate::backend::deadline::read;
use crate::entities;
use crate::entities::execution;
use crate::entities::execution::Column;

impl Store {
    /// Reads an execution; none when there is no such execution or it belongs to another tenant.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn execution(&self, tenant: &TenantId, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        let query =
            execution::Entity::find().filter(Column::Id.eq(id.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()));
        let row = read(async || Ok(query.clone().one(self.readers()).await?)).await?;
        row.map(Execution::try_from).transpose()
    }

    /// Reads where an execution is, without its code and output; none as with [`Store::execution`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn execution_head(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
    ) -> Result<Option<ExecutionHead>, StoreError> {
        let query = heads().filter(Column::Id.eq(id.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()));
        let row = read(async || Ok(query.clone().into_model::<HeadRow>().one(self.readers()).await?)).await?;
        row.map(ExecutionHead::try_from).transpose()
    }

    /// Reads the next at most `limit` executions with this status after `after`, in the order of their acceptance.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn executions_with_status(
        &self,
        status: Status,
        after: Option<(Timestamp, ExecutionId)>,
        limit: u64,
    ) -> Result<Vec<ExecutionHead>, StoreError> {
        let query = with_status(status, after, limit);
        let rows = read(async || Ok(query.clone().into_model::<HeadRow>().all(self.readers()).await?)).await?;
        rows.into_iter().map(ExecutionHead::try_from).collect()
    }

    /// Counts the executions that are queued, without reading their rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn queued(&self) -> Result<u64, StoreError> {
        let query = queued();
        let count = read(async || {
            let count: Option<i64> = query.clone().into_tuple().one(self.readers()).await?;
            Ok(count)
        });
        entities::count("count of executions", count.await?.unwrap_or(0))
    }
}

pub(crate) fn with_status(
    status: Status,
    after: Option<(Timestamp, ExecutionId)>,
    limit: u64,
) -> Select<execution::Entity> {
    let mut query = heads().filter(Column::Status.eq(status.as_str()));
    if let Some((created_at, id)) = after {
        let created = created_at.as_micros();
        // The first condition follows from the second, but only with it do all databases begin in the index.
        query = query
            .filter(Column::CreatedAt.gte(created))
            .filter(Condition::any().add(Column::CreatedAt.gt(created)).add(Column::Id.gt(id.as_uuid())));
    }
    query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).limit(limit)
}

pub(crate) fn queued() -> Select<execution::Entity> {
    let count = Expr::col(Column::Status).count();
    execution::Entity::find().select_only().expr(count).filter(Column::Status.eq(Status::Queued.as_str()))
}
