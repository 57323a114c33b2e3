//! A queue in the memory of one process.

mod order;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::Lane;
use async_trait::async_trait;
use runbay_model::ExecutionId;
use runbay_model::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::Consumer;
use crate::Entry;
use crate::MAX_MISSING;
use crate::Place;
use crate::Queue;
use crate::QueueError;
use crate::ReserveError;
use crate::Taken;

use self::order::Order;

/// A queue in the memory of one process.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    orders: HashMap<Lane, Order>,
    reserved: usize,
}

/// What a consumer finds.
enum Next {
    Entry(Taken),
    DueAt(Instant),
    Nothing,
}

impl MemoryQueue {
    /// Makes an empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn reserve(&self, max_depth: usize) -> Result<Box<dyn Place>, ReserveError> {
        let mut waiting = self.shared.lock();
        let depth = waiting.depth() + waiting.reserved;
        if depth >= max_depth {
            return Err(ReserveError::Full { depth, max: max_depth });
        }
        waiting.reserved += 1;
        Ok(Box::new(MemoryPlace { shared: Arc::clone(&self.shared) }))
    }

    async fn push(&self, entry: Entry) -> Result<(), QueueError> {
        self.shared.push(entry);
        Ok(())
    }

    async fn remove(&self, execution: ExecutionId, lane: &Lane) -> Result<bool, QueueError> {
        Ok(self.shared.lock().orders.get_mut(lane).is_some_and(|order| order.remove(execution)))
    }

    async fn depth(&self) -> Result<usize, QueueError> {
        Ok(self.shared.lock().depth())
    }

    async fn missing(&self, executions: &[(ExecutionId, Lane)]) -> Result<Vec<ExecutionId>, QueueError> {
        let waiting = self.shared.lock();
        let holds = |(execution, lane): &(ExecutionId, Lane)| {
            waiting.orders.get(lane).is_some_and(|order| order.contains(*execution))
        };
        let missing = executions.iter().take(MAX_MISSING).filter(|execution| !holds(execution));
        Ok(missing.map(|(execution, _)| *execution).collect())
    }

    fn consumer(&self, lanes: &[Lane]) -> Box<dyn Consumer> {
        Box::new(MemoryConsumer { shared: Arc::clone(&self.shared), lanes: lanes.iter().cloned().collect() })
    }
}

struct MemoryConsumer {
    shared: Arc<Shared>,
    /// The lanes; the one that was served last is the last.
    lanes: VecDeque<Lane>,
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn pop(&mut self) -> Result<Taken, QueueError> {
        loop {
            // Registered before the look, so that an entry that comes in between is not missed.
            let changed = self.shared.changed.notified();
            let next = self.shared.lock().take(&mut self.lanes, Instant::now());
            match next {
                // CANCEL: nothing is awaited after an entry was taken.
                Next::Entry(taken) => return Ok(taken),
                Next::DueAt(due) => {
                    tokio::select! {
                        () = changed => {}
                        () = sleep_until(due) => {}
                    }
                }
                Next::Nothing => changed.await,
            }
        }
    }
}

/// A place that was reserved; dropping it gives it back.
struct MemoryPlace {
    shared: Arc<Shared>,
}

#[async_trait]
impl Place for MemoryPlace {
    async fn push(self: Box<Self>, entry: Entry) -> Result<(), QueueError> {
        self.shared.push(entry);
        Ok(())
    }
}

impl Drop for MemoryPlace {
    fn drop(&mut self) {
        self.shared.lock().reserved -= 1;
    }
}

impl Shared {
    /// Locks the orders. No code that holds the lock panics half-way through a change, so a poisoned lock is as good as
    /// any.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, entry: Entry) {
        let delay = entry.not_before.map(|time| time.since(Timestamp::now())).filter(|delay| !delay.is_zero());
        let due = delay.map(|delay| Instant::now() + delay);
        self.lock().orders.entry(entry.lane.clone()).or_insert_with(Order::new).push(entry, due);
        // All consumers must look: one alone could serve other lanes, or be dropped before it takes the entry.
        self.changed.notify_waiters();
    }
}

impl Waiting {
    fn depth(&self) -> usize {
        self.orders.values().map(Order::len).sum()
    }

    fn take(&mut self, lanes: &mut VecDeque<Lane>, now: Instant) -> Next {
        let mut next_due = None;
        for index in 0..lanes.len() {
            let Some(order) = self.orders.get_mut(&lanes[index]) else { continue };
            if let Some((execution, turn)) = order.take(now) {
                let lane = lanes[index].clone();
                lanes.rotate_left(index + 1);
                return Next::Entry(Taken { execution, lane, turn });
            }
            next_due = [next_due, order.next_due()].into_iter().flatten().min();
        }
        next_due.map_or(Next::Nothing, Next::DueAt)
    }
}

#[cfg(test)]
mod tests;
