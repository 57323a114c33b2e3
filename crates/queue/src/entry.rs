//! What a queue holds and hands out.

use std::cmp::Ordering;
use std::fmt;

use crate::Lane;
use runbay_model::ExecutionId;
use runbay_model::Priority;
use runbay_model::Timestamp;

/// An execution that waits for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The execution.
    pub execution: ExecutionId,
    /// The flow that it belongs to.
    pub flow: Flow,
    /// What a worker must be able to run; each lane has an order of its own.
    pub lane: Lane,
    /// How large its share is.
    pub priority: Priority,
    /// The turn of an earlier attempt, if there was one. A retry keeps it, and so comes before all later turns.
    pub turn: Option<Turn>,
    /// The time before which it is not handed out.
    pub not_before: Option<Timestamp>,
}

/// An entry that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The execution.
    pub execution: ExecutionId,
    /// Its lane.
    pub lane: Lane,
    /// Its turn, which a retry keeps.
    pub turn: Turn,
}

impl Taken {
    /// Makes the entry that goes back into the queue at the same turn, when the execution could not be claimed.
    #[must_use]
    pub fn again(self, not_before: Timestamp) -> Entry {
        let Self { execution, lane, turn } = self;
        // With a turn, neither the flow nor the priority has any effect.
        let (flow, priority) = (Flow::new(""), Priority::default());
        Entry { execution, flow, lane, priority, turn: Some(turn), not_before: Some(not_before) }
    }
}

/// The name of whoever shares the service with others: a tenant, or a session where there is one tenant only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow(String);

impl Flow {
    /// The longest name in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Makes a flow of a name. Names with the same first [`Flow::MAX_BYTES`] bytes are the same flow.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let mut name = name.into();
        name.truncate(name.floor_char_boundary(Self::MAX_BYTES));
        Self(name)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A moment in the order of one lane, in virtual time.
#[derive(Debug, Clone, Copy)]
pub struct Turn(pub(crate) f64);

impl Turn {
    /// Makes a turn of a stored number; none if the number cannot be one.
    #[must_use]
    pub fn new(turn: f64) -> Option<Self> {
        // The sum makes a negative zero a positive one, so that equal turns have equal bits.
        (turn.is_finite() && turn >= 0.0).then_some(Self(turn + 0.0))
    }

    /// Returns the number to store.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Turn {}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_a_finite_number_from_zero_on() {
        for turn in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.25] {
            assert_eq!(Turn::new(turn), None, "{turn}");
        }
        assert_eq!(Turn::new(-0.0), Turn::new(0.0));
        assert!(Turn::new(0.25) < Turn::new(1e9));
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(Flow::new("ü".repeat(100)).as_str(), "ü".repeat(64));
        assert_eq!(Flow::new(format!("a{}", "ü".repeat(100))).as_str().len(), 127);
    }
}
