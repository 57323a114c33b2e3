//! An event bus that many processes share over Redis.
//!
//! The events of an execution are a short stream. A script makes it, so the ids are the numbers of the events and have
//! no gaps. A subscription is only a position: it reads the stream from there, over the connection that all calls
//! share. When it has read everything, it waits for a wake-up, and one listener of the process receives the wake-ups of
//! all its subscriptions. When a connection breaks, reading goes on where it stopped, so nothing is lost or doubled. A
//! slow subscriber costs a position and at most one page of events.

mod codec;
#[cfg(test)]
mod fuzz;
mod known;
mod limits;
mod listener;
mod shared;
mod stream;
mod subscription;

use std::sync::Arc;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use runbay_redis::Prefix;
use runbay_redis::Redis;

pub use self::limits::RedisEventBusLimits;

use crate::EventBus;
use crate::EventKind;
use crate::EventsError;
use crate::Subscription;

use self::known::Known;
use self::listener::Listener;
use self::shared::Shared;
use self::stream::Streams;
use self::subscription::RedisSubscription;

/// An event bus that many processes share over Redis; cheap to clone.
#[derive(Clone)]
pub struct RedisEventBus {
    shared: Arc<Shared>,
}

impl RedisEventBus {
    /// Makes a bus of the keys and channels that begin with `prefix`.
    ///
    /// Must be called within a tokio runtime, in which a task listens to wake-ups until the last clone is gone.
    #[must_use]
    pub fn new(redis: Redis, prefix: &Prefix, limits: RedisEventBusLimits) -> Self {
        let known = Arc::new(Known::new(limits));
        let streams = Streams::new(redis.clone(), prefix, limits);
        let listener = Listener::start(redis, streams.keys(), Arc::clone(&known));
        Self { shared: Arc::new(Shared { streams, known, listener }) }
    }
}

#[async_trait]
impl EventBus for RedisEventBus {
    async fn publish(&self, execution: ExecutionId, kind: EventKind) -> Result<u64, EventsError> {
        let Shared { streams, known, .. } = &*self.shared;
        let birth = fastrand::u64(..);
        let (id, bytes) = streams.publish(execution, birth, &kind).await?;
        let forgotten = known.published(execution, bytes, kind == EventKind::Result);
        // They expire anyway, so an error costs memory only.
        if let Err(error) = streams.forget(&forgotten).await {
            tracing::debug!(error = %error, "events stay until they expire");
        }
        Ok(id)
    }

    async fn subscribe(
        &self,
        execution: ExecutionId,
        after: Option<u64>,
    ) -> Result<Box<dyn Subscription>, EventsError> {
        let watch = self.shared.known.join(execution);
        self.shared.listener.look();
        let position = after.unwrap_or(0);
        Ok(Box::new(RedisSubscription::new(Arc::clone(&self.shared), execution, watch, position)))
    }
}

#[cfg(test)]
mod tests;
