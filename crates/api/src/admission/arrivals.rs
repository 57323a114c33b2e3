//! Requests whose bodies are on their way.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_shares::Client;
use tokio_util::sync::CancellationToken;

/// Requests whose bodies are on their way; cheap to clone.
///
/// Nobody is refused: when a client has its share, its own body that has been on its way for longest gives way, as an
/// honest one needs no more than a moment.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    max: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    all: u64,
    /// In the order in which they came.
    by_client: HashMap<Client, BTreeMap<u64, CancellationToken>>,
}

/// A body on its way, until this is dropped.
#[derive(Debug)]
pub(super) struct Arrival {
    arrivals: Arrivals,
    client: Client,
    number: u64,
    /// Is cancelled when the body has to give way.
    pub(super) displaced: CancellationToken,
}

impl Arrivals {
    /// Lets so many bodies be on their way at one time.
    pub(super) fn at_most(max: u64) -> Self {
        Self { max, state: Arc::default() }
    }

    /// Begins to wait for a body.
    pub(super) fn begin(&self, client: Client) -> Arrival {
        let mut state = self.lock();
        let held = state.by_client.get(&client).map_or(0, count);
        if !client.share().allows(held, 1, self.max.saturating_sub(state.all)) {
            let most = state.by_client.iter().max_by_key(|(_, bodies)| bodies.len()).map(|(client, _)| *client);
            let gives_way = if held > 0 { Some(client) } else { most };
            gives_way.and_then(|client| state.displace_oldest(client));
        }
        state.last += 1;
        state.all += 1;
        let (number, displaced) = (state.last, CancellationToken::new());
        state.by_client.entry(client).or_default().insert(number, displaced.clone());
        Arrival { arrivals: self.clone(), client, number, displaced }
    }

    /// Lets the oldest other body of the same client give way; returns whether there was one.
    pub(super) fn make_room(&self, arrival: &Arrival) -> bool {
        let mut state = self.lock();
        let bodies = state.by_client.get(&arrival.client);
        let oldest = bodies.and_then(|bodies| bodies.keys().find(|number| **number != arrival.number)).copied();
        oldest.is_some_and(|number| state.displace(arrival.client, number))
    }

    /// Locks the state; nothing panics while it is locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn displace_oldest(&mut self, client: Client) -> Option<()> {
        let number = *self.by_client.get(&client)?.first_key_value()?.0;
        self.displace(client, number).then_some(())
    }

    fn displace(&mut self, client: Client, number: u64) -> bool {
        let displaced = self.remove(client, number);
        displaced.inspect(CancellationToken::cancel).is_some()
    }

    fn remove(&mut self, client: Client, number: u64) -> Option<CancellationToken> {
        let bodies = self.by_client.get_mut(&client)?;
        let removed = bodies.remove(&number)?;
        if bodies.is_empty() {
            self.by_client.remove(&client);
        }
        self.all -= 1;
        Some(removed)
    }
}

fn count(bodies: &BTreeMap<u64, CancellationToken>) -> u64 {
    u64::try_from(bodies.len()).unwrap_or(u64::MAX)
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.arrivals.lock().remove(self.client, self.number);
    }
}

#[cfg(test)]
mod tests {
    use runbay_shares::Share;

    use super::*;

    fn client(last: u8) -> Client {
        Client::of_address([10, 0, 0, last].into(), Share::Ordinary)
    }

    #[test]
    fn the_oldest_body_of_the_client_itself_gives_way() {
        let arrivals = Arrivals::at_most(8);
        let other = arrivals.begin(client(2));
        let own: Vec<_> = (0..20).map(|_| arrivals.begin(client(1))).collect();
        let waiting = own.iter().filter(|arrival| !arrival.displaced.is_cancelled()).count();
        assert_eq!(waiting, 3, "of eight, another has one, and as many are free");
        assert!(!own[19].displaced.is_cancelled() && !other.displaced.is_cancelled());
        drop((own, other));
        let state = arrivals.lock();
        assert_eq!((state.all, state.by_client.len()), (0, 0));
    }

    #[test]
    fn whoever_comes_first_time_finds_room() {
        let arrivals = Arrivals::at_most(2);
        let many: Vec<_> = (1..=2).map(|last| arrivals.begin(client(last))).collect();
        let new = arrivals.begin(client(3));
        assert!(!new.displaced.is_cancelled());
        assert_eq!(many.iter().filter(|arrival| arrival.displaced.is_cancelled()).count(), 1);
    }
}
