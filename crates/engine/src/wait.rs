//! Waiting for the end of an execution.

use std::time::Duration;

use runbay_events::EventKind;
use runbay_events::Subscription;
use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::TenantId;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout_at;

use crate::Engine;
use crate::ReadError;
use crate::outage::Part;

/// How often to look at the row while events come: whoever should have published the last one may have died.
const LOOK: Duration = Duration::from_secs(5);

/// How often to look at the row while the bus does not answer.
const BLIND_LOOK: Duration = Duration::from_millis(500);

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
        // First the subscription, then the row: an end in between is in the row, a later one among the events.
        let mut subscription = self.subscription(id).await;
        let mut nothing_heard = false;
        loop {
            let execution = self.execution(tenant, id).await?;
            if execution.state.is_ended() {
                if nothing_heard {
                    self.publish_result(id).await;
                }
                return Ok(execution);
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(execution);
            }
            let Some(open) = &mut subscription else {
                sleep_until(deadline.min(now + BLIND_LOOK)).await;
                subscription = self.subscription(id).await;
                continue;
            };
            nothing_heard = match timeout_at(deadline.min(now + LOOK), self.until_last(&mut **open)).await {
                // The last event: the row has ended. A bus that had to forget the execution: look anew.
                Ok(()) => {
                    subscription = None;
                    false
                }
                Err(_) => true,
            };
        }
    }

    async fn subscription(&self, id: ExecutionId) -> Option<Box<dyn Subscription>> {
        match self.events().subscribe(id, None).await {
            Ok(subscription) => Some(subscription),
            Err(error) => {
                self.outages().failed(Part::Events, &error);
                None
            }
        }
    }

    /// Waits until nothing more is to be learned from a subscription.
    async fn until_last(&self, subscription: &mut dyn Subscription) {
        loop {
            match subscription.next().await {
                Ok(Some(event)) if event.kind != EventKind::Result => {}
                Ok(_) => return,
                Err(error) => return self.outages().failed(Part::Events, &error),
            }
        }
    }
}
