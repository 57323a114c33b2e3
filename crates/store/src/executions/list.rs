//! Lists of executions.

use runbay_model::End;
use runbay_model::ExecutionId;
use runbay_model::ExecutionSummary;
use runbay_model::LanguageId;
use runbay_model::Outcome;
use runbay_model::Page;
use runbay_model::PageRequest;
use runbay_model::Position;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::EntityTrait;
use sea_orm::FromQueryResult;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::prelude::Uuid;

use crate::Store;
use crate::StoreError;
use crate::backend::deadline::read;
use crate::entities::count;
use crate::entities::duration;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::entities::execution::state;
use crate::entities::moment;
use crate::page::newest_first;

impl Store {
    /// Reads one page of a session's executions; empty when it has none or belongs to another tenant.
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
}

pub(crate) fn of_session(tenant: &TenantId, session: SessionId) -> Select<execution::Entity> {
    summaries().filter(Column::SessionId.eq(session.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()))
}

/// Selects the columns of a [`SummaryRow`].
pub(super) fn summaries() -> Select<execution::Entity> {
    execution::Entity::find().select_only().columns([
        Column::Id,
        Column::SessionId,
        Column::Language,
        Column::Status,
        Column::Reason,
        Column::Attempt,
        Column::CreatedAt,
        Column::QueuedAt,
        Column::StartedAt,
        Column::CompletedAt,
        Column::DeadLetteredAt,
        Column::Message,
        Column::ExitCode,
        Column::Signal,
        Column::StdoutTruncated,
        Column::StderrTruncated,
        Column::ExecutionTimeMicros,
        Column::CpuTimeMicros,
        Column::MemoryBytes,
        Column::CompileTimeMicros,
    ])
}

#[derive(Debug, FromQueryResult)]
pub(super) struct SummaryRow {
    id: Uuid,
    session_id: Option<Uuid>,
    language: String,
    status: String,
    reason: Option<String>,
    attempt: i64,
    created_at: i64,
    queued_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    pub(super) dead_lettered_at: Option<i64>,
    message: Option<String>,
    exit_code: Option<i32>,
    signal: Option<String>,
    stdout_truncated: bool,
    stderr_truncated: bool,
    execution_time_micros: Option<i64>,
    cpu_time_micros: Option<i64>,
    memory_bytes: Option<i64>,
    compile_time_micros: Option<i64>,
}

impl TryFrom<SummaryRow> for ExecutionSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let state = state(&row.status, row.reason.as_deref(), row.attempt)?;
        let outcome = match state {
            State::Ended { end: End::Judged(_) | End::Lost(_), .. } => Some(Outcome {
                message: row.message,
                exit_code: row.exit_code,
                signal: row.signal,
                stdout_truncated: row.stdout_truncated,
                stderr_truncated: row.stderr_truncated,
                execution_time: row.execution_time_micros.map(duration),
                cpu_time: row.cpu_time_micros.map(duration),
                memory_bytes: row.memory_bytes.map(|bytes| count("executions.memory_bytes", bytes)).transpose()?,
                compile_time: row.compile_time_micros.map(duration),
                ..Outcome::default()
            }),
            _ => None,
        };
        Ok(Self {
            id: ExecutionId::from_uuid(row.id),
            session: row.session_id.map(SessionId::from_uuid),
            language: LanguageId::new(row.language),
            state,
            outcome,
            created_at: Timestamp::from_micros(row.created_at),
            queued_at: Timestamp::from_micros(row.queued_at),
            started_at: moment(row.started_at),
            completed_at: moment(row.completed_at),
        })
    }
}
