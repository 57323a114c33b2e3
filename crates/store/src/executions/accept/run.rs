//! Accepting a run of a session.

use std::sync::Arc;

use runbay_model::CodeChange;
use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::RunInput;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_model::Work;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;

use super::AcceptRefusal;
use super::Acceptance;
use super::Accepted;
use super::repeated;
use crate::Command;
use crate::KeyedRequest;
use crate::Pace;
use crate::StoreError;
use crate::WriteError;
use crate::entities::execution::Column;
use crate::executions::head::locked_head;
use crate::executions::pace::too_fast;
use crate::sessions::locked_row;
use crate::sessions::note_run;
use crate::sessions::save;

/// Saves the code of the request, takes a snapshot of the session and queues its execution: all or nothing.
#[derive(Debug, Clone)]
pub struct AcceptRun {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The session.
    pub session: SessionId,
    /// The id of the new execution.
    pub execution: ExecutionId,
    /// The languages that are offered. That of the session may not be among them.
    pub offered: Arc<[LanguageId]>,
    /// A language to save first.
    pub language: Option<LanguageId>,
    /// Code to save first.
    pub code: Option<CodeChange>,
    /// How to run the code.
    pub work: Work,
    /// How often the session may be run.
    pub pace: Pace,
    /// The idempotency key of the request. None when the request has no key.
    pub keyed: Option<KeyedRequest>,
    /// The present time.
    pub at: Timestamp,
}

impl Command for AcceptRun {
    type Answer = Acceptance;
    type Refusal = AcceptRefusal;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Acceptance, WriteError<AcceptRefusal>> {
        let Some(row) = locked_row(transaction, &self.tenant, self.session).await? else {
            return Err(WriteError::Refused(AcceptRefusal::SessionNotFound));
        };
        let last_run_at = row.last_run_at;
        let session = Session::try_from(row)?;
        // Before all other checks: a request that was accepted stays accepted, whatever has happened to the session.
        if let Some(repeated) = repeated(transaction, self.keyed.as_ref(), self.at).await? {
            return Ok(repeated);
        }
        self.check(transaction, &session).await?;
        // This save returns the snapshot, so the run has everything that was saved before this transaction or in it.
        let saved = save(transaction, session, self.language, self.code, self.at).await?;
        let Some(session) = saved else {
            return Err(StoreError::Busy.into());
        };
        if !self.offered.contains(&session.language) {
            return Err(WriteError::Refused(AcceptRefusal::LanguageNotOffered { language: session.language }));
        }
        note_run(transaction, session.id, last_run_at, self.at).await?;
        let accepted = Accepted {
            id: self.execution,
            tenant: self.tenant,
            session: Some(session.id),
            session_version: Some(session.version),
            input: RunInput { language: session.language, sources: session.sources, work: self.work },
            keyed: self.keyed,
            at: self.at,
        };
        accepted.insert(transaction).await
    }
}

impl AcceptRun {
    /// Refuses a run that the session does not allow at this time. Clients rely on the order of the checks.
    async fn check(
        &self,
        transaction: &DatabaseTransaction,
        session: &Session,
    ) -> Result<(), WriteError<AcceptRefusal>> {
        if session.status == SessionStatus::Inactive {
            return Err(WriteError::Refused(AcceptRefusal::SessionInactive));
        }
        let active = Column::ActiveSessionId.eq(session.id.as_uuid());
        if let Some(active) = locked_head(transaction, active).await? {
            return Err(WriteError::Refused(AcceptRefusal::ActiveExecution { execution: Some(active.id) }));
        }
        match too_fast(transaction, session.id, self.pace, self.at).await? {
            Some(refusal) => Err(WriteError::Refused(refusal)),
            None => Ok(()),
        }
    }
}
