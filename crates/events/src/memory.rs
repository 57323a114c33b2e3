//! An event bus in the memory of one process.
//!
//! The events of an execution are kept once, in its channel; a subscription is only a position in it. A slow subscriber
//! therefore costs nothing. When the channel has moved on beyond its position, it is told to start anew.

mod channel;
mod channels;
mod limits;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use tokio::sync::Notify;

pub use self::limits::MemoryEventBusLimits;

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
    /// Locks the channels. No code that holds the lock panics half-way through a change, so a poisoned lock is as good
    /// as any.
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
    /// The birth of the channel that was joined, by which a later one of the same execution is told apart.
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
