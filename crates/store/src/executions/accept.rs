//! Accepting executions: the part that runs of sessions and one-shot executions share.

mod one_shot;
mod run;

use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::Set;

pub use one_shot::AcceptOneShot;
pub use run::AcceptRun;

use super::ExecutionHead;
use crate::KeyedRequest;
use crate::Repetition;
use crate::WriteError;
use crate::backend::fault::is_unique_violation;
use crate::entities::execution;
use crate::entities::number;
use crate::idempotency::remember;
use crate::idempotency::repeated_execution;

/// An execution that is accepted by this request or was accepted by an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub enum Acceptance {
    /// This request was accepted.
    New {
        /// The execution.
        head: ExecutionHead,
        /// The bytes of what it runs and is given, which are kept with it.
        stored_bytes: u64,
    },
    /// The same request was accepted earlier. Holds the present head. Nothing was written.
    Repeated(ExecutionHead),
}

impl Acceptance {
    /// Returns the execution, whether it is new or not.
    #[must_use]
    pub fn into_head(self) -> ExecutionHead {
        match self {
            Self::New { head, .. } | Self::Repeated(head) => head,
        }
    }
}

/// Why an execution is not accepted. A one-shot execution is refused only for the last reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcceptRefusal {
    /// There is no such session, or it belongs to another tenant.
    #[error("the session was not found")]
    SessionNotFound,
    /// The session was closed.
    #[error("the session is inactive")]
    SessionInactive,
    /// The session's language is not offered.
    #[error("the language {language} is not offered")]
    LanguageNotOffered {
        /// The language.
        language: LanguageId,
    },
    /// The session already has an execution that is queued or running.
    #[error("the session has an active execution")]
    ActiveExecution {
        /// The active execution. None when it started or ended at this moment.
        execution: Option<ExecutionId>,
    },
    /// The cooldown after the newest run of the session is not over.
    #[error("the session cools down for another {retry_after:?}")]
    Cooldown {
        /// The time until the next run may be accepted.
        retry_after: Duration,
    },
    /// The session has had as many runs in the last 60 seconds as it may have.
    #[error("the session was run {runs_per_minute} times in a minute")]
    RateLimited {
        /// The most runs within any 60 seconds.
        runs_per_minute: u32,
        /// The time until the next run may be accepted.
        retry_after: Duration,
    },
    /// Another request was accepted under the same key earlier.
    #[error("the idempotency key stands for another request")]
    KeyReused,
}

/// An execution that has passed all checks.
pub(super) struct Accepted {
    pub(super) id: ExecutionId,
    pub(super) tenant: TenantId,
    pub(super) session: Option<SessionId>,
    /// The version of the session whose code is run.
    pub(super) session_version: Option<u64>,
    pub(super) input: RunInput,
    pub(super) keyed: Option<KeyedRequest>,
    pub(super) at: Timestamp,
}

impl Accepted {
    /// Adds the rows of the execution and of its key.
    pub(super) async fn insert(
        self,
        transaction: &DatabaseTransaction,
    ) -> Result<Acceptance, WriteError<AcceptRefusal>> {
        match execution::Entity::insert(self.row()).exec_without_returning(transaction).await {
            Ok(_) => {}
            // The lock on the session excludes this. The unique column holds where a lock does not.
            Err(error) if is_unique_violation(&error) => {
                return Err(WriteError::Refused(AcceptRefusal::ActiveExecution { execution: None }));
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(keyed) = &self.keyed {
            remember(transaction, keyed, self.id.as_uuid(), self.at).await?;
        }
        let stored_bytes = self.input.bytes();
        Ok(Acceptance::New { head: self.into_head(), stored_bytes })
    }

    fn row(&self) -> execution::ActiveModel {
        let session = self.session.map(SessionId::as_uuid);
        let mut row = execution::ActiveModel {
            id: Set(self.id.as_uuid()),
            tenant_id: Set(self.tenant.as_str().to_owned()),
            session_id: Set(session),
            session_version: Set(self.session_version.map(number)),
            active_session_id: Set(session),
            status: Set(State::ACCEPTED.status().as_str().to_owned()),
            attempt: Set(i64::from(State::ACCEPTED.attempt().0)),
            attempts_returned: Set(0),
            created_at: Set(self.at.as_micros()),
            queued_at: Set(self.at.as_micros()),
            stdout_truncated: Set(false),
            stderr_truncated: Set(false),
            ..Default::default()
        };
        row.set_input(&self.input);
        row
    }

    fn into_head(self) -> ExecutionHead {
        ExecutionHead {
            id: self.id,
            tenant: self.tenant,
            session: self.session,
            session_version: self.session_version,
            language: self.input.language,
            priority: self.input.work.priority,
            is_interactive: self.input.work.interaction.is_some(),
            queue_turn: None,
            state: State::ACCEPTED,
            worker: None,
            attempts_returned: 0,
            available_at: None,
            created_at: self.at,
            queued_at: self.at,
            started_at: None,
            completed_at: None,
        }
    }
}

/// Returns the execution that an earlier request with the same key led to. Returns none when there is no such request.
async fn repeated(
    transaction: &DatabaseTransaction,
    keyed: Option<&KeyedRequest>,
    at: Timestamp,
) -> Result<Option<Acceptance>, WriteError<AcceptRefusal>> {
    let Some(keyed) = keyed else { return Ok(None) };
    match repeated_execution(transaction, keyed, at).await? {
        Some(Repetition::Same(head)) => Ok(Some(Acceptance::Repeated(*head))),
        Some(Repetition::Other) => Err(WriteError::Refused(AcceptRefusal::KeyReused)),
        None => Ok(None),
    }
}
