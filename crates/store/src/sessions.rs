//! Reads and writes of sessions.

mod list;

use std::convert::Infallible;

use runbay_model::CodeChange;
use runbay_model::LanguageId;
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

use crate::Command;
use crate::ExecutionHead;
use crate::Store;
use crate::Unavailable;
use crate::WriteError;
use crate::Writes;
use crate::entities::code_session;
use crate::entities::code_session::Column;
use crate::entities::number;
use crate::executions::cancel_active;

/// Adds a session.
#[derive(Debug)]
pub struct InsertSession(pub Session);

/// Changes language and code of a session; a change that changes nothing writes nothing.
#[derive(Debug)]
pub struct SaveSession {
    /// Who asks.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
    /// The new language, if any.
    pub language: Option<LanguageId>,
    /// The new code, if any.
    pub code: Option<CodeChange>,
    /// The version that the session must have, if it matters.
    pub expected_version: Option<u64>,
    /// The present time.
    pub at: Timestamp,
}

/// Why a session is not saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveRefusal {
    /// There is no such session, or it belongs to another tenant.
    NotFound,
    /// It was closed.
    Inactive,
    /// It has another version than expected.
    VersionConflict {
        /// The version that it has.
        current: u64,
    },
}

/// Closes a session and cancels its active execution.
#[derive(Debug)]
pub struct CloseSession {
    /// Who asks.
    pub tenant: TenantId,
    /// The session.
    pub id: SessionId,
    /// The present time.
    pub at: Timestamp,
}

/// A session that was closed, now or before.
#[derive(Debug)]
pub struct ClosedSession {
    /// The session as it is now.
    pub session: Session,
    /// The execution that was cancelled with it.
    pub cancelled: Option<ExecutionHead>,
}

/// There is no such session, or it belongs to another tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionNotFound;

impl Store {
    /// Reads a session; none when there is no such session or it belongs to another tenant.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer.
    pub async fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Option<Session>, Unavailable> {
        by_id(tenant, id).one(self.readers()).await?.map(Session::try_from).transpose()
    }
}

impl Command for InsertSession {
    type Answer = ();
    type Refusal = Infallible;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let row = code_session::ActiveModel::from(&self.0);
        code_session::Entity::insert(row).exec_without_returning(transaction).await?;
        Ok(())
    }
}

impl Command for SaveSession {
    type Answer = Session;
    type Refusal = SaveRefusal;
    const WRITES: Writes = Writes::One;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Session, WriteError<SaveRefusal>> {
        let Some(before) = locked(transaction, &self.tenant, self.id).await? else {
            return Err(WriteError::Refused(SaveRefusal::NotFound));
        };
        if before.status == SessionStatus::Inactive {
            return Err(WriteError::Refused(SaveRefusal::Inactive));
        }
        let current = before.version;
        if self.expected_version.is_some_and(|expected| expected != current) {
            return Err(WriteError::Refused(SaveRefusal::VersionConflict { current }));
        }
        let saved = save(transaction, before, self.language, self.code, self.at).await?;
        saved.ok_or(WriteError::Refused(SaveRefusal::VersionConflict { current }))
    }
}

impl Command for CloseSession {
    type Answer = ClosedSession;
    type Refusal = SessionNotFound;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<ClosedSession, WriteError<SessionNotFound>> {
        let Some(mut session) = locked(transaction, &self.tenant, self.id).await? else {
            return Err(WriteError::Refused(SessionNotFound));
        };
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

/// Reads a session and keeps others from changing it until the transaction ends.
pub(crate) async fn locked(
    transaction: &DatabaseTransaction,
    tenant: &TenantId,
    id: SessionId,
) -> Result<Option<Session>, Unavailable> {
    by_id(tenant, id).lock_exclusive().one(transaction).await?.map(Session::try_from).transpose()
}

/// Writes what is new, and returns the session as it is afterwards; none when somebody else wrote in between.
pub(crate) async fn save(
    transaction: &DatabaseTransaction,
    before: Session,
    language: Option<LanguageId>,
    code: Option<CodeChange>,
    at: Timestamp,
) -> Result<Option<Session>, Unavailable> {
    let language = language.filter(|language| *language != before.language);
    let code = code.filter(|code| code.changes(&before.sources));
    if language.is_none() && code.is_none() {
        return Ok(Some(before));
    }
    let before_version = before.version;
    let mut after = before;
    after.version += 1;
    after.updated_at = at;
    let mut change = code_session::ActiveModel {
        version: Set(number(after.version)),
        updated_at: Set(at.as_micros()),
        ..Default::default()
    };
    if let Some(language) = language {
        change.language = Set(language.as_str().to_owned());
        after.language = language;
    }
    if let Some(code) = code {
        match &code {
            // The other files stay as they are, and may be large.
            CodeChange::SourceCode(code) => change.source_code = Set(code.as_str().to_owned()),
            CodeChange::Files(sources) => change.set_sources(sources),
        }
        after.sources = code.applied_to(after.sources);
    }
    let written = code_session::Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(after.id.as_uuid()))
        .filter(Column::Version.eq(number(before_version)))
        .exec(transaction)
        .await?;
    Ok((written.rows_affected == 1).then_some(after))
}

fn by_id(tenant: &TenantId, id: SessionId) -> Select<code_session::Entity> {
    code_session::Entity::find().filter(Column::Id.eq(id.as_uuid())).filter(Column::TenantId.eq(tenant.as_str()))
}
