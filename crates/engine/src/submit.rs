//! Accepting a run.

use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::IdempotencyKey;
use runbay_model::SessionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_queue::Place;
use runbay_queue::ReserveError;
use runbay_store::AcceptRefusal;
use runbay_store::AcceptRun;
use runbay_store::Acceptance;
use runbay_store::ExecutionHead;
use runbay_store::KeyedRequest;
use runbay_store::Repetition;
use runbay_store::WriteError;
use tokio::time::timeout;

use crate::Engine;
use crate::SubmitError;
use crate::Unavailable;
use crate::executions::READ_PATIENCE;
use crate::idempotency::keyed_run;
use crate::requeue::entry;

/// What a run is asked for with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// The id or alias of a language to save first.
    pub language: Option<String>,
    /// Code to save first.
    pub source_code: Option<String>,
    /// What the program reads from standard input.
    pub stdin: Vec<u8>,
    /// Command line arguments after the program's name.
    pub args: Vec<String>,
    /// A name for the request, if sending it again must have no further effect.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl Engine {
    /// Accepts a run of a session's newest code; when it returns, the execution is durable.
    ///
    /// The place in the queue is reserved first and given back when the run is refused. The row is written before
    /// the queue is told, and is found again at the next start if the process dies in between.
    ///
    /// A request whose key was accepted within the last 24 hours has no effect, and is never refused for what has
    /// happened since.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] when the session cannot be run now, the queue is full or the database does not answer.
    pub async fn submit(
        &self,
        tenant: &TenantId,
        session: SessionId,
        request: RunRequest,
    ) -> Result<Acceptance, SubmitError> {
        let at = Timestamp::now();
        let key = request.idempotency_key.as_ref();
        let keyed = key.map(|key| keyed_run(key, tenant, session, &request, at));
        if let Some(keyed) = &keyed
            && let Some(execution) = self.repetition(keyed, at).await?
        {
            return Ok(Acceptance::Repeated(execution));
        }
        let run = AcceptRun {
            tenant: tenant.clone(),
            session,
            execution: ExecutionId::random(),
            offered: self.offered(),
            language: request.language.map(|name| self.offered_language(&name)).transpose()?,
            source_code: request.source_code,
            stdin: request.stdin,
            args: request.args,
            pace: self.settings().pace,
            keyed,
            at,
        };
        let place = self.queue().reserve(self.settings().queue_max_depth).await.map_err(|error| match error {
            ReserveError::Full { depth, max } => SubmitError::QueueFull { depth, max },
            ReserveError::Unavailable(error) => SubmitError::Unavailable(error.into()),
        })?;
        let engine = self.clone();
        self.carry_through(async move { engine.accept(run, place).await }).await?
    }

    /// Looks for an earlier request with the same key; one that is on its way is found in the transaction.
    async fn repetition(&self, keyed: &KeyedRequest, at: Timestamp) -> Result<Option<Execution>, SubmitError> {
        let found = timeout(READ_PATIENCE, self.store().repetition(keyed, at)).await.map_err(Unavailable::new)?;
        match found.map_err(Unavailable::from)? {
            Some(Repetition::Same(execution)) => Ok(Some(*execution)),
            Some(Repetition::Other) => Err(SubmitError::KeyReused),
            None => Ok(None),
        }
    }

    async fn accept(&self, run: AcceptRun, place: Box<dyn Place>) -> Result<Acceptance, SubmitError> {
        let accepted = self.store().write(run).await.map_err(|error| self.refused(error))?;
        let Acceptance::New(execution) = &accepted else {
            return Ok(accepted);
        };
        let head = head(execution);
        // Announced before a worker can know of it, so that nobody sees RUNNING before QUEUED.
        self.announce(&head).await;
        if let Err(error) = place.push(entry(&head)).await {
            tracing::error!(execution.id = %head.id, error = ?error, "an accepted execution waits for the next start");
        }
        Ok(accepted)
    }

    fn refused(&self, error: WriteError<AcceptRefusal>) -> SubmitError {
        match error {
            WriteError::Refused(AcceptRefusal::SessionNotFound) => SubmitError::SessionNotFound,
            WriteError::Refused(AcceptRefusal::SessionInactive) => SubmitError::SessionInactive,
            WriteError::Refused(AcceptRefusal::ActiveExecution { execution }) => {
                SubmitError::ActiveExecution { execution }
            }
            WriteError::Refused(AcceptRefusal::Cooldown { retry_after }) => SubmitError::Cooldown { retry_after },
            WriteError::Refused(AcceptRefusal::RateLimited { runs_per_minute, retry_after }) => {
                SubmitError::RateLimited { runs_per_minute, retry_after }
            }
            WriteError::Refused(AcceptRefusal::KeyReused) => SubmitError::KeyReused,
            WriteError::Refused(AcceptRefusal::LanguageNotOffered { language }) => {
                self.unknown_language(language.as_str()).into()
            }
            WriteError::Unavailable(error) => SubmitError::Unavailable(error.into()),
        }
    }
}

fn head(execution: &Execution) -> ExecutionHead {
    ExecutionHead {
        id: execution.id,
        tenant: execution.tenant.clone(),
        session: execution.session,
        state: execution.state,
        attempts_returned: 0,
        available_at: None,
        created_at: execution.created_at,
        queued_at: execution.queued_at,
        started_at: execution.started_at,
        completed_at: execution.completed_at,
    }
}
