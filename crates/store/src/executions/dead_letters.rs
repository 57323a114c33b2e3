//! Dead letters: failed executions for a person to look at.

use runbay_model::ExecutionId;
use runbay_model::ExecutionSummary;
use runbay_model::Page;
use runbay_model::PageRequest;
use runbay_model::Position;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::Select;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::Expr;

use super::AcceptRefusal;
use super::ExecutionHead;
use super::accept::Accepted;
use super::head::locked_head;
use super::head::locked_with_input;
use super::list::summaries;
use crate::Command;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::Writes;
use crate::backend::deadline::read;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::entities::execution::SummaryRow;
use crate::page::newest_first;
use crate::sessions::locked_row;
use crate::sessions::note_run;

/// An execution that failed with all its attempts although its program is not to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The execution.
    pub execution: ExecutionSummary,
    /// When its last attempt was lost.
    pub dead_lettered_at: Timestamp,
}

/// Queues a new execution with the input of a dead letter, which stops being a dead letter.
#[derive(Debug, Clone)]
pub struct RequeueDeadLetter {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The dead letter.
    pub id: ExecutionId,
    /// The id of the new execution.
    pub execution: ExecutionId,
    /// The present time.
    pub at: Timestamp,
}

/// Why a dead letter is not queued again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequeueRefusal {
    /// There is no such dead letter, or it belongs to another tenant.
    #[error("the dead letter was not found")]
    NotFound,
    /// The session does not allow a run at this time. A session that was removed counts as closed.
    #[error(transparent)]
    Accept(#[from] AcceptRefusal),
}

/// Makes a dead letter an ordinary failed execution, which stays in the history.
#[derive(Debug, Clone)]
pub struct DeleteDeadLetter {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The dead letter.
    pub id: ExecutionId,
}

/// There is no such dead letter, or it belongs to another tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterNotFound;

impl Store {
    /// Reads one page of a tenant's dead letters, the newest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn dead_letters(&self, tenant: &TenantId, page: PageRequest) -> Result<Page<DeadLetter>, StoreError> {
        let query = newest_first(of_tenant(tenant), Column::DeadLetteredAt, Column::Id, page);
        let rows = read(async || Ok(query.clone().into_model::<SummaryRow>().all(self.readers()).await?)).await?;
        let entries = rows.into_iter().map(DeadLetter::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(entries, page.limit, |entry: &DeadLetter| Position {
            created_at: entry.dead_lettered_at,
            id: entry.execution.id.as_uuid(),
        }))
    }
}

pub(crate) fn of_tenant(tenant: &TenantId) -> Select<execution::Entity> {
    // The second condition lets the database use an index of dead letters alone.
    summaries().filter(Column::TenantId.eq(tenant.as_str())).filter(Column::DeadLetteredAt.is_not_null())
}

impl TryFrom<SummaryRow> for DeadLetter {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let dead_lettered_at = row.dead_lettered_at.map(Timestamp::from_micros);
        let dead_lettered_at =
            dead_lettered_at.ok_or_else(|| StoreError::Damaged("executions.dead_lettered_at is null".to_owned()))?;
        Ok(Self { execution: row.try_into()?, dead_lettered_at })
    }
}

impl Command for RequeueDeadLetter {
    type Answer = ExecutionHead;
    type Refusal = RequeueRefusal;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ExecutionHead, WriteError<RequeueRefusal>> {
        let not_found = || WriteError::Refused(RequeueRefusal::NotFound);
        let refuse = |refusal: AcceptRefusal| WriteError::Refused(RequeueRefusal::Accept(refusal));
        let session = session_of(transaction, &self.tenant, self.id).await?.ok_or_else(not_found)?;
        if let Some(session) = session {
            // Every transaction locks sessions before executions.
            let Some(row) = locked_row(transaction, &self.tenant, session).await? else {
                return Err(refuse(AcceptRefusal::SessionInactive));
            };
            let last_run_at = row.last_run_at;
            if Session::try_from(row)?.status == SessionStatus::Inactive {
                return Err(refuse(AcceptRefusal::SessionInactive));
            }
            let active = Column::ActiveSessionId.eq(session.as_uuid());
            if let Some(active) = locked_head(transaction, active).await? {
                return Err(refuse(AcceptRefusal::ActiveExecution { execution: Some(active.id) }));
            }
            note_run(transaction, session, last_run_at, self.at).await?;
        }
        if !take_away(transaction, &self.tenant, self.id).await? {
            return Err(not_found());
        }
        let (head, input) = locked_with_input(transaction, self.id).await?.ok_or_else(not_found)?;
        let accepted = Accepted {
            id: self.execution,
            tenant: self.tenant,
            session,
            session_version: head.session_version,
            input,
            keyed: None,
            at: self.at,
        };
        match accepted.insert(transaction).await {
            Ok(acceptance) => Ok(acceptance.into_head()),
            Err(WriteError::Refused(refusal)) => Err(refuse(refusal)),
            Err(WriteError::Failed(error)) => Err(error.into()),
        }
    }
}

impl Command for DeleteDeadLetter {
    type Answer = ();
    type Refusal = DeadLetterNotFound;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<DeadLetterNotFound>> {
        match take_away(transaction, &self.tenant, self.id).await? {
            true => Ok(()),
            false => Err(WriteError::Refused(DeadLetterNotFound)),
        }
    }
}

/// Returns the session of a dead letter. The inner value is none for a one-shot execution, the outer when there is no
/// such dead letter.
async fn session_of(
    transaction: &DatabaseTransaction,
    tenant: &TenantId,
    id: ExecutionId,
) -> Result<Option<Option<SessionId>>, StoreError> {
    let session: Option<Option<Uuid>> = execution::Entity::find_by_id(id.as_uuid())
        .select_only()
        .column(Column::SessionId)
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::DeadLetteredAt.is_not_null())
        .into_tuple()
        .one(transaction)
        .await?;
    Ok(session.map(|session| session.map(SessionId::from_uuid)))
}

/// Makes a dead letter an ordinary failed execution. Returns false when it was not a dead letter.
async fn take_away(transaction: &DatabaseTransaction, tenant: &TenantId, id: ExecutionId) -> Result<bool, StoreError> {
    let written = execution::Entity::update_many()
        .col_expr(Column::DeadLetteredAt, Expr::value(None::<i64>))
        .filter(Column::Id.eq(id.as_uuid()))
        .filter(Column::TenantId.eq(tenant.as_str()))
        .filter(Column::DeadLetteredAt.is_not_null())
        .exec(transaction)
        .await?;
    Ok(written.rows_affected == 1)
}
