//! Cancelling executions.

use runbay_model::ExecutionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::CancelExecution;
use runbay_store::CancelRefusal;
use runbay_store::ExecutionHead;
use runbay_store::WriteError;

use crate::CancelError;
use crate::Engine;
use crate::outage::Part;

impl Engine {
    /// Cancels an execution, and tells its program to stop if it runs.
    ///
    /// # Errors
    ///
    /// [`CancelError`] when it does not exist for this tenant, has ended, or the database does not answer.
    pub async fn cancel(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionHead, CancelError> {
        let cancel = CancelExecution { tenant: tenant.clone(), id, at: Timestamp::now() };
        let engine = self.clone();
        let cancelled = self.carry_through(async move {
            let head = engine.store().write(cancel).await?;
            engine.after_cancellation(&head).await;
            Ok(head)
        });
        cancelled.await?.map_err(|error| match error {
            WriteError::Refused(CancelRefusal::NotFound) => CancelError::NotFound,
            WriteError::Refused(CancelRefusal::AlreadyEnded) => CancelError::AlreadyEnded,
            WriteError::Failed(error) => CancelError::Unavailable(error.into()),
        })
    }

    /// Completes a durable cancellation: takes the execution out of the queue and stops its attempt.
    pub(crate) async fn after_cancellation(&self, head: &ExecutionHead) {
        self.running().stop(head.id);
        let (engine, head) = (self.clone(), head.clone());
        self.tell(async move {
            if let Err(error) = engine.queue().remove(head.id, &head.language).await {
                // The entry is harmless: a claim finds that the row is not queued.
                engine.outages().failed(Part::Queue, &error);
            }
            engine.announce(&head).await;
        })
        .await;
    }
}
