//! Waiting for the end of an execution.

use std::time::Duration;

use runbay_events::EventKind;
use runbay_events::Subscription;
use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::TenantId;
use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::Engine;
use crate::ReadError;
use crate::Unavailable;

impl Engine {
    /// Waits until an execution has ended, and returns it; after `patience` returns it as it is then.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn wait_for_end(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
        patience: Duration,
    ) -> Result<Execution, ReadError> {
        let deadline = Instant::now() + patience;
        loop {
            // First the subscription, then the row: an end in between is in the row, a later one among the events.
            let mut subscription = self.events().subscribe(id, None).await.map_err(Unavailable::from)?;
            let execution = self.execution(tenant, id).await?;
            if execution.state.is_ended() || Instant::now() >= deadline {
                return Ok(execution);
            }
            match timeout_at(deadline, until_last(&mut *subscription)).await {
                // The last event: the row has ended. A bus that had to forget the execution: look anew.
                Ok(last) => last?,
                Err(_) => return self.execution(tenant, id).await,
            }
        }
    }
}

/// Waits until nothing more is to be learned from a subscription.
async fn until_last(subscription: &mut dyn Subscription) -> Result<(), Unavailable> {
    while let Some(event) = subscription.next().await? {
        if event.kind == EventKind::Result {
            break;
        }
    }
    Ok(())
}
