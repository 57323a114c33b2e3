//! A whole of which each client has a part.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::Client;

/// A whole of which each client has a part. It is cheap to clone.
///
/// Only clients that have something take memory.
#[derive(Debug, Clone)]
pub struct Shares {
    whole: u64,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: u64,
    by_client: HashMap<Client, u64>,
}

/// What a client has of a whole; it goes back when this is dropped.
#[derive(Debug)]
pub struct Held {
    shares: Shares,
    client: Client,
    amount: u64,
}

/// Why a client gets no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// All together have the whole.
    Full,
    /// The client has its share, and what is left is for others.
    Share {
        /// What it has.
        held: u64,
        /// The whole.
        whole: u64,
    },
}

impl Shares {
    /// Makes a whole of which nothing is taken.
    #[must_use]
    pub fn of(whole: u64) -> Self {
        Self { whole, taken: Arc::default() }
    }

    /// Takes some of the whole for a client.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when too little is left, or too little for others.
    pub fn take(&self, client: Client, amount: u64) -> Result<Held, NoRoom> {
        let mut held = Held { shares: self.clone(), client, amount: 0 };
        held.grow(amount)?;
        Ok(held)
    }

    /// Locks what is taken; nothing panics while it is locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Takes some more.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] as for [`Shares::take`]; what is held stays held.
    pub fn grow(&mut self, amount: u64) -> Result<(), NoRoom> {
        let mut taken = self.shares.lock();
        let free = self.shares.whole.saturating_sub(taken.all);
        let held = taken.by_client.get(&self.client).copied().unwrap_or_default();
        if !self.client.share().allows(held, amount, free) {
            let is_full = amount > free;
            return Err(if is_full { NoRoom::Full } else { NoRoom::Share { held, whole: self.shares.whole } });
        }
        if amount > 0 {
            taken.all += amount;
            *taken.by_client.entry(self.client).or_default() += amount;
            self.amount += amount;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let amount = mem::take(&mut self.amount);
        let mut taken = self.shares.lock();
        taken.all -= amount;
        if let Some(held) = taken.by_client.get_mut(&self.client) {
            *held -= amount;
            if *held == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Share;

    fn client(last: u8) -> Client {
        Client::of_address([10, 0, 0, last].into(), Share::Ordinary)
    }

    #[test]
    fn what_one_client_may_not_have_another_gets() {
        let shares = Shares::of(4);
        let held: Vec<_> = (0..2).map(|_| shares.take(client(1), 1).unwrap()).collect();
        assert_eq!(shares.take(client(1), 1).unwrap_err(), NoRoom::Share { held: 2, whole: 4 });
        let other = shares.take(client(2), 2).unwrap();
        assert_eq!(shares.take(client(3), 1).unwrap_err(), NoRoom::Full);
        drop((held, other));
        let taken = shares.lock();
        assert_eq!((taken.all, taken.by_client.len()), (0, 0));
    }

    #[test]
    fn what_grew_is_given_back_as_a_whole() {
        let shares = Shares::of(100);
        let mut held = shares.take(client(1), 30).unwrap();
        held.grow(20).unwrap();
        assert_eq!(held.grow(1).unwrap_err(), NoRoom::Share { held: 50, whole: 100 });
        drop(held);
        assert!(shares.take(client(1), 100).is_ok(), "whoever has nothing may have all");
    }
}
