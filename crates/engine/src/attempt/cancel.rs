//! Cancelling executions.

use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_model::LiveInput;
use runbay_model::ProgramSignal;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::CancelExecution;
use runbay_store::CancelRefusal;
use runbay_store::ExecutionHead;
use runbay_store::WriteError;

use crate::CancelError;
use crate::Claim;
use crate::Engine;
use crate::ReadError;
use crate::SendError;
use crate::outage::Part;
use crate::queueing::entry::lane;

/// How long a program may take to end by a signal until its cancellation is durable; its worker gives it two seconds.
const SOFT_PATIENCE: Duration = Duration::from_secs(5);

impl Engine {
    /// Cancels an execution. If its program runs, tells it to stop and waits a moment for what it has written.
    ///
    /// # Errors
    ///
    /// [`CancelError`] when it does not exist for this tenant, has ended, or the database does not answer.
    pub async fn cancel(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionHead, CancelError> {
        let (engine, tenant) = (self.clone(), tenant.clone());
        let cancelled = self.carry_through(async move {
            match engine.write_cancellation(&tenant, id).await? {
                Some(head) => Ok(engine.after_cancellation(head).await),
                None => engine.until_settled(&tenant, id).await.map_err(|error| match error {
                    ReadError::NotFound => CancelError::NotFound,
                    ReadError::Unavailable(error) => CancelError::Unavailable(error),
                }),
            }
        });
        cancelled.await?
    }

    /// Sends a signal to the program of an execution, gives it a moment to end, and cancels it. A queued execution is
    /// cancelled at once.
    ///
    /// # Errors
    ///
    /// [`CancelError`] when it does not exist for this tenant, has ended, or the database does not answer.
    pub async fn cancel_softly(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
        signal: ProgramSignal,
    ) -> Result<ExecutionHead, CancelError> {
        let sent = self.link(tenant, id).send(&LiveInput::Stop(signal)).await;
        if let Err(SendError::Read(ReadError::NotFound)) = sent {
            return Err(CancelError::NotFound);
        }
        if sent.is_ok()
            && let Ok(head) = self.wait_for_head(tenant, id, SOFT_PATIENCE).await
            && head.state.is_ended()
        {
            return Ok(head);
        }
        self.cancel(tenant, id).await
    }

    /// Cancels the execution of a claim, whose worker stops its program itself.
    ///
    /// # Errors
    ///
    /// [`CancelError`] when it has ended or the database does not answer.
    pub async fn cancel_attempt(&self, claim: &Claim) -> Result<(), CancelError> {
        let (engine, tenant, id) = (self.clone(), claim.tenant.clone(), claim.execution);
        let cancelled = self.carry_through(async move {
            if let Some(head) = engine.write_cancellation(&tenant, id).await? {
                engine.running().stop(id);
                engine.announce(&head).await;
            }
            Ok(())
        });
        cancelled.await?
    }

    /// Writes that an execution is cancelled. Returns none when somebody else was faster and its program is stopping.
    async fn write_cancellation(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
    ) -> Result<Option<ExecutionHead>, CancelError> {
        match self.store().write(CancelExecution { tenant: tenant.clone(), id, at: Timestamp::now() }).await {
            Ok(head) => Ok(Some(head)),
            Err(WriteError::Refused(CancelRefusal::Stopping)) => Ok(None),
            Err(WriteError::Refused(CancelRefusal::NotFound)) => Err(CancelError::NotFound),
            Err(WriteError::Refused(CancelRefusal::AlreadyEnded)) => Err(CancelError::AlreadyEnded),
            Err(WriteError::Failed(error)) => Err(CancelError::Unavailable(error.into())),
        }
    }

    /// Completes a durable cancellation: takes the execution out of the queue, or stops its attempt and waits for what
    /// the program has written. Returns the head afterwards.
    pub(crate) async fn after_cancellation(&self, head: ExecutionHead) -> ExecutionHead {
        self.running().stop(head.id);
        self.waiting().leave(head.id);
        let (engine, cancelled) = (self.clone(), head.clone());
        self.tell(async move {
            if let Err(error) = engine.queue().remove(cancelled.id, &lane(&cancelled)).await {
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
