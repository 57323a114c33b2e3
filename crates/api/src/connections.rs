//! Which connections are open, and which gives way when there are too many.

mod table;
mod used;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use runbay_shares::Client;
use tokio_util::sync::CancellationToken;

use self::table::Table;
pub(crate) use self::used::Used;

/// How many connections are kept beyond the bound, for health and metrics when all others are in use.
const SPARE: usize = 64;

/// The connections that are open; cheap to clone.
///
/// Nobody is turned away. At the bound, the connection that has been idle for longest is closed: of the client itself
/// when it has its share, else of the one that has most. When none is idle, a newcomer gets a spare connection, on
/// which only operators are answered; there the oldest gives way.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Mutex<Table>>);

/// An open connection, until this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    connections: Connections,
    number: u64,
    is_spare: bool,
    /// Is cancelled when the connection has to give way.
    displaced: CancellationToken,
}

/// Keeps a connection that no longer carries requests among those that are open.
#[derive(Debug, Clone)]
pub(crate) struct Kept(pub(crate) Arc<Open>);

impl Kept {
    /// Notes that the connection is used, until what is returned is dropped.
    pub(crate) fn used(self) -> (Used, Self) {
        (self.0.used(), self)
    }
}

impl Connections {
    /// Keeps so many connections.
    pub(crate) fn at_most(max: usize) -> Self {
        Self(Arc::new(Mutex::new(Table::new(max, SPARE))))
    }

    /// Notes a new connection; another one may have to give way to it.
    pub(crate) fn open(&self, client: Client) -> Open {
        let displaced = CancellationToken::new();
        let (number, is_spare) = self.lock().open(client, displaced.clone());
        Open { connections: self.clone(), number, is_spare, displaced }
    }

    /// Locks the table; nothing panics while it is locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Returns whether only operators are answered on it.
    pub(crate) const fn is_spare(&self) -> bool {
        self.is_spare
    }

    /// Waits until the connection has to give way.
    pub(crate) async fn displaced(&self) {
        self.displaced.cancelled().await;
    }

    /// Notes that a request is being answered, until what is returned is dropped.
    pub(crate) fn used(&self) -> Used {
        Used::new(self.connections.clone(), self.number)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.lock().close(self.number);
    }
}
