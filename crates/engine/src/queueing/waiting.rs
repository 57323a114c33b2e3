//! How many executions of each client wait in the queue.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_model::ExecutionId;
use runbay_queue::Lane;
use runbay_queue::MAX_MISSING;
use runbay_shares::Client;
use runbay_shares::Counted;
use runbay_shares::Counts;
use runbay_shares::Share;

use crate::Engine;
use crate::Unavailable;
use crate::outage::Part;

/// The executions that this process has accepted and that wait in the queue, counted for each client.
///
/// The queue itself knows no clients, and other processes count their own: see [`Share::most_taken`]. There are no more
/// entries than the queue has places.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    counts: Counts,
    entries: Mutex<HashMap<ExecutionId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    lane: Lane,
    _counted: Counted,
}

/// A client's claim to one more place, before it is known whether it gets it.
#[derive(Debug)]
pub(crate) struct Claimed {
    counted: Counted,
    /// How many places of the queue may be taken so that it gets one.
    pub(crate) most_taken: usize,
    /// How many places it has.
    pub(crate) held: u64,
}

impl Waiting {
    /// Counts one more for a client, and returns how full the queue may be so that it gets a place.
    pub(crate) fn claim(&self, client: Client, max: usize) -> Claimed {
        let (counted, held) = self.counts.add(client);
        let whole = u64::try_from(max).unwrap_or(u64::MAX);
        let most_taken = Share::most_taken(client.share(), held, whole);
        Claimed { counted, most_taken: usize::try_from(most_taken).unwrap_or(usize::MAX), held }
    }

    /// Notes that an execution has its place.
    pub(crate) fn enter(&self, execution: ExecutionId, lane: Lane, claimed: Claimed) {
        self.lock().insert(execution, Entry { lane, _counted: claimed.counted });
    }

    /// Notes that an execution has left the queue.
    pub(crate) fn leave(&self, execution: ExecutionId) {
        let entry = self.lock().remove(&execution);
        drop(entry);
    }

    fn all(&self) -> Vec<(ExecutionId, Lane)> {
        self.lock().iter().map(|(execution, entry)| (*execution, entry.lane.clone())).collect()
    }

    /// Locks the entries; nothing panics while they are locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, HashMap<ExecutionId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Forgets the executions that other processes have taken out of the queue.
    pub(crate) async fn sweep_waiting(&self) -> Result<(), Unavailable> {
        for some in self.waiting().all().chunks(MAX_MISSING) {
            match self.queue().missing(some).await {
                Ok(missing) => missing.into_iter().for_each(|execution| self.waiting().leave(execution)),
                // What is said of it elsewhere says enough.
                Err(error) => {
                    self.outages().failed(Part::Queue, &error);
                    break;
                }
            }
        }
        Ok(())
    }
}
