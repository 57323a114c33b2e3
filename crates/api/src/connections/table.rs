//! The table of connections: whose they are, and since when they are idle.

use std::collections::BTreeMap;
use std::collections::HashMap;

use runbay_shares::Client;
use tokio_util::sync::CancellationToken;

/// The table of connections. Those that had to give way are not in it any more, though they may take a moment to end.
#[derive(Debug)]
pub(super) struct Table {
    max: usize,
    max_spare: usize,
    last: u64,
    open: HashMap<u64, Connection>,
    by_client: HashMap<Client, OfClient>,
    /// The spare connections, in the order in which they came.
    spare: BTreeMap<u64, CancellationToken>,
}

#[derive(Debug)]
struct Connection {
    client: Client,
    displaced: CancellationToken,
    /// Its place in the order of becoming idle; none while a request is answered.
    idle: Option<u64>,
}

#[derive(Debug, Default)]
struct OfClient {
    count: usize,
    /// Its idle connections, those that became idle first at the beginning.
    idle: BTreeMap<u64, u64>,
}

impl Table {
    pub(super) fn new(max: usize, max_spare: usize) -> Self {
        let (open, by_client, spare) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        Self { max, max_spare, last: 0, open, by_client, spare }
    }

    /// Adds a connection, which is idle at first. Returns its number, and whether it is a spare one.
    pub(super) fn open(&mut self, client: Client, displaced: CancellationToken) -> (u64, bool) {
        let number = self.next();
        let is_spare = !self.has_room(client) && !self.make_room(client);
        if is_spare {
            if self.spare.len() >= self.max_spare
                && let Some((_, oldest)) = self.spare.pop_first()
            {
                oldest.cancel();
            }
            self.spare.insert(number, displaced);
        } else {
            self.open.insert(number, Connection { client, displaced, idle: None });
            self.by_client.entry(client).or_default().count += 1;
            self.end(number);
        }
        (number, is_spare)
    }

    /// Notes that a request is being answered.
    pub(super) fn begin(&mut self, number: u64) {
        let Some(connection) = self.open.get_mut(&number) else { return };
        if let (Some(since), Some(of_client)) = (connection.idle.take(), self.by_client.get_mut(&connection.client)) {
            of_client.idle.remove(&since);
        }
    }

    /// Notes that a connection is idle.
    pub(super) fn end(&mut self, number: u64) {
        let since = self.next();
        let Some(connection) = self.open.get_mut(&number) else { return };
        connection.idle = Some(since);
        self.by_client.entry(connection.client).or_default().idle.insert(since, number);
    }

    pub(super) fn close(&mut self, number: u64) {
        self.spare.remove(&number);
        self.remove(number);
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn has_room(&self, client: Client) -> bool {
        let held = self.by_client.get(&client).map_or(0, |of_client| of_client.count);
        let free = self.max.saturating_sub(self.open.len());
        let [held, free] = [held, free].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        client.share().allows(held, 1, free)
    }

    /// Lets an idle connection give way; returns whether there was one.
    fn make_room(&mut self, client: Client) -> bool {
        let own = self.by_client.get(&client);
        let gives_way = match own {
            Some(own) => own.idle.first_key_value(),
            None => {
                let others = self.by_client.values().filter(|other| !other.idle.is_empty());
                others.max_by_key(|other| other.count).and_then(|other| other.idle.first_key_value())
            }
        };
        let Some((_, &number)) = gives_way else { return false };
        let removed = self.remove(number);
        removed.inspect(|connection| connection.displaced.cancel()).is_some()
    }

    fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.open.remove(&number)?;
        if let Some(of_client) = self.by_client.get_mut(&connection.client) {
            of_client.count -= 1;
            if let Some(since) = connection.idle {
                of_client.idle.remove(&since);
            }
            if of_client.count == 0 {
                self.by_client.remove(&connection.client);
            }
        }
        Some(connection)
    }
}

#[cfg(test)]
mod tests {
    use runbay_shares::Share;

    use super::*;

    fn client(last: u8) -> Client {
        Client::of_address([10, 0, 0, last].into(), Share::Ordinary)
    }

    fn open(table: &mut Table, last: u8) -> (u64, bool, CancellationToken) {
        let displaced = CancellationToken::new();
        let (number, is_spare) = table.open(client(last), displaced.clone());
        (number, is_spare, displaced)
    }

    #[test]
    fn of_a_client_with_its_share_the_longest_idle_gives_way() {
        let mut table = Table::new(8, 2);
        let own: Vec<_> = (0..4).map(|_| open(&mut table, 1)).collect();
        // The first has answered something since.
        table.begin(own[0].0);
        table.end(own[0].0);
        let other = open(&mut table, 2);
        let (_, is_spare, _) = open(&mut table, 1);
        assert!(!is_spare);
        let displaced: Vec<_> = own.iter().map(|(_, _, displaced)| displaced.is_cancelled()).collect();
        assert_eq!(displaced, [false, true, false, false]);
        assert!(!other.2.is_cancelled());
    }

    #[test]
    fn for_a_newcomer_one_of_the_client_with_most_gives_way() {
        let mut table = Table::new(3, 2);
        let [few, most] = [open(&mut table, 1), open(&mut table, 2)];
        table.begin(few.0);
        let third = open(&mut table, 3);
        let (_, is_spare, _) = open(&mut table, 4);
        assert!(!is_spare && (most.2.is_cancelled() != third.2.is_cancelled()) && !few.2.is_cancelled());
    }

    #[test]
    fn when_none_is_idle_there_are_spare_ones_and_the_oldest_gives_way() {
        let mut table = Table::new(2, 2);
        for last in 1..=2 {
            let (number, is_spare, _) = open(&mut table, last);
            assert!(!is_spare);
            table.begin(number);
        }
        let spare: Vec<_> = (0..3).map(|_| open(&mut table, 3)).collect();
        assert!(spare.iter().all(|(_, is_spare, _)| *is_spare));
        let displaced: Vec<_> = spare.iter().map(|(_, _, displaced)| displaced.is_cancelled()).collect();
        assert_eq!(displaced, [true, false, false]);
        for number in 0..100 {
            table.close(number);
        }
        assert!(table.open.is_empty() && table.by_client.is_empty() && table.spare.is_empty());
    }
}
