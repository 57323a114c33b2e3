//! What callers know of a queue.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use runbay_model::TenantId;
use runbay_model::Timestamp;

/// An execution that waits for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The execution.
    pub execution: ExecutionId,
    /// Who owns it; an order that is fair to all tenants needs it.
    pub tenant: TenantId,
    /// When the execution was accepted: its place in the order, which a retry keeps.
    pub accepted_at: Timestamp,
    /// The time before which it is not handed out.
    pub not_before: Option<Timestamp>,
}

/// Executions that wait for a worker, in order.
///
/// All methods are safe to cancel: a dropped call has either happened or not.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Reserves a place for one more entry, unless `max_depth` are taken.
    ///
    /// # Errors
    ///
    /// [`ReserveError::Full`] when they are.
    async fn reserve(&self, max_depth: usize) -> Result<Box<dyn Place>, ReserveError>;

    /// Adds an entry without a reservation, for what was accepted before: retries and what is found in the rows.
    ///
    /// An execution that is in the queue already is not added again; its newer entry replaces the older one.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the queue does not answer.
    async fn push(&self, entry: Entry) -> Result<(), Unavailable>;

    /// Waits for the next entry that may be handed out, and takes it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the queue does not answer.
    async fn pop(&self) -> Result<Entry, Unavailable>;

    /// Takes an execution out of the queue; returns whether it was in it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the queue does not answer.
    async fn remove(&self, execution: ExecutionId) -> Result<bool, Unavailable>;

    /// Returns how many entries wait, also those that may not be handed out yet.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the queue does not answer.
    async fn depth(&self) -> Result<usize, Unavailable>;
}

/// A reserved place in the queue; dropping it gives it back.
#[async_trait]
pub trait Place: Send {
    /// Puts an entry into the place.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the queue does not answer; the place is given back.
    async fn push(self: Box<Self>, entry: Entry) -> Result<(), Unavailable>;
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
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The queue does not answer; the same call may work a moment later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the queue does not answer")]
pub struct Unavailable(#[from] pub Arc<dyn Error + Send + Sync>);
