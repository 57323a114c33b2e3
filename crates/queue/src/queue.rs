//! What callers know of a queue.

use std::error::Error;
use std::sync::Arc;

use crate::Lane;
use async_trait::async_trait;
use runbay_model::ExecutionId;

use crate::Entry;
use crate::Taken;

/// How many executions one call of [`Queue::missing`] looks at.
pub const MAX_MISSING: usize = 500;

/// Executions that wait for a worker, in order.
///
/// All methods are safe to cancel: a dropped call has either happened or not.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Reserves a place for one more entry, unless `max_depth` are taken.
    ///
    /// Several processes that share the queue may together exceed the bound by what they are accepting at the moment.
    ///
    /// # Errors
    ///
    /// [`ReserveError::Full`] when all places are taken, [`ReserveError::Failed`] when the queue does not answer.
    async fn reserve(&self, max_depth: usize) -> Result<Box<dyn Place>, ReserveError>;

    /// Adds an entry without a reservation, for what was accepted before: retries, and rows that the queue does not
    /// hold.
    ///
    /// An execution that is in the queue already is not added again; it keeps its turn and its time.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue does not answer. The entry may have been added all the same, and may be added
    /// again.
    async fn push(&self, entry: Entry) -> Result<(), QueueError>;

    /// Takes an execution out of the queue; returns whether it was in it.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue does not answer.
    async fn remove(&self, execution: ExecutionId, lane: &Lane) -> Result<bool, QueueError>;

    /// Returns how many entries wait in all lanes, delayed ones included.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue does not answer.
    async fn depth(&self) -> Result<usize, QueueError>;

    /// Returns which of these executions the queue does not hold, of the first [`MAX_MISSING`] at most.
    ///
    /// An execution that was just handed out is missing, too.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue does not answer.
    async fn missing(&self, executions: &[(ExecutionId, Lane)]) -> Result<Vec<ExecutionId>, QueueError>;

    /// Makes a consumer of the entries of these lanes.
    fn consumer(&self, lanes: &[Lane]) -> Box<dyn Consumer>;
}

/// Takes entries of some lanes. No lane waits for ever while others have entries.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for the next entry that may be handed out, and takes it.
    ///
    /// CANCEL: a dropped call loses nothing; the next one goes on with what it began. When the consumer itself is
    /// dropped, the entry that it was about to take goes back into the queue. When the process dies in that moment, the
    /// entry is lost, and [`Queue::missing`] finds it.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue does not answer.
    async fn pop(&mut self) -> Result<Taken, QueueError>;
}

/// A reserved place in the queue; dropping it gives it back.
#[async_trait]
pub trait Place: Send {
    /// Puts an entry into the place.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue does not answer; the place is given back.
    async fn push(self: Box<Self>, entry: Entry) -> Result<(), QueueError>;
}

/// Why no place was reserved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReserveError {
    /// All places are taken.
    #[error("{depth} of {max} places in the queue are taken")]
    Full {
        /// How many are taken.
        depth: usize,
        /// How many there are.
        max: usize,
    },
    /// The queue does not answer.
    #[error(transparent)]
    Failed(#[from] QueueError),
}

/// The queue does not answer; the same call may work a moment later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the queue does not answer")]
pub struct QueueError(#[from] pub Arc<dyn Error + Send + Sync>);

impl From<runbay_redis::Error> for QueueError {
    fn from(error: runbay_redis::Error) -> Self {
        Self(Arc::new(error))
    }
}
