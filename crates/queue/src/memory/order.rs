//! The entries of one lane in order.
//!
//! `redis/lua/order.lua` and `push.lua` follow the same rule, and a test compares the two.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use runbay_model::ExecutionId;
use runbay_model::Priority;
use runbay_model::Timestamp;
use tokio::time::Instant;

use crate::Entry;
use crate::Flow;
use crate::Turn;

/// How many flows are remembered in addition to one for each waiting entry: flows whose entries were taken back.
const IDLE_FLOWS: usize = 1_000;

/// The entries of one flow that have the same priority.
type Stream = (Flow, Priority);

#[derive(Debug)]
pub(super) struct Order {
    ready: BTreeSet<(Turn, ExecutionId)>,
    delayed: BTreeMap<(Instant, ExecutionId), Turn>,
    locations: HashMap<ExecutionId, Location>,
    now: Turn,
    /// The latest turn that was ever given.
    highest: Turn,
    last_turns: HashMap<Stream, Turn>,
    by_last_turn: BTreeSet<(Turn, Stream)>,
}

#[derive(Debug, Clone, Copy)]
enum Location {
    Ready(Turn),
    Delayed(Instant),
}

impl Order {
    pub(super) fn new() -> Self {
        let now = first_turn(Timestamp::now());
        Self {
            ready: BTreeSet::new(),
            delayed: BTreeMap::new(),
            locations: HashMap::new(),
            now,
            highest: now,
            last_turns: HashMap::new(),
            by_last_turn: BTreeSet::new(),
        }
    }

    /// Adds an entry, to be handed out at once or when it is due.
    pub(super) fn push(&mut self, entry: Entry, due: Option<Instant>) {
        if self.contains(entry.execution) {
            return;
        }
        self.advance();
        let turn = entry.turn.unwrap_or_else(|| self.next_turn((entry.flow, entry.priority)));
        self.highest = self.highest.max(turn);
        match due {
            None => self.insert_ready(entry.execution, turn),
            Some(due) => {
                self.delayed.insert((due, entry.execution), turn);
                self.locations.insert(entry.execution, Location::Delayed(due));
            }
        }
    }

    /// Takes the next entry that may be handed out.
    pub(super) fn take(&mut self, now: Instant) -> Option<(ExecutionId, Turn)> {
        while let Some(((due, execution), turn)) = self.delayed.pop_first() {
            if due > now {
                self.delayed.insert((due, execution), turn);
                break;
            }
            self.advance();
            self.insert_ready(execution, turn);
        }
        let (turn, execution) = self.ready.pop_first()?;
        self.locations.remove(&execution);
        Some((execution, turn))
    }

    /// Returns when the first delayed entry is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.delayed.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn remove(&mut self, execution: ExecutionId) -> bool {
        match self.locations.remove(&execution) {
            Some(Location::Ready(turn)) => self.ready.remove(&(turn, execution)),
            Some(Location::Delayed(due)) => self.delayed.remove(&(due, execution)).is_some(),
            None => false,
        }
    }

    pub(super) fn contains(&self, execution: ExecutionId) -> bool {
        self.locations.contains_key(&execution)
    }

    pub(super) fn len(&self) -> usize {
        self.locations.len()
    }

    fn insert_ready(&mut self, execution: ExecutionId, turn: Turn) {
        self.ready.insert((turn, execution));
        self.locations.insert(execution, Location::Ready(turn));
    }

    /// Moves virtual time on to where the order has been worked off, and forgets the flows that it has passed.
    ///
    /// `redis/lua/order.lua` gives the reasons at the same function.
    fn advance(&mut self) {
        self.now = self.now.max(self.ready.first().map_or(self.highest, |(turn, _)| *turn));
        while let Some(first) = self.by_last_turn.first()
            && first.0 <= self.now
        {
            self.forget_first();
        }
    }

    fn next_turn(&mut self, stream: Stream) -> Turn {
        let latest_waiting = self.ready.last().map_or(self.now, |(turn, _)| *turn);
        let last = self.last_turns.get(&stream).copied();
        let start = last.map_or(self.now, |last| last.min(latest_waiting).max(self.now));
        let turn = Turn(start.get() + 1.0 / f64::from(stream.1.weight()));
        if let Some(last) = last {
            self.by_last_turn.remove(&(last, stream.clone()));
        }
        self.by_last_turn.insert((turn, stream.clone()));
        self.last_turns.insert(stream, turn);
        while self.last_turns.len() > self.ready.len() + IDLE_FLOWS {
            self.forget_first();
        }
        turn
    }

    fn forget_first(&mut self) {
        if let Some((_, stream)) = self.by_last_turn.pop_first() {
            self.last_turns.remove(&stream);
        }
    }
}

/// Returns the virtual time at which an order begins: ten thousand turns for each second since 1970.
///
/// An order never gets ahead of that, so a new one begins after all turns that were given before and are kept in rows.
/// All turns are multiples of a quarter, which such numbers hold exactly.
fn first_turn(at: Timestamp) -> Turn {
    let units = u32::try_from(at.as_micros() / 1_000_000).unwrap_or(0);
    Turn(f64::from(units) * 10_000.0)
}

#[cfg(test)]
impl Order {
    pub(super) fn flows(&self) -> usize {
        assert_eq!(self.last_turns.len(), self.by_last_turn.len());
        self.last_turns.len()
    }
}
