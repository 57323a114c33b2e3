//! How much each client may add within an hour.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use crate::Client;
use crate::Share;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The most clients that are remembered; all that come beyond share one budget until others have theirs back.
const MAX_CLIENTS: usize = 65_536;

/// How often a full table is searched for clients that can be forgotten: it takes a millisecond.
const SEARCH_EVERY: Duration = Duration::from_secs(10);

/// How many times as much as others a bulk client may add.
const BULK_FACTOR: u64 = 8;

/// How much each client may add within an hour. What a client has spent comes back evenly.
///
/// Kept as the time at which a client has all of its budget back, which is one number for each
/// ("generic cell rate algorithm").
#[derive(Debug)]
pub struct Budget {
    /// The budget of an ordinary client. None for any amount.
    hourly: Option<u64>,
    clients: Mutex<Clients>,
}

#[derive(Debug)]
struct Clients {
    /// When each has all of its budget back.
    whole_again: HashMap<Option<Client>, Instant>,
    searched: Instant,
}

/// A client has spent its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// What it may add within an hour.
    pub hourly: u64,
    /// When the same amount will be there.
    pub retry_after: Duration,
}

impl Budget {
    /// Gives each ordinary client this much for any hour, and bulk clients eight times as much. None for any amount.
    #[must_use]
    pub fn hourly(hourly: Option<u64>) -> Self {
        let clients = Clients { whole_again: HashMap::new(), searched: Instant::now() };
        Self { hourly, clients: Mutex::new(clients) }
    }

    /// Takes an amount out of the budget of a client.
    ///
    /// # Errors
    ///
    /// [`Spent`] when there is too little left. An amount that is more than an hour's waits for the whole budget.
    pub fn spend(&self, client: Client, amount: u64) -> Result<(), Spent> {
        let Some(hourly) = self.of(client) else { return Ok(()) };
        let now = Instant::now();
        self.change(client, now, |debt| {
            let cost = time(amount.min(hourly), hourly);
            match (debt + cost).checked_sub(HOUR) {
                None | Some(Duration::ZERO) => Ok(debt + time(amount, hourly)),
                Some(retry_after) => Err(Spent { hourly, retry_after }),
            }
        })
    }

    /// Takes what was added already out of the budget of a client, even if there is too little left.
    pub fn charge(&self, client: Client, amount: u64) {
        let Some(hourly) = self.of(client) else { return };
        let charged = self.change(client, Instant::now(), |debt| Ok::<_, Spent>(debt + time(amount, hourly)));
        debug_assert!(charged.is_ok(), "a charge is never refused");
    }

    /// Gives back what a client has taken out of its budget.
    pub fn refund(&self, client: Client, amount: u64) {
        let Some(hourly) = self.of(client) else { return };
        let back = |debt: Duration| Ok::<_, Spent>(debt.saturating_sub(time(amount, hourly)));
        let refunded = self.change(client, Instant::now(), back);
        debug_assert!(refunded.is_ok(), "a refund is never refused");
    }

    fn of(&self, client: Client) -> Option<u64> {
        let factor = match client.share() {
            Share::Ordinary => 1,
            Share::Bulk => BULK_FACTOR,
        };
        self.hourly.map(|hourly| hourly.saturating_mul(factor).max(1))
    }

    /// Changes the debt of a client, which is the time until it has all of its budget back.
    fn change<E>(
        &self,
        client: Client,
        now: Instant,
        debt_after: impl FnOnce(Duration) -> Result<Duration, E>,
    ) -> Result<(), E> {
        // Nothing panics while it is locked, so poison means nothing.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let Clients { whole_again, searched } = &mut *clients;
        let has_room = whole_again.len() < MAX_CLIENTS || whole_again.contains_key(&Some(client));
        if !has_room && now.duration_since(*searched) >= SEARCH_EVERY {
            whole_again.retain(|_, time| *time > now);
            *searched = now;
        }
        let is_known = whole_again.len() < MAX_CLIENTS || whole_again.contains_key(&Some(client));
        let entry = whole_again.entry(is_known.then_some(client)).or_insert(now);
        let debt = entry.saturating_duration_since(now);
        // A debt of more than two hours is forgiven, so that one large charge shuts nobody out for days.
        *entry = now + debt_after(debt)?.min(2 * HOUR);
        Ok(())
    }
}

/// Returns how long it takes until an amount comes back.
fn time(amount: u64, hourly: u64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "amounts of bytes need no precision of 2^52")]
    let hours = amount as f64 / hourly as f64;
    HOUR.mul_f64(hours.min(1_000.0))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn client(number: u32, share: Share) -> Client {
        Client::of_address(Ipv4Addr::from_bits(number).into(), share)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_spent_comes_back_evenly() {
        let budget = Budget::hourly(Some(3_600));
        let [client, other] = [1, 2].map(|number| client(number, Share::Ordinary));
        assert_eq!(budget.spend(client, 3_600), Ok(()));
        let wait = Duration::from_secs(60);
        assert_eq!(budget.spend(client, 60), Err(Spent { hourly: 3_600, retry_after: wait }));
        assert_eq!(budget.spend(other, 60), Ok(()), "others have their own");
        tokio::time::advance(wait).await;
        assert_eq!(budget.spend(client, 60), Ok(()));
        assert!(budget.spend(client, 1).is_err());
        budget.refund(client, 5);
        assert_eq!(budget.spend(client, 5), Ok(()));
        assert!(budget.spend(client, 1).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_bulk_client_has_more_and_no_budget_is_no_bound() {
        let (budget, bulk) = (Budget::hourly(Some(100)), client(1, Share::Bulk));
        assert_eq!(budget.spend(bulk, 800), Ok(()));
        assert!(budget.spend(bulk, 1).is_err());
        assert_eq!(Budget::hourly(None).spend(bulk, u64::MAX), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_charge_is_never_refused_and_forgiven_in_the_end() {
        let (budget, client) = (Budget::hourly(Some(100)), client(1, Share::Ordinary));
        budget.charge(client, u64::MAX);
        assert!(budget.spend(client, 1).is_err());
        tokio::time::advance(2 * HOUR).await;
        assert_eq!(budget.spend(client, 100), Ok(()));
        tokio::time::advance(HOUR).await;
        assert_eq!(budget.spend(client, 1_000), Ok(()), "more than an hour's needs the whole budget");
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_of_clients_has_a_bound() {
        let budget = Budget::hourly(Some(1_000_000));
        for number in 0..70_000 {
            budget.spend(client(number, Share::Ordinary), 1).unwrap();
        }
        assert!(budget.clients.lock().unwrap().whole_again.len() <= MAX_CLIENTS + 1);
        tokio::time::advance(HOUR).await;
        budget.spend(client(70_001, Share::Ordinary), 1).unwrap();
        assert!(budget.clients.lock().unwrap().whole_again.len() <= 1);
    }
}
