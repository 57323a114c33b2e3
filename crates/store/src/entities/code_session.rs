//! The table `code_sessions`.

use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::SourceColumns;
use super::count;
use super::number;
use super::word;
use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "code_sessions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: String,
    pub(crate) language: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) source_code: String,
    /// The name of the file in `source_code`. Null when its language names it.
    pub(crate) entry_name: Option<String>,
    /// A JSON array of the other files.
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) other_files: Option<String>,
    pub(crate) status: String,
    pub(crate) version: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// The time of an accepted run. It may be up to a day older than the newest one.
    pub(crate) last_run_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Session {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let columns =
            SourceColumns { source_code: row.source_code, entry_name: row.entry_name, other_files: row.other_files };
        Ok(Self {
            id: SessionId::from_uuid(row.id),
            tenant: TenantId::new(row.tenant_id),
            language: LanguageId::new(row.language),
            sources: columns.into_sources("code_sessions")?,
            status: word("code_sessions.status", &row.status)?,
            version: count("code_sessions.version", row.version)?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

impl ActiveModel {
    /// Sets the columns that hold the program.
    pub(crate) fn set_sources(&mut self, sources: &Sources) {
        let SourceColumns { source_code, entry_name, other_files } = sources.into();
        self.source_code = Set(source_code);
        self.entry_name = Set(entry_name);
        self.other_files = Set(other_files);
    }
}

impl From<&Session> for ActiveModel {
    fn from(session: &Session) -> Self {
        let mut row = Self {
            id: Set(session.id.as_uuid()),
            tenant_id: Set(session.tenant.as_str().to_owned()),
            language: Set(session.language.as_str().to_owned()),
            status: Set(session.status.as_str().to_owned()),
            version: Set(number(session.version)),
            created_at: Set(session.created_at.as_micros()),
            updated_at: Set(session.updated_at.as_micros()),
            ..Default::default()
        };
        row.set_sources(&session.sources);
        row
    }
}
