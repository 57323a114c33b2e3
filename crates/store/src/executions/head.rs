//! Heads of executions, and rows that are locked to be changed.

use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::Priority;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use sea_orm::ColumnTrait;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::DerivePartialModel;
use sea_orm::EntityTrait;
use sea_orm::FromQueryResult;
use sea_orm::PartialModelTrait;
use sea_orm::QueryFilter;
use sea_orm::QuerySelect;
use sea_orm::QueryTrait;
use sea_orm::Select;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::IntoCondition;

use crate::StoreError;
use crate::entities::execution;
use crate::entities::execution::InputRow;
use crate::entities::execution::StateColumns;
use crate::entities::execution::priority;
use crate::entities::execution::version;
use crate::entities::moment;

/// The state and times of an execution, without its code and output.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionHead {
    /// The execution's id.
    pub id: ExecutionId,
    /// The owner of the execution.
    pub tenant: TenantId,
    /// The session that it was started from. None for a one-shot execution.
    pub session: Option<SessionId>,
    /// The version of the session whose code it runs. None for a one-shot execution, and for one of an older program.
    pub session_version: Option<u64>,
    /// The language its code is run as.
    pub language: LanguageId,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether a person takes part in it.
    pub is_interactive: bool,
    /// The turn that its newest attempt had in the queue.
    pub queue_turn: Option<f64>,
    /// Its state in the life cycle.
    pub state: State,
    /// The worker of its newest attempt. None in a row whose attempt is over; the command that ended it returns it.
    pub worker: Option<WorkerId>,
    /// How many attempts were handed back. They do not count against the allowed attempts.
    pub attempts_returned: u32,
    /// The time before which it is not started again.
    pub available_at: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last entered the queue.
    pub queued_at: Timestamp,
    /// When its newest attempt was claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended, or was told to stop.
    pub completed_at: Option<Timestamp>,
}

#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "execution::Entity")]
pub(super) struct HeadRow {
    id: Uuid,
    tenant_id: String,
    session_id: Option<Uuid>,
    session_version: Option<i64>,
    language: String,
    priority: Option<String>,
    interaction: Option<String>,
    queue_turn: Option<f64>,
    status: String,
    reason: Option<String>,
    attempt: i64,
    lease_owner: Option<Uuid>,
    attempts_returned: i64,
    available_at: Option<i64>,
    created_at: i64,
    queued_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
}

/// Selects the columns of heads. The other columns may hold megabytes.
pub(super) fn heads() -> Select<execution::Entity> {
    HeadRow::select_cols(execution::Entity::find().select_only())
}

/// Reads one head.
pub(crate) async fn head(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<ExecutionHead>, StoreError> {
    let row = heads().filter(execution::Column::Id.eq(id)).into_model::<HeadRow>().one(connection).await?;
    row.map(ExecutionHead::try_from).transpose()
}

/// Reads one head and locks its row until the transaction ends.
pub(super) async fn locked_head(
    transaction: &DatabaseTransaction,
    which: impl IntoCondition,
) -> Result<Option<ExecutionHead>, StoreError> {
    let row = heads().filter(which.into_condition()).lock_exclusive().into_model::<HeadRow>().one(transaction).await?;
    row.map(ExecutionHead::try_from).transpose()
}

/// Reads one head with what its execution runs, and locks its row until the transaction ends.
pub(super) async fn locked_with_input(
    transaction: &DatabaseTransaction,
    id: ExecutionId,
) -> Result<Option<(ExecutionHead, RunInput)>, StoreError> {
    let query = InputRow::select_cols(heads()).filter(execution::Column::Id.eq(id.as_uuid())).lock_exclusive();
    let Some(row) = transaction.query_one(&query.into_query()).await? else { return Ok(None) };
    let head = HeadRow::from_query_result(&row, "")?.try_into()?;
    let input = InputRow::from_query_result(&row, "")?.try_into()?;
    Ok(Some((head, input)))
}

impl TryFrom<HeadRow> for ExecutionHead {
    type Error = StoreError;

    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let HeadRow { attempt, lease_owner, .. } = row;
        let columns = StateColumns { status: &row.status, reason: row.reason.as_deref(), attempt, lease_owner };
        Ok(Self {
            id: ExecutionId::from_uuid(row.id),
            tenant: TenantId::new(row.tenant_id),
            session: row.session_id.map(SessionId::from_uuid),
            session_version: version(row.session_version)?,
            language: LanguageId::new(row.language),
            priority: priority(row.priority.as_deref())?,
            is_interactive: row.interaction.is_some(),
            queue_turn: row.queue_turn,
            state: columns.state()?,
            worker: row.lease_owner.map(WorkerId::from_uuid),
            attempts_returned: u32::try_from(row.attempts_returned).map_err(|_| {
                StoreError::Damaged(format!("executions.attempts_returned is {}", row.attempts_returned))
            })?,
            available_at: moment(row.available_at),
            created_at: Timestamp::from_micros(row.created_at),
            queued_at: Timestamp::from_micros(row.queued_at),
            started_at: moment(row.started_at),
            completed_at: moment(row.completed_at),
        })
    }
}
