//! Dead letters: executions that failed with all their attempts, for a person to look at.

use runbay_model::ExecutionId;
use runbay_model::Page;
use runbay_model::PageRequest;
use runbay_model::Priority;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::DeadLetter;
use runbay_store::DeadLetterNotFound;
use runbay_store::DeleteDeadLetter;
use runbay_store::ExecutionHead;
use runbay_store::RequeueDeadLetter;
use runbay_store::RequeueRefusal;
use runbay_store::WriteError;

use crate::Engine;
use crate::ReadError;
use crate::RequeueError;
use crate::watch::lists::some;

impl Engine {
    /// Lists the dead letters of a tenant, newest first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database does not answer.
    pub async fn dead_letters(&self, tenant: &TenantId, page: PageRequest) -> Result<Page<DeadLetter>, ReadError> {
        self.read(some(self.store().dead_letters(tenant, page))).await
    }

    /// Accepts a new execution with the input of a dead letter. The old execution stays in the history and stops being
    /// a dead letter.
    ///
    /// # Errors
    ///
    /// [`RequeueError`] when there is no such dead letter, its session or language does not allow a run at this time,
    /// the queue is full or the database does not answer.
    pub async fn requeue_dead_letter(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionHead, RequeueError> {
        let dead = self.execution_head(tenant, id).await?;
        self.offered_language(dead.language.as_str())?;
        let place = self.place(None).await?;
        let command =
            RequeueDeadLetter { tenant: tenant.clone(), id, execution: ExecutionId::random(), at: Timestamp::now() };
        let engine = self.clone();
        let requeued = self.carry_through(async move {
            let head = engine.store().write(command).await?;
            // A person waits for it, so it is as urgent as others, whatever its first priority was.
            engine.queue_accepted(&ExecutionHead { priority: Priority::default(), ..head.clone() }, place).await;
            Ok::<_, RequeueError>(head)
        });
        requeued.await?
    }

    /// Makes a dead letter an ordinary failed execution, which stays in the history.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when there is no such dead letter or the database does not answer.
    pub async fn forget_dead_letter(&self, tenant: &TenantId, id: ExecutionId) -> Result<(), ReadError> {
        let command = DeleteDeadLetter { tenant: tenant.clone(), id };
        let engine = self.clone();
        let forgotten = self.carry_through(async move { engine.store().write(command).await });
        forgotten.await?.map_err(|error| match error {
            WriteError::Refused(DeadLetterNotFound) => ReadError::NotFound,
            WriteError::Failed(error) => ReadError::Unavailable(error.into()),
        })
    }
}

impl From<WriteError<RequeueRefusal>> for RequeueError {
    fn from(error: WriteError<RequeueRefusal>) -> Self {
        match error {
            WriteError::Refused(refusal) => Self::Refused(refusal),
            WriteError::Failed(error) => Self::Unavailable(error.into()),
        }
    }
}
