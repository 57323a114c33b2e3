//! Waiting for the end of an execution.

use std::future::Future;
use std::time::Duration;

use runbay_events::EventKind;
use runbay_events::Subscription;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_store::ExecutionHead;
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

/// What can be read of an execution.
trait Readable: Sized {
    fn read(
        engine: &Engine,
        tenant: &TenantId,
        id: ExecutionId,
    ) -> impl Future<Output = Result<Self, ReadError>> + Send;

    fn state(&self) -> State;
}

impl Readable for ExecutionReport {
    async fn read(engine: &Engine, tenant: &TenantId, id: ExecutionId) -> Result<Self, ReadError> {
        engine.report(tenant, id).await
    }

    fn state(&self) -> State {
        self.summary.state
    }
}

impl Readable for ExecutionHead {
    async fn read(engine: &Engine, tenant: &TenantId, id: ExecutionId) -> Result<Self, ReadError> {
        engine.execution_head(tenant, id).await
    }

    fn state(&self) -> State {
        self.state
    }
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
        self.wait(tenant, id, patience).await
    }

    /// Waits in the same way, and reads the head.
    pub(crate) async fn wait_for_head(
        &self,
        tenant: &TenantId,
        id: ExecutionId,
        patience: Duration,
    ) -> Result<ExecutionHead, ReadError> {
        self.wait(tenant, id, patience).await
    }

    async fn wait<R: Readable>(&self, tenant: &TenantId, id: ExecutionId, patience: Duration) -> Result<R, ReadError> {
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
                return R::read(self, tenant, id).await;
            }
            let now = Instant::now();
            if now >= deadline {
                return R::read(self, tenant, id).await;
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
                let found = R::read(self, tenant, id).await?;
                if found.state().is_ended() {
                    return Ok(found);
                }
            }
            sleep_until(deadline.min(Instant::now() + blind_look)).await;
            blind_look = (blind_look * 2).min(LOOK);
            subscription = self.subscription(id).await;
        }
    }

    /// Subscribes to the events of an execution from the first one on. Returns none while the bus is away.
    pub(crate) async fn subscription(&self, id: ExecutionId) -> Option<Box<dyn Subscription>> {
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
