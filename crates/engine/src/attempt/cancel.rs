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
use crate::ReadError;
use crate::outage::Part;

impl Engine {
    /// Cancels an execution. If its program runs, tells it to stop and waits a moment for what it has written.
    ///
    /// # Errors
    ///
    /// [`CancelError`] when it does not exist for this tenant, has ended, or the database does not answer.
    pub async fn cancel(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionHead, CancelError> {
        let cancel = CancelExecution { tenant: tenant.clone(), id, at: Timestamp::now() };
        let engine = self.clone();
        let cancelled = self.carry_through(async move {
            let tenant = cancel.tenant.clone();
            match engine.store().write(cancel).await {
                Ok(head) => Ok(engine.after_cancellation(head).await),
                Err(WriteError::Refused(CancelRefusal::Stopping)) => {
                    engine.until_settled(&tenant, id).await.map_err(|error| match error {
                        ReadError::NotFound => CancelError::NotFound,
                        ReadError::Unavailable(error) => CancelError::Unavailable(error),
                    })
                }
                Err(WriteError::Refused(CancelRefusal::NotFound)) => Err(CancelError::NotFound),
                Err(WriteError::Refused(CancelRefusal::AlreadyEnded)) => Err(CancelError::AlreadyEnded),
                Err(WriteError::Failed(error)) => Err(CancelError::Unavailable(error.into())),
            }
        });
        cancelled.await?
    }

    /// Completes a durable cancellation: takes the execution out of the queue, or stops its attempt and waits for what
    /// the program has written. Returns the head afterwards.
    pub(crate) async fn after_cancellation(&self, head: ExecutionHead) -> ExecutionHead {
        self.running().stop(head.id);
        self.waiting().leave(head.id);
        let (engine, cancelled) = (self.clone(), head.clone());
        self.tell(async move {
            if let Err(error) = engine.queue().remove(cancelled.id, &cancelled.language).await {
                // The entry is harmless: a claim finds that the row is not queued.
                engine.outages().failed(Part::Queue, &error);
            }
            engine.announce(&cancelled).await;
        })
        .await;
        if head.state.is_ended() {
            return head;
        }
        self.until_settled(&head.tenant, head.id).await.unwrap_or_else(|error| {
            tracing::info!(execution.id = %head.id, error = ?error, "a cancelled run is left to the sweep");
            head
        })
    }
}
