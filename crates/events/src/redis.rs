//! An event bus that many processes share over Redis.
//!
//! The events of an execution are a short stream whose ids are their numbers, made by a script so that they have no
//! gaps. A subscription is only a position: it reads the stream from there, over the connection that all calls share.
//! When it has read everything, it waits for a wake-up; one listener per process receives them for all its
//! subscriptions. So nothing is lost or doubled when a connection breaks, as reading goes on where it stopped, and a
//! slow subscriber costs a position and at most one page of events.

mod codec;
#[cfg(test)]
mod fuzz;
mod known;
mod listener;
mod stream;
mod subscription;

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use runbay_redis::Prefix;
use runbay_redis::Redis;

use crate::EventBus;
use crate::EventKind;
use crate::EventsError;
use crate::Subscription;

use self::known::Known;
use self::listener::Listener;
use self::stream::Streams;
use self::subscription::RedisSubscription;

/// An event bus that many processes share over Redis; cheap to clone.
#[derive(Clone)]
pub struct RedisEventBus {
    shared: Arc<Shared>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct RedisEventBusLimits {
    /// Executions that one process remembers to publish or watch; those that ended first are forgotten first.
    pub executions: usize,
    /// An execution with fewer bytes is not remembered for being published, and its events go when they expire: to
    /// remember it takes about as much memory here as its events take at the server.
    pub remembered_bytes: usize,
    /// Events of one execution.
    pub events: usize,
    /// Bytes of one execution.
    pub bytes: usize,
    /// Bytes of all executions together that one process publishes.
    pub total_bytes: usize,
    /// How long events are kept while nothing more comes.
    pub expiry: Duration,
    /// How long events are kept after the result; from then on the row has everything.
    pub expiry_after_end: Duration,
}

impl Default for RedisEventBusLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            executions: 50_000,
            remembered_bytes: 1_024,
            events: 4_096,
            bytes: 4 * MIB,
            total_bytes: 64 * MIB,
            // Longer than any execution waits in the queue, and then than a client takes to come back.
            expiry: Duration::from_secs(24 * 3600),
            expiry_after_end: Duration::from_secs(60),
        }
    }
}

struct Shared {
    streams: Streams,
    known: Arc<Known>,
    listener: Listener,
}

impl RedisEventBus {
    /// Makes a bus of the keys and channels that begin with `prefix`.
    ///
    /// Must be called within a tokio runtime: until the last clone is gone, a task listens to wake-ups.
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
        let birth = RandomState::new().hash_one(execution);
        let (id, bytes) = streams.publish(execution, birth, &kind).await?;
        let forgotten = known.published(execution, bytes, kind == EventKind::Result);
        // They expire anyway, so that an error only costs memory.
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
