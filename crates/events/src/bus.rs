//! What callers know of an event bus.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use runbay_model::ExecutionId;

use crate::Event;
use crate::EventKind;

/// Carries events from the processes that run executions to those that watch them.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes the next event of an execution and returns its number; never waits for a subscriber.
    ///
    /// After [`EventKind::Result`] nothing is added any more, and the number of the result is returned.
    ///
    /// # Errors
    ///
    /// [`EventsError`] when the bus does not answer.
    async fn publish(&self, execution: ExecutionId, kind: EventKind) -> Result<u64, EventsError>;

    /// Starts to watch an execution. The events after number `after` come first (all of them when it is none), then new
    /// ones.
    ///
    /// A subscription misses nothing that is published after this call has returned.
    ///
    /// # Errors
    ///
    /// [`EventsError`] when the bus does not answer.
    async fn subscribe(&self, execution: ExecutionId, after: Option<u64>)
    -> Result<Box<dyn Subscription>, EventsError>;
}

/// One watcher's view of the events of one execution.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next event.
    ///
    /// When events that should come next are no longer kept, an [`EventKind::Reset`] comes instead, and then everything
    /// that is kept. After [`EventKind::Result`] there is no next event, and neither when the bus had to forget the
    /// execution; the row says more then.
    ///
    /// CANCEL: a dropped call loses no event.
    ///
    /// # Errors
    ///
    /// [`EventsError`] when the bus does not answer.
    async fn next(&mut self) -> Result<Option<Event>, EventsError>;
}

/// The event bus does not answer; the same call may work a moment later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event bus does not answer")]
pub struct EventsError(#[from] pub Arc<dyn Error + Send + Sync>);

impl From<runbay_redis::Error> for EventsError {
    fn from(error: runbay_redis::Error) -> Self {
        Self(Arc::new(error))
    }
}
