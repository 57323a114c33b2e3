//! An event bus in the memory of one process.
//!
//! The events of an execution are kept once, in its channel; a subscription is only a position in it. So a slow
//! subscriber costs nothing, and when the channel has moved on beyond its position it is told to start anew.

mod channel;
mod channels;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use tokio::sync::Notify;

use crate::Event;
use crate::EventBus;
use crate::EventKind;
use crate::EventsError;
use crate::Subscription;

use self::channel::Step;
use self::channels::Channels;

/// An event bus in the memory of one process; cheap to clone.
#[derive(Debug, Clone)]
pub struct MemoryEventBus {
    shared: Arc<Shared>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct MemoryEventBusLimits {
    /// Executions that are remembered; those that ended first are forgotten first.
    pub executions: usize,
    /// Events of one execution.
    pub events: usize,
    /// Bytes of one execution.
    pub bytes: usize,
    /// Bytes of all executions together.
    pub total_bytes: usize,
}

impl Default for MemoryEventBusLimits {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        // Enough for all that may be queued and running, and for the whole output of one run in small pieces.
        Self { executions: 20_000, events: 4_096, bytes: 4 * MIB, total_bytes: 256 * MIB }
    }
}

#[derive(Debug)]
struct Shared {
    channels: Mutex<Channels>,
}

impl MemoryEventBus {
    /// Makes a bus that keeps at most this much.
    #[must_use]
    pub fn new(limits: MemoryEventBusLimits) -> Self {
        Self { shared: Arc::new(Shared { channels: Mutex::new(Channels::new(limits)) }) }
    }
}

impl Default for MemoryEventBus {
    fn default() -> Self {
        Self::new(MemoryEventBusLimits::default())
    }
}

impl Shared {
    /// No code that holds the lock can panic half-way through a change, so a poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, Channels> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventBus for MemoryEventBus {
    async fn publish(&self, execution: ExecutionId, kind: EventKind) -> Result<u64, EventsError> {
        Ok(self.shared.lock().publish(execution, kind))
    }

    async fn subscribe(
        &self,
        execution: ExecutionId,
        after: Option<u64>,
    ) -> Result<Box<dyn Subscription>, EventsError> {
        let (birth, changed) = self.shared.lock().join(execution);
        let position = after.unwrap_or(0);
        Ok(Box::new(MemorySubscription { shared: Arc::clone(&self.shared), execution, birth, changed, position }))
    }
}

/// A position in the channel of an execution.
struct MemorySubscription {
    shared: Arc<Shared>,
    execution: ExecutionId,
    /// Tells the channel that was joined from a later one of the same execution.
    birth: u64,
    changed: Arc<Notify>,
    /// The number of the last event that was handed out.
    position: u64,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Result<Option<Event>, EventsError> {
        loop {
            // Registered before the look, so that an event that comes in between is not missed.
            let changed = self.changed.notified();
            let step = self.shared.lock().step(self.execution, self.birth, self.position);
            match step {
                // CANCEL: nothing is awaited after the position has moved.
                Step::Event(event) => {
                    self.position = event.id;
                    return Ok(Some(event));
                }
                Step::Over => return Ok(None),
                Step::Wait => changed.await,
            }
        }
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.shared.lock().leave(self.execution, self.birth);
    }
}

#[cfg(test)]
mod tests;
