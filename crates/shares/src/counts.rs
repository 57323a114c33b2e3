//! How much each client has.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::Client;

/// How much each client has of something that others count as a whole. It is cheap to clone.
///
/// Only clients that have something take memory.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Mutex<HashMap<Client, u64>>>);

/// One of something that a client has; it is counted until it is dropped.
#[derive(Debug)]
pub struct Counted {
    counts: Counts,
    client: Client,
}

impl Counts {
    /// Counts one more for a client. Returns how many it had before.
    #[must_use]
    pub fn add(&self, client: Client) -> (Counted, u64) {
        let mut counts = self.lock();
        let count = counts.entry(client).or_default();
        let before = *count;
        *count += 1;
        (Counted { counts: self.clone(), client }, before)
    }

    /// Locks the counts; nothing panics while they are locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, HashMap<Client, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Share;

    #[test]
    fn each_client_is_counted_as_long_as_it_has_something() {
        let counts = Counts::default();
        let client = |last| Client::of_address([10, 0, 0, last].into(), Share::Ordinary);
        let (one, none) = counts.add(client(1));
        let (other, first) = counts.add(client(1));
        assert_eq!((none, first, counts.add(client(2)).1), (0, 1, 0));
        drop(one);
        assert_eq!(counts.add(client(1)).1, 1);
        drop(other);
        assert!(counts.lock().is_empty());
    }
}
