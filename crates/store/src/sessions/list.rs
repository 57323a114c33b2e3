//! Lists of sessions.

use runbay_model::LanguageId;
use runbay_model::Page;
use runbay_model::PageRequest;
use runbay_model::Position;
use runbay_model::SessionId;
use runbay_model::SessionSummary;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::EntityTrait;
use sea_orm::FromQueryResult;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::prelude::Uuid;

use crate::Store;
use crate::StoreError;
use crate::backend::deadline::read;
use crate::entities::code_session;
use crate::entities::code_session::Column;
use crate::entities::count;
use crate::entities::word;
use crate::page::newest_first;

impl Store {
    /// Reads one page of a tenant's sessions, both open and closed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn sessions(&self, tenant: &TenantId, page: PageRequest) -> Result<Page<SessionSummary>, StoreError> {
        let query = code_session::Entity::find()
            .select_only()
            .columns([
                Column::Id,
                Column::Language,
                Column::Status,
                Column::Version,
                Column::CreatedAt,
                Column::UpdatedAt,
            ])
            .filter(Column::TenantId.eq(tenant.as_str()));
        let query = newest_first(query, Column::CreatedAt, Column::Id, page);
        let rows = read(async || Ok(query.clone().into_model::<SummaryRow>().all(self.list_readers()).await?)).await?;
        let entries = rows.into_iter().map(SessionSummary::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(entries, page.limit, |entry: &SessionSummary| Position {
            created_at: entry.created_at,
            id: entry.id.as_uuid(),
        }))
    }
}

#[derive(Debug, FromQueryResult)]
struct SummaryRow {
    id: Uuid,
    language: String,
    status: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<SummaryRow> for SessionSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId::from_uuid(row.id),
            language: LanguageId::new(row.language),
            status: word("code_sessions.status", &row.status)?,
            version: count("code_sessions.version", row.version)?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}
