//! Waiting for the end of an execution.

use std::time::Duration;

use runbay_events::EventKind;
use runbay_events::Subscription;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::TenantId;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout_at;

use crate::Engine;
use crate::ReadError;
use crate::outage::Part;

/// The time between two looks at the row while events come. The process that should publish the last one may have died.
const LOOK: Duration = Duration::from_secs(5);

/// The first pause between two looks at the row while the bus does not answer. It doubles each time, up to [`LOOK`].
const FIRST_BLIND_LOOK: Duration = Duration::from_millis(500);

/// Why a subscription brings no more events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// The execution ended, or the bus had to forget it. The row tells which.
    Over,
    /// The bus is away.
    Away,
}

impl Engine {
    /// Waits until an execution has ended, for `patience` at most, and reads it with its result.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn wait_for_end(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
        patience: Duration,
    ) -> Result<ExecutionReport, ReadError> {
        let deadline = Instant::now() + patience;
        // Subscribed before the row is read: an earlier end is in the row, a later one among the events.
        let mut subscription = self.subscription(id).await;
        let mut blind_look = FIRST_BLIND_LOOK;
        let mut nothing_heard = false;
        loop {
            if self.execution_head(tenant, id).await?.state.is_ended() {
                if nothing_heard {
                    self.publish_result(id).await;
                }
                return self.report(tenant, id).await;
            }
            let now = Instant::now();
            if now >= deadline {
                return self.report(tenant, id).await;
            }
            let silence = match &mut subscription {
                None => Silence::Away,
                Some(open) => match timeout_at(deadline.min(now + LOOK), self.until_last(&mut **open)).await {
                    Ok(silence) => silence,
                    Err(_) => {
                        (blind_look, nothing_heard) = (FIRST_BLIND_LOOK, true);
                        continue;
                    }
                },
            };
            nothing_heard = false;
            if silence == Silence::Over {
                let report = self.report(tenant, id).await?;
                if report.summary.state.is_ended() {
                    return Ok(report);
                }
            }
            sleep_until(deadline.min(Instant::now() + blind_look)).await;
            blind_look = (blind_look * 2).min(LOOK);
            subscription = self.subscription(id).await;
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

    /// Waits until a subscription brings no more events.
    async fn until_last(&self, subscription: &mut dyn Subscription) -> Silence {
        loop {
            match subscription.next().await {
                Ok(Some(event)) if event.kind != EventKind::Result => {}
                Ok(_) => return Silence::Over,
                Err(error) => {
                    self.outages().failed(Part::Events, &error);
                    return Silence::Away;
                }
            }
        }
    }
}
