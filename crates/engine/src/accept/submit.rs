//! Accepting executions.

use std::sync::Arc;

use runbay_model::ExecutionId;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_model::Work;
use runbay_shares::Client;
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
use crate::RunRequest;
use crate::SubmitError;
use crate::Unavailable;
use crate::accept::idempotency::keyed_one_shot;
use crate::accept::idempotency::keyed_run;
use crate::sessions::template;
use crate::storage::AdmittedBytes;
use crate::storage::Growth;
use crate::storage::given_bytes;
use crate::watch::read::READ_PATIENCE;

/// Returns whether a language has what the work needs.
fn may_run(language: &Language, work: &Work) -> bool {
    language.has_repl || !work.interaction.is_some_and(|interaction| interaction.is_repl)
}

impl Engine {
    /// Accepts a run of a session's newest code. The execution is durable when this returns.
    ///
    /// The place in the queue is reserved first and given back when the run is refused. The row is written before the
    /// queue is told. If the process dies in between, the next sweep finds the row.
    ///
    /// A request whose key was accepted within the last 24 hours has no effect. It is never refused for what has
    /// happened since.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] when the session cannot be run at this time, the queue is full or the database does not answer.
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
        let client = request.client;
        let growth = if request.code.is_some() { Growth::New } else { Growth::Run };
        let admitted = self.admit_bytes(client, growth, given_bytes(&request))?;
        let run = AcceptRun {
            tenant: tenant.clone(),
            session,
            execution: ExecutionId::random(),
            offered: self.offered_for(&request.work),
            language: self.chosen_language(request.language.as_deref())?,
            code: request.code,
            work: request.work,
            pace: self.settings().pace,
            keyed,
            at,
        };
        self.accept(run, client, admitted).await
    }

    /// Accepts a one-shot execution in the same way as [`submit`](Self::submit). No session limits how many there are
    /// at a time.
    ///
    /// # Errors
    ///
    /// [`SubmitError`] when the language is not offered, the queue is full or the database does not answer.
    pub async fn submit_one_shot(&self, tenant: &TenantId, request: RunRequest) -> Result<Acceptance, SubmitError> {
        let at = Timestamp::now();
        let keyed = keyed_one_shot(tenant, &request, at);
        if let Some(repeated) = self.repeated(keyed.as_ref(), at).await? {
            return Ok(repeated);
        }
        let (client, given) = (request.client, given_bytes(&request));
        let language = match &request.language {
            Some(name) => self.offered_language(name)?,
            None => self.default_language().ok_or(SubmitError::NoLanguage)?,
        };
        if !may_run(&language, &request.work) {
            return Err(SubmitError::NoRepl { language: language.id });
        }
        let sources = match request.code {
            Some(code) => code.applied_to(Sources::default()),
            None => template(&language),
        };
        let input = RunInput { language: language.id, sources, work: request.work };
        let admitted = self.admit_bytes(client, Growth::New, given)?;
        let one_shot = AcceptOneShot { tenant: tenant.clone(), execution: ExecutionId::random(), input, keyed, at };
        self.accept(one_shot, client, admitted).await
    }

    /// Looks for an earlier request with the same key. One that is still being accepted is found in the transaction.
    async fn repeated(&self, keyed: Option<&KeyedRequest>, at: Timestamp) -> Result<Option<Acceptance>, SubmitError> {
        let Some(keyed) = keyed else { return Ok(None) };
        let found = timeout(READ_PATIENCE, self.store().repetition(keyed, at)).await.map_err(Unavailable::new)?;
        match found.map_err(Unavailable::from)? {
            Some(Repetition::Same(head)) => Ok(Some(Acceptance::Repeated(*head))),
            Some(Repetition::Other) => Err(AcceptRefusal::KeyReused.into()),
            None => Ok(None),
        }
    }

    /// Reserves a place in the queue, writes the execution and queues it.
    async fn accept<C>(
        &self,
        command: C,
        client: Option<Client>,
        admitted: AdmittedBytes,
    ) -> Result<Acceptance, SubmitError>
    where
        C: Command<Answer = Acceptance, Refusal = AcceptRefusal>,
    {
        let place = self.place(client).await?;
        let engine = self.clone();
        let accepted = self.carry_through(async move {
            let accepted = engine.store().write(command).await.map_err(|error| engine.refused(error))?;
            if let Acceptance::New { head, stored_bytes } = &accepted {
                // The saved code of a session is copied, and its size was not known before.
                admitted.keep(*stored_bytes);
                engine.queue_accepted(head, place).await;
            }
            Ok(accepted)
        });
        accepted.await?
    }

    /// Returns the languages that this work can be run in.
    fn offered_for(&self, work: &Work) -> Arc<[LanguageId]> {
        let catalog = self.catalog();
        let fitting = catalog.languages().iter().filter(|language| may_run(language, work));
        fitting.map(|language| language.id.clone()).collect()
    }

    fn refused(&self, error: WriteError<AcceptRefusal>) -> SubmitError {
        match error {
            WriteError::Refused(AcceptRefusal::LanguageNotOffered { language }) => {
                if self.catalog().find(language.as_str()).is_some() {
                    return SubmitError::NoRepl { language };
                }
                self.unknown_language(language.as_str()).into()
            }
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::Failed(error) => SubmitError::Unavailable(error.into()),
        }
    }
}
