//! Reads and writes of sessions.

mod change;
mod erase;
mod insert;
mod last_run;
mod list;
mod save;
mod waiting_saves;

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
use sea_orm::Set;

pub(crate) use change::save;
pub use erase::EraseSession;
pub use erase::ErasedSome;
pub use insert::InsertSession;
pub use insert::OpenSessionOnce;
pub use insert::Opened;
pub use insert::SessionKeyReused;
pub(crate) use last_run::note_run;
#[cfg(test)]
pub(crate) use save::DueSave;
pub use save::SaveRefusal;
pub use save::SaveSession;
#[cfg(test)]
pub(crate) use save::SaveTry;
#[cfg(test)]
pub(crate) use save::save_all;
pub(crate) use waiting_saves::WaitingSaves;

use crate::Command;
use crate::ExecutionHead;
use crate::Store;
use crate::StoreError;
use crate::WriteError;
use crate::backend::deadline::read;
use crate::entities::code_session;
use crate::entities::code_session::Column;
use crate::executions::cancel_active;

/// Closes a session and cancels its active execution.
#[derive(Debug, Clone)]
pub struct CloseSession {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
    /// The present time.
    pub at: Timestamp,
}

/// A session that is closed, by this request or an earlier one.
#[derive(Debug, Clone)]
pub struct ClosedSession {
    /// The session after closing.
    pub session: Session,
    /// The execution that was cancelled with it.
    pub cancelled: Option<ExecutionHead>,
}

/// There is no such session, or it belongs to another tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionNotFound;

impl Store {
    /// Saves a session. Returns the session after the save once that is durable.
    ///
    /// Saves that wait for each other are written together. Each save of a session counts its version and has its own
    /// answer, but only their common result is written.
    ///
    /// CANCEL: a save is applied even if its caller goes away, unless it comes too late.
    ///
    /// # Errors
    ///
    /// [`WriteError::Refused`] when the session does not allow the save, which then has no effect.
    pub async fn save_session(&self, save: SaveSession) -> Result<Session, WriteError<SaveRefusal>> {
        self.waiting_saves().save(self.connections(), save).await
    }

    /// Reads a session. Returns none when it does not exist or belongs to another tenant.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the database does not answer.
    pub async fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let query = by_id(tenant, id);
        let row = read(async || Ok(query.clone().one(self.readers()).await?)).await?;
        row.map(Session::try_from).transpose()
    }
}

impl Command for CloseSession {
    type Answer = ClosedSession;
    type Refusal = SessionNotFound;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ClosedSession, WriteError<SessionNotFound>> {
        let Some(row) = locked_row(transaction, &self.tenant, self.id).await? else {
            return Err(WriteError::Refused(SessionNotFound));
        };
        let mut session = Session::try_from(row)?;
        if session.status == SessionStatus::Inactive {
            return Ok(ClosedSession { session, cancelled: None });
        }
        session.status = SessionStatus::Inactive;
        session.updated_at = self.at;
        let change = code_session::ActiveModel {
            status: Set(session.status.as_str().to_owned()),
            updated_at: Set(self.at.as_micros()),
            ..Default::default()
        };
        code_session::Entity::update_many()
            .set(change)
            .filter(Column::Id.eq(self.id.as_uuid()))
            .exec(transaction)
            .await?;
        let cancelled = cancel_active(transaction, self.id, self.at).await?;
        Ok(ClosedSession { session, cancelled })
    }
}

/// Reads a session's row and locks it until the transaction ends.
pub(crate) async fn locked_row(
    transaction: &DatabaseTransaction,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<code_session::Model>, StoreError> {
    Ok(by_id(tenant, id).lock_exclusive().one(transaction).await?)
}

fn by_id(tenant: &TenantId, id: SessionId) -> Select<code_session::Entity> {
    code_session::Entity::find().filter(Column::Id.eq(id.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()))
}
