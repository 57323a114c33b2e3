//! Accepting a run of a session.

use std::sync::Arc;
use std::time::Duration;

use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::RunInput;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::Set;

use super::Pace;
use super::head::locked_head;
use super::pace::too_fast;
use crate::Command;
use crate::KeyedRequest;
use crate::Repetition;
use crate::Unavailable;
use crate::WriteError;
use crate::entities::execution;
use crate::entities::execution::Column;
use crate::error::is_unique_violation;
use crate::idempotency::remember;
use crate::idempotency::repetition;
use crate::sessions::locked;
use crate::sessions::save;

/// Saves what came with a run, takes a snapshot of the session and queues an execution of it: all or nothing.
#[derive(Debug)]
pub struct AcceptRun {
    /// Who asks.
    pub tenant: TenantId,
    /// The session.
    pub session: SessionId,
    /// The id of the execution to be.
    pub execution: ExecutionId,
    /// The languages that are offered; a session may be in one that no longer is.
    pub offered: Arc<[LanguageId]>,
    /// A language to save first.
    pub language: Option<LanguageId>,
    /// Code to save first.
    pub source_code: Option<String>,
    /// What the program reads from standard input.
    pub stdin: Vec<u8>,
    /// Command line arguments after the program's name.
    pub args: Vec<String>,
    /// How often the session may be run.
    pub pace: Pace,
    /// Under which key the run is asked for, if it may be asked for twice.
    pub keyed: Option<KeyedRequest>,
    /// The present time.
    pub at: Timestamp,
}

/// A run that is accepted, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It was accepted now.
    New(Execution),
    /// The same request was accepted before, and this is what came of it; nothing was written.
    Repeated(Execution),
}

impl Acceptance {
    /// Returns the execution, new or not.
    #[must_use]
    pub fn into_execution(self) -> Execution {
        match self {
            Self::New(execution) | Self::Repeated(execution) => execution,
        }
    }
}

/// Why a run is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptRefusal {
    /// There is no such session, or it belongs to another tenant.
    SessionNotFound,
    /// The session was closed.
    SessionInactive,
    /// The session's language is not offered.
    LanguageNotOffered {
        /// The language.
        language: LanguageId,
    },
    /// The session has an execution that is queued or running.
    ActiveExecution {
        /// It, unless somebody else added it in this instant.
        execution: Option<ExecutionId>,
    },
    /// The newest run of the session was accepted too short a time ago.
    Cooldown {
        /// When the next run may be accepted.
        retry_after: Duration,
    },
    /// The session was run as often in the last 60 seconds as it may be.
    RateLimited {
        /// The most runs within any 60 seconds.
        runs_per_minute: u32,
        /// When the next run may be accepted.
        retry_after: Duration,
    },
    /// Something else was asked for under the same key before.
    KeyReused,
}

impl Command for AcceptRun {
    type Answer = Acceptance;
    type Refusal = AcceptRefusal;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Acceptance, WriteError<AcceptRefusal>> {
        let Some(session) = locked(transaction, &self.tenant, self.session).await? else {
            return Err(WriteError::Refused(AcceptRefusal::SessionNotFound));
        };
        // Before all other checks: what was accepted once stays accepted, whatever the session has become since.
        if let Some(keyed) = &self.keyed {
            match repetition(transaction, keyed, self.at).await? {
                Some(Repetition::Same(execution)) => return Ok(Acceptance::Repeated(*execution)),
                Some(Repetition::Other) => return Err(WriteError::Refused(AcceptRefusal::KeyReused)),
                None => {}
            }
        }
        self.check(transaction, &session).await?;
        // The snapshot is what this returns, so whatever was saved before this transaction or in it is what runs.
        let saved = save(transaction, session, self.language, self.source_code, self.at).await?;
        let Some(session) = saved else {
            return Err(Unavailable::Busy.into());
        };
        if !self.offered.contains(&session.language) {
            return Err(WriteError::Refused(AcceptRefusal::LanguageNotOffered { language: session.language }));
        }
        let execution = Execution {
            id: self.execution,
            tenant: self.tenant,
            session: Some(session.id),
            input: RunInput {
                language: session.language,
                source_code: session.source_code,
                stdin: self.stdin,
                args: self.args,
            },
            state: State::ACCEPTED,
            outcome: None,
            created_at: self.at,
            queued_at: self.at,
            started_at: None,
            completed_at: None,
        };
        insert(transaction, &execution).await?;
        if let Some(keyed) = &self.keyed {
            remember(transaction, keyed, execution.id).await?;
        }
        Ok(Acceptance::New(execution))
    }
}

impl AcceptRun {
    /// Refuses a run that the session does not allow now; clients rely on the order of the checks.
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

async fn insert(transaction: &DatabaseTransaction, execution: &Execution) -> Result<(), WriteError<AcceptRefusal>> {
    match execution::Entity::insert(row(execution)).exec_without_returning(transaction).await {
        Ok(_) => Ok(()),
        // The lock on the session makes this impossible; the unique column holds where a lock does not.
        Err(error) if is_unique_violation(&error) => {
            Err(WriteError::Refused(AcceptRefusal::ActiveExecution { execution: None }))
        }
        Err(error) => Err(error.into()),
    }
}

fn row(execution: &Execution) -> execution::ActiveModel {
    let session = execution.session.map(SessionId::as_uuid);
    execution::ActiveModel {
        id: Set(execution.id.as_uuid()),
        tenant_id: Set(execution.tenant.as_str().to_owned()),
        session_id: Set(session),
        active_session_id: Set(session),
        language: Set(execution.input.language.as_str().to_owned()),
        source_code: Set(execution.input.source_code.clone()),
        stdin: Set(execution.input.stdin.clone()),
        args: Set(serde_json::Value::from(execution.input.args.as_slice()).to_string()),
        status: Set(execution.state.status().as_str().to_owned()),
        attempt: Set(i64::from(execution.state.attempt().0)),
        attempts_returned: Set(0),
        created_at: Set(execution.created_at.as_micros()),
        queued_at: Set(execution.queued_at.as_micros()),
        stdout_truncated: Set(false),
        stderr_truncated: Set(false),
        ..Default::default()
    }
}
