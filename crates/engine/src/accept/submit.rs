//! Accepting executions.

use runbay_model::ExecutionId;
use runbay_model::Priority;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::AcceptOneShot;
use runbay_store::AcceptRefusal;
use runbay_store::AcceptRun;
use runbay_store::Acceptance;
use runbay_store::Command;
use runbay_store::KeyedRequest;
use runbay_store::Repetition;
use runbay_store::WriteError;
use tokio::time::timeout;

use crate::Engine;
use crate::OneShotRequest;
use crate::RunRequest;
use crate::SubmitError;
use crate::Unavailable;
use crate::accept::idempotency::keyed_one_shot;
use crate::accept::idempotency::keyed_run;
use crate::sessions::template;
use crate::watch::read::READ_PATIENCE;

impl Engine {
    /// Accepts a run of a session's newest code; when it returns, the execution is durable.
    ///
    /// The place in the queue is reserved first and given back when the run is refused. The row is written before
    /// the queue is told, and is found by the next sweep if the process dies in between.
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
        let keyed = keyed_run(tenant, session, &request, at);
        if let Some(repeated) = self.repeated(keyed.as_ref(), at).await? {
            return Ok(repeated);
        }
        let run = AcceptRun {
            tenant: tenant.clone(),
            session,
            execution: ExecutionId::random(),
            offered: self.offered(),
            language: self.chosen_language(request.language.as_deref())?,
            code: request.code,
            work: request.work,
            priority: request.priority,
            pace: self.settings().pace,
            keyed,
            at,
        };
        self.accept(run, request.priority).await
    }

    /// Accepts an execution of code that comes with the request, as [`submit`](Self::submit) does; no session limits
    /// how many there are at a time.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] when the language is not offered, the queue is full or the database does not answer.
    pub async fn submit_one_shot(&self, tenant: &TenantId, request: OneShotRequest) -> Result<Acceptance, SubmitError> {
        let at = Timestamp::now();
        let keyed = keyed_one_shot(tenant, &request, at);
        if let Some(repeated) = self.repeated(keyed.as_ref(), at).await? {
            return Ok(repeated);
        }
        let language = match &request.language {
            Some(name) => self.offered_language(name)?,
            None => self.default_language().ok_or(SubmitError::NoLanguage)?,
        };
        let sources = request.sources.unwrap_or_else(|| template(&language));
        let input = RunInput::new(language.id, sources, request.work);
        let (execution, priority) = (ExecutionId::random(), request.priority);
        self.accept(AcceptOneShot { tenant: tenant.clone(), execution, input, priority, keyed, at }, priority).await
    }

    /// Looks for an earlier request with the same key; one that is on its way is found in the transaction.
    async fn repeated(&self, keyed: Option<&KeyedRequest>, at: Timestamp) -> Result<Option<Acceptance>, SubmitError> {
        let Some(keyed) = keyed else { return Ok(None) };
        let found = timeout(READ_PATIENCE, self.store().repetition(keyed, at)).await.map_err(Unavailable::new)?;
        match found.map_err(Unavailable::from)? {
            Some(Repetition::Same(execution)) => Ok(Some(Acceptance::Repeated(*execution))),
            Some(Repetition::Other) => Err(SubmitError::KeyReused),
            None => Ok(None),
        }
    }

    /// Reserves a place in the queue, writes the execution, and queues it.
    async fn accept<C>(&self, command: C, priority: Priority) -> Result<Acceptance, SubmitError>
    where
        C: Command<Answer = Acceptance, Refusal = AcceptRefusal>,
    {
        let place = self.place().await?;
        let engine = self.clone();
        let accepted = self.carry_through(async move {
            let accepted = engine.store().write(command).await.map_err(|error| engine.refused(error))?;
            if let Acceptance::New(execution) = &accepted {
                engine.queue_accepted(execution, priority, place).await;
            }
            Ok(accepted)
        });
        accepted.await?
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
            WriteError::Failed(error) => SubmitError::Unavailable(error.into()),
        }
    }
}
