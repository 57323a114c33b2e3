//! A queue in the memory of one process.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use async_trait::async_trait;
use runbay_model::ExecutionId;
use runbay_model::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::Entry;
use crate::Place;
use crate::Queue;
use crate::ReserveError;
use crate::Unavailable;

/// A queue in the memory of one process: first come, first served.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

/// First come, first served; the id only tells apart what came in the same microsecond.
type Order = (Timestamp, ExecutionId);

#[derive(Debug, Default)]
struct Waiting {
    ready: BTreeMap<Order, Entry>,
    delayed: BTreeMap<(Instant, Order), Entry>,
    locations: HashMap<ExecutionId, Location>,
    reserved: usize,
}

#[derive(Debug, Clone, Copy)]
enum Location {
    Ready(Order),
    Delayed(Instant, Order),
}

/// What `pop` finds.
enum Next {
    Entry(Entry),
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
        let depth = waiting.locations.len() + waiting.reserved;
        if depth >= max_depth {
            return Err(ReserveError::Full { depth, max: max_depth });
        }
        waiting.reserved += 1;
        Ok(Box::new(MemoryPlace { shared: Arc::clone(&self.shared) }))
    }

    async fn push(&self, entry: Entry) -> Result<(), Unavailable> {
        self.shared.push(entry);
        Ok(())
    }

    async fn pop(&self) -> Result<Entry, Unavailable> {
        loop {
            // Registered before the look, so that an entry that comes in between is not missed.
            let changed = self.shared.changed.notified();
            let next = self.shared.lock().take(Instant::now());
            match next {
                // CANCEL: nothing is awaited after an entry was taken.
                Next::Entry(entry) => return Ok(entry),
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

    async fn remove(&self, execution: ExecutionId) -> Result<bool, Unavailable> {
        Ok(self.shared.lock().remove(execution))
    }

    async fn depth(&self) -> Result<usize, Unavailable> {
        Ok(self.shared.lock().locations.len())
    }
}

/// A place that was reserved; dropping it gives it back.
struct MemoryPlace {
    shared: Arc<Shared>,
}

#[async_trait]
impl Place for MemoryPlace {
    async fn push(self: Box<Self>, entry: Entry) -> Result<(), Unavailable> {
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
    /// No code that holds the lock can panic half-way through a change, so a poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, entry: Entry) {
        let now = Instant::now();
        let delay = entry.not_before.map(|time| time.since(Timestamp::now())).filter(|delay| !delay.is_zero());
        match delay {
            None => {
                self.lock().insert_ready(entry);
                self.changed.notify_one();
            }
            Some(delay) => {
                self.lock().insert_delayed(now + delay, entry);
                // All of them must look at the clock anew: one alone could be dropped while it sleeps, and the
                // others would sleep for longer.
                self.changed.notify_waiters();
            }
        }
    }
}

impl Waiting {
    fn insert_ready(&mut self, entry: Entry) {
        self.remove(entry.execution);
        let order = (entry.accepted_at, entry.execution);
        self.locations.insert(entry.execution, Location::Ready(order));
        self.ready.insert(order, entry);
    }

    fn insert_delayed(&mut self, due: Instant, entry: Entry) {
        self.remove(entry.execution);
        let order = (entry.accepted_at, entry.execution);
        self.locations.insert(entry.execution, Location::Delayed(due, order));
        self.delayed.insert((due, order), entry);
    }

    fn remove(&mut self, execution: ExecutionId) -> bool {
        match self.locations.remove(&execution) {
            Some(Location::Ready(order)) => self.ready.remove(&order).is_some(),
            Some(Location::Delayed(due, order)) => self.delayed.remove(&(due, order)).is_some(),
            None => false,
        }
    }

    fn take(&mut self, now: Instant) -> Next {
        while let Some(first) = self.delayed.first_entry()
            && first.key().0 <= now
        {
            let entry = first.remove();
            self.insert_ready(entry);
        }
        if let Some((_, entry)) = self.ready.pop_first() {
            self.locations.remove(&entry.execution);
            return Next::Entry(entry);
        }
        match self.delayed.first_key_value() {
            Some(((due, _), _)) => Next::DueAt(*due),
            None => Next::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryQueue;
    use crate::suite;

    macro_rules! runs {
        ($($case:ident,)*) => {
            $(
                #[tokio::test(start_paused = true)]
                async fn $case() {
                    suite::$case(Arc::new(MemoryQueue::new())).await;
                }
            )*
        };
    }

    runs! {
        first_come_first_served,
        a_retry_keeps_its_place_but_waits_for_its_time,
        an_earlier_time_wakes_whoever_waits_for_a_later_one,
        two_that_are_due_at_once_wake_two,
        places_are_counted_strictly,
        a_place_that_is_not_used_is_given_back,
        what_was_accepted_before_is_taken_beyond_the_bound,
        the_same_execution_is_never_in_it_twice,
        what_is_removed_is_not_handed_out,
        a_dropped_pop_loses_nothing,
        every_entry_is_handed_out_once,
    }
}
