//! Lists of executions.

use std::collections::HashMap;

use runbay_model::ExecutionId;
use runbay_model::ExecutionSummary;
use runbay_model::Page;
use runbay_model::PageRequest;
use runbay_model::Position;
use runbay_model::SessionId;
use runbay_model::TenantId;
use sea_orm::ColumnTrait;
use sea_orm::EntityTrait;
use sea_orm::PartialModelTrait;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::prelude::Uuid;

use crate::Store;
use crate::StoreError;
use crate::backend::deadline::read;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::entities::execution::SummaryRow;
use crate::page::newest_first;

impl Store {
    /// Reads one page of a session's executions. The page is empty when the session has none or belongs to another
    /// tenant.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn executions_of_session(
        &self,
        tenant: &TenantId,
        session: SessionId,
        page: PageRequest,
    ) -> Result<Page<ExecutionSummary>, StoreError> {
        let query = newest_first(of_session(tenant, session), Column::CreatedAt, Column::Id, page);
        let rows = read(async || Ok(query.clone().into_model::<SummaryRow>().all(self.list_readers()).await?)).await?;
        let entries = rows.into_iter().map(ExecutionSummary::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(entries, page.limit, |entry: &ExecutionSummary| Position {
            created_at: entry.created_at,
            id: entry.id.as_uuid(),
        }))
    }

    /// Reads which of a tenant's sessions have an execution that has not ended. There are no more `sessions` than a
    /// page has.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn active_executions(
        &self,
        tenant: &TenantId,
        sessions: &[SessionId],
    ) -> Result<HashMap<SessionId, ExecutionId>, StoreError> {
        let sessions = sessions.iter().map(|session| session.as_uuid());
        let query = execution::Entity::find()
            .select_only()
            .columns([Column::ActiveSessionId, Column::Id])
            .filter(Column::ActiveSessionId.is_in(sessions))
            .filter(Column::TenantId.eq(tenant.as_str()));
        let rows: Vec<(Uuid, Uuid)> = read(async || Ok(query.clone().into_tuple().all(self.readers()).await?)).await?;
        let ids = rows.into_iter();
        Ok(ids.map(|(session, id)| (SessionId::from_uuid(session), ExecutionId::from_uuid(id))).collect())
    }
}

pub(crate) fn of_session(tenant: &TenantId, session: SessionId) -> Select<execution::Entity> {
    summaries().filter(Column::SessionId.eq(session.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()))
}

/// Selects the columns of summaries. The other columns may hold megabytes.
pub(super) fn summaries() -> Select<execution::Entity> {
    SummaryRow::select_cols(execution::Entity::find().select_only())
}
