//! Reading executions.

use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::RunInput;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::EntityTrait;
use sea_orm::PartialModelTrait;
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
use crate::entities::execution::InputRow;
use crate::entities::execution::ReportRow;

impl Store {
    /// Reads an execution with its result. Returns none when it does not exist or belongs to another tenant.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn report(&self, tenant: &TenantId, id: ExecutionId) -> Result<Option<ExecutionReport>, StoreError> {
        let query = of_tenant(report_columns(), tenant, id);
        let row = read(async || Ok(query.clone().into_model::<ReportRow>().one(self.readers()).await?)).await?;
        row.map(ExecutionReport::try_from).transpose()
    }

    /// Reads what an execution runs. Returns none in the same cases as [`Store::report`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn input(&self, tenant: &TenantId, id: ExecutionId) -> Result<Option<RunInput>, StoreError> {
        let query = of_tenant(InputRow::select_cols(execution::Entity::find().select_only()), tenant, id);
        let row = read(async || Ok(query.clone().into_model::<InputRow>().one(self.readers()).await?)).await?;
        row.map(RunInput::try_from).transpose()
    }

    /// Reads the head of an execution. Returns none in the same cases as [`Store::report`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn execution_head(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
    ) -> Result<Option<ExecutionHead>, StoreError> {
        let query = of_tenant(heads(), tenant, id);
        let row = read(async || Ok(query.clone().into_model::<HeadRow>().one(self.readers()).await?)).await?;
        row.map(ExecutionHead::try_from).transpose()
    }

    /// Reads at most `limit` executions with this status that come next after `after`, in the order of their
    /// acceptance.
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

/// Selects the columns of a report. None of them holds anything that the execution runs.
pub(crate) fn report_columns() -> Select<execution::Entity> {
    ReportRow::select_cols(execution::Entity::find().select_only())
}

fn of_tenant(query: Select<execution::Entity>, tenant: &TenantId, id: ExecutionId) -> Select<execution::Entity> {
    query.filter(Column::Id.eq(id.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()))
}

pub(crate) fn with_status(
    status: Status,
    after: Option<(Timestamp, ExecutionId)>,
    limit: u64,
) -> Select<execution::Entity> {
    let mut query = heads().filter(Column::Status.eq(status.as_str()));
    if let Some((created_at, id)) = after {
        let created = created_at.as_micros();
        // Both conditions together select what comes after this pair. The first one lets every database start in the
        // index.
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
