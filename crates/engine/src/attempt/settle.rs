//! The end of executions that were cancelled while they ran.

use std::sync::Arc;

use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::Outcome;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_store::ExecutionHead;
use runbay_store::SettleExecution;
use runbay_store::Stale;
use runbay_store::WriteError;
use tokio::time::timeout;

use crate::Claim;
use crate::Engine;
use crate::ReadError;
use crate::Recorded;
use crate::Unavailable;
use crate::watch::announce::Usage;

/// How many executions are read at a time.
const PAGE: u64 = 100;

impl Engine {
    /// Ends an execution that was cancelled, with what its program had written when it was stopped. `outcome` is none
    /// when nothing is known of it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer. The same report may be sent again.
    pub async fn settle(&self, claim: &Claim, outcome: Option<Arc<Outcome>>) -> Result<Recorded, Unavailable> {
        let engine = self.clone();
        let (id, attempt, follower) = (claim.execution, claim.attempt, claim.follower.abort_handle());
        let settled = self.carry_through(async move {
            // Otherwise it would hear of this end and read the row in vain.
            follower.abort();
            engine.settle_attempt(id, attempt, outcome).await
        });
        // What is not stopping has an end, or the attempt was taken away and the execution is tried again.
        Ok(settled.await??.map_or(Recorded::Stale, |_| Recorded::Accepted))
    }

    /// Waits until an execution that is stopping has its end. Gives it one without the report of its worker if that does
    /// not come in time.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the execution is gone or the database does not answer. The sweep then ends it.
    pub(crate) async fn until_settled(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionHead, ReadError> {
        let patience = self.settings().stop_patience;
        // The bus may be away and take its time to say so.
        let head = match timeout(patience, self.wait_for_head(tenant, id, patience)).await {
            Ok(waited) => waited?,
            Err(_) => self.execution_head(tenant, id).await?,
        };
        if head.state.is_ended() {
            return Ok(head);
        }
        match self.settle_attempt(id, head.state.attempt(), None).await? {
            Some(ended) => Ok(ended),
            None => self.execution_head(tenant, id).await,
        }
    }

    /// Ends the executions that have been stopping for so long that nobody waits for them any more: whoever cancelled
    /// them has died.
    pub(crate) async fn settle_forsaken(&self) -> Result<(), Unavailable> {
        let stopping = self.store().stopping(PAGE).await?;
        if stopping.is_empty() {
            return Ok(());
        }
        let patience = self.settings().lease + self.settings().stop_patience;
        let limit = self.store().now().await?.before(patience);
        for head in stopping.iter().filter(|head| head.completed_at.is_some_and(|stopped_at| stopped_at < limit)) {
            self.settle_attempt(head.id, head.state.attempt(), None).await?;
        }
        Ok(())
    }

    /// Ends all executions that are stopping. Only where nothing runs yet.
    pub(crate) async fn settle_all(&self) -> Result<(), Unavailable> {
        loop {
            let stopping = self.store().stopping(PAGE).await?;
            if stopping.is_empty() {
                return Ok(());
            }
            for head in stopping {
                self.settle_attempt(head.id, head.state.attempt(), None).await?;
            }
        }
    }

    /// Writes and announces the end of an attempt that is stopping. Returns none when it is not.
    async fn settle_attempt(
        &self,
        id: ExecutionId,
        attempt: Attempt,
        outcome: Option<Arc<Outcome>>,
    ) -> Result<Option<ExecutionHead>, Unavailable> {
        let usage = outcome.as_ref().map_or_else(Usage::default, |outcome| Usage::from(&outcome.facts));
        match self.store().write(SettleExecution { id, attempt, outcome, at: Timestamp::now() }).await {
            Ok(head) => {
                self.announce_with(&head, usage).await;
                Ok(Some(head))
            }
            Err(WriteError::Refused(Stale)) => Ok(None),
            Err(WriteError::Failed(error)) => Err(error.into()),
        }
    }
}
